"""Objectives: what a service promises, as a limit on the share of runs that break it, or as a rate."""

import math
from dataclasses import dataclass

from gatewright.core.errors import ConfigurationError

__all__ = ["LatencyObjective", "Objective", "SuccessObjective", "ThroughputObjective"]


@dataclass(frozen=True)
class LatencyObjective:
    """Percentile p of the latency is at most T: a share of at most 1 - p exceeds T; failed runs exceed it.

    Attributes:
        percentile: p as a share, e.g. 0.95.
        threshold_s: T, in seconds.
        journey: of runs that make this journey; of all when empty.
        step: of this step's service time, the longest one of each run; of whole runs, from their schedule,
            when empty.
    """

    percentile: float
    threshold_s: float
    journey: str = ""
    step: str = ""

    def __post_init__(self) -> None:
        require("the percentile of a latency", self.percentile, above=0, below=1)
        require("a latency threshold", self.threshold_s, above=0)

    @property
    def name(self) -> str:
        """The metric that the objective limits."""
        return scoped(f"latency_p{self.percentile * 100:g}_ms", self.journey, self.step)

    @property
    def allowed_share(self) -> float:
        """The largest share of runs that may exceed the threshold."""
        return 1 - self.percentile


@dataclass(frozen=True)
class SuccessObjective:
    """At least this share of runs succeeds; 1 itself is refused, since no finite sample proves it.

    Attributes:
        ratio: the share.
        journey: of runs that make this journey; of all when empty.
        step: of runs that reach this step, those that don't fail there; whole runs when empty.
    """

    ratio: float
    journey: str = ""
    step: str = ""

    def __post_init__(self) -> None:
        require("a success ratio", self.ratio, above=0, below=1)

    @property
    def name(self) -> str:
        """The metric that the objective limits."""
        return scoped("success_ratio", self.journey, self.step)

    @property
    def allowed_share(self) -> float:
        """The largest share of runs that may fail."""
        return 1 - self.ratio


@dataclass(frozen=True)
class ThroughputObjective:
    """At least this many runs a second succeed, while at least as many are offered.

    Attributes:
        runs_per_s: how many.
        journey: of runs that make this journey; of all when empty.
    """

    runs_per_s: float
    journey: str = ""

    def __post_init__(self) -> None:
        require("a throughput", self.runs_per_s, above=0)

    @property
    def name(self) -> str:
        """The metric that the objective limits."""
        return scoped("throughput_runs_per_s", self.journey)


Objective = LatencyObjective | SuccessObjective | ThroughputObjective


def scoped(metric: str, journey: str, step: str = "") -> str:
    """A metric of a part of the runs: `journey/step:metric`."""
    part = "/".join(filter(None, (journey, step)))
    return f"{part}:{metric}" if part else metric


def require(what: str, value: float, *, above: float, below: float = math.inf) -> None:
    """Refuse a number outside the open interval; NaN is outside of every interval."""
    if not above < value < below:
        upper = f" and below {below:g}" if below < math.inf else " and finite"
        raise ConfigurationError(f"{what} must be above {above:g}{upper}, not {value:g}")
