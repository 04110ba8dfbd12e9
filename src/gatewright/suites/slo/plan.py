"""What is measured, and how: a service, and the plan of a scenario."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from gatewright.core.errors import ConfigurationError
from gatewright.load import (
    DEFAULT_DEADLINE_S,
    AsgiApplication,
    Gauge,
    Hold,
    LagLimits,
    Mix,
    Origin,
    Profile,
    Stage,
    WarmUpRule,
    arrivals,
)
from gatewright.load.stages import Spacing
from gatewright.slo import (
    DriftLimit,
    ErrorBudget,
    LatencyObjective,
    Objective,
    Requirements,
    SlicePromise,
    ThroughputObjective,
)
from gatewright.suites.slo.tallies import ensure_measurable

__all__ = ["MOST_CONNECTIONS", "Plan", "Service"]

CONNECTION_RESERVE = 64
MOST_CONNECTIONS = 8192


@dataclass(frozen=True)
class Service:
    """What is measured.

    Attributes:
        origin: where it listens.
        mix: what runs do there.
        pid: its process, whose descendants belong to it, when it is ours.
        application: the service itself, called in this process instead of over the network.
        ca_file: certificates (PEM) of the issuers to trust behind TLS, instead of those of the system.
        gauges: further figures of it by name, e.g. the size of its database in bytes; see `ResourceMeter`.
    """

    origin: Origin
    mix: Mix
    pid: int | None = None
    application: AsgiApplication | None = None
    ca_file: Path | None = None
    gauges: Mapping[str, Gauge] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """How a scenario is measured.

    Attributes:
        name: of the scenario.
        objectives: what was promised.
        rate: arrivals of runs per second; at least the promised throughput.
        budget_s: the schedule ends after this many seconds, warm-up included, decided or not.
        stages: a rate that changes, instead of `rate` and `budget_s`; all of them are offered.
        seed: of the arrivals.
        arrivals: independent users (poisson), or even distances (constant).
        deadline_s: a run that takes longer is given up and counts as failed.
        stops_early: whether PASS ends the scenario before its budget; FAIL always does.
        most_discards: how often a window whose schedule was not kept is begun anew.
        requirements: what a decision needs at least.
        warm_up: when the service counts as settled.
        drift_limits: allowed growth per run, by series: `rss` in bytes, `open_files`, `threads`, what the
            service's gauges tell, and `latency_p1` to `latency_p99` in microseconds. A plan that stops early
            looks at them once its objectives have passed, and goes on until they are decided, too.
        budget: of runs that may fail; a burn that is far too fast ends the scenario.
        slices: what was promised about slices of time.
    """

    name: str
    objectives: tuple[Objective, ...]
    rate: float
    budget_s: float
    seed: int = 1
    stages: tuple[Stage, ...] = ()
    arrivals: Spacing = "poisson"
    deadline_s: float = DEFAULT_DEADLINE_S
    stops_early: bool = True
    most_discards: int = 1
    requirements: Requirements = field(default_factory=Requirements)
    warm_up: WarmUpRule = field(default_factory=WarmUpRule)
    drift_limits: tuple[DriftLimit, ...] = ()
    budget: ErrorBudget | None = None
    slices: tuple[SlicePromise, ...] = ()

    def __post_init__(self) -> None:
        for objective in self.objectives:
            if isinstance(objective, ThroughputObjective) and self.overall_rate < objective.runs_per_s:
                raise ConfigurationError(
                    f"{objective.runs_per_s:g} runs/s can't come out of {self.overall_rate:g} offered",
                    remedy="raise the offered rate above the throughput threshold",
                )
        if self.peak_rate * self.deadline_s + CONNECTION_RESERVE > MOST_CONNECTIONS:
            raise ConfigurationError(
                f"{self.peak_rate:g} runs/s with a deadline of {self.deadline_s:g} s may need more than "
                f"{MOST_CONNECTIONS} connections",
                remedy="lower the rate or the deadline",
            )

    @cached_property
    def profile(self) -> Profile:
        """What is offered over time."""
        return Profile(self.stages or (Hold(self.rate, self.budget_s),))

    @property
    def seconds(self) -> float:
        """The longest duration."""
        return self.profile.duration_s

    @property
    def overall_rate(self) -> float:
        """Arrivals per second on average over the whole schedule."""
        return self.mean_rate(0.0, self.seconds)

    @property
    def peak_rate(self) -> float:
        """Arrivals per second where most are offered."""
        return max(max(part.begin_rate, part.end_rate) for part in self.profile.parts)

    @property
    def may_stop_early(self) -> bool:
        """Whether PASS ends the scenario: not before each of its stages was offered.

        Nor where there is an error budget, whose bounds hold for a length that did not depend on it, or where
        slices are judged, which are only looked at in the end.
        """
        held_to_the_end = len(self.profile.parts) > 1 or self.budget is not None or bool(self.slices)
        return self.stops_early and not held_to_the_end

    @property
    def lag_limits(self) -> LagLimits:
        """How late the generator may be, by the strictest latency threshold."""
        promises = (*self.objectives, *(each.run for each in self.slices))
        thresholds = [each.threshold_s for each in promises if isinstance(each, LatencyObjective)]
        return LagLimits.for_threshold(min(thresholds, default=1.0))

    def ensure_fits(self, mix: Mix) -> None:
        """Refuse a mix that does not have what the objectives speak of, or not often enough.

        Raises:
            ConfigurationError: an objective can't be measured with it.
        """
        ensure_measurable((*self.objectives, *(each.run for each in self.slices)), mix)
        for objective in self.objectives:
            if isinstance(objective, ThroughputObjective) and objective.journey:
                offered = self.overall_rate * mix.share(objective.journey)
                if offered < objective.runs_per_s:
                    raise ConfigurationError(
                        f"{objective.runs_per_s:g} runs/s of {objective.journey} can't come out of "
                        f"{offered:g} offered",
                        remedy="raise the offered rate, or the weight of the journey",
                    )

    def schedule(self) -> Iterator[float]:
        """The arrivals, in seconds from the start."""
        return arrivals(self.profile, self.arrivals, seed=self.seed)

    def mean_rate(self, start_s: float, end_s: float) -> float:
        """Nominal arrivals per second between two moments of the schedule, in seconds from its start."""
        end_s = min(end_s, self.seconds)
        return self.profile.mean_rate(start_s, end_s) if end_s > start_s else self.profile.rate_at(start_s)
