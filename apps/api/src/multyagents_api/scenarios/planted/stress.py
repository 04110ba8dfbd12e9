"""Planted faults of a runner that many workflows at once must bring to light."""

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from multyagents_api.runner.attempts import Attempts
from multyagents_api.runner.work import Worker
from multyagents_api.scenarios.planted.planting import replaced
from multyagents_api.service.dispatching import Dispatching

__all__ = ["claims_come_late", "commands_executed_twice", "outputs_dropped", "submissions_forgotten"]

FORGETS_EVERY = 5
LATE_S = 0.3


@contextmanager
def claims_come_late() -> Iterator[None]:
    """A dispatch claims its task some time after it has looked, as on a busy machine: no fault by itself."""
    genuine = Dispatching._claim_one_of  # noqa: SLF001 - what a fault replaces

    async def claim_one_of(self: Dispatching, seen: Any, choose: Any) -> Any:
        await asyncio.sleep(LATE_S)
        return await genuine(self, seen, choose)

    with replaced(Dispatching, "_claim_one_of", claim_one_of):
        yield


@contextmanager
def submissions_forgotten() -> Iterator[None]:
    """The runner accepts every fifth attempt and does nothing about it, nor says that it has it."""
    genuine, numbers = Attempts.take, itertools.count(1)

    def take(self: Attempts, work: Any) -> None:
        if next(numbers) % FORGETS_EVERY:
            genuine(self, work)

    with replaced(Attempts, "take", take):
        yield


@contextmanager
def commands_executed_twice() -> Iterator[None]:
    """The runner executes each command once more, and tells of the second time."""
    genuine = Worker._executed  # noqa: SLF001 - what a fault replaces

    async def executed(self: Worker, held: Any) -> Any:
        await genuine(self, held)
        return await genuine(self, held)

    with replaced(Worker, "_executed", executed):
        yield


@contextmanager
def outputs_dropped() -> Iterator[None]:
    """What a command printed is not kept."""

    async def drop(*_about: Any) -> None:
        pass

    with replaced(Worker, "_keep_output", drop):
        yield
