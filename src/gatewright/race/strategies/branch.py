"""A schedule as the turns at which it leaves the default, in which every actor goes on as long as it can."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from gatewright.race.schedule import Choice, Diverged

__all__ = ["REMEDY", "Branch", "Turn", "branches"]

REMEDY = "something outside of the schedule changes what the program does"


@dataclass(frozen=True, slots=True)
class Turn:
    """At step `index` the schedule leaves the default: this actor goes on, from this point."""

    index: int
    actor: str
    label: str
    preempts: bool


@dataclass(frozen=True)
class Branch:
    """A schedule that is the default but for its turns, in their order."""

    turns: tuple[Turn, ...] = ()

    def __str__(self) -> str:
        return "; ".join(f"{turn.index} {turn.actor} {turn.label}" for turn in self.turns)

    @cached_property
    def cost(self) -> int:
        """The preemptions."""
        return sum(turn.preempts for turn in self.turns)

    @property
    def depth(self) -> int:
        """The number of steps up to and with its last turn."""
        return self.turns[-1].index + 1 if self.turns else 0

    @property
    def preempts(self) -> bool:
        """Whether its last turn is a preemption."""
        return bool(self.turns) and self.turns[-1].preempts

    def pick(self, choice: Choice) -> str:
        """The turn, where there is one, else the default.

        Raises:
            Diverged: the actor of a turn does not stand where it stood.
        """
        turn = self._by_index.get(choice.index)
        if turn is None:
            return choice.default
        if turn.actor not in choice.candidates or choice.label_of(turn.actor) != turn.label:
            raise Diverged(
                f"step {turn.index} did not come again: {turn.actor} at {turn.label}", remedy=REMEDY
            )
        return turn.actor

    @cached_property
    def _by_index(self) -> dict[int, Turn]:
        return {turn.index: turn for turn in self.turns}


def branches(parent: Branch, choice: Choice, taken: str) -> Iterator[Branch]:
    """The schedules that leave their parent at this choice, where the parent took `taken`."""
    preempts = choice.current in choice.candidates
    for actor, label in zip(choice.candidates, choice.labels, strict=True):
        if actor != taken:
            yield Branch((*parent.turns, Turn(choice.index, actor, label, preempts)))
