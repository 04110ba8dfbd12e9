"""Wake-ups for those who wait for events: a count that grows whenever some may have been committed."""

import asyncio
from typing import NoReturn, Protocol

__all__ = ["EventFeed", "EventSignal"]


class EventSignal:
    """Tells all who wait in this process that it is worth another look.

    Who waits takes the `count` before looking, so that what is told between the look and the wait counts,
    too: `wait` then returns at once. The signal may promise too much, but never too little.
    """

    def __init__(self) -> None:
        self.count = 0
        self._told = asyncio.Event()

    def tell(self) -> None:
        """Wake all who wait."""
        self.count += 1
        told, self._told = self._told, asyncio.Event()
        told.set()

    async def wait(self, seen: int, timeout_s: float) -> bool:
        """Wait until something was told after the count was `seen`; False where nothing is for so long."""
        try:
            async with asyncio.timeout(timeout_s):
                while self.count == seen:
                    await self._told.wait()
        except TimeoutError:
            return False
        return True


class EventFeed(Protocol):
    """How a process hears of events that were committed; each store has its own way."""

    @property
    def signal(self) -> EventSignal:
        """Told when this process committed events, and while it follows, when another one did."""
        ...

    async def follow(self) -> NoReturn:
        """Tell the signal, until canceled, what other processes commit."""
        ...

    async def announce(self) -> NoReturn:
        """Let other processes know, until canceled, what this one commits."""
        ...
