"""Events that other processes committed: how a process hears of them, and lets them hear of its own.

A NOTIFY within the writing transaction would be simplest, but PostgreSQL lets the transactions that notify
commit one after the other, under one lock of the whole server, and every dispatch appends events. So a
process notifies after its commits, in a transaction of its own which does not wait for the disk, and at most
once in `GATHER_S` however much it commits. A process that dies in between notifies nobody: therefore who
listens also looks by itself, each `LOOK_EVERY_S`. The notification saves time; that nothing is missed does
not depend on it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import NoReturn

import asyncpg
from sqlalchemy import exists, func, select

from multyagents_api.service.event_signal import EventSignal
from multyagents_api.storage.postgres_writes import CHANNEL, IS_SETTLED
from multyagents_api.storage.prepared import Result
from multyagents_api.storage.reads import Connection
from multyagents_api.storage.tables import events

__all__ = ["GATHER_S", "Follower"]

GATHER_S = 0.05
LOOK_EVERY_S = 1.0
LOOK_SOON_S = 0.02
"""Between two looks, and before the next one while a transaction that is under way holds events back."""

MOST_BACK_OFF_S = 5.0

_newest_settled = (
    select(events.c.id)
    .where(IS_SETTLED)
    .order_by(events.c.transaction.desc(), events.c.id.desc())
    .limit(1)
    .scalar_subquery()
)
POSITION = select(
    select(func.max(events.c.id)).scalar_subquery().label("newest"),
    _newest_settled.label("settled"),
    exists(select(1).select_from(events).where(~IS_SETTLED)).label("unsettled"),
)
"""Where the events end. It moves whenever a reader of a run, or of all runs, has something new to see."""

_log = logging.getLogger(__name__)


class Follower:
    """Tells a signal of what is committed, by one listening connection, for as long as it runs.

    Args:
        connect: opens a connection, which the follower closes.
        wrap: what executes statements on it.
        signal: is told.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[asyncpg.Connection]],
        wrap: Callable[[asyncpg.Connection], Connection],
        signal: EventSignal,
    ) -> None:
        self._connect = connect
        self._wrap = wrap
        self._signal = signal

    async def run(self) -> NoReturn:
        """Listen until canceled; come back, at longer and longer intervals, when the database was away."""
        back_off = LOOK_EVERY_S / 4
        while True:
            driver: asyncpg.Connection | None = None
            try:
                driver = await self._connect()
                back_off = LOOK_EVERY_S / 4
                await self._listen(driver)
            except Exception as error:  # noqa: BLE001 - nobody else would hear of it
                _log.warning("the database can't be listened to, again in %.1f s: %r", back_off, error)
            finally:
                if driver is not None:
                    driver.terminate()
            await asyncio.sleep(back_off)
            back_off = min(back_off * 2, MOST_BACK_OFF_S)

    async def _listen(self, driver: asyncpg.Connection) -> NoReturn:
        """Tell what others notify of, and what a look finds besides; the first look always tells."""
        woken = asyncio.Event()

        def hear(*_: object) -> None:
            self._signal.tell()
            woken.set()

        await driver.add_listener(CHANNEL, hear)
        driver.add_termination_listener(lambda _: woken.set())
        known: tuple[int | None, int | None] | None = None
        pause = LOOK_SOON_S
        while True:
            woken.clear()
            position = (await self._look(driver)).one()
            if (position.newest, position.settled) != known:
                known = (position.newest, position.settled)
                self._signal.tell()
                pause = LOOK_SOON_S
            pause = min(pause * 2, LOOK_EVERY_S) if position.unsettled else LOOK_EVERY_S
            await asyncio.sleep(LOOK_SOON_S)
            await _woken_within(woken, pause)

    async def _look(self, driver: asyncpg.Connection) -> Result:
        return await self._wrap(driver).execute(POSITION)


async def _woken_within(woken: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await woken.wait()
    except TimeoutError:
        return
