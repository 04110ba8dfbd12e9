"""The trend of a series: its slope with bounds, and tests of it that take serial correlation into account."""

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from statistics import NormalDist, fmean, median

__all__ = ["Trend"]

STRONGEST_CORRELATION = 0.97
LEAST_POINTS = 5
"""From so many on, an autocorrelation can be corrected for its bias."""
NORMAL = NormalDist()


@dataclass(frozen=True)
class Trend:
    """A series and the statistics of its trend, all of them by the signs of slopes between pairs of points.

    A slope L is refuted when the pairs of y - L x disagree too often with their order in x (Kendall's test);
    the slopes that are not refuted are Theil and Sen's interval. Resources move in plateaus, so successive
    points are not independent: the variance is inflated by the autocorrelation of the ranks of the residuals,
    as Hamed and Rao do it, over the lags up to the first that is not positive, each corrected for its bias.
    Sources: Sen, JASA 1968; Mann, Econometrica 1945; Hamed and Rao, Journal of Hydrology 1998.

    Attributes:
        x: ascending, at least two of them different.
        y: the value at each.
    """

    x: Sequence[float]
    y: Sequence[float]

    @cached_property
    def slope(self) -> float:
        """The median of the slopes between all pairs."""
        return median(self._slopes)

    @cached_property
    def inflation(self) -> float:
        """By how much serial correlation inflates the variance of Kendall's S; at least 1."""
        slope, count = self.slope, len(self.y)
        residuals = [value - slope * at for at, value in zip(self.x, self.y, strict=True)]
        scale = 2 / (count * (count - 1) * (count - 2)) if count >= LEAST_POINTS else 0.0
        total = 0.0
        for lag, correlation in enumerate(positive_correlations(ranks(residuals)), 1):
            total += (count - lag) * (count - lag - 1) * (count - lag - 2) * correlation
        return 1 + scale * total

    def bounds(self, alpha: float) -> tuple[float, float]:
        """Lower and upper bound of the slope, each one-sided at alpha."""
        slopes = self._slopes
        margin = NORMAL.inv_cdf(1 - alpha) * self._deviation()
        lower = math.floor((len(slopes) - margin) / 2)
        upper = math.ceil((len(slopes) + margin) / 2)
        return slopes[max(0, lower)], slopes[min(len(slopes) - 1, upper)]

    def p_above(self, slope: float) -> float:
        """The p-value against "the slope is at most this"."""
        return NORMAL.cdf((1 - self._agreement(slope)) / self._deviation())

    def p_below(self, slope: float) -> float:
        """The p-value against "the slope is at least this"."""
        return NORMAL.cdf((self._agreement(slope) + 1) / self._deviation())

    def p_growth(self) -> float:
        """Mann and Kendall's p-value against "it doesn't grow"; serial correlation is not looked at."""
        variance = variance_of_agreement(len(self.y))
        variance -= sum(tied * (tied - 1) * (2 * tied + 5) for tied in Counter(self.y).values()) / 18
        if variance <= 0:
            return 1.0
        return NORMAL.cdf((1 - self._agreement(0.0)) / math.sqrt(variance))

    def second_half(self) -> "Trend":
        """The trend of the later points alone."""
        middle = len(self.y) // 2
        return Trend(self.x[middle:], self.y[middle:])

    @cached_property
    def _slopes(self) -> list[float]:
        """The slopes between all pairs, ascending."""
        points = zip(self.x, self.y, strict=True)
        return sorted((y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in combinations(points, 2) if x2 > x1)

    def _agreement(self, slope: float) -> int:
        """Kendall's S of y - slope x: pairs that rise minus pairs that fall."""
        return sum((each > slope) - (each < slope) for each in self._slopes)

    def _deviation(self) -> float:
        """Of Kendall's S."""
        return math.sqrt(self.inflation * variance_of_agreement(len(self.y)))


def variance_of_agreement(points: int) -> float:
    """The variance of Kendall's S over independent points without ties."""
    return points * (points - 1) * (2 * points + 5) / 18


def ranks(values: Sequence[float]) -> list[float]:
    """The rank of each value; equal ones share the mean of theirs."""
    ordered = sorted(values)
    return [(bisect_left(ordered, value) + bisect_right(ordered, value) + 1) / 2 for value in values]


def positive_correlations(series: Sequence[float]) -> list[float]:
    """Autocorrelations from lag 1 on, up to the first that is not positive, corrected for their bias."""
    count, mean = len(series), fmean(series)
    deviations = [value - mean for value in series]
    energy = sum(each * each for each in deviations)
    found: list[float] = []
    if not energy or count < LEAST_POINTS:
        return found
    for lag in range(1, count):
        products = zip(deviations, deviations[lag:], strict=False)
        plain = sum(one * other for one, other in products) / energy
        corrected = (count * plain + 1) / (count - 4)
        if corrected <= 0:
            break
        found.append(min(corrected, STRONGEST_CORRELATION))
    return found
