"""What a user writes: the state before a race, the actors, and what must hold afterwards."""

import sys
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, TypeAlias, TypeVar

from gatewright.race.client import AsgiApp, Client
from gatewright.race.history import SERVER_ERRORS, History
from gatewright.race.points.lines import Granularity

__all__ = ["Actor", "Invariant", "Judged", "Scenario", "ThreadActor", "ThreadScenario", "invariant"]

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


def invariant(name: str, sentence: str) -> Callable[[Check], Check]:
    """Mark a method `(self, history, state)` of a scenario as a check.

    The method tells every violation in a sentence of its own (it returns or yields strings), or asserts.
    A method that raises anything else could not check: the run is then INCONCLUSIVE.
    """

    def mark(check: Check) -> Check:
        check.invariant = Invariant(name, sentence, check.__name__)  # type: ignore[attr-defined]  # our own mark
        return check

    return mark


class Judged:
    """What must hold after every race: the methods that `invariant` marks."""

    name: ClassVar[str]

    @classmethod
    def invariants(cls) -> tuple[Invariant, ...]:
        """All checks, those of base classes too, by name."""
        marks = (getattr(getattr(cls, attribute), "invariant", None) for attribute in dir(cls))
        return tuple(sorted((m for m in marks if isinstance(m, Invariant)), key=lambda mark: mark.name))

    def violations(self, history: History, state: Any) -> dict[str, tuple[str, ...]]:
        """Every invariant with the violations that it sees.

        Raises:
            Exception: an invariant could not check.
        """
        return {mark.name: self._check(mark, history, state) for mark in self.invariants()}

    def _check(self, mark: Invariant, history: History, state: Any) -> tuple[str, ...]:
        try:
            return tuple(getattr(self, mark.method)(history, state) or ())
        except AssertionError as error:
            return (str(error) or f"{mark.sentence}: does not hold",)


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
