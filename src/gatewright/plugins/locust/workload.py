"""What Locust's workers do, and how fast: typed documents that every process of a run reads."""

import hashlib
import math
from typing import Annotated, Literal

from pydantic import Field, FiniteFloat, PositiveFloat, PositiveInt

from gatewright.core.errors import ConfigurationError
from gatewright.core.model import Model
from gatewright.load import Mix, Origin, Weighted
from gatewright.slo import LatencyObjective, SuccessObjective, ThroughputObjective
from gatewright.suites.slo.declared import journey_of
from gatewright.suites.slo.tallies import ensure_measurable

__all__ = ["BLOCK_S", "Counted", "JourneyEntry", "Lineup", "Pace", "Part", "Workload", "make_mix"]

MOST_USERS = 20_000
MOST_WORKERS = 200
MOST_WINDOWS = 240
MOST_RUNS = 4_000_000
"""What a measurement can hold when every run breaks every objective."""
BLOCK_S = 1.0
WINDOW_LENGTHS_S = (1, 2, 5, 10, 30, 60, 300, 600, 1800, 3600)

Counted = LatencyObjective | SuccessObjective
Part = tuple[str, str]
"""Journey and step, empty for all: the runs that are an objective's business."""


class JourneyEntry(Model):
    """A journey by name: `module:factory` is called with the service's `Origin` and returns a `Journey`."""

    name: str
    factory: Annotated[str, Field(pattern=r"^[\w.]+:\w+$")]
    weight: PositiveFloat = 1.0


class Workload(Model):
    """What is done to whom, and what is counted. It never travels: every machine has its own, and the same.

    A worker runs only journeys that its own machine has declared, whatever a master says.
    """

    target: str
    journeys: Annotated[tuple[JourneyEntry, ...], Field(min_length=1)]
    objectives: tuple[LatencyObjective | SuccessObjective | ThroughputObjective, ...]
    deadline_s: PositiveFloat

    @property
    def digest(self) -> str:
        """The same for workloads that may be merged."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    @property
    def origin(self) -> Origin:
        """The service."""
        return Origin.parse(self.target)

    @property
    def counted(self) -> tuple[Counted, ...]:
        """The objectives about latency or success, in order."""
        return tuple(each for each in self.objectives if not isinstance(each, ThroughputObjective))

    @property
    def parts(self) -> tuple[Part, ...]:
        """All runs first, then the other parts that objectives speak of."""
        return tuple(dict.fromkeys([("", ""), *((each.journey, each.step) for each in self.counted)]))


class Pace(Model):
    """How fast, and how long: what a master tells its workers.

    Attributes:
        rate: runs per second of all users together.
        seconds: runs start for so long.
        users: each makes `rate / users` runs a second (Locust's constant throughput).
        workers: processes that share the users.
        seed: of the users' places in the period, and of the draws of journeys.
    """

    kind: Literal["pace"] = "pace"
    rate: Annotated[FiniteFloat, Field(gt=0)]
    seconds: Annotated[FiniteFloat, Field(gt=0, le=7 * 24 * 3600)]
    users: Annotated[PositiveInt, Field(le=MOST_USERS)]
    workers: Annotated[PositiveInt, Field(le=MOST_WORKERS)]
    seed: int

    @classmethod
    def spread(cls, rate: float, seconds: float, workers: int, *, users: int = 0, seed: int = 1) -> "Pace":
        """The pace of `users` users; by default as many as make one run a second each.

        So a run may take up to a second before its user is late for the next one.

        Raises:
            ConfigurationError: a figure can't be used.
        """
        if not 0 < workers <= MOST_WORKERS:
            raise ConfigurationError(f"there can be 1 to {MOST_WORKERS} workers, not {workers}")
        if not (0 < rate < math.inf and 0 < seconds < math.inf):
            raise ConfigurationError("rate and duration must be positive finite numbers")
        if rate * seconds > MOST_RUNS:
            raise ConfigurationError(
                f"{rate:g} runs/s for {seconds:g} s are more than {MOST_RUNS:,} runs",
                remedy="measure for a shorter time",
            )
        users = users or max(workers, math.ceil(rate))
        if not workers <= users <= MOST_USERS:
            raise ConfigurationError(
                f"{users} users can't be spread over {workers} workers",
                remedy=f"set {workers} to {MOST_USERS} users",
            )
        return cls(rate=rate, seconds=seconds, users=users, workers=workers, seed=seed)

    @property
    def period_s(self) -> float:
        """The time between two runs of one user, in seconds."""
        return self.users / self.rate

    @property
    def window_s(self) -> int:
        """The length of the windows by which latencies are kept, in seconds; there are at most 240."""
        fitting = (length for length in WINDOW_LENGTHS_S if self.seconds / length <= MOST_WINDOWS)
        return next(fitting, WINDOW_LENGTHS_S[-1])


class Lineup(Model):
    """What a workload turned out to be made of: names and shares of journeys, names of all their steps."""

    journeys: Annotated[tuple[str, ...], Field(min_length=1)]
    shares: tuple[Annotated[float, Field(gt=0, le=1)], ...]
    steps: Annotated[tuple[str, ...], Field(min_length=1)]

    @classmethod
    def of(cls, mix: Mix) -> "Lineup":
        """The line-up of a mix."""
        return cls(journeys=mix.names, shares=tuple(map(mix.share, mix.names)), steps=mix.steps)

    def share(self, journey: str) -> float:
        """The share of runs that make a journey; 1 for the empty name, which means all."""
        return self.shares[self.journeys.index(journey)] if journey else 1.0


def make_mix(workload: Workload, *, seed: int) -> Mix:
    """The journeys of a workload, made for its service.

    Raises:
        ConfigurationError: one can't be imported or is none, or an objective speaks of what is not there.
        JourneyError: one could not be made for this service.
    """
    origin = workload.origin
    journeys = {
        entry.name: Weighted(journey_of(entry.name, entry.factory, origin), entry.weight)
        for entry in workload.journeys
    }
    mix = Mix(journeys, seed=seed)
    ensure_measurable(workload.objectives, mix)
    return mix
