"""Where threads race: plain code, with the lines of chosen modules as points."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from gatewright.core.errors import ConfigurationError
from gatewright.race.arena import OBSERVATION, RACE, SETUP, Race, SetupFailed, judge, run_schedule
from gatewright.race.attributed_loop import name_of
from gatewright.race.baton import Baton
from gatewright.race.history import History, Operation, Response
from gatewright.race.points.instruments import instruments
from gatewright.race.points.lines import LinePoints
from gatewright.race.points.seeding import SeededWorld
from gatewright.race.points.sqlite import InstrumentedSqlite
from gatewright.race.process_model import ProcessModel
from gatewright.race.scenario import ThreadActor, ThreadScenario
from gatewright.race.schedule import Picker, Trace
from gatewright.race.scheduler import THREAD

__all__ = ["ThreadArena"]

RETURNED, RAISED = 200, 500


class ThreadArena:
    """Runs the schedules of scenarios whose actors are threads.

    Entering instruments the process (locks, SQLite, files, clocks, chance), leaving undoes it: one arena
    lives at a time.

    Args:
        seed: of identifiers and chance inside the program.
        max_steps: the step budget of one schedule.
        stalled_s: real seconds after which a thread that reaches no point counts as out of control.
    """

    model = ProcessModel.THREADS

    def __init__(self, *, seed: int = 0, max_steps: int = 20_000, stalled_s: float = 20.0) -> None:
        self.seed = seed
        self._baton = Baton(max_steps=max_steps, stalled_s=stalled_s)
        self._resources = ExitStack()
        self._watching = ExitStack()
        self._scenario = ThreadScenario()
        self._lines = LinePoints(self._baton.pause_at_line)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._folder = Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix="gatewright-threads-"))
            )
            stack.enter_context(instruments())
            self._sqlite = stack.enter_context(InstrumentedSqlite(self._baton))
            self._world = stack.enter_context(SeededWorld(self._baton, self.seed))
            stack.push(self._watching)
            self._resources = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.close()

    def prepare(self, scenario: ThreadScenario) -> None:
        """Take a scenario, try whether its state before the race can be brought about, and watch its modules.

        Raises:
            SetupFailed: the scenario's `reset` raised.
            ConfigurationError: a module that can't be watched.
        """
        self._watching.close()
        self._scenario = scenario
        try:
            self._reset()
        except Exception as error:
            raise SetupFailed(
                f"{scenario.name}: the set-up failed: {type(error).__name__}: {error}"
            ) from error
        self._lines = LinePoints(self._baton.pause_at_line, scenario.granularity)
        self._lines.watch(_files_of(scenario))
        self._watching.enter_context(self._lines.watching())

    def run(self, picker: Picker) -> Race:
        """Run one schedule from the state before the race and evaluate the scenario's oracles."""
        self._reset()
        self._world.rewind(RACE)
        race = Race(Trace(), History())
        crashes: list[str] = []
        actors = {
            name: partial(self._act, name, actor, race.history, crashes)
            for name, actor in self._scenario.actors().items()
        }
        if run_schedule(race, self._baton, lambda: self._baton.race(actors, picker)):
            self._world.rewind(OBSERVATION)
            with self._as_engine():
                judge(race, self._scenario, self._scenario.observe, crashes)
        return race

    def _reset(self) -> None:
        self._sqlite.roll_back()
        self._world.rewind(SETUP)
        with self._as_engine():
            self._scenario.reset(self._folder)

    @contextmanager
    def _as_engine(self) -> Iterator[None]:
        """Do the engine's own work in the seeded world."""
        THREAD.scheduler = self._baton
        try:
            yield
        finally:
            THREAD.scheduler = None

    def _act(self, name: str, actor: ThreadActor, history: History, crashes: list[str]) -> None:
        called, error = len(self._baton.trace.steps), ""
        try:
            with self._lines.in_thread():
                response = Response(RETURNED, actor())
        except Exception as raised:  # noqa: BLE001 - whatever a program under test raises is a finding
            error = f"{type(raised).__name__}: {raised}"
            response = Response(RAISED)
            crashes.append(f"{name}: {error}")
        trace = self._baton.trace
        called = trace.first_step(name, called)
        history.operations.append(
            Operation(name, "CALL", name_of(actor), None, response, called, len(trace.steps), error)
        )


def _files_of(scenario: ThreadScenario) -> list[Path]:
    files = []
    for module in scenario.watched():
        if (file := getattr(module, "__file__", None)) is None:
            raise ConfigurationError(
                f"{scenario.name}: the module {module.__name__} has no source file, so no lines to watch"
            )
        files.append(Path(file))
    return files
