"""Where races take place: apps over one store, put back to the same state before each schedule."""

import asyncio
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from gatewright.core.errors import ConfigurationError, GatewrightError
from gatewright.race.client import AsgiClient
from gatewright.race.history import History
from gatewright.race.lifespan import AppStartError, Lifespan
from gatewright.race.loop import ScheduledLoop
from gatewright.race.points.instruments import instruments
from gatewright.race.points.seeding import SeededWorld
from gatewright.race.points.sqlite import InstrumentedSqlite
from gatewright.race.points.sqlite_snapshot import Snapshot
from gatewright.race.points.workers import anyio_token
from gatewright.race.process_model import ProcessModel
from gatewright.race.scenario import Actor, Judged, Scenario, Unchecked
from gatewright.race.schedule import Deadlock, Livelock, Picker, ScheduleError, Trace

__all__ = ["Arena", "Race", "SetupFailed"]

ENGINE = "engine"
SETUP, RACE, OBSERVATION = 0, 1, 2

CRASHED = "no-actor-crash"
STUCK = "no-deadlock-or-livelock"


class SetupFailed(GatewrightError):  # noqa: N818 - reads as what happened
    """The state before the race could not be brought about, so nothing was raced."""


@dataclass
class Race:
    """One schedule: what happened, and what its oracles say.

    `violations` has every invariant that was evaluated, with the violations it saw. `unchecked` says why
    oracles could not be evaluated at all; such a race neither passes nor fails.
    """

    trace: Trace
    history: History
    violations: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unchecked: str = ""
    divergence: str = ""

    def judge(self, scenario: Judged, state: Any) -> None:
        """Let a scenario's oracles see the history and the state after it."""
        try:
            self.violations = scenario.violations(self.history, state)
        except Unchecked as error:
            self.violations, self.unchecked = error.violations, str(error)

    @property
    def failed(self) -> bool:
        """Whether any invariant was violated."""
        return any(self.violations.values())

    @property
    def failures(self) -> dict[str, tuple[str, ...]]:
        """The invariants that were violated."""
        return {name: seen for name, seen in self.violations.items() if seen}


class Traced(Protocol):
    """Runs schedules and keeps the trace of the last one."""

    trace: Trace


def run_schedule(race: Race, runner: Traced, schedule: Callable[[], Trace]) -> bool:
    """Run one schedule; True when it came to its end, so that oracles can judge it."""
    try:
        race.trace = schedule()
    except (Deadlock, Livelock) as error:
        race.trace = runner.trace
        race.violations = {STUCK: (str(error),)}
        return False
    except ScheduleError as error:
        race.trace = runner.trace
        race.divergence = str(error)
        return False
    return True


def judge(race: Race, scenario: Judged, observe: Callable[[], Any], crashes: list[str]) -> None:
    """Look at the state after the race, and evaluate all invariants."""
    try:
        state = observe()
    except Exception as error:  # noqa: BLE001 - an oracle that can't check must not look like one that did
        race.unchecked = f"{type(error).__name__}: {error}"
    else:
        race.judge(scenario, state)
    race.violations |= {CRASHED: tuple(crashes), STUCK: ()}


def make_app(create: Callable[[], Any]) -> Any:
    """Make an app.

    Raises:
        AppStartError: it could not be made.
    """
    try:
        return create()
    except Exception as error:
        raise AppStartError(f"the app could not be made: {type(error).__name__}: {error}") from error


async def act(name: str, actor: Actor, client: AsgiClient, crashes: list[str]) -> None:
    """Let an actor act, and keep what it raises."""
    try:
        await actor(client)
    except asyncio.CancelledError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a program under test raises is a finding
        crashes.append(f"{name}: {type(error).__name__}: {error}")


