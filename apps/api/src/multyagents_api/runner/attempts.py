"""The attempts that a runner holds: taken once, queued, told to stop, forgotten at their end."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from multyagents_api.runner.local_settings import LocalSettings
from multyagents_api.runner.submitted import Submitted, reason_against

__all__ = ["Attempts", "ComeAgain", "Held", "NeverHere", "Why"]

MOST_REMEMBERED = 10_000
"""Tasks whose latest attempt is remembered, so that a repeated submission is told from a new one."""


class Why(StrEnum):
    """Why an attempt is not to go on."""

    CANCELED = "canceled"
    LOST = "lost"
    RUNNER_STOPPING = "runner stopping"


class ComeAgain(Exception):  # noqa: N818 - a refusal
    """The attempt can't be taken now."""


class NeverHere(Exception):  # noqa: N818 - a refusal
    """The attempt can't be executed by this runner, however often it is submitted."""


@dataclass(eq=False, slots=True)
class Held:
    """An attempt that this runner answers for; `heard_at` is when it last sent a word that the API took."""

    work: Submitted
    heard_at: float
    why: Why | None = None
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self, why: Why) -> None:
        """Ask for the end of the attempt; what is lost is lost, else the first reason counts."""
        if self.why is None or why is Why.LOST:
            self.why = why
        self.stop.set()


class Attempts:
    """What is taken on, in order; of each task the latest attempt."""

    def __init__(self, settings: LocalSettings, now: Callable[[], float] = time.monotonic) -> None:
        self.queue: asyncio.Queue[Held] = asyncio.Queue()
        self.stopping = False
        self.none_held = asyncio.Event()
        self._settings = settings
        self._now = now
        self._held: dict[str, Held] = {}
        self._latest: OrderedDict[str, int] = OrderedDict()
        self.none_held.set()

    @property
    def held(self) -> list[Held]:
        """All that is queued or executed, or whose end is not reported yet."""
        return list(self._held.values())

    def take(self, work: Submitted) -> None:
        """Take an attempt on; again, and nothing happens. An older attempt of the task is over.

        Raises:
            NeverHere: this runner can't execute it, or took a later attempt on.
            ComeAgain: there is no room, or the runner is stopping.
        """
        latest = self._latest.get(work.task_id, 0)
        if work.attempt == latest:
            return
        if work.attempt < latest:
            raise NeverHere(f"{work.name} is over; this runner took attempt {latest} on")
        if (reason := reason_against(work, self._settings)) is not None:
            raise NeverHere(reason)
        if self.stopping:
            raise ComeAgain("this runner is stopping")
        if self.queue.qsize() >= self._settings.queue:
            raise ComeAgain("the queue of this runner is full")
        if (older := self._held.get(work.task_id)) is not None:
            older.end(Why.LOST)
        held = self._held[work.task_id] = Held(work, self._now())
        self.none_held.clear()
        self._remember(work)
        self.queue.put_nowait(held)

    def cancel(self, task_id: str, attempt: int) -> bool:
        """Ask for the end of an attempt; False where this runner never had it."""
        held = self._held.get(task_id)
        if held is not None and held.work.attempt == attempt:
            held.end(Why.CANCELED)
        return 0 < attempt <= self._latest.get(task_id, 0)

    def forget(self, held: Held) -> None:
        """An attempt is over, and the API knows it or no longer asks."""
        if self._held.get(held.work.task_id) is held:
            del self._held[held.work.task_id]
        if not self._held:
            self.none_held.set()

    def _remember(self, work: Submitted) -> None:
        self._latest[work.task_id] = work.attempt
        self._latest.move_to_end(work.task_id)
        while len(self._latest) > MOST_REMEMBERED:
            self._latest.popitem(last=False)
