"""Replay: the very schedule of a tape, known by actor names and point labels."""

from collections import deque
from collections.abc import Sequence

from gatewright.race.schedule import Choice, Diverged, Picker, Trace

__all__ = ["Replay"]


class Replay:
    """Proposes the schedule of a tape, a given number of times.

    Args:
        steps: actor and label of every step.
        times: how often.
        strict: raise where the program leaves the tape; else go on as near to it as possible.

    `departures` counts, over all replays that are not strict, the steps that could not be taken as on the
    tape, and the ends that did not meet.
    """

    name = "replay"
    is_complete = False  # it looks at one schedule only

    def __init__(self, steps: Sequence[tuple[str, str]], *, times: int = 1, strict: bool = True) -> None:
        self._steps = tuple(steps)
        self._left = times
        self._strict = strict
        self._walk: _Roughly | None = None
        self.departures = 0

    def next_picker(self) -> Picker | None:
        """The same schedule again."""
        if self._left == 0:
            return None
        self._left -= 1
        if self._strict:
            return _Exactly(self._steps)
        self._walk = _Roughly(self._steps)
        return self._walk

    def learn(self, trace: Trace) -> None:
        """A strict replay must have come to the end of the tape; a lenient one counts where it left it.

        Raises:
            Diverged: the program ended before the tape did.
        """
        if self._walk is not None:
            self.departures += self._walk.departures + bool(self._walk.left)
        elif self._strict and len(trace.steps) < len(self._steps):
            actor, label = self._steps[len(trace.steps)]
            raise Diverged(f"the program ended, but on the tape {actor} goes on with {label}")

    def achieved(self) -> str:
        """The schedule of the tape."""
        return "the schedule of the tape"


class _Exactly:
    def __init__(self, steps: tuple[tuple[str, str], ...]) -> None:
        self._steps = steps

    def pick(self, choice: Choice) -> str:
        if choice.index >= len(self._steps):
            raise Diverged(
                f"the tape has ended, but {choice.default} goes on with {choice.label_of(choice.default)}"
            )
        actor, label = self._steps[choice.index]
        if actor not in choice.candidates:
            raise Diverged(f"step {choice.index}: {actor} can't go on, only {', '.join(choice.candidates)}")
        if choice.label_of(actor) != label:
            raise Diverged(f"step {choice.index}: {actor} stands at {choice.label_of(actor)}, not at {label}")
        return actor


class _Roughly:
    def __init__(self, steps: tuple[tuple[str, str], ...]) -> None:
        self.left = deque(steps)
        self.departures = 0
        self._beyond = False

    def pick(self, choice: Choice) -> str:
        while self.left:
            actor, label = self.left.popleft()
            if actor in choice.candidates:
                self.departures += choice.label_of(actor) != label
                return actor
            self.departures += 1
        self.departures += not self._beyond
        self._beyond = True
        return choice.default