class Arena:
    """Runs the schedules of scenarios that share an app and differ in their state and actors.

    Entering instruments the process (SQLite, clocks, chance), leaving undoes it: one arena lives at a time.

    Args:
        builder: the scenario whose `create_app` makes the apps.
        seed: of identifiers and chance inside the apps.
        model: what actors share.
        max_steps: the step budget of one schedule.
    """

    def __init__(
        self,
        builder: Scenario,
        *,
        seed: int = 0,
        model: ProcessModel = ProcessModel.SEPARATE,
        max_steps: int = 20_000,
    ) -> None:
        if model is ProcessModel.THREADS:
            raise ConfigurationError(
                "an app can't be raced in the model threads",
                remedy="race a ThreadScenario by explore_threads",
            )
        self.model = model
        self.seed = seed
        self._builder = builder
        self._max_steps = max_steps
        self._resources = ExitStack()
        self._prepared = ExitStack()
        self._apps: list[Any] = []
        self._scenario = builder
        self._actors: dict[str, Actor] = {}
        self._state: Snapshot | None = None
        self._history = History()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="gatewright-race-"))
            self._folder = Path(folder)
            self._store = self._folder / "store"
            self._store.mkdir()
            self._loop = ScheduledLoop(max_steps=self._max_steps)
            stack.callback(self._loop.close)
            stack.enter_context(instruments())
            stack.enter_context(anyio_token(self._loop))
            self._sqlite = stack.enter_context(InstrumentedSqlite(self._loop))
            self._lifespans = stack.enter_context(ExitStack())
            self._add_app()
            self._world = stack.enter_context(SeededWorld(self._loop, self.seed))
            self._pristine = stack.enter_context(Snapshot(self._sqlite.databases, self._folder))
            stack.push(self._prepared)
            self._resources = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.close()

    def prepare(self, scenario: Scenario) -> None:
        """Bring about a scenario's state before the race, from an empty store, and keep it.

        Raises:
            SetupFailed: the scenario's `setup` raised.
        """
        self._prepared.close()
        self._sqlite.roll_back()
        self._pristine.restore()
        self._scenario, self._actors = scenario, dict(scenario.actors())
        # Before the set-up: what an app does when it starts must not change the state that is raced.
        while self.model is ProcessModel.SEPARATE and len(self._apps) < len(self._actors):
            self._add_app()
        self._world.rewind(SETUP)
        scenario.reset()
        try:
            self._loop.perform(scenario.setup(self._client(ENGINE, 0, History())))
        except Exception as error:
            raise SetupFailed(
                f"{scenario.name}: the set-up failed: {type(error).__name__}: {error}"
            ) from error
        self._sqlite.forget_tables()
        folder = self._folder / "prepared"
        folder.mkdir(exist_ok=True)
        self._state = self._prepared.enter_context(Snapshot(self._sqlite.databases, folder))

    def run(self, picker: Picker) -> Race:
        """Run one schedule from the prepared state and evaluate the scenario's oracles."""
        assert self._state is not None
        self._sqlite.roll_back()
        self._state.restore()
        self._scenario.reset()
        self._world.rewind(RACE)
        self._history = history = History()
        race = Race(Trace(), history)
        crashes: list[str] = []
        actors = {
            name: partial(act, name, actor, self._client(name, number, history), crashes)
            for number, (name, actor) in enumerate(self._actors.items())
        }
        if run_schedule(race, self._loop, lambda: self._loop.race(actors, picker, self.model)):
            crashes += self._loop.complaints
            self._world.rewind(OBSERVATION)
            judge(race, self._scenario, self._observe, crashes)
        return race

    def add_onlooker(self) -> None:
        """Make an app for `look`, which must not look through an actor's connection."""
        while self.model is ProcessModel.SEPARATE and len(self._apps) <= len(self._actors):
            self._add_app()

    def look(self) -> list[str]:
        """What is violated in the midst of a schedule, while all actors stand at their points; by name."""
        client = self._client(ENGINE, len(self._actors), History())
        try:
            state = self._loop.perform_between(self._scenario.observe(client))
            seen = self._scenario.violations_so_far(self._history, state)
        except Unchecked as error:
            seen = error.violations
        except Exception:  # noqa: BLE001 - the end of the race will tell
            return []
        return [name for name, violations in seen.items() if violations]

    def _observe(self) -> Any:
        return self._loop.perform(self._scenario.observe(self._client(ENGINE, 0, History())))

    def _client(self, actor: str, number: int, history: History) -> AsgiClient:
        app = self._apps[number if self.model is ProcessModel.SEPARATE else 0]
        return AsgiClient(app, actor, history, Trace if actor == ENGINE else lambda: self._loop.trace)

    def _add_app(self) -> None:
        app = make_app(lambda: self._builder.create_app(self._store))
        self._apps.append(app)
        lifespan = Lifespan(app, self._loop)
        lifespan.start()
        self._lifespans.callback(lifespan.stop)
