"""Exceedances that come in clumps, as stalls make them: how to notice, and evidence that bears them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from scipy import special

from gatewright.slo.sequential import Evidence

__all__ = [
    "ClumpRule",
    "clump_factor",
    "clump_sizes",
    "clumped_evidence",
    "deflated_evidence",
    "looks_clumped",
    "variance_inflation",
]

BATCHES = 20
LEAST_BATCH = 50
LEAST_CLUMPS_FOR_BATCHES = 8
VARIANCE_CONFIDENCE = 0.10
DISPERSION_ALPHA = 0.1
TINY = 1e-9


@dataclass(frozen=True)
class ClumpRule:
    """What counts as one event.

    Attributes:
        gap: exceedances at most this many arrivals apart belong to one clump; less where so many exceed that
            independent ones would mostly lie closer.
        stall: size, in arrivals, of the one stall that is assumed to have been missed.
        longest: a clump longer than this, in arrivals, is a state of the service, not one event: it is cut.
        first_look: the least sample at which clumped evidence is weighed; later looks double it.
    """

    gap: int = 10
    stall: int = 10
    longest: int = 1000
    first_look: int = 200

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


def clump_factor(sizes: Sequence[int]) -> float:
    """By how much clumps inflate the variance of a count: sum of squares over sum, at least 1."""
    return max(1.0, sum(size * size for size in sizes) / sum(sizes)) if sizes else 1.0


def looks_clumped(samples: int, exceedances: Sequence[int], rule: ClumpRule) -> bool:
    """Whether exceedances lie closer together, or vary more between batches, than independent ones would."""
    count = len(exceedances)
    if count < 2 or count == samples:  # noqa: PLR2004 - two are needed to be close
        return False
    gap = rule.gap_at(count / samples)
    near = 1 - (1 - count / samples) ** gap
    links = sum(later - earlier <= gap for earlier, later in pairwise(exceedances))
    crowded = links and special.bdtrc(links - 1, count - 1, near) < DISPERSION_ALPHA
    return bool(crowded) or batch_dispersion_p(samples, exceedances) < DISPERSION_ALPHA


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


def clumped_evidence(samples: int, exceedances: Sequence[int], allowed: float, rule: ClumpRule) -> Evidence:
    """Evidence by exact binomial tails on counts that are deflated by the clump factor.

    Weighed at samples of `first_look` times a power of two only, each with half the error of the one before,
    so that looking often does not add up. One stall that went unseen is added against PASS.

    Args:
        samples: how many runs were seen.
        exceedances: ascending numbers of those that exceeded, from 0 on.
        allowed: the largest share that is allowed, in (0, 1).
        rule: what counts as one event.
    """
    if samples < rule.first_look:
        return Evidence(p_pass=1.0, p_fail=1.0)
    look = int(math.log2(samples / rule.first_look))
    seen = rule.first_look * 2**look
    return scaled(
        weigh(seen, [number for number in exceedances if number < seen], allowed, rule), 2 ** (look + 1)
    )


def scaled(evidence: Evidence, factor: float) -> Evidence:
    """Evidence of one look among several."""
    return Evidence(min(1.0, factor * evidence.p_pass), min(1.0, factor * evidence.p_fail))


def weigh(samples: int, exceedances: Sequence[int], allowed: float, rule: ClumpRule) -> Evidence:
    """The evidence of one look."""
    factor = variance_inflation(samples, exceedances, rule)
    return deflated_evidence(samples, len(exceedances), allowed, factor=factor, unseen=rule.stall)


def variance_inflation(samples: int, exceedances: Sequence[int], rule: ClumpRule) -> float:
    """How many runs count as one: by clumps and the missed stall, or by batch means if that is less."""
    by_clumps = clump_factor([*clump_sizes(samples, exceedances, rule), rule.stall])
    return min(by_clumps, batch_factor(samples, exceedances, by_clumps))


def deflated_evidence(samples: int, count: int, allowed: float, *, factor: float, unseen: int) -> Evidence:
    """Clopper-Pearson's tails at counts divided by `factor`; `unseen` exceedances are added against PASS."""
    unseen = min(unseen, samples - count)
    passing = special.betaincc(
        (count + unseen) / factor + 1, max(samples - count - unseen, TINY) / factor, allowed
    )
    failing = special.betainc(max(count, TINY) / factor, (samples - count) / factor + 1, allowed)
    return Evidence(p_pass=float(passing), p_fail=float(failing))


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
