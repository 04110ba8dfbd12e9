"""Points that a program names itself, where it touches shared state that is no database."""

import asyncio

from gatewright.race.loop import scheduled_loop
from gatewright.race.scheduler import current_scheduler

__all__ = ["point", "point_sync"]


async def point(label: str = "point") -> None:
    """Let the strategy decide here who goes on; outside of an exploration the event loop decides.

    In the process model `shared` code really yields here, in `separate` its whole process stands still.
    """
    loop = scheduled_loop()
    if loop is None:
        await asyncio.sleep(0)
        return
    loop.pause(label)
    loop.announce(label)
    await asyncio.sleep(0)


def point_sync(label: str = "point") -> None:
    """The same inside synchronous code; nothing in the process model `shared`, where it can't yield."""
    scheduler = current_scheduler()
    if scheduler is not None:
        scheduler.pause(label)
