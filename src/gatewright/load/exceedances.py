"""Exact counts of runs over latency thresholds, which no histogram's rounding touches."""

from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate, pairwise
from math import inf, isnan
from typing import Annotated, ClassVar, Self

from pydantic import Field, FiniteFloat, model_validator

from gatewright.core.errors import ConfigurationError
from gatewright.load.histogram import MOST_COUNTED
from gatewright.load.written import Written

__all__ = ["ExceedanceCounter", "ExceedanceCounts"]

MOST_THRESHOLDS = 1000

Count = Annotated[int, Field(ge=0, le=MOST_COUNTED)]


class ExceedanceCounter:
    """Counts runs, and for each threshold those that took longer; a failed run exceeds every threshold.

    Args:
        thresholds_s: in seconds; each once, in any order.

    Raises:
        ConfigurationError: there are none, too many, or one is no positive finite number.
    """

    def __init__(self, thresholds_s: Iterable[float]) -> None:
        self.thresholds_s = tuple(sorted(set(thresholds_s)))
        if not 0 < len(self.thresholds_s) <= MOST_THRESHOLDS:
            raise ConfigurationError(f"1 to {MOST_THRESHOLDS} thresholds can be counted")
        for threshold in self.thresholds_s:
            if not 0 < threshold < inf:
                raise ConfigurationError(f"a threshold must be a positive finite number, not {threshold}")
        # Place i: runs over the i lowest thresholds and not over the next one.
        self._over = [0] * (len(self.thresholds_s) + 1)

    @property
    def samples(self) -> int:
        """How many runs were counted, failed ones included."""
        return sum(self._over)

    @property
    def exceeded(self) -> tuple[int, ...]:
        """For each of `thresholds_s`, how many runs took longer, or failed."""
        return tuple(accumulate(reversed(self._over[1:])))[::-1]

    def add(self, latency_s: float) -> None:
        """Count a run that succeeded.

        Raises:
            ConfigurationError: the latency is not a number.
        """
        if isnan(latency_s):
            raise ConfigurationError("a latency that is not a number can't be counted")
        # Over a threshold is what is larger than it: as many thresholds as are smaller.
        self._over[bisect_left(self.thresholds_s, latency_s)] += 1

    def add_failure(self) -> None:
        """Count a run that failed, however quickly."""
        self._over[-1] += 1

    def update(self, other: "ExceedanceCounter") -> None:
        """Add the runs of another counter to this one.

        Raises:
            ConfigurationError: it counts by other thresholds.
        """
        if other.thresholds_s != self.thresholds_s:
            raise ConfigurationError(
                "counts over different thresholds can't be added", remedy="count by the same ones everywhere"
            )
        theirs = other._over  # noqa: SLF001 - of the same class
        self._over = [mine + more for mine, more in zip(self._over, theirs, strict=True)]

    def merge(self, other: "ExceedanceCounter") -> "ExceedanceCounter":
        """A new counter with the runs of both.

        Raises:
            ConfigurationError: they count by different thresholds.
        """
        merged = ExceedanceCounter(self.thresholds_s)
        merged.update(self)
        merged.update(other)
        return merged

    def counts(self) -> "ExceedanceCounts":
        """What is to be written of this counter."""
        return ExceedanceCounts(samples=self.samples, thresholds_s=self.thresholds_s, exceeded=self.exceeded)

    @classmethod
    def of(cls, counts: "ExceedanceCounts") -> Self:
        """The counter that was written."""
        counter = cls(counts.thresholds_s)
        steps = [counts.samples, *counts.exceeded, 0]
        counter._over = [lower - higher for lower, higher in pairwise(steps)]
        return counter


class ExceedanceCounts(Written):
    """Counts as they are written to files and sent between processes.

    Attributes:
        samples: runs that were counted, failed ones included.
        thresholds_s: in seconds, ascending.
        exceeded: for each threshold, the runs that took longer, or failed.
    """

    title: ClassVar[str] = "count of exceedances"

    samples: Count
    thresholds_s: Annotated[
        tuple[Annotated[FiniteFloat, Field(gt=0)], ...], Field(min_length=1, max_length=MOST_THRESHOLDS)
    ]
    exceeded: tuple[Count, ...]

    @model_validator(mode="after")
    def is_possible(self) -> Self:
        """Thresholds ascend, and of the runs over one no more are over a higher one."""
        if any(lower >= higher for lower, higher in pairwise(self.thresholds_s)):
            raise ValueError("thresholds must ascend")
        if len(self.exceeded) != len(self.thresholds_s):
            raise ValueError("each threshold needs its count")
        if any(lower < higher for lower, higher in pairwise((self.samples, *self.exceeded))):
            raise ValueError("more runs are over a higher threshold than over a lower one")
        return self
