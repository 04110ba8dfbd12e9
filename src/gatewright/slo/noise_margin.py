"""The difference that noise alone makes to a percentile, seen within one measurement: an embedded A/A."""

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

__all__ = ["noise_margin"]

LEAST_RUNS = 40
SPLITS = (4, 6, 8, 12, 16, 24, 32)
"""Numbers of blocks: noise of a few seconds shows between long ones, that of a moment between short ones."""
LEAST_BLOCK = 5
NORMAL_MEDIAN = 0.6745
"""The median of the absolute value of a standard normal variable."""


def noise_margin(latencies: Sequence[float], percentile: float) -> float | None:
    """How far noise alone moves a percentile of this measurement, as a share of it.

    The runs are cut into blocks of time, which go to A and B by turns (A B B A, so that a drift falls on both
    alike). A and B are the same service at the same time, hence their percentiles differ by noise alone. A
    half's percentile has about twice the variance of the whole's and the difference four times, so the
    difference's standard deviation, taken from the median over several splits, is two standard errors of the
    whole: about the margin of 95%.

    Args:
        latencies: of successive runs, in the order of their schedule; those that failed are left out.
        percentile: as a share, e.g. 0.95.

    Returns:
        The margin, 0 or more; None where there are too few runs.
    """
    if len(latencies) < LEAST_RUNS:
        return None
    whole = quantile(sorted(latencies), percentile)
    if not 0 < whole < math.inf:
        return None
    differences = []
    for blocks in SPLITS:
        if len(latencies) >= LEAST_BLOCK * blocks:
            one, other = halves(latencies, blocks)
            differences.append(abs(quantile(one, percentile) - quantile(other, percentile)))
    return median(differences) / NORMAL_MEDIAN / whole


def halves(latencies: Sequence[float], blocks: int) -> tuple[list[float], list[float]]:
    """The two halves of a split into so many blocks, each sorted."""
    parts: tuple[list[float], list[float]] = ([], [])
    edges = [len(latencies) * number // blocks for number in range(blocks + 1)]
    for number, (start, end) in enumerate(pairwise(edges)):
        # 0 1 1 0 | 0 1 1 0 | ...
        parts[(number + 1) // 2 % 2].extend(latencies[start:end])
    return sorted(parts[0]), sorted(parts[1])


def quantile(ascending: Sequence[float], percentile: float) -> float:
    """The least value that a share of at least `percentile` does not exceed."""
    return ascending[max(0, math.ceil(percentile * len(ascending) - 1e-9) - 1)]
