"""SQLite, embedded: one connection for each app, called inline on the loop.

A statement takes 10 to 20 microseconds, less than handing it to a thread. The driver is in autocommit: every
`BEGIN IMMEDIATE` and `COMMIT` below is a statement of ours, and reads run outside any transaction.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

from sqlalchemy import Connection, Engine, Executable, create_engine, event
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import StaticPool

from multyagents_api.domain.errors import StoreBusy, StoreFull, StoreUnreachable
from multyagents_api.service.event_signal import EventSignal
from multyagents_api.service.ports import Outdated, StorageUnavailable
from multyagents_api.storage.group_commit import GroupCommit, GroupedWriting
from multyagents_api.storage.migrate import CURRENT, HEAD, OTHER_TABLES, migrate
from multyagents_api.storage.prepared import Parameters, Result, Statements
from multyagents_api.storage.reads import NOTHING, SqlReader
from multyagents_api.storage.writes import SqlWriter

__all__ = ["SqliteStorage", "checkpoint", "trouble"]

LAST_RESORT_PAGES = 32_000
"""Pages of the log (125 MiB) at which a request checkpoints after all, should no thread manage to."""

LOOK_EVERY_S = 0.2
"""Between two looks at whether another process committed something; each costs microseconds."""

_log = logging.getLogger(__name__)


STATEMENTS = Statements(sqlite.dialect())


REFUSALS: Mapping[str, type[StoreBusy]] = {
    "BUSY": StoreBusy,
    "FULL": StoreFull,
    "IOERR": StoreUnreachable,
    "CANTOPEN": StoreUnreachable,
    "READONLY": StoreUnreachable,
}
"""By the first word of an error's name, without `SQLITE_`; any other error is a defect."""


class InlineConnection:
    """A synchronous connection behind asynchronous methods.

    Args:
        driver: the connection.
        only_within: whether a statement outside of a transaction is refused: SQLite ends one by itself when
            the disk is full, and what still runs must not be committed piece by piece.
    """

    def __init__(self, driver: sqlite3.Connection, *, only_within: bool = False) -> None:
        self._driver = driver
        self._only_within = only_within

    async def execute(self, statement: Executable, parameters: Parameters = NOTHING) -> Result:
        """Execute one statement, now.

        Raises:
            StoreBusy, StoreFull, StoreUnreachable: it can't be executed at the moment.
        """
        prepared = STATEMENTS.prepare(statement, parameters)
        try:
            self._check_within()
            cursor = self._driver.execute(prepared.sql, prepared.arguments(parameters))
            if prepared.returns_rows:
                return Result(prepared.rows(cursor.fetchall()), -1)
        except sqlite3.OperationalError as error:
            raise refusal_for(error) from error
        return Result((), cursor.rowcount)

    async def execute_many(self, statement: Executable, parameters: Sequence[Parameters]) -> Result:
        """Execute one statement for each set of parameters, now; fails as `execute` does."""
        if len(parameters) == 1:
            return await self.execute(statement, parameters[0])
        prepared = STATEMENTS.prepare(statement, parameters[0])
        arguments = map(prepared.arguments, parameters)
        try:
            self._check_within()
            if not prepared.returns_rows:
                return Result((), self._driver.executemany(prepared.sql, arguments).rowcount)
            raw = [self._driver.execute(prepared.sql, each).fetchone() for each in arguments]
        except sqlite3.OperationalError as error:
            raise refusal_for(error) from error
        return Result(prepared.rows(raw), -1)

    def _check_within(self) -> None:
        if self._only_within and not self._driver.in_transaction:
            raise StoreBusy


def refusal_for(error: sqlite3.OperationalError) -> Exception:
    """What SQLite's error means for the request; the error itself where it means a defect."""
    words = getattr(error, "sqlite_errorname", "").split("_")
    refusal = REFUSALS.get(words[1]) if len(words) > 1 else None
    return error if refusal is None else refusal()


class _Reading(AbstractAsyncContextManager[SqlReader]):
    """Nothing begins and nothing ends: each statement stands alone."""

    def __init__(self, reader: SqlReader) -> None:
        self._reader = reader

    async def __aenter__(self) -> SqlReader:
        return self._reader

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class _Writing(AbstractAsyncContextManager[SqlWriter]):
    """One transaction, which takes the write lock at its beginning."""

    def __init__(self, driver: sqlite3.Connection, writer: SqlWriter, signal: EventSignal) -> None:
        self.driver = driver
        self._writer = writer
        self._signal = signal

    async def __aenter__(self) -> SqlWriter:
        perform(self.driver, "BEGIN IMMEDIATE")
        return self._writer

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            perform(self.driver, "COMMIT")
            self._signal.tell()
            return
        _roll_back(self.driver)
        if isinstance(error, sqlite3.IntegrityError):
            raise Outdated from error


def perform(driver: sqlite3.Connection, statement: str) -> None:
    """Begin or commit; roll back what can't be.

    Raises:
        StoreBusy: another process held the store for too long, or SQLite has rolled back by itself.
        StoreFull, StoreUnreachable: what is to be committed can't be written.
    """
    if statement == "COMMIT" and not driver.in_transaction:
        raise StoreBusy
    try:
        driver.execute(statement)
    except sqlite3.OperationalError as error:
        _roll_back(driver)
        raise refusal_for(error) from error


