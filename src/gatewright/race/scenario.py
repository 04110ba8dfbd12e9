"""What a user writes: the state before a race, the actors, and what must hold afterwards."""

import sys
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, TypeAlias, TypeVar

from gatewright.core.errors import GatewrightError
from gatewright.race.checkers import Outcome, SequentialModel, check_linearizability
from gatewright.race.client import AsgiApp, Client
from gatewright.race.history import SERVER_ERRORS, History
from gatewright.race.points.lines import Granularity

__all__ = [
    "Actor",
    "Invariant",
    "Judged",
    "Scenario",
    "ThreadActor",
    "ThreadScenario",
    "Unchecked",
    "invariant",
]

Actor: TypeAlias = Callable[[Client], Coroutine[Any, Any, object]]
"""What one actor does, given a client of its own."""

ThreadActor: TypeAlias = Callable[[], object]
"""What one thread does."""

Check = TypeVar("Check", bound=Callable[..., Iterable[str] | None])


@dataclass(frozen=True)
class Invariant:
    """Something that holds after every race: a name, a sentence, and the method that checks it."""

    name: str
    sentence: str
    method: str
    at_every_commit: bool = False


class Unchecked(GatewrightError):  # noqa: N818 - reads as what happened
    """Some oracles could not check; `violations` has what the others saw."""

    def __init__(self, message: str, violations: dict[str, tuple[str, ...]] | None = None) -> None:
        super().__init__(message)
        self.violations = violations or {}


def invariant(name: str, sentence: str, *, at_every_commit: bool = False) -> Callable[[Check], Check]:
    """Mark a method `(self, history, state)` of a scenario as a check.

    Args:
        name: in reports.
        sentence: what holds.
        at_every_commit: it holds also in the midst of a race, over the requests answered by then; a
            counterexample then tells the step that broke it.

    The method tells every violation in a sentence of its own (it returns or yields strings), or asserts.
    A method that raises anything else could not check: the run is then INCONCLUSIVE.
    """

    def mark(check: Check) -> Check:
        check.invariant = Invariant(name, sentence, check.__name__, at_every_commit)  # type: ignore[attr-defined]  # our own mark
        return check

    return mark


class Judged:
    """What must hold after every race: the methods that `invariant` marks, and the model if there is one."""

    name: ClassVar[str]

    def model(self) -> SequentialModel[Any] | None:
        """What the service does to one request after the other, from where `setup` left it.

        With a model, every race is also judged by whether some order of its requests explains what they were
        answered and the final state.
        """
        return None

    @classmethod
    def invariants(cls) -> tuple[Invariant, ...]:
        """All checks, those of base classes too, by name; linearizability where there is a model."""
        marks = (getattr(getattr(cls, attribute), "invariant", None) for attribute in dir(cls))
        given = [mark for mark in marks if isinstance(mark, Invariant)]
        modelled = [LINEARIZABILITY] if cls.model is not Judged.model else []
        return tuple(sorted([*given, *modelled], key=lambda mark: mark.name))

    def linearizable(self, history: History, state: Any) -> Iterable[str]:
        """The oracle of scenarios with a model.

        Raises:
            Unchecked: it took too long to find out.
        """
        model = self.model()
        if model is None:
            raise Unchecked("the scenario gives no model")
        judged = check_linearizability(history, model, state)
        if judged.outcome is Outcome.UNKNOWN:
            raise Unchecked(f"undecided after {judged.explored} configurations")
        return judged.violations

    def violations(self, history: History, state: Any) -> dict[str, tuple[str, ...]]:
        """Every oracle with the violations that it sees.

        Raises:
            Unchecked: one could not check.
        """
        return self._evaluated(self.invariants(), history, state)

    def violations_so_far(self, history: History, state: Any) -> dict[str, tuple[str, ...]]:
        """The same in the midst of a race, for what holds at every commit.

        Raises:
            Unchecked: one could not check.
        """
        marks = (mark for mark in self.invariants() if mark.at_every_commit)
        return self._evaluated(marks, history, state)

    def _evaluated(
        self, marks: Iterable[Invariant], history: History, state: Any
    ) -> dict[str, tuple[str, ...]]:
        seen, failures = {}, []
        for mark in marks:
            try:
                seen[mark.name] = self._check(mark, history, state)
            except Exception as error:  # noqa: BLE001 - whatever an oracle trips over, it has not checked
                failures.append(f"{mark.name}: {type(error).__name__}: {error}")
        if failures:
            raise Unchecked("; ".join(failures), seen)
        return seen

    def _check(self, mark: Invariant, history: History, state: Any) -> tuple[str, ...]:
        try:
            return tuple(getattr(self, mark.method)(history, state) or ())
        except AssertionError as error:
            return (str(error) or f"{mark.sentence}: does not hold",)


LINEARIZABILITY = Invariant(
    "linearizability",
    "answers and final state are those of requests that came one after the other",
    Judged.linearizable.__name__,
)


class Scenario(Judged):
    """A race. Subclasses say what to race; the engine makes an instance without arguments each time.

    An instance may keep what `setup` learned (identifiers), and nothing of a single schedule.
    """

    def create_app(self, folder: Path) -> AsgiApp:
        """An app over the database files in `folder`; called once for every actor in the model `separate`."""
        raise NotImplementedError

    def create_app_at(self, url: str) -> AsgiApp:
        """The same over the database of a server at `url`; for races on a real server."""
        raise NotImplementedError

    async def setup(self, client: Client) -> None:
        """Bring about the state before the race; done once, the database then goes back to it each time."""

    def reset(self) -> None:
        """Put back state outside of SQLite files, before each schedule."""

    def actors(self) -> Mapping[str, Actor]:
        """Who races, by name; two to four of them."""
        raise NotImplementedError

    def crowd(self, size: int) -> Mapping[str, Actor]:
        """Who races under stress: the actors over and over until there are `size` of them."""
        actors = list(self.actors().items())
        rounds = ((actors[number % len(actors)], number // len(actors) + 1) for number in range(size))
        return {f"{name}-{round_}": actor for (name, actor), round_ in rounds}

    async def observe(self, client: Client) -> Any:  # noqa: ARG002 - for those who override it
        """The state after the race, as invariants want it."""
        return None

    @invariant("no-server-error", "no request is answered with 5xx")
    def no_server_error(self, history: History, state: Any) -> Iterable[str]:  # noqa: ARG002 - as every check
        """Holds in every scenario, whatever else does."""
        for op in history:
            if op.response.status in SERVER_ERRORS or op.error:
                detail = f": {op.error}" if op.error else ""
                yield f"{op.actor}: {op.method} {op.path} was answered {op.response.status}{detail}"


class ThreadScenario(Judged):
    """A race between threads of plain code. Subclasses say what to race; an instance lasts for all schedules.

    The lines of `watched` are where threads can be stopped. What the program keeps in memory is made anew in
    `reset`, its locks too.
    """

    granularity: ClassVar[Granularity] = Granularity.LINE

    def reset(self, folder: Path) -> None:
        """Bring about the state before the race, before each schedule; files go into `folder`."""
        raise NotImplementedError

    def actors(self) -> Mapping[str, ThreadActor]:
        """Who races, by name; two to four of them. What they return is recorded as their response."""
        raise NotImplementedError

    def watched(self) -> Iterable[ModuleType]:
        """The modules whose lines are points; by default the scenario's own."""
        return [sys.modules[type(self).__module__]]

    def observe(self) -> Any:
        """The state after the race, as invariants want it."""
        return None
