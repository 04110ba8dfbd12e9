"""A schedule: who went on at every scheduling point, and what stood there."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from gatewright.core.errors import GatewrightError
from gatewright.race.footprint import EVERYTHING, NOTHING, Footprint

__all__ = [
    "Choice",
    "Deadlock",
    "Diverged",
    "ForeignThread",
    "Livelock",
    "Picker",
    "ScheduleError",
    "Step",
    "Trace",
]


class ScheduleError(GatewrightError):
    """A schedule that did not come to its end."""


class Deadlock(ScheduleError):  # noqa: N818 - the field's own term
    """No actor can go on: every one waits for a lock or for something that never comes."""


class Livelock(ScheduleError):  # noqa: N818 - the field's own term
    """The actors went on for longer than the step budget allows."""


class Diverged(ScheduleError):  # noqa: N818 - the field's own term
    """The program did not follow the tape: another statement, another actor, an earlier or a later end."""


class ForeignThread(ScheduleError):  # noqa: N818 - the field's own term
    """A thread that no strategy controls worked along, so the schedule was not the one that was asked for."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One decision: which of the actors that stand at a point goes on.

    `candidates` are in the order in which the scenario declares its actors, `labels` name the points at which
    they stand, `arrivals` tell when they came there (smaller is earlier).
    """

    index: int
    candidates: tuple[str, ...]
    labels: tuple[str, ...]
    arrivals: tuple[int, ...]
    current: str | None

    @property
    def default(self) -> str:
        """The choice that preempts nobody: the current actor, or else the first candidate."""
        return self.current if self.current in self.candidates else self.candidates[0]

    def label_of(self, actor: str) -> str:
        """The point at which a candidate stands."""
        return self.labels[self.candidates.index(actor)]


class Picker(Protocol):
    """Decides one schedule, point by point."""

    def pick(self, choice: Choice) -> str:
        """The candidate that goes on.

        Raises:
            Diverged: the schedule that was asked for is impossible here.
        """
        ...


@dataclass(slots=True)
class Step:
    """An actor went on past a point; logged when it was let go, not when it arrived.

    `waited` is true when it met a database lock and had to stop again at once. `within` names the statements
    that were part of this step because nothing could come in between (process model `shared`). `statement` is
    what its statement touched, or everything as long as that is not known; `besides` is what else it touched.
    """

    actor: str
    label: str
    choice: Choice
    waited: bool = False
    within: list[str] = field(default_factory=list)
    statement: Footprint = EVERYTHING
    besides: Footprint = NOTHING

    @property
    def footprint(self) -> Footprint:
        """All that it touched."""
        return self.statement | self.besides

    @property
    def is_decision(self) -> bool:
        """Whether anybody else could have gone on."""
        return len(self.choice.candidates) > 1

    @property
    def preempts(self) -> bool:
        """Whether the current actor could have gone on and was stopped."""
        return self.actor != self.choice.current and self.choice.current in self.choice.candidates


@dataclass(slots=True)
class Trace:
    """All that a strategy, a tape and a reader need to know of one schedule.

    `is_finished` tells whether all actors came to their ends.
    """

    steps: list[Step] = field(default_factory=list)
    is_finished: bool = False

    def touch_besides(self, footprint: Footprint, step: int = -1) -> None:
        """A step touched this besides; nothing has to be noted of what happens before the first step."""
        if self.steps:
            self.steps[step].besides |= footprint

    @property
    def preemptions(self) -> int:
        """How often an actor was stopped that could have gone on."""
        return sum(step.preempts for step in self.steps)

    @property
    def decisions(self) -> int:
        """How often more than one actor could go on."""
        return sum(step.is_decision for step in self.steps)

    @property
    def overlapped(self) -> bool:
        """Whether two actors were under way at once, so that either could have gone on."""
        return any(step.is_decision for step in self.steps)

    @property
    def interleaved(self) -> bool:
        """Whether one actor made steps both before and after a step of another."""
        seen: set[str] = set()
        last = ""
        for step in self.steps:
            if step.actor != last and step.actor in seen:
                return True
            seen.add(step.actor)
            last = step.actor
        return False

    def first_step(self, actor: str, since: int) -> int:
        """The first step of an actor at or after `since`; `since` itself where it made none."""
        return next((n for n in range(since, len(self.steps)) if self.steps[n].actor == actor), since)

    def named_steps(self) -> Iterator[tuple[str, str]]:
        """Actor and label of every step: what makes two schedules the same."""
        return ((step.actor, step.label) for step in self.steps)
