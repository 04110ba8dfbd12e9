"""Who decides when the running code goes on: the scheduled loop, or the baton of a race between threads."""

import threading
from collections.abc import Callable, Iterable
from typing import Protocol, TypeAlias

from gatewright.race.footprint import Footprint

__all__ = ["THREAD", "Ready", "Scheduler", "current_scheduler"]

Ready: TypeAlias = Callable[[], bool]
"""Whether what an actor waits for has come about."""


class Scheduler(Protocol):
    """What points ask of whoever controls the actors."""

    keeps_open: Callable[[], bool]
    """Whether anything that was read keeps its snapshot open."""

    @property
    def is_racing(self) -> bool:
        """Whether a schedule is under way."""
        ...

    @property
    def actor(self) -> str:
        """The actor on whose behalf the calling code runs; empty for nobody's."""
        ...

    @property
    def controls(self) -> bool:
        """Whether the running code belongs to an actor whose points count now."""
        ...

    @property
    def can_block(self) -> bool:
        """Whether the running actor can be made to wait inside synchronous code."""
        ...

    def time(self) -> float:
        """Virtual seconds; they pass only when every actor waits for them."""
        ...

    def pause(self, label: str, ready: Ready | None = None) -> None:
        """Stand at a point until the strategy lets the actor go on, and never before it is ready."""
        ...

    def wait(self, label: str, ready: Ready, timeout_s: float | None = None) -> None:
        """Let nobody else's turn pass the running code: it goes on when it is ready, or out of time."""
        ...

    def block(self, holders: Iterable[str] = ()) -> None:
        """The running actor met a lock: it is no candidate until another's transaction has ended."""
        ...

    def transaction_ended(self) -> None:
        """A transaction has ended, so that locks may be free: who waited may try again."""
        ...

    def touch(self, statement: Footprint) -> None:
        """The running step's statement touched this and no more, where that can be known."""
        ...

    def touch_besides(self, footprint: Footprint) -> None:
        """The running step touched this besides, whoever's code it was."""
        ...

    def distrust(self) -> None:
        """From here on nobody knows what the running actor's steps touch."""
        ...

    def moved(self) -> None:
        """A statement has been done, so a second try at a lock is no mere repetition."""
        ...

    def note_thread(self, started: str = "") -> None:
        """Remember it when the calling thread is none that is controlled, or what thread it starts."""
        ...

    def identity(self) -> object:
        """What stands for the running thread, in a world where actors have threads of their own."""
        ...


class _Thread(threading.local):
    scheduler: Scheduler | None = None


THREAD = _Thread()
"""The scheduler of the running thread."""


def current_scheduler() -> Scheduler | None:
    """The scheduler under which the calling code runs, if it does."""
    return THREAD.scheduler
