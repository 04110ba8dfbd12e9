"""Counts that workers send and a master adds up: every figure of a run, made of integers alone."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from gatewright.core.model import Model
from gatewright.load import LogHistogram
from gatewright.plugins.locust.workload import BLOCK_S, Lineup, Pace, Workload

__all__ = [
    "SPAN_S",
    "TICKS_A_SECOND",
    "TICKS_A_SPAN",
    "TICK_S",
    "Counts",
    "Histogram",
    "Pool",
    "Shape",
    "WindowCounts",
    "WindowPool",
]

TICK_S = 0.001
SPAN_S = 0.1
TICKS_A_SPAN = round(SPAN_S / TICK_S)
TICKS_A_SECOND = round(1 / TICK_S)
LARGEST_BUCKET = 20_000
"""Of 0.1% error: 20,000 stands for e^40 seconds."""
LONGEST_REASON = 200
SLACK_S = 60.0

Count = Annotated[int, Field(ge=0, le=10**9)]
Number = Annotated[int, Field(ge=0, le=10**9)]
Bucket = Annotated[int, Field(ge=-LARGEST_BUCKET, le=LARGEST_BUCKET)]
Sparse = tuple[tuple[Number, Count], ...]


class Histogram(Model):
    """A sparse `LogHistogram` of seconds, its relative error 0.1%."""

    zeros: Count = 0
    buckets: tuple[tuple[Bucket, Count], ...] = ()

    @classmethod
    def of(cls, histogram: LogHistogram) -> "Histogram":
        """What a histogram holds."""
        return cls(zeros=histogram.zeros, buckets=histogram.buckets)

    def restore(self) -> LogHistogram:
        """The histogram that it was made of."""
        return LogHistogram.from_buckets(self.zeros, self.buckets)


class WindowCounts(Model):
    """What runs that began within one window came to.

    Attributes:
        number: of the window, from 0.
        parts: for each part of the workload, the times of runs that succeeded (of their longest calls).
        steps: for each step, the service times of all calls that were answered.
        failures: step, reason and how often.
    """

    number: Number
    parts: tuple[Histogram, ...]
    steps: tuple[Histogram, ...]
    failures: tuple[tuple[str, Annotated[str, Field(max_length=LONGEST_REASON)], Count], ...]


class Counts(Model):
    """Figures of some stretch of a run; counts of several stretches and workers are merged by addition.

    Attributes:
        windows: latencies and failures.
        samples: for each part, how many of its runs began in each tenth of a second.
        exceedances: for each counted objective, how many runs that broke it began in each millisecond: with
            `samples`, all that is needed to see which lie close together, also across workers.
        near_misses: likewise of runs beyond half of a latency's threshold; nothing for other objectives.
        arrivals: for each journey, how many runs were due in each second, begun or not.
        completions: for each journey, how many runs succeeded in each second.
        lags: how late runs began by the generator's own fault, in seconds.
    """

    windows: tuple[WindowCounts, ...] = ()
    samples: tuple[Sparse, ...] = ()
    exceedances: tuple[Sparse, ...] = ()
    near_misses: tuple[Sparse, ...] = ()
    arrivals: tuple[Sparse, ...] = ()
    completions: tuple[Sparse, ...] = ()
    lags: Histogram = Histogram()


@dataclass(frozen=True)
class Shape:
    """How many of everything the counts of a run have; `part_of` tells each counted objective's part."""

    parts: int
    part_of: tuple[int, ...]
    journeys: int
    steps: tuple[str, ...]
    seconds: float
    window_s: int

    @classmethod
    def of(cls, workload: Workload, lineup: Lineup, pace: Pace) -> "Shape":
        """The shape of all counts of a workload."""
        longest = pace.seconds + workload.deadline_s + SLACK_S
        return cls(
            parts=len(workload.parts),
            part_of=tuple(workload.parts.index((each.journey, each.step)) for each in workload.counted),
            journeys=len(lineup.journeys),
            steps=lineup.steps,
            seconds=longest,
            window_s=pace.window_s,
        )

    def mismatch(self, counts: Counts) -> str:
        """Why counts can't be of this shape, in words; empty when they can."""
        lengths = (
            ("parts", self.parts, [counts.samples, *(each.parts for each in counts.windows)]),
            ("objectives", len(self.part_of), [counts.exceedances, counts.near_misses]),
            ("journeys", self.journeys, [counts.arrivals, counts.completions]),
            ("steps", len(self.steps), [each.steps for each in counts.windows]),
        )
        for what, expected, lists in lengths:
            if any(len(each) != expected for each in lists):
                return f"it does not tell of {expected} {what}"
        limits = (
            (BLOCK_S, [*counts.arrivals, *counts.completions]),
            (SPAN_S, counts.samples),
            (TICK_S, [*counts.exceedances, *counts.near_misses]),
        )
        for length_s, tables in limits:
            if any(number * length_s > self.seconds for table in tables for number, _ in table):
                return "it tells of a moment after the end"
        if any(each.number * self.window_s > self.seconds for each in counts.windows):
            return "it tells of a window after the end"
        begun = [counts.samples[part] for part in self.part_of]
        for broken in (counts.exceedances, counts.near_misses):
            if any(map(more_broken_than_begun, broken, begun)):
                return "it tells of more exceedances than runs"
        told = {step for each in counts.windows for step, _, _ in each.failures}
        if not told <= {*self.steps, "other"}:
            return "it tells of failures in steps that there are not"
        return ""


