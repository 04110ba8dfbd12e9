"""Random schedules: every decision falls on any candidate with the same chance."""

from random import Random

from gatewright.race.schedule import Choice, Picker, Trace
from gatewright.race.share import WHOLE, Share

__all__ = ["RandomWalk"]


class RandomWalk:
    """A given number of random schedules, the same ones for the same seed.

    Args:
        seed: chooses the schedules; schedule n of a seed is always the same.
        count: how many schedules to propose.
        share: the numbers of the schedules that are proposed.
    """

    name = "random"

    def __init__(self, seed: int, count: int, *, share: Share = WHOLE) -> None:
        self._seed = seed
        self._numbers = share.numbers(count)
        self._proposed = 0

    def next_picker(self) -> Picker | None:
        """The next walk."""
        if self._proposed >= len(self._numbers):
            return None
        walk = _Walk(Random(f"{self._seed}/{self._numbers[self._proposed]}"))  # noqa: S311 - chooses schedules, not secrets
        self._proposed += 1
        return walk

    @property
    def is_complete(self) -> bool:
        """Whether all walks were walked."""
        return 0 < len(self._numbers) <= self._proposed

    def learn(self, trace: Trace) -> None:
        """Nothing to learn from."""

    def achieved(self) -> str:
        """The number of walks."""
        return f"{self._proposed} of {len(self._numbers)} random schedules"


class _Walk:
    def __init__(self, chance: Random) -> None:
        self._chance = chance

    def pick(self, choice: Choice) -> str:
        if len(choice.candidates) == 1:
            return choice.candidates[0]
        return self._chance.choice(choice.candidates)
