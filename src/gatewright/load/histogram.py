"""A histogram of logarithmic buckets: bounded relative error, exact merge."""

import math
import sys
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from typing import Annotated, ClassVar

from pydantic import Field, FiniteFloat, field_validator

from gatewright.core.buckets import RELATIVE_ERROR, bucket_of, value_of
from gatewright.core.errors import ConfigurationError
from gatewright.load.written import Written

__all__ = ["MOST_COUNTED", "RELATIVE_ERROR", "LogHistogram", "SparseHistogram"]

MOST_COUNTED = 2**53 - 1
"""Of one bucket in a file: the largest integer that every JSON reader keeps exactly."""

FIRST_BUCKET = bucket_of(math.ulp(0.0))
LAST_BUCKET = bucket_of(sys.float_info.max)
BucketNumber = Annotated[int, Field(ge=FIRST_BUCKET, le=LAST_BUCKET)]


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
            self._buckets[bucket_of(value)] += 1
        else:
            raise ConfigurationError(f"a histogram counts finite values from 0 on, not {value}")

    def count_buckets(self, zeros: int, buckets: Iterable[tuple[int, int]]) -> None:
        """Add values that were counted elsewhere: zeros, and number and count of buckets."""
        self._zeros += zeros
        for bucket, count in buckets:
            self._buckets[bucket] += count

    def update(self, other: "LogHistogram") -> None:
        """Add the values of another histogram to this one."""
        self.count_buckets(other.zeros, other.buckets)

    def merge(self, other: "LogHistogram") -> "LogHistogram":
        """A new histogram with the values of both."""
        merged = LogHistogram()
        merged.update(self)
        merged.update(other)
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
                return value_of(bucket)
        raise AssertionError("the counts of the buckets add up to the rank")


class SparseHistogram(Written):
    """A histogram as it is written to files and sent between processes: only buckets that hold something.

    Bucket i counts values in (g^(i-1), g^i], g = (1+e)/(1-e), e = `relative_error`. Reading trusts nothing:
    another error, buckets out of order, and counts or numbers that no histogram has are refused.

    Attributes:
        relative_error: of this project's histograms; others can't be added to them.
        zeros: how many values were 0.
        buckets: number and count of each, ascending by number.
    """

    title: ClassVar[str] = "histogram"

    relative_error: FiniteFloat
    zeros: Annotated[int, Field(ge=0, le=MOST_COUNTED)]
    buckets: tuple[tuple[BucketNumber, Annotated[int, Field(ge=1, le=MOST_COUNTED)]], ...]

    @field_validator("relative_error")
    @classmethod
    def is_ours(cls, value: float) -> float:
        """Buckets of another width can't be added to ours."""
        if value != RELATIVE_ERROR:
            raise ValueError(f"must be {RELATIVE_ERROR}")
        return value

    @field_validator("buckets")
    @classmethod
    def are_ascending(cls, value: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
        """Each bucket stands once, in order."""
        if any(earlier >= later for (earlier, _), (later, _) in pairwise(value)):
            raise ValueError("must ascend")
        return value

    @classmethod
    def of(cls, histogram: LogHistogram) -> "SparseHistogram":
        """What is to be written of a histogram."""
        return cls(relative_error=RELATIVE_ERROR, zeros=histogram.zeros, buckets=histogram.buckets)

    def histogram(self) -> LogHistogram:
        """The histogram that was written."""
        histogram = LogHistogram()
        histogram.count_buckets(self.zeros, self.buckets)
        return histogram
