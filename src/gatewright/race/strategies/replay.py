"""Replay: the very schedule of a tape, known by actor names and point labels."""

from collections.abc import Sequence

from gatewright.race.schedule import Choice, Diverged, Picker, Trace

__all__ = ["Replay"]


class Replay:
    """Proposes the schedule of a tape, a given number of times.

    Args:
        steps: actor and label of every step.
        times: how often.
        strict: raise where the program leaves the tape; else follow it as far as it can be followed.
    """

    name = "replay"
    is_complete = False  # it looks at one schedule only

    def __init__(self, steps: Sequence[tuple[str, str]], *, times: int = 1, strict: bool = True) -> None:
        self._steps = tuple(steps)
        self._left = times
        self._strict = strict

    def next_picker(self) -> Picker | None:
        """The same schedule again."""
        if self._left == 0:
            return None
        self._left -= 1
        return _Exactly(self._steps) if self._strict else _Roughly(self._steps)

    def learn(self, trace: Trace) -> None:
        """Nothing to learn from in a lenient replay; a strict one must have come to the end of the tape.

        Raises:
            Diverged: the program ended before the tape did.
        """
        if self._strict and len(trace.steps) < len(self._steps):
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
        self._left = list(steps)

    def pick(self, choice: Choice) -> str:
        while self._left:
            actor, _ = self._left.pop(0)
            if actor in choice.candidates:
                return actor
        return choice.default
