"""The arithmetic of logarithmic buckets, in which latencies are counted and written down."""

import math
import sys
from collections.abc import Iterable

__all__ = ["RELATIVE_ERROR", "bucket_of", "value_of", "values_of"]

RELATIVE_ERROR = 0.001
"""Of every percentile that a histogram reports."""

LOG_GAMMA = math.log1p(RELATIVE_ERROR) - math.log1p(-RELATIVE_ERROR)


def bucket_of(value: float) -> int:
    """The number of the bucket that holds a positive finite value."""
    return math.ceil(math.log(value) / LOG_GAMMA)


def value_of(bucket: int) -> float:
    """The value that stands for a bucket: within the relative error of all that it holds."""
    logarithm = bucket * LOG_GAMMA + math.log(2 / (math.exp(LOG_GAMMA) + 1))
    return math.exp(min(logarithm, math.log(sys.float_info.max)))


def values_of(zeros: int, buckets: Iterable[tuple[int, int]]) -> tuple[list[float], list[int]]:
    """The values of a histogram, ascending, and how often each occurred.

    Args:
        zeros: how many values were 0.
        buckets: number and count of each, ascending.
    """
    pairs = [(0.0, zeros)] * bool(zeros) + [(value_of(bucket), count) for bucket, count in buckets]
    return [value for value, _ in pairs], [count for _, count in pairs]
