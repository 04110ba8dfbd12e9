"""Drift in a soak: does a resource grow with the runs that were made?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gatewright.core.errors import ConfigurationError
from gatewright.core.verdict import Verdict
from gatewright.slo.advice import more
from gatewright.slo.judge import ALPHA, holm
from gatewright.slo.trend import Trend

__all__ = ["Drift", "DriftLimit", "DriftSeries", "block_minima", "judge_drifts"]

LEAST_BLOCKS = 12
TREND_ALPHA = 0.01
SOME_MORE = 0.5
"""Of the soak so far, where the bounds alone would not ask for more."""
HOPELESS = 20
"""Times the length of a soak beyond which a longer one is no advice."""


@dataclass(frozen=True)
class DriftLimit:
    """The largest growth that is allowed.

    Attributes:
        name: of the series.
        per_run: in the unit of the series, for each run.
        granularity: growth over the whole of the judged runs that no leak is needed for, e.g. one thread, or
            what an allocator takes at once; less than this never fails.
    """

    name: str
    per_run: float
    granularity: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.per_run < math.inf:
            raise ConfigurationError(
                f"the limit of {self.name} must be a positive finite number, not {self.per_run:g}"
            )
        if not 0 <= self.granularity < math.inf:
            raise ConfigurationError(
                f"the granularity of {self.name} must be a finite number from 0 on, not {self.granularity:g}"
            )


@dataclass(frozen=True)
class DriftSeries:
    """A series over a soak, by blocks, and what is allowed to it.

    Attributes:
        limit: what is allowed.
        runs: cumulative runs at each block, ascending.
        values: the series there.
    """

    limit: DriftLimit
    runs: Sequence[float]
    values: Sequence[float]

    def after_warm_up(self) -> Trend:
        """Its trend, the first quarter skipped."""
        skipped = len(self.values) // 4
        return Trend(self.runs[skipped:], self.values[skipped:])


@dataclass(frozen=True)
class Drift:
    """What was found about one series; slopes per run.

    Attributes:
        limit: what is allowed.
        verdict: PASS when a slope above the limit is refuted, FAIL when one below it is, and the growth is
            significant, larger than the granularity, and goes on; else INCONCLUSIVE.
        slope: Theil-Sen estimate; 0 when there are too few blocks.
        lower: its lower bound, one-sided at alpha.
        upper: likewise its upper bound.
        trend_p: p-value of Mann and Kendall's test for growth.
        p_pass: p-value against "it grows by more than is allowed", before Holm's correction.
        p_fail: likewise against "it grows by at most what is allowed".
        blocks: points that were used.
        missing: in words, what would make it conclusive; empty when it is.
    """

    limit: DriftLimit
    verdict: Verdict
    slope: float
    lower: float
    upper: float
    trend_p: float
    p_pass: float
    p_fail: float
    blocks: int
    missing: str


def block_minima(
    runs: Sequence[int], values: Sequence[float], blocks: int
) -> tuple[list[float], list[float]]:
    """Cumulative runs and the least value of each of `blocks` equal blocks; minima see through sawteeth."""
    size = max(1, len(values) // blocks)
    starts = range(0, len(values) - size + 1, size)
    lowest = [min(range(start, start + size), key=values.__getitem__) for start in starts]
    return [float(runs[index]) for index in lowest], [values[index] for index in lowest]


def judge_drifts(series: Sequence[DriftSeries], *, rate: float, alpha: float = ALPHA) -> tuple[Drift, ...]:
    """Judge the growth of every series; the error is shared among them by Holm's method, for each side.

    Growth is related to runs, not to time: a service that is idle more often must not look better. A cache
    that fills grows too, so growth fails only while it goes on: also the later half of the points must exceed
    the limit.

    Args:
        series: by blocks.
        rate: runs per second, for the words about how much longer it takes.
        alpha: probability of a wrong PASS, and of a wrong FAIL, of all series together.
    """
    weighed = [weigh(each, alpha) for each in series]
    passing = holm([each.p_pass for each in weighed], alpha)
    failing = holm([each.p_fail for each in weighed], alpha)
    return tuple(
        decide(one, drift, passes=passes, fails=fails, rate=rate)
        for one, drift, passes, fails in zip(series, weighed, passing, failing, strict=True)
    )


def weigh(series: DriftSeries, alpha: float) -> Drift:
    """The figures of one series, not yet decided."""
    trend, limit = series.after_warm_up(), series.limit
    blocks = len(trend.y)
    if blocks < LEAST_BLOCKS or trend.x[-1] <= trend.x[0]:
        return Drift(limit, Verdict.INCONCLUSIVE, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, blocks, "")
    lower, upper = trend.bounds(alpha)
    return Drift(
        limit=limit,
        verdict=Verdict.INCONCLUSIVE,
        slope=trend.slope,
        lower=lower,
        upper=upper,
        trend_p=trend.p_growth(),
        p_pass=trend.p_below(limit.per_run),
        p_fail=trend.p_above(limit.per_run),
        blocks=blocks,
        missing="",
    )


def decide(series: DriftSeries, drift: Drift, *, passes: bool, fails: bool, rate: float) -> Drift:
    """The verdict about one series, once Holm's method has said what is refuted."""
    if passes:
        return replace(drift, verdict=Verdict.PASS)
    doubt = doubt_of_growth(series, drift) if fails else "its bounds enclose the limit"
    if not doubt:
        return replace(drift, verdict=Verdict.FAIL)
    return replace(drift, missing=words_for_doubt(series, drift, doubt, rate))


def doubt_of_growth(series: DriftSeries, drift: Drift) -> str:
    """Why growth beyond the limit need not be a leak; empty when it is one."""
    trend = series.after_warm_up()
    if drift.trend_p >= TREND_ALPHA:
        return "its growth is not significant"
    if drift.slope * (trend.x[-1] - trend.x[0]) < drift.limit.granularity:
        return "it has grown by less than its granularity"
    if trend.second_half().slope <= drift.limit.per_run:
        return "it has grown, and hardly in the later half"
    return ""


def words_for_doubt(series: DriftSeries, drift: Drift, doubt: str, rate: float) -> str:
    """What is missing, in one clause.

    The bounds of a slope narrow at least as fast as the runs grow in number.
    """
    if not drift.blocks:
        return "it could not be read"
    made = series.runs[-1]
    if made <= series.runs[0]:
        return "no runs were made meanwhile"
    if drift.blocks < LEAST_BLOCKS:
        few = f"needs at least {LEAST_BLOCKS} blocks after the warm-up, has {drift.blocks}"
        return f"{few}: {more(made * (LEAST_BLOCKS / drift.blocks - 1), rate)}"
    distance = abs(drift.slope - drift.limit.per_run)
    margin = max(drift.upper - drift.slope, drift.slope - drift.lower)
    if margin >= HOPELESS * distance:
        return f"{doubt}: too close to the limit to tell, move it"
    return f"{doubt}: {more(made * max(SOME_MORE, margin / distance - 1), rate)}"
