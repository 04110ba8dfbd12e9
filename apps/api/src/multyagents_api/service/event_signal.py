"""Wake-ups for those who wait for events: a count that grows whenever some may have been committed."""

import asyncio

__all__ = ["EventSignal"]


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
