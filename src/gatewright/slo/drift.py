"""Drift in a soak: does a resource grow with the runs that were made?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import stats

from gatewright.core.errors import ConfigurationError
from gatewright.core.verdict import Verdict

__all__ = ["Drift", "DriftLimit", "block_minima", "find_drift"]

LEAST_BLOCKS = 12
TREND_ALPHA = 0.01
SLOPE_CONFIDENCE = 0.90


@dataclass(frozen=True)
class DriftLimit:
    """The largest growth that is allowed, per run, in the unit of the series."""

    name: str
    per_run: float

    def __post_init__(self) -> None:
        if not 0 < self.per_run < math.inf:
            raise ConfigurationError(
                f"the limit of {self.name} must be a positive finite number, not {self.per_run:g}"
            )


@dataclass(frozen=True)
class Drift:
    """What was found about one series; slopes per run, bounds one-sided at 5%.

    Attributes:
        limit: what is allowed.
        verdict: FAIL when the slope's lower bound exceeds the limit and the trend is significant, PASS when
            its upper bound doesn't exceed it, else INCONCLUSIVE.
        slope: Theil-Sen estimate; 0 when there are too few blocks.
        lower: its lower bound.
        upper: its upper bound.
        trend_p: p-value of Mann and Kendall's test for growth.
        blocks: points that were used.
        missing: in words, what would make it conclusive; empty when it is.
    """

    limit: DriftLimit
    verdict: Verdict
    slope: float
    lower: float
    upper: float
    trend_p: float
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


def find_drift(runs: Sequence[float], values: Sequence[float], limit: DriftLimit) -> Drift:
    """Judge the growth of a series over cumulative runs; its first quarter is skipped as warm-up.

    Growth is related to runs, not to time: a service that is idle more often must not look better.
    Sources: Sen, JASA 1968; Mann, Econometrica 1945.

    Args:
        runs: cumulative runs at each point, ascending.
        values: the series at these points.
        limit: what is allowed.
    """
    skipped = len(values) // 4
    x, y = list(runs[skipped:]), list(values[skipped:])
    if len(y) < LEAST_BLOCKS or x[-1] <= x[0]:
        missing = f"needs at least {LEAST_BLOCKS} blocks after the warm-up, has {len(y)}: soak longer"
        return Drift(limit, Verdict.INCONCLUSIVE, 0.0, 0.0, 0.0, 1.0, len(y), missing)
    if min(y) == max(y):
        return Drift(limit, Verdict.PASS, 0.0, 0.0, 0.0, 1.0, len(y), "")
    slope, _, lower, upper = (float(value) for value in stats.theilslopes(y, x, SLOPE_CONFIDENCE))
    trend_p = float(stats.kendalltau(x, y, alternative="greater").pvalue)
    verdict, missing = Verdict.INCONCLUSIVE, "the slope's bounds enclose the limit: soak longer"
    if lower > limit.per_run and trend_p < TREND_ALPHA:
        verdict, missing = Verdict.FAIL, ""
    elif upper <= limit.per_run:
        verdict, missing = Verdict.PASS, ""
    return Drift(limit, verdict, slope, lower, upper, trend_p, len(y), missing)
