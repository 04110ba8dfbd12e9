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
    """

    percentile: float
    threshold_s: float

    def __post_init__(self) -> None:
        require("the percentile of a latency", self.percentile, above=0, below=1)
        require("a latency threshold", self.threshold_s, above=0)

    @property
    def name(self) -> str:
        """The metric that the objective limits."""
        return f"latency_p{self.percentile * 100:g}_ms"

    @property
    def allowed_share(self) -> float:
        """The largest share of runs that may exceed the threshold."""
        return 1 - self.percentile


@dataclass(frozen=True)
class SuccessObjective:
    """At least this share of runs succeeds; 1 itself is refused, since no finite sample proves it."""

    ratio: float

    def __post_init__(self) -> None:
        require("a success ratio", self.ratio, above=0, below=1)

    @property
    def name(self) -> str:
        """The metric that the objective limits."""
        return "success_ratio"

    @property
    def allowed_share(self) -> float:
        """The largest share of runs that may fail."""
        return 1 - self.ratio


@dataclass(frozen=True)
class ThroughputObjective:
    """At least this many runs a second succeed, while at least as many are offered."""

    runs_per_s: float

    def __post_init__(self) -> None:
        require("a throughput", self.runs_per_s, above=0)

    @property
    def name(self) -> str:
        """The metric that the objective limits."""
        return "throughput_runs_per_s"


Objective = LatencyObjective | SuccessObjective | ThroughputObjective


def require(what: str, value: float, *, above: float, below: float = math.inf) -> None:
    """Refuse a number outside the open interval; NaN is outside of every interval."""
    if not above < value < below:
        upper = f" and below {below:g}" if below < math.inf else " and finite"
        raise ConfigurationError(f"{what} must be above {above:g}{upper}, not {value:g}")
