"""Exceedances that come in clumps, as stalls make them: how to notice, and evidence that bears them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from scipy import special

from gatewright.slo.sequential import Evidence, independent_evidence

__all__ = [
    "ClumpRule",
    "clump_factor",
    "clump_sizes",
    "deflated_evidence",
    "longest_unseen",
    "looks_clumped",
    "stall_of",
    "variance_inflation",
]

BATCHES = 20
LEAST_BATCH = 50
LEAST_CLUMPS_FOR_BATCHES = 8
VARIANCE_CONFIDENCE = 0.10
DISPERSION_ALPHA = 0.1
NEAR_ALPHA = 0.01
LARGEST_TAIL = 0.1
LEAST_STALL = 0.1


@dataclass(frozen=True)
class ClumpRule:
    """What counts as one event.

    Attributes:
        gap: exceedances at most this many arrivals apart belong to one clump; less where so many exceed that
            independent ones would mostly lie closer.
        stall: size, in arrivals, of the one stall that is assumed to have been missed.
        longest: a clump longer than this, in arrivals, is a state of the service, not one event: it is cut.
    """

    gap: int = 10
    stall: int = 10
    longest: int = 1000

    def gap_at(self, share: float) -> int:
        """The gap when this share of runs exceeds: no more than the median gap of independent exceedances."""
        return max(1, min(self.gap, int(math.log(2) / share))) if share else self.gap

    @classmethod
    def for_rate(cls, rate: float, *, unseen_s: float, longest_s: float = 3.0) -> "ClumpRule":
        """The rule at an arrival rate.

        Args:
            rate: arrivals per second.
            unseen_s: for so many seconds the stall that is assumed to have been missed makes arrivals exceed.
            longest_s: a stall longer than this is a state of the service.
        """
        return cls(stall=max(1, round(rate * unseen_s)), longest=max(50, round(rate * longest_s)))


def clump_sizes(samples: int, exceedances: Sequence[int], rule: ClumpRule) -> list[int]:
    """How many exceedances each clump holds; `exceedances` are ascending numbers of runs below `samples`."""
    gap = rule.gap_at(len(exceedances) / samples)
    sizes: list[int] = []
    last = -math.inf
    for number in exceedances:
        if number - last > gap or sizes[-1] >= rule.longest:
            sizes.append(0)
        sizes[-1] += 1
        last = number
    return sizes


def clump_factor(sizes: Sequence[float]) -> float:
    """By how much clumps inflate the variance of a count: sum of squares over sum, at least 1."""
    return max(1.0, sum(size * size for size in sizes) / sum(sizes)) if sizes else 1.0


def looks_clumped(
    samples: int, exceedances: Sequence[int], rule: ClumpRule, *, alpha: float = DISPERSION_ALPHA
) -> bool:
    """Whether exceedances lie closer together, or vary more between batches, than independent ones would.

    Both tests are made at level `alpha`.
    """
    count = len(exceedances)
    if count < 2 or count == samples:  # noqa: PLR2004 - two are needed to be close
        return False
    gap = rule.gap_at(count / samples)
    near = 1 - (1 - count / samples) ** gap
    links = sum(later - earlier <= gap for earlier, later in pairwise(exceedances))
    crowded = links and special.bdtrc(links - 1, count - 1, near) < alpha
    return bool(crowded) or batch_dispersion_p(samples, exceedances) < alpha


def stall_of(samples: int, near_misses: Sequence[int], rule: ClumpRule) -> int:
    """The size, in arrivals, of the stall that is to be assumed unseen, where shorter ones were seen.

    Runs that came near the limit tell how stalls of this service look before any has reached it: where such
    near misses are a tail and come in clumps, a stall of their size is assumed to break the objective too.
    That clumps at a high level are like those somewhat below is what estimators of the extremal index rest on
    (Smith and Weissman: "Estimating the extremal index", JRSS B 1994).
    """
    if not samples or len(near_misses) > LARGEST_TAIL * samples:
        return rule.stall
    if not looks_clumped(samples, near_misses, rule, alpha=NEAR_ALPHA):
        return rule.stall
    return max(rule.stall, math.ceil(clump_factor(clump_sizes(samples, near_misses, rule))))


def batch_dispersion_p(samples: int, exceedances: Sequence[int]) -> float:
    """The p-value of Fisher's index of dispersion over 20 batches; 1 where batches would be too thin."""
    counts = batch_counts(samples, exceedances)
    if not counts:
        return 1.0
    mean = sum(counts) / len(counts)
    share = mean * len(counts) / samples
    if mean < 1 or share >= 1:
        return 1.0
    index = sum((count - mean) ** 2 for count in counts) / (mean * (1 - share))
    return float(special.chdtrc(len(counts) - 1, index))


def variance_inflation(samples: int, exceedances: Sequence[int], rule: ClumpRule) -> float:
    """How many runs count as one: by clumps and the missed stall, or by batch means if that is less."""
    by_clumps = clump_factor([*clump_sizes(samples, exceedances, rule), rule.stall])
    return min(by_clumps, batch_factor(samples, exceedances, by_clumps))


def deflated_evidence(samples: int, count: int, allowed: float, *, factor: float, unseen: float) -> Evidence:
    """The e-process of independent exceedances, where `factor` runs count as one.

    Args:
        samples: how many runs were seen.
        count: how many of them exceeded.
        allowed: the largest share that is allowed, in (0, 1).
        factor: by how much the clumps inflate the variance; at least 1.
        unseen: exceedances of a stall that was missed, which are added against PASS.
    """
    pessimistic = min(float(samples), count + unseen)
    return Evidence(
        p_pass=independent_evidence(samples / factor, pessimistic / factor, allowed).p_pass,
        p_fail=independent_evidence(samples / factor, count / factor, allowed).p_fail,
    )


def longest_unseen(
    samples: int, exceedances: Sequence[int], allowed: float, rule: ClumpRule, *, alpha: float
) -> float:
    """The largest stall, in arrivals, that could be assumed unseen and the sample would still pass.

    0 when it does not even pass without one.
    """

    def passes(stall: float) -> bool:
        factor = clump_factor([*sizes, stall])
        evidence = deflated_evidence(samples, len(exceedances), allowed, factor=factor, unseen=stall)
        return evidence.p_pass <= alpha

    sizes = clump_sizes(max(1, samples), exceedances, rule)
    low, high = 0.0, float(samples)
    while high - low > max(LEAST_STALL, low / 100):
        middle = (low + high) / 2
        low, high = (middle, high) if passes(middle) else (low, middle)
    return low


def batch_factor(samples: int, exceedances: Sequence[int], by_clumps: float) -> float:
    """An upper bound of the variance inflation by batches, which honours regular stalls; else infinite."""
    counts = batch_counts(samples, exceedances)
    total = len(exceedances)
    if not counts or total / by_clumps < LEAST_CLUMPS_FOR_BATCHES or total >= samples:
        return math.inf
    mean = sum(counts) / BATCHES
    sum_of_squares = sum((count - mean) ** 2 for count in counts)
    variance = sum_of_squares / float(special.chdtri(BATCHES - 1, 1 - VARIANCE_CONFIDENCE))
    return max(1.0, variance / (mean * (1 - total / samples)))


def batch_counts(samples: int, exceedances: Sequence[int]) -> list[int]:
    """Exceedances in each of 20 equal batches; none where a batch would hold too few runs."""
    size = samples // BATCHES
    if size < LEAST_BATCH:
        return []
    counts = [0] * BATCHES
    for number in exceedances:
        if number < size * BATCHES:
            counts[number // size] += 1
    return counts
