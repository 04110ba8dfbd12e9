"""Objectives over slices of time: how many slices are good, or how good slices are on average."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gatewright.core.errors import ConfigurationError
from gatewright.core.verdict import Verdict
from gatewright.slo.advice import least_number
from gatewright.slo.bounded_mean import Bets, mean_bounds
from gatewright.slo.budget import deflated_bounds
from gatewright.slo.clumps import ClumpRule, clump_factor, clump_sizes, looks_clumped
from gatewright.slo.judge import ALPHA
from gatewright.slo.objective import LatencyObjective, SuccessObjective, require, scoped
from gatewright.slo.sequential import Evidence, independent_evidence

__all__ = [
    "RatioTimeslicesObjective",
    "Slice",
    "SliceDecision",
    "SliceObjective",
    "SlicePromise",
    "TimeslicesObjective",
    "cut_slices",
    "judge_slices",
]

LEAST_SLICES = 8
"""So that one outage of a few slices decides nothing."""
OUTAGE = ClumpRule(gap=1, stall=2, longest=10)
"""Bad slices side by side are one event; beyond ten, a state of the service. One that crosses the border of
two slices is assumed to have been missed: short clean runs hide it (`benchmarks/slice_decisions.py`)."""
TOLERANCE = 1e-12


@dataclass(frozen=True)
class Slice:
    """The runs that were due in one slice of time, and how many of them were bad."""

    total: int
    bad: int

    def __post_init__(self) -> None:
        if not 0 <= self.bad <= self.total < math.inf:
            raise ConfigurationError(f"{self.bad:g} bad runs can't be among {self.total:g}")

    @property
    def ratio(self) -> float:
        """The share of good runs; of a slice without runs there is none."""
        return 1 - self.bad / self.total


@dataclass(frozen=True)
class TimeslicesObjective:
    """OpenSLO's Timeslices: a share `target` of slices is good, those whose good runs reach `slice_target`.

    Attributes:
        target: in (0, 1).
        slice_target: the least share of good runs in a good slice, in (0, 1].
        slice_s: the length of a slice, in seconds.
    """

    target: float
    slice_target: float
    slice_s: float

    def __post_init__(self) -> None:
        require("the target of time slices", self.target, above=0, below=1)
        require("the length of a time slice", self.slice_s, above=0)
        if not 0 < self.slice_target <= 1:
            raise ConfigurationError(
                f"the target within a time slice must be above 0 and at most 1, not {self.slice_target:g}"
            )

    def is_good(self, piece: Slice) -> bool:
        """Whether a slice keeps the target within it."""
        return piece.ratio >= self.slice_target - TOLERANCE


@dataclass(frozen=True)
class RatioTimeslicesObjective:
    """OpenSLO's RatioTimeslices: slices' shares of good runs, each slice alike, average `target` at least.

    Attributes:
        target: in (0, 1).
        slice_s: the length of a slice, in seconds.
    """

    target: float
    slice_s: float

    def __post_init__(self) -> None:
        require("the target of time slices", self.target, above=0, below=1)
        require("the length of a time slice", self.slice_s, above=0)


SliceObjective = TimeslicesObjective | RatioTimeslicesObjective


@dataclass(frozen=True)
class SlicePromise:
    """What is promised about slices of time, and which runs are good.

    Attributes:
        objective: how slices are judged.
        threshold_s: the longest latency of a good run, in seconds; None when it need only succeed.
        journey: of runs that make this journey; of all when empty.
        step: of this step; of whole runs when empty.
    """

    objective: SliceObjective
    threshold_s: float | None = None
    journey: str = ""
    step: str = ""

    def __post_init__(self) -> None:
        if self.threshold_s is not None:
            require("a latency threshold", self.threshold_s, above=0)

    @property
    def run(self) -> LatencyObjective | SuccessObjective:
        """The objective that each good run keeps; its share, of all runs, is not what is promised."""
        share, scope = self.objective.target, (self.journey, self.step)
        if self.threshold_s is None:
            return SuccessObjective(share, *scope)
        return LatencyObjective(share, self.threshold_s, *scope)

    @property
    def name(self) -> str:
        """The figure that is promised: a share of good slices, or the average of slices' shares."""
        good = "success" if self.threshold_s is None else f"latency_{self.threshold_s * 1e3:g}ms"
        held = self.objective
        share = f"_{held.slice_target * 100:g}pct" if isinstance(held, TimeslicesObjective) else ""
        return scoped(f"{good}{share}_slices_{held.slice_s:g}s", self.journey, self.step)