def _roll_back(driver: sqlite3.Connection) -> None:
    """Roll back, unless SQLite has done so by itself (disk full, input or output error)."""
    if driver.in_transaction:
        driver.execute("ROLLBACK")


def _driver_of(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


class SqliteStorage:
    """The store over one SQLite file in WAL mode.

    Args:
        database: the file; created, and brought to the tables of this version, if need be.
        busy_timeout_s: how long a statement waits for another process's transaction.
        synchronous: `NORMAL` survives the death of the process, `FULL` also a loss of power.
    """

    def __init__(self, database: Path, *, busy_timeout_s: float = 5.0, synchronous: str = "NORMAL") -> None:
        engine = _engine(database, busy_timeout_s, synchronous)
        self._database = database
        self._busy_timeout_s = busy_timeout_s
        self._engines = [engine]
        try:
            self._connection = engine.connect()
            migrate(self._connection)
        except DatabaseError as error:
            engine.dispose()
            raise StorageUnavailable(f"can't use the database {database}: {error.orig}") from error
        except BaseException:
            engine.dispose()
            raise
        driver = _driver_of(self._connection)
        self._writer = SqlWriter(InlineConnection(driver, only_within=synchronous == "FULL"))
        self._reading = _Reading(self._writer)
        self.signal = EventSignal()
        self._writing = _Writing(driver, self._writer, self.signal)
        self._commits: GroupCommit | None = None
        if synchronous == "FULL":
            self._commits = GroupCommit(driver, partial(perform, driver), self.signal)
            # A reader must not see what is not on the disk yet, nor wait for the disk.
            self._engines.append(_engine(database, busy_timeout_s, synchronous))
            # SQLAlchemy rolls back on a connection that nobody holds any more.
            self._written = self._connection
            self._connection = self._engines[1].connect()
            self._reading = _Reading(SqlReader(InlineConnection(_driver_of(self._connection))))

    def read(self) -> AbstractAsyncContextManager[SqlReader]:
        """Statements outside any transaction."""
        return self._reading

    def write(self) -> AbstractAsyncContextManager[SqlWriter]:
        """One transaction; with `FULL`, shared with others that come at the same time."""
        return self._writing if self._commits is None else GroupedWriting(self._commits, self._writer)

    async def trouble(self) -> str | None:
        """What is wrong with the file, seen from a thread: whoever holds it must not hold up the loop."""
        return await asyncio.to_thread(trouble, self._database, self._busy_timeout_s)

    async def maintain(self, pause: Callable[[], Awaitable[None]]) -> NoReturn:
        """From now on, checkpoint on a thread after each pause instead of inline in some request.

        A checkpoint waits for the disk, for hundreds of milliseconds where others write too.
        """
        self._writing.driver.execute(f"PRAGMA wal_autocheckpoint={LAST_RESORT_PAGES}")
        while True:
            await pause()
            try:
                await asyncio.to_thread(checkpoint, self._database)
            except sqlite3.Error:
                _log.exception("the write-ahead log could not be checkpointed")

    async def announce(self) -> NoReturn:
        """Nothing: other processes look for themselves."""
        while True:
            await asyncio.Event().wait()

    async def follow(self) -> NoReturn:
        """Look, again and again until canceled, whether another connection committed something.

        `PRAGMA data_version` reads a counter in shared memory; it differs after commits of others only.
        """
        known = None
        while True:
            found = _driver_of(self._connection).execute("PRAGMA data_version").fetchone()
            if found != known:
                known = found
                self.signal.tell()
            await asyncio.sleep(LOOK_EVERY_S)

    async def aclose(self) -> None:
        """Close the connections, when what is under way is on the disk."""
        if self._commits is not None:
            await self._commits.drain()
        self.close()

    def close(self) -> None:
        """Close the connections; nobody may be writing."""
        for engine in self._engines:
            engine.dispose()


def _engine(database: Path, busy_timeout_s: float, synchronous: str) -> Engine:
    """One connection, kept open: the pool holds it."""
    engine = create_engine(
        f"sqlite:///{database}",
        poolclass=StaticPool,
        isolation_level="AUTOCOMMIT",
        connect_args={"check_same_thread": False, "timeout": busy_timeout_s, "cached_statements": 512},
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        connection.execute(f"PRAGMA synchronous={synchronous}")
        connection.execute("PRAGMA foreign_keys=ON")

    return engine


def checkpoint(database: Path) -> bool:
    """Move the write-ahead log into the database file while others go on; whether all of it went."""
    connection = sqlite3.connect(database)
    try:
        busy, logged, moved = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        return not busy and logged == moved
    finally:
        connection.close()


def trouble(database: Path, busy_timeout_s: float) -> str | None:
    """What is wrong with the file, which is not created; None where it has the tables of this version."""
    try:
        connection = sqlite3.connect(f"{database.absolute().as_uri()}?mode=rw", busy_timeout_s, uri=True)
        try:
            [found] = connection.execute(CURRENT).fetchone() or [None]
        finally:
            connection.close()
    except sqlite3.Error as error:
        return f"the database does not answer ({error.sqlite_errorname})"
    return None if found == HEAD else OTHER_TABLES
