"""A histogram of logarithmic buckets: bounded relative error, exact merge."""

import math
from collections import Counter
from collections.abc import Iterable

from gatewright.core.errors import ConfigurationError

__all__ = ["RELATIVE_ERROR", "LogHistogram"]

RELATIVE_ERROR = 0.001
"""Of every percentile that a histogram reports."""

LOG_GAMMA = math.log1p(RELATIVE_ERROR) - math.log1p(-RELATIVE_ERROR)


class LogHistogram:
    """Counts of positive values in buckets (gamma^(i-1), gamma^i], gamma = (1+e)/(1-e), e = 0.1%.

    Merging adds buckets, so that merged percentiles equal those of the pooled values; percentiles are never
    averaged. Source: Masson, Rim, Lee: "DDSketch", VLDB 2019.
    """

    def __init__(self, values: Iterable[float] = ()) -> None:
        self._buckets: Counter[int] = Counter()
        self._zeros = 0
        for value in values:
            self.add(value)

    @property
    def count(self) -> int:
        """How many values were added."""
        return self._zeros + self._buckets.total()

    @property
    def zeros(self) -> int:
        """How many of them were 0, which no logarithmic bucket holds."""
        return self._zeros

    @property
    def buckets(self) -> tuple[tuple[int, int], ...]:
        """Number and count of every bucket that holds something, ascending."""
        return tuple(sorted(self._buckets.items()))

    def add(self, value: float) -> None:
        """Count one value, in whatever unit the caller keeps to; negative and non-finite ones are refused."""
        if value == 0:
            self._zeros += 1
        elif 0 < value < math.inf:
            self._buckets[math.ceil(math.log(value) / LOG_GAMMA)] += 1
        else:
            raise ConfigurationError(f"a histogram counts finite values from 0 on, not {value}")

    def merge(self, other: "LogHistogram") -> "LogHistogram":
        """A new histogram with the values of both."""
        merged = LogHistogram()
        merged._buckets = self._buckets + other._buckets  # noqa: SLF001 - of the same class
        merged._zeros = self._zeros + other._zeros  # noqa: SLF001 - of the same class
        return merged

    def percentile(self, share: float) -> float:
        """The value that `share` (0..1) of all values don't exceed, within 0.1%; NaN when there is none."""
        if not self.count:
            return math.nan
        rank = max(1, math.ceil(share * self.count))
        seen = self._zeros
        if rank <= seen:
            return 0.0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= rank:
                return 2 * math.exp(bucket * LOG_GAMMA) / (math.exp(LOG_GAMMA) + 1)
        raise AssertionError("the counts of the buckets add up to the rank")
