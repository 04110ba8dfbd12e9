"""Which turns of preemption bounding can be left out without losing a state or an outcome.

Steps conflict when one writes what the other one touches (`footprint.py`). Swapping neighbours that don't
conflict changes nothing, so one schedule stands for all that are the same but for such swaps. Three rules
leave schedules out, each only where one with as many preemptions or fewer stands for them:

1. A state that was visited before, with as many preemptions or fewer, is not left anew in other directions:
   whatever follows it followed there. States are told by their history (which steps, in which order where
   order matters) and by the actor that goes on for free.
2. An actor is not stopped before a step that conflicts with nothing that others do. The step could be moved
   before the preemption; its actor is then stopped one step later, at no further cost.
3. No turn is given to an actor that has nothing to do with the one whose turn it is: neither conflicts with
   the other, nor through a chain of others. All that the unconnected ones do can be moved to the end, where
   their turns cost nothing more.

What others do is known from the schedules that were run; it only grows. A turn that rules 2 and 3 left out
waits, and is taken as soon as a step was seen that conflicts. So when nothing is left, no turn waits that any
step within the bound contradicts: the first such step in a schedule that was left out stands in a schedule
that the rules allow, and would have been seen there.
"""

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

from gatewright.race.footprint import EVERYTHING, Footprint
from gatewright.race.happens_before import Prefix, PrefixClasses
from gatewright.race.schedule import Step, Trace
from gatewright.race.strategies.branch import Branch

__all__ = ["Reduction"]


class Turnaround(NamedTuple):
    """A kind of turn: `then` goes on instead of `taken`, and stops it before a step if that is given."""

    taken: str
    then: str
    stopped: Footprint | None


class Reduction:
    """Remembers what was seen.

    Args:
        is_alone: no other shard runs part of the schedules. Among shards nobody sees all that actors do, so
            only steps that touch nothing at all can't conflict.
    """

    def __init__(self, *, is_alone: bool = True) -> None:
        self._is_alone = is_alone
        self._classes = PrefixClasses()
        self._visited: dict[tuple[Prefix, str | None], int] = {}
        self._done: dict[str, set[Footprint]] = defaultdict(set)
        self._groups: dict[str, str] = {}
        self._waiting: dict[Turnaround, list[Branch]] = defaultdict(list)

    def waiting(self, bound: int) -> int:
        """How many turns with at most so many preemptions are left out so far by rules 2 and 3."""
        return sum(branch.cost <= bound for waiting in self._waiting.values() for branch in waiting)

    def see(self, trace: Trace) -> Iterator[Branch]:
        """Take note of what actors do; gives the turns that need wait no longer."""
        known = sum(map(len, self._done.values()))
        for step in trace.steps:
            self._done[step.actor].add(step.footprint)
            if not trace.is_finished:  # who did not come to its end might still do anything
                for actor in step.choice.candidates:
                    self._done[actor].add(EVERYTHING)
        if sum(map(len, self._done.values())) > known and self._is_alone:
            self._group()
            for kind in [kind for kind in self._waiting if self._matters(kind)]:
                yield from self._waiting.pop(kind)

    def first_known(self, trace: Trace, running: Branch) -> int:
        """The first step after a schedule's last turn before which the state was visited earlier (rule 1).

        The number of steps where there is none. All states before it count as visited from now on, so every
        turn that leaves them must be asked for (`admits`).
        """
        states = self._classes.of(trace)
        for step in trace.steps[running.depth :]:
            choice = step.choice
            state = states[choice.index], choice.current if choice.current in choice.candidates else None
            if self._visited.get(state, running.cost + 1) <= running.cost:
                return choice.index
            self._visited[state] = running.cost
        return len(trace.steps)

    def admits(self, branch: Branch, step: Step) -> bool:
        """Whether a turn must be taken, instead of a step of the schedule that it leaves; else it waits."""
        kind = Turnaround(step.actor, branch.turns[-1].actor, step.footprint if branch.preempts else None)
        if self._matters(kind):
            return True
        self._waiting[kind].append(branch)
        return False

    def _matters(self, kind: Turnaround) -> bool:
        if not self._is_alone:
            return kind.stopped is None or kind.stopped.touches
        if self._groups.get(kind.taken) != self._groups.get(kind.then):
            return False
        return kind.stopped is None or any(
            kind.stopped.conflicts(done)
            for actor, all_done in self._done.items()
            if actor != kind.taken
            for done in all_done
        )

    def _group(self) -> None:
        """Give actors that conflict, or are connected by conflicts of others, the same group."""
        self._groups = {actor: actor for actor in self._done}
        for one, other in combinations(self._done, 2):
            if self._conflict(one, other):
                old, new = self._groups[other], self._groups[one]
                for actor, group in self._groups.items():
                    self._groups[actor] = new if group == old else group

    def _conflict(self, one: str, other: str) -> bool:
        return any(mine.conflicts(theirs) for mine in self._done[one] for theirs in self._done[other])
