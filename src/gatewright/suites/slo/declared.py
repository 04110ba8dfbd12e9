"""A load that a policy declares becomes a suite that can be run."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from gatewright.core.errors import ConfigurationError, GatewrightError
from gatewright.execution.server import ServerProcess
from gatewright.gate.loads import DeclaredObjective, DeclaredSlices, DeclaredStage, Load
from gatewright.load import Hold, Journey, Mix, Origin, Ramp, Stage, Weighted
from gatewright.slo import (
    DriftLimit,
    ErrorBudget,
    LatencyObjective,
    Objective,
    RatioTimeslicesObjective,
    Requirements,
    SlicePromise,
    SuccessObjective,
    ThroughputObjective,
    TimeslicesObjective,
)
from gatewright.suites.slo.assembly import Heading
from gatewright.suites.slo.importing import add_to_path, filled, imported_callable
from gatewright.suites.slo.plan import Plan, Service
from gatewright.suites.slo.running import Suite, permitted_target

__all__ = [
    "JourneyError",
    "Overrides",
    "add_to_path",
    "declared_service",
    "declared_suite",
    "journey_of",
    "objectives_of",
    "plan_of",
    "slices_of",
]

STOP_GRACE_S = 2.0
PERCENT = 100
DAY_S = 86_400.0
IN_PROCESS = Origin("testserver", 80)


class JourneyError(GatewrightError):
    """A journey of the project could not be made; the message names it and its error."""


@dataclass(frozen=True)
class Overrides:
    """What the command line changes of a declaration; None leaves it as declared.

    Attributes:
        target: measure this running server instead.
        may_load: host besides loopback that may be loaded.
        rate: runs offered per second.
        seconds: longest duration.
        seed: of arrivals and draws.
    """

    target: str | None = None
    may_load: str | None = None
    rate: float | None = None
    seconds: float | None = None
    seed: int | None = None

    def apply(self, load: Load) -> Load:
        """The declaration with what was given."""
        changes = {"rate": self.rate, "seconds": self.seconds, "seed": self.seed}
        given: dict[str, object] = {name: value for name, value in changes.items() if value is not None}
        if load.stages and (self.rate or self.seconds):
            raise ConfigurationError("the load has stages, which say rate and duration", remedy="edit them")
        if self.target is not None:
            given |= {"target": self.target, "server": None, "app": None}
        return load.model_copy(update=given)


def declared_suite(
    name: str, load: Load, root: Path, overrides: Overrides, *, profile: str, command: str
) -> Suite:
    """The suite of a declaration; nothing is imported or started yet.

    Args:
        name: of the declaration; also of its scenario.
        load: the declaration.
        root: of the project.
        overrides: what the command line says.
        profile: told in the report.
        command: what repeats it, told likewise.

    Raises:
        ConfigurationError: a figure or the target can't be used.
    """
    load = overrides.apply(load)
    if load.target is not None:
        permitted_target(load.target, overrides.may_load)
    plan = plan_of(name, load)
    heading = Heading(
        suite=f"slo-{name}",
        profile=profile,
        target=load.target or load.app or "",
        server_started=load.server is not None,
        alpha=load.needs.alpha,
        started_at=datetime.now(UTC),
        command=command,
    )
    service = partial(declared_service, load, root, overrides.may_load)
    return Suite(heading, [plan], service, root=root, share_alpha=load.needs.share_alpha)


def plan_of(name: str, load: Load) -> Plan:
    """How a declaration is measured."""
    needs = load.needs
    return Plan(
        name=name,
        objectives=objectives_of(load.objectives),
        rate=load.rate,
        budget_s=load.seconds,
        stages=tuple(stage_of(stage) for stage in load.stages),
        seed=load.seed,
        arrivals=load.arrivals,
        deadline_s=load.deadline_s,
        requirements=Requirements(
            alpha=needs.alpha,
            least_samples=needs.samples,
            least_s=needs.seconds,
            least_fail_s=needs.seconds_to_fail,
            stall_s=needs.unseen_stall_s,
            break_s=needs.unseen_break_s,
        ),
        drift_limits=tuple(DriftLimit(series, limit) for series, limit in load.drift.items()),
        budget=ErrorBudget(load.budget.target, load.budget.period_days * DAY_S) if load.budget else None,
        slices=slices_of(load.slices),
    )


def stage_of(declared: DeclaredStage) -> Stage:
    """A stage that holds its rate, or changes it."""
    if declared.rate is not None:
        return Hold(declared.rate, declared.seconds)
    return Ramp(declared.begin_rate or 0.0, declared.end_rate or 0.0, declared.seconds)


def objectives_of(declared: tuple[DeclaredObjective, ...]) -> tuple[Objective, ...]:
    """Declared promises as objectives.

    Raises:
        ConfigurationError: two of them limit the same metric of the same part.
    """
    objectives = tuple(objective_of(each) for each in declared)
    names = [objective.name for objective in objectives]
    for name in names:
        if names.count(name) > 1:
            raise ConfigurationError(f"objective {name} is declared twice", remedy="keep the stricter one")
    return objectives


def slices_of(declared: tuple[DeclaredSlices, ...]) -> tuple[SlicePromise, ...]:
    """Declared promises about slices of time."""
    return tuple(promise_of(each) for each in declared)


def promise_of(declared: DeclaredSlices) -> SlicePromise:
    """One promise about slices: of good ones, or of their average."""
    least, inner = declared.at_least, declared.slice_at_least
    return SlicePromise(
        RatioTimeslicesObjective(least, declared.seconds)
        if inner is None
        else TimeslicesObjective(least, inner, declared.seconds),
        threshold_s=None if declared.at_most_ms is None else declared.at_most_ms / 1e3,
        journey=declared.journey,
        step=declared.step,
    )


def objective_of(declared: DeclaredObjective) -> Objective:
    """One promise; the policy has checked that its numbers are there."""
    least = declared.at_least or 0.0
    if declared.metric == "success_ratio":
        return SuccessObjective(least, journey=declared.journey, step=declared.step)
    if declared.metric == "throughput":
        return ThroughputObjective(least, journey=declared.journey)
    return LatencyObjective(
        (declared.percentile or 0.0) / PERCENT,
        (declared.at_most_ms or 0.0) / 1e3,
        journey=declared.journey,
        step=declared.step,
    )


@contextmanager
def declared_service(load: Load, root: Path, may_load: str | None) -> Iterator[Service]:
    """The running target, a server that is started for it, or the application itself."""
    if load.target is not None:
        origin = permitted_target(load.target, may_load)
        ca_file = root / load.ca_file if load.ca_file else None
        yield Service(origin, mix_of(load, root, origin), ca_file=ca_file)
        return
    if load.app is not None:
        add_to_path(root, load.python_path)
        application = imported_callable("app", load.app)
        yield Service(IN_PROCESS, mix_of(load, root, IN_PROCESS), application=application)
        return
    with tempfile.TemporaryDirectory(prefix="gatewright-slo-") as folder:
        port_file = Path(folder, "port")
        fill = {"python": sys.executable, "root": str(root), "port_file": str(port_file)}
        argv = [filled(word, fill) for word in load.server or ()]
        server = ServerProcess(
            argv,
            port_file=port_file,
            env=server_environment(load, root),
            cwd=root,
            ready_path=load.ready_path,
        )
        with server:
            origin = Origin.parse(server.base_url)
            yield Service(origin, mix_of(load, root, origin), server.pid)
            server.stop(STOP_GRACE_S)


def server_environment(load: Load, root: Path) -> dict[str, str]:
    """Our environment, in which the project's folders can be imported from."""
    inherited = os.environ.get("PYTHONPATH")
    folders = [str((root / folder).resolve()) for folder in load.python_path]
    return {**os.environ, "PYTHONPATH": os.pathsep.join([*folders, *([inherited] if inherited else [])])}


def mix_of(load: Load, root: Path, origin: Origin) -> Mix:
    """The declared journeys of a service.

    Raises:
        ConfigurationError: one can't be imported, or is none.
        JourneyError: one could not be made for this service.
    """
    add_to_path(root, load.python_path)
    return Mix(
        {
            name: Weighted(journey_of(name, declared.factory, origin), declared.weight)
            for name, declared in load.journeys.items()
        },
        seed=load.seed,
    )


def journey_of(name: str, path: str, origin: Origin) -> Journey:
    """Import the factory of a journey and call it."""
    factory = imported_callable(f"journey {name}", path)
    try:
        journey: Journey = factory(origin)
    except GatewrightError:
        raise
    except (Exception, SystemExit) as error:
        raise JourneyError(f"journey {name} ({path}): {type(error).__name__}: {error}") from error
    steps = getattr(journey, "steps", None)
    if not isinstance(steps, tuple) or not callable(getattr(journey, "run", None)):
        raise ConfigurationError(
            f"journey {name}: {path} gave no journey", remedy="give it `steps`, a tuple of names, and `run()`"
        )
    return journey
