"""Bounds of percentiles, for display: what a sample says about the percentiles of the service behind it."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from scipy import stats

from gatewright.core.errors import ConfigurationError

__all__ = ["PercentileBounds", "percentile_bounds"]

MOST_SAMPLES = 2**53
"""Beyond it ranks are no longer exact."""


@dataclass(frozen=True)
class PercentileBounds:
    """A percentile of a sample, and bounds of the percentile behind it.

    Attributes:
        share: the percentile, in [0, 1].
        value: the least value that this share of the sample does not exceed.
        lower: its lower bound, one-sided; None where the sample gives none.
        upper: likewise the upper bound; None for percentiles that so small a sample may have missed.
    """

    share: float
    value: float
    lower: float | None
    upper: float | None


def percentile_bounds(
    values: Sequence[float], counts: Sequence[int], shares: Sequence[float], alpha: float
) -> tuple[PercentileBounds, ...]:
    """Distribution-free bounds of percentiles by order statistics, each one-sided at level alpha.

    Of n independent values as many as a binomial (n, share) variable don't exceed the percentile, so its
    quantiles are the ranks of values between which the percentile lies. Values in clumps tell less than as
    many independent ones: then the true bounds lie further apart. For one look, and so for display. Source:
    Conover, "Practical Nonparametric Statistics", 3rd edition, 3.2.

    Args:
        values: ascending; in a histogram, one for each bucket.
        counts: how often each occurred; as many as values.
        shares: percentiles, each in [0, 1].
        alpha: in (0, 0.5).

    Raises:
        ConfigurationError: values don't ascend, counts are negative, too many or not as many, a share or
            alpha lies outside of its interval.
    """
    check(values, counts, shares, alpha)
    ranks = list(accumulate(counts))
    samples = ranks[-1] if ranks else 0
    if not samples or not shares:
        return ()
    lowest = stats.binom.ppf(alpha, samples, shares)
    highest = stats.binom.ppf(1 - alpha, samples, shares) + 1

    def at_rank(rank: int) -> float | None:
        return values[bisect_left(ranks, rank)] if 1 <= rank <= samples else None

    found = []
    for share, low, high in zip(shares, lowest, highest, strict=True):
        value = at_rank(min(samples, max(1, -int(-share * samples // 1))))
        assert value is not None
        found.append(PercentileBounds(share, value, at_rank(int(low)), at_rank(int(high))))
    return tuple(found)


def check(values: Sequence[float], counts: Sequence[int], shares: Sequence[float], alpha: float) -> None:
    """Refuse what is no sample, no share or no level."""
    if len(values) != len(counts) or any(count < 0 for count in counts):
        raise ConfigurationError("every value of a sample needs one count from 0 on")
    if sum(counts) > MOST_SAMPLES:
        raise ConfigurationError(f"a sample holds at most {MOST_SAMPLES:,} values")
    if any(not earlier < later for earlier, later in pairwise(values)):
        raise ConfigurationError("the values of a sample must ascend")
    if not all(0 <= share <= 1 for share in shares):
        raise ConfigurationError("a percentile is a share in [0, 1]")
    if not 0 < alpha < 0.5:  # noqa: PLR2004 - beyond it the bounds change sides
        raise ConfigurationError(f"the level of a bound must lie in (0, 0.5), not be {alpha:g}")