@dataclass(frozen=True)
class SliceDecision:
    """What was decided about slices, and on which figures.

    Attributes:
        objective: what was promised.
        verdict: PASS, FAIL, or INCONCLUSIVE.
        slices: slices that were judged.
        empty: further ones in which no run was due; they are neither good nor bad.
        observed: the share of good slices, or the average of shares; None without slices.
        evidence: anytime-valid p-values.
        lower: lower bound of what was observed, one-sided at alpha.
        upper: likewise the upper bound.
        missing: in words, what would make it conclusive; empty when it is.
    """

    objective: SliceObjective
    verdict: Verdict
    slices: int
    empty: int
    observed: float | None
    evidence: Evidence
    lower: float
    upper: float
    missing: str


class Weighed(Protocol):
    """Slices that were weighed by the method of their objective."""

    @property
    def observed(self) -> float:
        """The figure that the target is about."""

    @property
    def evidence(self) -> Evidence:
        """How strongly the slices speak."""

    def bounds(self, alpha: float) -> tuple[float, float]:
        """One-sided bounds of the figure."""

    def extrapolated(self, slices: int) -> Evidence:
        """The evidence of so many slices like these."""


def cut_slices(
    moments: Sequence[float], bad: Sequence[int], slice_s: float, elapsed_s: float
) -> tuple[Slice, ...]:
    """Cut a measurement into slices; a last one that is not complete is left out.

    Args:
        moments: when each run was due, in seconds from the begin of the measurement.
        bad: numbers of the runs, from 0 on, that were bad.
        slice_s: the length of a slice, in seconds.
        elapsed_s: the length of the measurement, in seconds.
    """
    require("the length of a time slice", slice_s, above=0)
    count = int(elapsed_s / slice_s + TOLERANCE) if 0 <= elapsed_s < math.inf else 0
    totals, bads = [0] * count, [0] * count
    broken = set(bad)
    for number, moment in enumerate(moments):
        place = int(moment // slice_s) if 0 <= moment < elapsed_s else count
        if place < count:
            totals[place] += 1
            bads[place] += number in broken
    return tuple(Slice(*counts) for counts in zip(totals, bads, strict=True))


def judge_slices(
    objective: SliceObjective, slices: Sequence[Slice], *, alpha: float = ALPHA
) -> SliceDecision:
    """Decide about slices; the answer holds whenever one looks.

    A slice in which no run was due has no share of good runs: it is left out, so that no data is never good.
    """
    held = [piece for piece in slices if piece.total]
    empty = len(slices) - len(held)
    if not held:
        missing = f"no run was due in any slice of {objective.slice_s:g} s"
        nothing = Evidence(p_pass=1.0, p_fail=1.0)
        return SliceDecision(objective, Verdict.INCONCLUSIVE, 0, empty, None, nothing, 0.0, 1.0, missing)
    weighed = weigh(objective, held)
    lower, upper = weighed.bounds(alpha)
    verdict = settle(weighed.evidence, len(held), alpha)
    return SliceDecision(
        objective=objective,
        verdict=verdict,
        slices=len(held),
        empty=empty,
        observed=weighed.observed,
        evidence=weighed.evidence,
        lower=lower,
        upper=upper,
        missing=words_for_lack(weighed, objective, len(held), alpha)
        if verdict is Verdict.INCONCLUSIVE
        else "",
    )


def settle(evidence: Evidence, slices: int, alpha: float) -> Verdict:
    """What the evidence of so many slices says."""
    if slices >= LEAST_SLICES and evidence.p_fail <= alpha:
        return Verdict.FAIL
    if slices >= LEAST_SLICES and evidence.p_pass <= alpha:
        return Verdict.PASS
    return Verdict.INCONCLUSIVE


def words_for_lack(weighed: Weighed, objective: SliceObjective, slices: int, alpha: float) -> str:
    """What is missing, in one clause."""
    enough = least_number(
        lambda count: settle(weighed.extrapolated(count), count, alpha) is not Verdict.INCONCLUSIVE,
        above=slices,
    )
    if enough is None:
        return "too close to the target to tell even with a million slices"
    lack = max(1, enough - slices)
    seconds = math.ceil(lack * objective.slice_s)
    return f"needs about {lack:,} more slices of {objective.slice_s:g} s ({seconds:,} s)"


def weigh(objective: SliceObjective, slices: Sequence[Slice]) -> Weighed:
    """Weigh slices, none of them empty, by the method of their objective."""
    if isinstance(objective, TimeslicesObjective):
        bad = [number for number, piece in enumerate(slices) if not objective.is_good(piece)]
        return GoodShare(len(slices), bad, 1 - objective.target)
    low = [number for number, piece in enumerate(slices) if piece.ratio < objective.target - TOLERANCE]
    size = (
        math.ceil(clump_factor(clump_sizes(len(slices), low, OUTAGE)))
        if looks_clumped(len(slices), low, OUTAGE)
        else 1
    )
    return AverageRatio(block_means([piece.ratio for piece in slices], size), size, objective.target)


def block_means(ratios: Sequence[float], size: int) -> tuple[float, ...]:
    """Averages of so many neighbours each, which depend less on each other; the rest is left out."""
    size = min(size, len(ratios))
    starts = range(0, len(ratios) - size + 1, size)
    return tuple(math.fsum(ratios[start : start + size]) / size for start in starts)


@dataclass(frozen=True)
class GoodShare:
    """Good and bad slices, judged as counts; those of one outage count as one where they come together."""

    slices: int
    bad: Sequence[int]
    allowed: float

    @property
    def observed(self) -> float:
        """The share of good slices."""
        return 1 - len(self.bad) / self.slices

    @property
    def evidence(self) -> Evidence:
        """By the e-process of independent counts."""
        return self.extrapolated(self.slices)

    def bounds(self, alpha: float) -> tuple[float, float]:
        """Clopper and Pearson's, for one look."""
        factor = clump_factor(clump_sizes(self.slices, self.bad, OUTAGE)) if self.clumped else 1.0
        lower, upper = deflated_bounds(self.slices, len(self.bad), alpha, factor=factor)
        return 1 - upper, 1 - lower

    def extrapolated(self, slices: int) -> Evidence:
        """PASS has to bear the outage that was missed; FAIL only outages that were seen."""
        bad = len(self.bad) * slices / self.slices
        factor = clump_factor([*clump_sizes(self.slices, self.bad, OUTAGE), OUTAGE.stall])
        most = min(float(slices), bad + OUTAGE.stall)
        sceptical = independent_evidence(slices / factor, most / factor, self.allowed)
        if self.clumped:
            failing = independent_evidence(slices / factor, bad / factor, self.allowed)
            return Evidence(sceptical.p_pass, failing.p_fail)
        plain = independent_evidence(slices, bad, self.allowed)
        return Evidence(max(plain.p_pass, sceptical.p_pass), plain.p_fail)

    @property
    def clumped(self) -> bool:
        """Whether bad slices stand side by side more than by chance."""
        return looks_clumped(self.slices, self.bad, OUTAGE)


@dataclass(frozen=True)
class AverageRatio:
    """Shares of good runs, averaged over blocks of `size` slices, judged by bets on their mean."""

    means: tuple[float, ...]
    size: int
    target: float

    @property
    def observed(self) -> float:
        """The average share of good runs."""
        return math.fsum(self.means) / len(self.means)

    @property
    def evidence(self) -> Evidence:
        """By betting on the mean."""
        return self.extrapolated(len(self.means) * self.size)

    def bounds(self, alpha: float) -> tuple[float, float]:
        """By the bets that don't pay."""
        return mean_bounds(self.means, alpha)

    def extrapolated(self, slices: int) -> Evidence:
        """The same blocks, so many times over; PASS has to bear an outage that was missed, every run bad."""
        times = slices / (len(self.means) * self.size)
        missed = Bets.above([0.0] * OUTAGE.stall, self.target)
        mirrored = [1 - mean for mean in self.means]
        return Evidence(
            p_pass=Bets.above(self.means, self.target).repeated(times).joined(missed).p_value,
            p_fail=Bets.above(mirrored, 1 - self.target).repeated(times).p_value,
        )
