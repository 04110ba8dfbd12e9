"""Anytime-valid evidence about the mean of values between 0 and 1, whatever their distribution."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gatewright.slo.sequential import Evidence

__all__ = ["Bets", "mean_bounds", "mean_evidence"]

STAKES = (*(2.0**-power for power in range(8, 0, -1)), *(1 - 2.0**-power for power in range(2, 9)))
"""Shares of the capital that are bet: large ones pay where all values are high, small ones else."""
EDGE = 1e-9
STEPS = 40


@dataclass(frozen=True)
class Bets:
    """What bets that a mean lies above `mean` have earned: for each stake, the logarithm of its wealth.

    Source: Waudby-Smith and Ramdas: "Estimating means of bounded random variables by betting", JRSS B 2024.
    A bettor who stakes a share f of the capital on the next value x has 1 - f + f x / mean times as much
    afterwards; under the hypothesis that the mean is no higher, the capital of each stake, and so their
    average, is a supermartingale, and ever reaches 1/alpha with probability at most alpha (Ville).
    """

    log_wealths: tuple[float, ...]

    @classmethod
    def above(cls, values: Sequence[float], mean: float) -> "Bets":
        """Bet on values in [0, 1]; `mean` lies in (0, 1)."""
        return cls(tuple(sum(math.log1p(stake * (value / mean - 1)) for value in values) for stake in STAKES))

    def repeated(self, times: float) -> "Bets":
        """Bets on the same values so many times over."""
        return Bets(tuple(times * log for log in self.log_wealths))

    def joined(self, other: "Bets") -> "Bets":
        """Bets on the values of both."""
        return Bets(tuple(map(sum, zip(self.log_wealths, other.log_wealths, strict=True))))

    @property
    def p_value(self) -> float:
        """One over the capital, at most 1."""
        highest = max(self.log_wealths)
        wealths = [math.exp(log - highest) for log in self.log_wealths]
        log_capital = highest + math.log(sum(wealths) / len(wealths))
        return math.exp(-max(0.0, log_capital))


def mean_evidence(values: Sequence[float], target: float) -> Evidence:
    """Evidence that the mean is above the target (PASS), and that it is below (FAIL).

    Args:
        values: in [0, 1], each with the same mean given those before it.
        target: in (0, 1).
    """
    mirrored = [1 - value for value in values]
    return Evidence(
        p_pass=Bets.above(values, target).p_value,
        p_fail=Bets.above(mirrored, 1 - target).p_value,
    )


def mean_bounds(values: Sequence[float], alpha: float) -> tuple[float, float]:
    """One-sided bounds of the mean, each at level alpha and valid whenever one looks."""
    return lower_bound(values, alpha), 1 - lower_bound([1 - value for value in values], alpha)


def lower_bound(values: Sequence[float], alpha: float) -> float:
    """The least mean that bets on a higher one don't refute; the higher a mean, the less they earn."""
    low, high = EDGE, 1 - EDGE
    if Bets.above(values, low).p_value > alpha:
        return 0.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if Bets.above(values, middle).p_value <= alpha else (low, middle)
    return low
