"""A mix of journeys: which of them the next run makes is drawn by weight."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from math import inf

from gatewright.core.errors import ConfigurationError
from gatewright.load.journey import Journey

__all__ = ["Mix", "Weighted"]

MOST_JOURNEYS = 1000


@dataclass(frozen=True)
class Weighted:
    """A journey and its weight: the share of runs that make it is its weight over the sum of all."""

    journey: Journey
    weight: float = 1.0


class Mix:
    """Journeys by name, each with a weight; the same seed draws the same order.

    The steps of all journeys are numbered through. A step is named `journey/step` where there are several
    journeys, and just by its own name where there is one.

    Args:
        journeys: at least one.
        seed: of the draws.

    Raises:
        ConfigurationError: there is no journey, one has no steps, or a weight is no positive finite number.
    """

    def __init__(self, journeys: Mapping[str, Weighted], *, seed: int = 1) -> None:
        if not 0 < len(journeys) <= MOST_JOURNEYS:
            raise ConfigurationError(f"a mix needs 1 to {MOST_JOURNEYS} journeys, not {len(journeys)}")
        for name, entry in journeys.items():
            if not 0 < entry.weight < inf:
                raise ConfigurationError(
                    f"the weight of journey {name} must be a positive finite number, not {entry.weight:g}"
                )
            if not entry.journey.steps:
                raise ConfigurationError(f"journey {name} has no steps")
        self.names = tuple(journeys)
        self.journeys = tuple(entry.journey for entry in journeys.values())
        self._weights = tuple(accumulate(entry.weight for entry in journeys.values()))
        # Reproducible draws are wanted here, not secrets.
        self._draws = random.Random(seed)  # noqa: S311
        sizes = accumulate((len(journey.steps) for journey in self.journeys), initial=0)
        self._first_steps = tuple(sizes)

    @classmethod
    def of(cls, journey: Journey) -> "Mix":
        """The mix of one journey, which needs no name."""
        return cls({"": Weighted(journey)})

    @property
    def steps(self) -> tuple[str, ...]:
        """Names of the steps of all journeys, in order."""
        if len(self.journeys) == 1:
            return self.journeys[0].steps
        pairs = zip(self.names, self.journeys, strict=True)
        return tuple(f"{name}/{step}" for name, journey in pairs for step in journey.steps)

    def share(self, journey: str) -> float:
        """The share of runs, 0..1, that make a journey."""
        number = self.names.index(journey)
        before = self._weights[number - 1] if number else 0.0
        return (self._weights[number] - before) / self._weights[-1]

    def number(self, journey: int, step: int) -> int:
        """The number, among all steps, of a step of a journey.

        Raises:
            IndexError: the journey has no such step.
        """
        number = self._first_steps[journey] + step
        if step < 0 or number >= self._first_steps[journey + 1]:
            raise IndexError(f"the journey has no step {step}")
        return number

    def draw(self) -> int:
        """The number of the next run's journey."""
        if len(self.journeys) == 1:
            return 0
        return self._draws.choices(range(len(self.journeys)), cum_weights=self._weights)[0]
