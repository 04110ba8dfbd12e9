"""A schedule told by its deviations: run to completion, but stop a named actor at a named point."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from gatewright.race.schedule import Choice, Diverged, Picker, Trace

__all__ = ["Deviation", "DeviationTape"]


@dataclass(frozen=True, slots=True)
class Deviation:
    """Where `actor` is stopped and `then` goes on instead.

    It is stopped when it stands for the `occurrence`-th time (from 1) at a point whose name begins with
    `label`; an empty label means any point.
    """

    actor: str
    label: str
    then: str
    occurrence: int = 1


class DeviationTape:
    """Proposes one schedule: short enough to be written by hand and pasted into a test.

    Args:
        first: the actor that begins.
        deviations: in the order in which they happen.
    """

    name = "tape"
    is_complete = False  # it looks at one schedule only

    def __init__(self, first: str, deviations: Sequence[Deviation] = ()) -> None:
        self._first = first
        self._deviations = tuple(deviations)
        self._walk: _Deviating | None = None

    def next_picker(self) -> Picker | None:
        """The one schedule there is."""
        if self._walk is not None:
            return None
        self._walk = _Deviating(self._first, self._deviations)
        return self._walk

    def learn(self, trace: Trace) -> None:  # noqa: ARG002 - the walk has counted
        """All deviations must have happened.

        Raises:
            Diverged: the place of a deviation never came.
        """
        if self._walk is not None and self._walk.left:
            missed = self._walk.left[0]
            raise Diverged(
                f"{missed.actor} never stood at {missed.label or 'a point'} while {missed.then} could go on"
            )

    def achieved(self) -> str:
        """The schedule that was told."""
        return "the schedule of the given deviations"


class _Deviating:
    def __init__(self, first: str, deviations: tuple[Deviation, ...]) -> None:
        self._next = first
        self._passed: Counter[tuple[str, str]] = Counter()
        self.left = list(deviations)

    def pick(self, choice: Choice) -> str:
        actor = self._next if self._next in choice.candidates else choice.default
        if self.left and self._is_due(choice, actor):
            actor = self.left.pop(0).then
        self._next = actor
        self._passed[actor, choice.label_of(actor)] += 1
        return actor

    def _is_due(self, choice: Choice, actor: str) -> bool:
        deviation = self.left[0]
        if deviation.actor != actor or deviation.then not in choice.candidates:
            return False
        label = choice.label_of(actor)
        before = sum(
            n for (who, at), n in self._passed.items() if who == actor and at.startswith(deviation.label)
        )
        return label.startswith(deviation.label) and before + 1 == deviation.occurrence
