"""Random priorities that change at a few random steps (PCT): deep bugs with a chance known beforehand.

Every actor has a random priority and the highest one goes on; at `depth - 1` random steps the actor that is
about to go on falls behind all others. The steps are drawn from a horizon that must be the length of real
schedules, or else the chance is lost: it is measured on a first run, and again whenever a run is longer.
"""

from random import Random

from gatewright.race.miss_bound import MissBound
from gatewright.race.schedule import Choice, Picker, Trace
from gatewright.race.share import WHOLE, Share
from gatewright.race.strategies.fifo import Fifo

__all__ = ["PriorityChanges"]


class PriorityChanges:
    """One probe in the natural order, then a given number of runs under random priorities.

    Args:
        depth: how many ordered steps the bugs that it looks for need.
        seed: chooses the schedules; schedule n of a seed is the same for the same horizon.
        count: how many schedules to propose after the probe.
        share: the numbers of the schedules that are proposed.
    """

    def __init__(self, depth: int, seed: int, count: int, *, share: Share = WHOLE) -> None:
        self.name = f"pct-{depth}"
        self._depth = depth
        self._seed = seed
        self._numbers = list(share.numbers(count))[::-1]
        self._count = len(self._numbers)
        self._probed = False
        self._actors: set[str] = set()
        self._horizon = 0
        self._runs = 0

    @property
    def is_complete(self) -> bool:
        """Whether all runs were run."""
        return self._probed and self._count > 0 and not self._numbers

    def next_picker(self) -> Picker | None:
        """The probe, then run after run."""
        if not self._numbers:
            return None
        if not self._probed:
            return Fifo()
        chance = Random(f"{self._seed}/{self._depth}/{self._numbers.pop()}")  # noqa: S311 - chooses schedules
        return _Priorities(chance, self._depth, max(1, self._horizon))

    def learn(self, trace: Trace) -> None:
        """Measure; runs under a horizon that was too short guarantee nothing, so they are counted no more."""
        self._actors.update(step.actor for step in trace.steps)
        self._runs += self._probed
        self._probed = True
        if len(trace.steps) > self._horizon:
            self._horizon, self._runs = len(trace.steps), 0

    def miss_bound(self) -> MissBound:
        """What the runs so far guarantee."""
        return MissBound(self._depth, len(self._actors), self._horizon, self._runs)

    def achieved(self) -> str:
        """The number of runs and what they guarantee."""
        done = self._count - len(self._numbers)
        chance = f"a miss has a chance of at most {self.miss_bound().chance:.3g}"
        return f"{done} of {self._count} runs of random priorities, depth {self._depth} ({chance})"


class _Priorities:
    def __init__(self, chance: Random, depth: int, horizon: int) -> None:
        self._chance = chance
        self._changes = {chance.randrange(horizon): -number for number in range(1, depth)}
        self._priorities: dict[str, float] = {}

    def pick(self, choice: Choice) -> str:
        for actor in choice.candidates:
            if actor not in self._priorities:
                self._priorities[actor] = self._chance.random()
        first = self._highest(choice)
        if choice.index in self._changes:
            self._priorities[first] = self._changes[choice.index]
            return self._highest(choice)
        return first

    def _highest(self, choice: Choice) -> str:
        return max(choice.candidates, key=self._priorities.__getitem__)
