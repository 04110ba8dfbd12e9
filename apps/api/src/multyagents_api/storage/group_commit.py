"""Group commit: one flush to the disk for all transactions that are ready for it.

A flush takes milliseconds, and the loop must not stand still meanwhile. Each write block is a savepoint of a
transaction that all blocks share which come together; the transaction begins and is committed on a thread,
and none of its blocks ends before the commit did.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from types import TracebackType

from multyagents_api.domain.errors import StoreBusy
from multyagents_api.service.event_signal import EventSignal
from multyagents_api.service.ports import Outdated
from multyagents_api.storage.writes import SqlWriter

__all__ = ["GroupCommit", "GroupedWriting"]


@dataclass(eq=False)
class _Group:
    """Blocks that share a transaction; `begun` and `committed` end with what hindered them.

    `inside` counts who is in it or waits for its beginning; when all have `left`, it is committed.
    """

    begun: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    committed: asyncio.Future[None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    inside: int = 0
    left: asyncio.Event = field(default_factory=asyncio.Event)


class GroupCommit:
    """Gathers blocks into transactions of one connection, one transaction after the other.

    Args:
        driver: the connection, in autocommit, which nobody else uses.
        perform: executes BEGIN IMMEDIATE or COMMIT, and rolls back what fails.
        signal: is told of every commit.
    """

    def __init__(
        self, driver: sqlite3.Connection, perform: Callable[[str], None], signal: EventSignal
    ) -> None:
        self.driver = driver
        self._perform = perform
        self._signal = signal
        self._gathering: _Group | None = None
        self._working: asyncio.Task[None] | None = None

    async def join(self) -> _Group:
        """Enter the transaction that begins next; the caller goes on inside of it."""
        if self._gathering is None:
            self._gathering = _Group()
            self._working = asyncio.create_task(self._carry_out(self._gathering, self._working))
        group = self._gathering
        group.inside += 1
        try:
            await asyncio.shield(group.begun)
        except BaseException:
            self.leave(group)
            raise
        return group

    def leave(self, group: _Group) -> None:
        """End a block; the transaction is committed when all have left."""
        group.inside -= 1
        if group.inside == 0:
            group.left.set()

    async def drain(self) -> None:
        """Wait until nothing is under way."""
        if self._working is not None:
            await asyncio.wait([self._working])

    async def _carry_out(self, group: _Group, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        try:
            await asyncio.to_thread(self._perform, "BEGIN IMMEDIATE")
        except Exception as error:  # noqa: BLE001 - it fails those who wait
            self._gathering = None
            _fail(group.begun, error)
            return
        self._gathering = None
        group.begun.set_result(None)
        await group.left.wait()
        try:
            await asyncio.to_thread(self._perform, "COMMIT")
        except Exception as error:  # noqa: BLE001 - it fails those who wait
            _fail(group.committed, error)
            return
        group.committed.set_result(None)
        self._signal.tell()


def _fail(future: asyncio.Future[None], error: Exception) -> None:
    """Let all who wait fail with it, and nobody complain where none waits."""
    future.set_exception(error)
    future.exception()


class GroupedWriting(AbstractAsyncContextManager[SqlWriter]):
    """One write block; when it has ended well, it is on the disk."""

    def __init__(self, commits: GroupCommit, writer: SqlWriter) -> None:
        self._commits = commits
        self._writer = writer
        self._group: _Group | None = None

    async def __aenter__(self) -> SqlWriter:
        self._group = await self._commits.join()
        if not self._commits.driver.in_transaction:
            # SQLite rolled back when another block failed (disk full); a savepoint would begin another one.
            self._commits.leave(self._group)
            raise StoreBusy
        self._commits.driver.execute("SAVEPOINT block")
        return self._writer

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        group = self._group
        assert group is not None
        try:
            if error is not None and self._commits.driver.in_transaction:
                self._commits.driver.execute("ROLLBACK TO block")
            if self._commits.driver.in_transaction:
                self._commits.driver.execute("RELEASE block")
        finally:
            self._commits.leave(group)
        if error is None:
            await asyncio.shield(group.committed)
        elif isinstance(error, sqlite3.IntegrityError):
            raise Outdated from error
