"""Iterative preemption bounding: all schedules with no preemption, then all with one, then with two, ...

Most concurrency bugs need few preemptions, so small bounds find them, and the first failure found has as few
as possible (Musuvathi, Qadeer: Iterative context bounding for systematic testing of multithreaded programs,
PLDI 2007). Of schedules that differ only in the order of steps that touch nothing in common one is enough;
`reduction.py` says which ones to leave out.
"""

from collections import defaultdict, deque

from gatewright.race.schedule import Diverged, Trace
from gatewright.race.share import WHOLE, Share
from gatewright.race.strategies.branch import REMEDY, Branch, branches
from gatewright.race.strategies.reduction import Reduction

__all__ = ["PreemptionBounding"]


class PreemptionBounding:
    """Proposes every schedule with at most `bound` preemptions, fewest first, each once.

    A turn that only ran into another actor's lock changed nothing, so nothing is built upon it: what could
    follow also follows, for one preemption less, without it.

    Args:
        bound: the highest number of preemptions.
        most: so many schedules at most; reaching it is a proper end.
        reduction: leave out what is the same but for the order of steps that touch nothing in common.
        share: every shard runs the first schedule, and what leaves it by the turns that are its own.
    """

    name = "icb"

    def __init__(
        self, bound: int, *, most: int | None = None, reduction: bool = True, share: Share = WHOLE
    ) -> None:
        self.bound = bound
        self._left = most
        self._share = share
        self._reduction = Reduction(is_alone=share.is_whole) if reduction else None
        self._queues: dict[int, deque[Branch]] = defaultdict(deque, {0: deque([Branch()])})
        self._running = Branch()
        self._pruned = 0

    @property
    def exhausted_bound(self) -> int:
        """The bound up to which nothing is left; -1 when there is none."""
        return min((level for level, queue in self._queues.items() if queue), default=self.bound + 1) - 1

    @property
    def pruned(self) -> int:
        """How many turns within the bound were not taken, since nothing new can come of them."""
        waiting = self._reduction.waiting(self.bound) if self._reduction is not None else 0
        return self._pruned + waiting

    @property
    def is_complete(self) -> bool:
        """Whether every schedule within the bound has been run, or as many as were asked for."""
        return self.exhausted_bound >= self.bound or self._left == 0

    def next_picker(self) -> Branch | None:
        """The next schedule, of the lowest bound that has any left."""
        if self.is_complete:
            return None
        if self._left is not None:
            self._left -= 1
        self._running = self._queues[self.exhausted_bound + 1].popleft()
        return self._running

    def learn(self, trace: Trace) -> None:
        """Queue every schedule that leaves this one at a later step than it left its parent.

        Raises:
            Diverged: the program ended before the schedule's last turn.
        """
        running = self._running
        if len(trace.steps) < running.depth:
            raise Diverged(f"the program ended before step {running.depth - 1} came again", remedy=REMEDY)
        if self._reduction is not None:
            for released in self._reduction.see(trace):
                self._queue(released)
        if not (running.preempts and trace.steps[running.depth - 1].waited):
            self._leave(running, trace)

    def _leave(self, running: Branch, trace: Trace) -> None:
        end = len(trace.steps) if self._reduction is None else self._reduction.first_known(trace, running)
        for step in trace.steps[running.depth :]:
            for branch in branches(running, step.choice, step.actor):
                if step.choice.index >= end:
                    self._pruned += branch.cost <= self.bound
                elif self._reduction is None or self._reduction.admits(branch, step):
                    self._queue(branch)

    def _queue(self, branch: Branch) -> None:
        if branch.cost <= self.bound and self._is_own(branch):
            self._queues[branch.cost].append(branch)

    def _is_own(self, branch: Branch) -> bool:
        return len(branch.turns) > 1 or self._share.is_whole or self._share.owns(str(branch))

    def achieved(self) -> str:
        """The bound up to which nothing is left."""
        exhausted = self.exhausted_bound
        done = f"all schedules with up to {exhausted} preemptions"
        if exhausted < self.bound:
            part = f"some with {exhausted + 1}"
            return part if exhausted < 0 else f"{done}, {part}"
        return done
