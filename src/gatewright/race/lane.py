"""An actor's place in the schedule of a loop: what it has yet to do, and where its code stands."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from greenlet import greenlet

from gatewright.race.scheduler import Ready

__all__ = ["Lane", "Stand"]


@dataclass(slots=True)
class Stand:
    """Synchronous code that stands at a point.

    `in_worker` is true for code that runs in a thread of its own, so that its event loop goes on meanwhile.
    `ready` is None where the code could go on at once.
    """

    greenlet: greenlet
    label: str
    arrival: int
    in_worker: bool
    ready: Ready | None = None

    @property
    def can_go(self) -> bool:
        """Whether what it waits for has come about."""
        return self.ready is None or self.ready()


@dataclass(slots=True)
class Lane:
    """One actor's callbacks in their order, and where its synchronous code stands.

    `keeps_open` says that something which was read keeps its snapshot open, `is_distrusted` that nobody knows
    what the actor's steps touch.
    """

    name: str
    queue: deque[tuple[asyncio.Handle, str]] = field(default_factory=deque)
    stands: list[Stand] = field(default_factory=list)
    announced: str = ""
    arrival: int = 0
    blocked: bool = False
    holders: tuple[str, ...] = ()
    keeps_open: bool = False
    is_distrusted: bool = False

    @property
    def holds_loop(self) -> bool:
        """Whether code that stands here keeps its event loop from doing anything else."""
        return any(not stand.in_worker for stand in self.stands)

    def next_stand(self) -> Stand | None:
        """The code that goes on when it is this actor's turn, if any can."""
        if self.blocked:
            return None
        return next((stand for stand in self.stands if stand.can_go), None)
