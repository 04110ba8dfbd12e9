"""What is measured, and how: a service, and the plan of a scenario."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from gatewright.core.errors import ConfigurationError
from gatewright.load import (
    DEFAULT_DEADLINE_S,
    LagLimits,
    Mix,
    Origin,
    WarmUpRule,
    constant_arrivals,
    poisson_arrivals,
)
from gatewright.slo import DriftLimit, LatencyObjective, Objective, Requirements, ThroughputObjective
from gatewright.suites.slo.tallies import ensure_measurable

__all__ = ["MOST_CONNECTIONS", "Plan", "Service"]

CONNECTION_RESERVE = 64
MOST_CONNECTIONS = 8192


@dataclass(frozen=True)
class Service:
    """What is measured: where it listens, what runs do there, and its process when it is ours."""

    origin: Origin
    mix: Mix
    pid: int | None = None


@dataclass(frozen=True)
class Plan:
    """How a scenario is measured.

    Attributes:
        name: of the scenario.
        objectives: what was promised.
        rate: arrivals of runs per second; at least the promised throughput.
        budget_s: the schedule ends after this many seconds, warm-up included, decided or not.
        seed: of the arrivals.
        arrivals: independent users (poisson), or even distances (constant).
        deadline_s: a run that takes longer is given up and counts as failed.
        stops_early: whether PASS ends the scenario before its budget; FAIL always does.
        most_discards: how often a window whose schedule was not kept is begun anew.
        requirements: what a decision needs at least.
        warm_up: when the service counts as settled.
        drift_limits: allowed growth per run, by series: `rss` in bytes, `latency_p95` in microseconds.
    """

    name: str
    objectives: tuple[Objective, ...]
    rate: float
    budget_s: float
    seed: int = 1
    arrivals: Literal["poisson", "constant"] = "poisson"
    deadline_s: float = DEFAULT_DEADLINE_S
    stops_early: bool = True
    most_discards: int = 1
    requirements: Requirements = field(default_factory=Requirements)
    warm_up: WarmUpRule = field(default_factory=WarmUpRule)
    drift_limits: tuple[DriftLimit, ...] = ()

    def __post_init__(self) -> None:
        for objective in self.objectives:
            if isinstance(objective, ThroughputObjective) and self.rate < objective.runs_per_s:
                raise ConfigurationError(
                    f"{objective.runs_per_s:g} runs/s can't come out of {self.rate:g} offered",
                    remedy="raise the offered rate above the throughput threshold",
                )
        if self.rate * self.deadline_s + CONNECTION_RESERVE > MOST_CONNECTIONS:
            raise ConfigurationError(
                f"{self.rate:g} runs/s with a deadline of {self.deadline_s:g} s may need more than "
                f"{MOST_CONNECTIONS} connections",
                remedy="lower the rate or the deadline",
            )

    @property
    def lag_limits(self) -> LagLimits:
        """How late the generator may be, by the strictest latency threshold."""
        thresholds = [each.threshold_s for each in self.objectives if isinstance(each, LatencyObjective)]
        return LagLimits.for_threshold(min(thresholds, default=1.0))

    def ensure_fits(self, mix: Mix) -> None:
        """Refuse a mix that does not have what the objectives speak of, or not often enough.

        Raises:
            ConfigurationError: an objective can't be measured with it.
        """
        ensure_measurable(self.objectives, mix)
        for objective in self.objectives:
            if isinstance(objective, ThroughputObjective) and objective.journey:
                offered = self.rate * mix.share(objective.journey)
                if offered < objective.runs_per_s:
                    raise ConfigurationError(
                        f"{objective.runs_per_s:g} runs/s of {objective.journey} can't come out of "
                        f"{offered:g} offered",
                        remedy="raise the offered rate, or the weight of the journey",
                    )

    def schedule(self) -> Iterator[float]:
        """The arrivals, in seconds from the start."""
        if self.arrivals == "constant":
            return constant_arrivals(self.rate, self.budget_s)
        return poisson_arrivals(self.rate, self.budget_s, seed=self.seed)

    def mean_rate(self, _start_s: float, _end_s: float) -> float:
        """Nominal arrivals per second between two moments of the schedule, in seconds from its start."""
        return self.rate