def more_broken_than_begun(exceedances: Sparse, samples: Sparse) -> bool:
    """Whether in some span more runs broke an objective than began."""
    broken = Counter[int]()
    for tick, count in exceedances:
        broken[tick // TICKS_A_SPAN] += count
    return not broken <= Counter(dict(samples))


@dataclass
class WindowPool:
    """One window while it grows."""

    parts: list[LogHistogram]
    steps: list[LogHistogram]
    failures: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, counts: WindowCounts) -> None:
        """Add what another one has seen."""
        self.parts = [
            mine.merge(other.restore()) for mine, other in zip(self.parts, counts.parts, strict=True)
        ]
        self.steps = [
            mine.merge(other.restore()) for mine, other in zip(self.steps, counts.steps, strict=True)
        ]
        for step, reason, count in counts.failures:
            self.failures[step, reason] += count

    def counts(self, number: int) -> WindowCounts:
        """The window as it is sent."""
        return WindowCounts(
            number=number,
            parts=tuple(map(Histogram.of, self.parts)),
            steps=tuple(map(Histogram.of, self.steps)),
            failures=tuple((step, reason, count) for (step, reason), count in self.failures.items()),
        )


class Pool:
    """Counts while they grow: a worker's since its last report, or those of all workers."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.windows: dict[int, WindowPool] = {}
        self.samples = [Counter[int]() for _ in range(shape.parts)]
        self.exceedances = [Counter[int]() for _ in shape.part_of]
        self.near_misses = [Counter[int]() for _ in shape.part_of]
        self.arrivals = [Counter[int]() for _ in range(shape.journeys)]
        self.completions = [Counter[int]() for _ in range(shape.journeys)]
        self.lags = LogHistogram()

    def window(self, number: int) -> WindowPool:
        """A window, empty when nothing was counted in it yet."""
        if number not in self.windows:
            parts = [LogHistogram() for _ in range(self.shape.parts)]
            self.windows[number] = WindowPool(parts, [LogHistogram() for _ in self.shape.steps])
        return self.windows[number]

    def add(self, counts: Counts) -> None:
        """Merge counts of the same shape."""
        for window in counts.windows:
            self.window(window.number).add(window)
        for mine, theirs in (
            (self.samples, counts.samples),
            (self.exceedances, counts.exceedances),
            (self.near_misses, counts.near_misses),
            (self.arrivals, counts.arrivals),
            (self.completions, counts.completions),
        ):
            for counter, table in zip(mine, theirs, strict=True):
                for number, count in table:
                    counter[number] += count
        self.lags = self.lags.merge(counts.lags.restore())

    def counts(self) -> Counts:
        """All that was counted, as it is sent."""
        return Counts(
            windows=tuple(self.windows[number].counts(number) for number in sorted(self.windows)),
            samples=tuple(map(sparse, self.samples)),
            exceedances=tuple(map(sparse, self.exceedances)),
            near_misses=tuple(map(sparse, self.near_misses)),
            arrivals=tuple(map(sparse, self.arrivals)),
            completions=tuple(map(sparse, self.completions)),
            lags=Histogram.of(self.lags),
        )


def sparse(counter: Counter[int]) -> Sparse:
    """The entries of a counter, ascending."""
    return tuple(sorted(counter.items()))
