"""Iterative preemption bounding: all schedules with no preemption, then all with one, then with two, ...

Most concurrency bugs need few preemptions, so small bounds find them, and the first failure found has as few
as possible (Musuvathi, Qadeer: Iterative context bounding for systematic testing of multithreaded programs,
PLDI 2007).
"""

from collections import deque
from dataclasses import dataclass

from gatewright.race.schedule import Choice, Diverged, Picker, Trace

__all__ = ["PreemptionBounding"]


@dataclass(frozen=True, slots=True)
class _Turn:
    """At step `index` the schedule leaves the default: this actor goes on, from this point."""

    index: int
    actor: str
    label: str
    preempts: bool


@dataclass(frozen=True, slots=True)
class _Branch:
    """A schedule that is the default but for its turns, in their order."""

    turns: tuple[_Turn, ...] = ()

    def pick(self, choice: Choice) -> str:
        for turn in self.turns:
            if turn.index == choice.index:
                if turn.actor not in choice.candidates or choice.label_of(turn.actor) != turn.label:
                    raise Diverged(
                        f"step {turn.index} did not come again: {turn.actor} at {turn.label}", remedy=REMEDY
                    )
                return turn.actor
        return choice.default


REMEDY = "something outside of the schedule changes what the program does"


class PreemptionBounding:
    """Proposes every schedule with at most `bound` preemptions, fewest first, each once.

    A turn that only ran into another actor's lock changed nothing, so nothing is built upon it: what could
    follow also follows, for one preemption less, without it.

    Args:
        bound: the highest number of preemptions.
        most: so many schedules at most; reaching it is a proper end.
    """

    name = "icb"

    def __init__(self, bound: int, *, most: int | None = None) -> None:
        self.bound = bound
        self._left = most
        self.exhausted_bound = -1
        self._level = 0
        self._now: deque[_Branch] = deque([_Branch()])
        self._later: deque[_Branch] = deque()
        self._running = _Branch()

    @property
    def is_complete(self) -> bool:
        """Whether every schedule within the bound has been run, or as many as were asked for."""
        return self.exhausted_bound >= self.bound or self._left == 0

    def next_picker(self) -> Picker | None:
        """The next schedule, of the lowest bound that has any left."""
        while not self._now:
            self.exhausted_bound = self._level
            if self._level >= self.bound:
                return None
            self._level += 1
            self._now, self._later = self._later, deque()
        if self._left is not None:
            if self._left == 0:
                return None
            self._left -= 1
        self._running = self._now.popleft()
        return self._running

    def learn(self, trace: Trace) -> None:
        """Queue every schedule that leaves this one at a later step than it left its parent.

        Raises:
            Diverged: the program ended before the schedule's last turn.
        """
        turns = self._running.turns
        first = turns[-1].index + 1 if turns else 0
        if len(trace.steps) < first:
            raise Diverged(f"the program ended before step {first - 1} came again", remedy=REMEDY)
        if turns and turns[-1].preempts and trace.steps[first - 1].waited:
            return
        for step in trace.steps[first:]:
            for actor, label in zip(step.choice.candidates, step.choice.labels, strict=True):
                if actor != step.actor:
                    preempts = step.choice.current in step.choice.candidates
                    branch = _Branch((*turns, _Turn(step.choice.index, actor, label, preempts)))
                    (self._later if preempts else self._now).append(branch)

    def achieved(self) -> str:
        """The bound up to which nothing is left."""
        done = f"all schedules with up to {self.exhausted_bound} preemptions"
        if self.exhausted_bound >= self.bound:
            return done
        part = f"some with {self._level}"
        return part if self.exhausted_bound < 0 else f"{done}, {part}"
