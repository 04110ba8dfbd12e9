"""Where races on a real PostgreSQL server take place: real connections, one statement let through at a time.

What the server does between two statements is its own; so a schedule is a best effort until replays prove it.
"""

import asyncio
import random
from collections.abc import Coroutine
from contextlib import ExitStack
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

from gatewright.core.errors import ConfigurationError
from gatewright.race.arena import ENGINE, RACE, SETUP, Race, SetupFailed, act, judge, make_app, run_schedule
from gatewright.race.client import AsgiClient
from gatewright.race.gate import Gate
from gatewright.race.history import History
from gatewright.race.lifespan import Lifespan
from gatewright.race.points.postgres import PostgresMonitor, PostgresSnapshot, postgres_replacements
from gatewright.race.points.substitution import Substitution
from gatewright.race.process_model import ProcessModel
from gatewright.race.scenario import Scenario
from gatewright.race.schedule import Picker, Trace

__all__ = ["PostgresArena"]

T = TypeVar("T")


class PostgresArena:
    """Runs the schedules of scenarios on one database of a real server.

    Entering instruments the drivers, leaving undoes it: one arena lives at a time.

    Args:
        builder: the scenario whose `create_app_at` makes the apps.
        url: of a database that nobody else uses.
        seed: of the standard library's chance; identifiers and clocks are genuine here.
        max_steps: the statements that one schedule may take.
        patience_s: real seconds after which a statement that neither ends nor waits for a lock is given up.
    """

    model = ProcessModel.SERVER

    def __init__(
        self,
        builder: Scenario,
        url: str,
        *,
        seed: int = 0,
        max_steps: int = 5_000,
        patience_s: float = 10.0,
    ) -> None:
        self.seed = seed
        self._builder = builder
        self._url = url
        self._limits = (max_steps, patience_s)
        self._loop = asyncio.new_event_loop()
        self._apps: list[Any] = []
        self._resources = ExitStack()
        self._scenario = builder

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.callback(self._loop.close)
            self._monitor = self._connect()
            stack.callback(lambda: self.perform(self._monitor.close()))
            max_steps, patience_s = self._limits
            self._gate = Gate(self._monitor.waiters, max_steps=max_steps, patience_s=patience_s)
            stack.enter_context(Substitution(postgres_replacements(self._gate)))
            stack.callback(random.setstate, random.getstate())
            self._lifespans = stack.enter_context(ExitStack())
            self._add_app()
            self._pristine = self._keep(stack, "pristine")
            self._prepared = self._keep(stack, "prepared")
            self._resources = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.close()

    def perform(self, work: Coroutine[Any, Any, T]) -> T:
        """Run work of nobody to its end."""
        return self._loop.run_until_complete(work)

    def prepare(self, scenario: Scenario) -> None:
        """Bring about a scenario's state before the race, from an empty store, and keep it.

        Raises:
            SetupFailed: the scenario's `setup` raised.
        """
        self._scenario = scenario
        self.perform(self._pristine.restore())
        # Before the set-up: what an app does when it starts must not change the state that is raced.
        while len(self._apps) < len(scenario.actors()):
            self._add_app()
        self._begin(SETUP)
        try:
            self.perform(scenario.setup(self._client(ENGINE, 0, History())))
        except Exception as error:
            raise SetupFailed(
                f"{scenario.name}: the set-up failed: {type(error).__name__}: {error}"
            ) from error
        self.perform(self._prepared.take())

    def run(self, picker: Picker) -> Race:
        """Run one schedule from the prepared state and evaluate the scenario's oracles."""
        self.perform(self._prepared.restore())
        self._begin(RACE)
        race = Race(Trace(), History())
        crashes: list[str] = []
        actors = {
            name: partial(act, name, actor, self._client(name, number, race.history), crashes)
            for number, (name, actor) in enumerate(self._scenario.actors().items())
        }
        if run_schedule(race, self._gate, lambda: self.perform(self._gate.race(actors, picker))):
            judge(race, self._scenario, self._observe, crashes)
        return race

    def _begin(self, phase: int) -> None:
        random.seed(f"{self.seed}/{phase}")
        self._scenario.reset()

    def _observe(self) -> Any:
        return self.perform(self._scenario.observe(self._client(ENGINE, 0, History())))

    def _client(self, actor: str, number: int, history: History) -> AsgiClient:
        return AsgiClient(self._apps[number], actor, history, lambda: self._gate.trace)

    def _connect(self) -> PostgresMonitor:
        try:
            return self.perform(PostgresMonitor.connect(self._url))
        except ImportError as error:
            raise ConfigurationError("asyncpg is not installed", remedy="install asyncpg") from error
        except OSError as error:
            raise ConfigurationError(f"no PostgreSQL server at {self._url}: {error}") from error

    def _keep(self, stack: ExitStack, name: str) -> PostgresSnapshot:
        snapshot = PostgresSnapshot(self._monitor, name)
        self.perform(snapshot.take())
        stack.callback(lambda: self.perform(snapshot.drop()))
        return snapshot

    def _add_app(self) -> None:
        app = make_app(lambda: self._builder.create_app_at(self._url))
        self._apps.append(app)
        lifespan = Lifespan(app, self)
        lifespan.start()
        self._lifespans.callback(lifespan.stop)
