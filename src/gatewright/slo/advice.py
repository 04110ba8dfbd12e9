"""Words for what is missing: how many more runs would have made a doubtful measurement conclusive."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from gatewright.slo.clumps import deflated_evidence
from gatewright.slo.sequential import Evidence

__all__ = ["Lack", "words_for_lack"]

HOPELESS = 1_000_000


@dataclass(frozen=True)
class Lack:
    """The figures of a doubtful objective, from which more of the same is extrapolated.

    Attributes:
        samples: runs that were judged.
        exceeded: how many of them exceeded.
        allowed: the largest share that is allowed.
        factor: how many runs count as one, because exceedances come in clumps.
        unseen: exceedances of the stall that is assumed to have been missed.
    """

    samples: int
    exceeded: int
    allowed: float
    factor: float
    unseen: int

    def extrapolated(self, samples: int) -> Evidence:
        """The evidence of so many runs with the same share of exceedances."""
        exceeded = round(self.exceeded * samples / max(1, self.samples))
        return deflated_evidence(samples, exceeded, self.allowed, factor=self.factor, unseen=self.unseen)


def words_for_lack(lack: Lack | None, short: float, rate: float, *, alpha: float) -> str:
    """What is missing, in one clause.

    Args:
        lack: the figures of the objective; None for throughput.
        short: runs that minimum samples and minimum duration still ask for; not positive when met.
        rate: arrivals per second.
        alpha: the share of the error that the objective has.
    """
    if lack is None:
        return (
            more(short, rate)
            if short > 0
            else "needs a longer run, or an offered rate further from the threshold"
        )

    def decided(samples: int) -> bool:
        evidence = lack.extrapolated(samples)
        return min(evidence.p_pass, evidence.p_fail) <= alpha

    enough = least_number(decided, above=max(1, lack.samples))
    if enough is None:
        return "too close to the limit to tell even with a million runs: move the threshold"
    return more(max(short, enough - lack.samples), rate)


def least_number(holds: Callable[[int], bool], *, above: int) -> int | None:
    """About the least number for which a predicate holds; None when that is beyond a million."""
    low = high = above
    while not holds(high):
        if high >= HOPELESS:
            return None
        low, high = high, 2 * high
    while high - low > max(1, low // 100):
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def more(samples: float, rate: float) -> str:
    """So many more runs, and how long they take."""
    runs = max(1, math.ceil(samples))
    if not rate:
        return f"needs about {runs:,} more runs"
    return f"needs about {runs:,} more runs at {rate:g}/s ({max(1, math.ceil(runs / rate)):,} s)"
