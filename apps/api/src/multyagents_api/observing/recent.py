"""Something that is looked up at most once a second, however often and by however many it is asked for."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Generic, TypeVar

__all__ = ["Recent"]

T = TypeVar("T")


class Recent(Generic[T]):
    """What a look-up told not long ago; all who ask meanwhile wait for the same one.

    Args:
        look_up: gives the answer, or raises; it is not disturbed when those who wait give up.
        fresh_s: how long an answer, or a failure, is good for.
    """

    def __init__(self, look_up: Callable[[], Awaitable[T]], *, fresh_s: float = 1.0) -> None:
        self._look_up = look_up
        self._fresh_s = fresh_s
        self._fresh_until = -1.0
        self._latest: asyncio.Task[T] | None = None

    async def get(self, *, budget_s: float) -> T:
        """The answer, waited for so many seconds at most.

        Raises:
            TimeoutError: it did not come.
            Exception: whatever the look-up raised.
        """
        latest = self._latest
        if latest is None or (latest.done() and monotonic() >= self._fresh_until):
            latest = self._latest = asyncio.create_task(self._look())
        done, _ = await asyncio.wait({latest}, timeout=budget_s)
        if not done:
            raise TimeoutError
        return latest.result()

    async def _look(self) -> T:
        try:
            return await self._look_up()
        finally:
            self._fresh_until = monotonic() + self._fresh_s
