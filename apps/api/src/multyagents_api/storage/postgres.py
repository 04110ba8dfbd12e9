"""PostgreSQL: any number of processes and hosts on one database, through asyncpg.

Transactions are READ COMMITTED: the first statement of each locks its run's row, so what follows sees all
that was committed under that lock before.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from types import TracebackType
from typing import Any, NoReturn
from urllib.parse import urlsplit

import asyncpg
from sqlalchemy import Executable
from sqlalchemy.dialects.postgresql import asyncpg as dialect

from multyagents_api.domain.errors import StoreBusy, StoreFull, StoreUnreachable
from multyagents_api.service.event_signal import EventSignal
from multyagents_api.service.ports import Outdated, StorageUnavailable
from multyagents_api.storage.migrate import CURRENT, HEAD, OTHER_TABLES
from multyagents_api.storage.postgres_follow import GATHER_S, Follower
from multyagents_api.storage.postgres_migrate import migrate_postgres
from multyagents_api.storage.postgres_writes import PostgresWriter
from multyagents_api.storage.prepared import Parameters, Result, Statements
from multyagents_api.storage.reads import NOTHING

__all__ = ["PostgresStorage"]

STATEMENTS = Statements(dialect.dialect())  # type: ignore[no-untyped-call]
CACHED_STATEMENTS = 1_000
COMMAND_TIMEOUTS = 2
"""So many times the longest wait for a lock: a statement takes milliseconds, a cut network answers never."""

_log = logging.getLogger(__name__)

BUSY = (
    TimeoutError,
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.TooManyConnectionsError,
)
UNREACHABLE = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
)
LOST = (TimeoutError, *UNREACHABLE)
"""After these a connection is of no use: what it was asked may still be under way, or is not known."""


class QuietConnection(asyncpg.Connection):  # type: ignore[misc]
    """A connection on which nothing is left behind that a pool would have to tidy up."""

    def get_reset_query(self) -> str:
        """Nothing: a round trip less for each use."""
        return ""


class AwaitedConnection:
    """A connection on which each statement is a round trip."""

    def __init__(self, driver: asyncpg.Connection) -> None:
        self._driver = driver

    async def execute(self, statement: Executable, parameters: Parameters = NOTHING) -> Result:
        """Execute one statement."""
        prepared = STATEMENTS.prepare(statement, parameters)
        arguments = prepared.arguments(parameters)
        try:
            if prepared.returns_rows:
                return Result(prepared.rows(await self._driver.fetch(prepared.sql, *arguments)), -1)
            return Result((), _changed(await self._driver.execute(prepared.sql, *arguments)))
        except Exception as error:
            raise _refusal_for(error, self._driver) or error from error

    async def execute_many(self, statement: Executable, parameters: Sequence[Parameters]) -> Result:
        """Execute one statement for each set of parameters, in order."""
        prepared = STATEMENTS.prepare(statement, parameters[0])
        arguments = [prepared.arguments(each) for each in parameters]
        try:
            if prepared.returns_rows:
                return Result(prepared.rows(await self._driver.fetchmany(prepared.sql, arguments)), -1)
            if len(arguments) == 1:
                return Result((), _changed(await self._driver.execute(prepared.sql, *arguments[0])))
            await self._driver.executemany(prepared.sql, arguments)
        except Exception as error:
            raise _refusal_for(error, self._driver) or error from error
        return Result((), -1)


def _changed(tag: str) -> int:
    """How many rows a command's tag (`UPDATE 1`) says were changed."""
    return int(tag.rpartition(" ")[2])


class _Transaction(AbstractAsyncContextManager[PostgresWriter]):
    """A connection of the pool, and a transaction on it where something is written."""

    def __init__(self, storage: "PostgresStorage", *, writes: bool) -> None:
        self._storage = storage
        self._writes = writes
        self._driver: Any = None
        self._writer: PostgresWriter | None = None

    async def __aenter__(self) -> PostgresWriter:
        try:
            self._driver = await self._storage.acquire()
            if self._writes:
                await self._driver.execute("BEGIN")
        except Exception as error:
            refusal = _refusal_for(error, self._driver)
            await self._let_go(abandon=True)
            raise refusal or error from error
        self._writer = PostgresWriter(AwaitedConnection(self._driver))
        return self._writer

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        is_lost = isinstance(error, StoreUnreachable) or (
            error is not None and isinstance(error.__cause__, TimeoutError)
        )
        try:
            # What can't be committed any more must fail, although nothing is left to roll back.
            if self._writes and not is_lost:
                await self._driver.execute("COMMIT" if error is None else "ROLLBACK")
                if error is None and self._writer is not None and self._writer.has_told:
                    self._storage.note_events()
        except Exception as failure:
            is_lost = True
            if error is None:
                raise _refusal_for(failure, self._driver) or failure from failure
        finally:
            await self._let_go(abandon=is_lost)

    async def _let_go(self, *, abandon: bool) -> None:
        if self._driver is not None:
            driver, self._driver = self._driver, None
            await self._storage.release(driver, abandon=abandon)


def _refusal_for(error: Exception, driver: asyncpg.Connection | None) -> Exception | None:
    """What the driver's error means for the request; None where it means a defect.

    A connection that is lost in the midst of a statement may fail in the driver's own ways.
    """
    if isinstance(error, asyncpg.IntegrityConstraintViolationError):
        return Outdated()
    if isinstance(error, BUSY):
        return StoreBusy()
    if isinstance(error, asyncpg.DiskFullError):
        return StoreFull()
    is_lost = isinstance(error, UNREACHABLE) or (driver is not None and driver.is_closed())
    return StoreUnreachable() if is_lost else None


class PostgresStorage:
    """The store in a PostgreSQL database.

    Args:
        url: as asyncpg and libpq take it, `postgresql://user:password@host:port/database`.
        busy_timeout_s: how long a request waits for a connection, or a statement for a lock.
        pool_size: connections of this process at most.

    Raises:
        StorageUnavailable: the database can't be reached, or belongs to another version.
    """

    def __init__(self, url: str, *, busy_timeout_s: float = 5.0, pool_size: int = 10) -> None:
        self._url = url
        self._busy_timeout_s = busy_timeout_s
        self._pool_size = pool_size
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()
        self.signal = EventSignal()
        self._untold = asyncio.Event()
        try:
            migrate_postgres(url, connect_timeout_s=busy_timeout_s)
        except (*BUSY, *UNREACHABLE, asyncpg.PostgresError, ValueError) as error:
            raise StorageUnavailable(f"can't use the database {_public(url)}: {error}") from error

    def read(self) -> AbstractAsyncContextManager[PostgresWriter]:
        """Statements outside any transaction, each a look of its own."""
        return _Transaction(self, writes=False)

    def write(self) -> AbstractAsyncContextManager[PostgresWriter]:
        """One transaction."""
        return _Transaction(self, writes=True)

    async def acquire(self) -> asyncpg.Connection:
        """A connection that nobody else uses meanwhile."""
        pool = self._pool or await self._open()
        return await pool.acquire(timeout=self._busy_timeout_s)

    async def release(self, driver: asyncpg.Connection, *, abandon: bool = False) -> None:
        """Give a connection back, or close one of no use without waiting for the server's consent."""
        assert self._pool is not None
        with suppress(*LOST):  # then the pool has closed it, and whatever was committed stays so
            if abandon:
                driver.terminate()
            await self._pool.release(driver)

    async def _open(self) -> asyncpg.Pool:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._url,
                    min_size=0,  # or the pool goes on connecting, and logging, while there is no server
                    max_size=self._pool_size,
                    timeout=self._busy_timeout_s,
                    command_timeout=COMMAND_TIMEOUTS * self._busy_timeout_s,
                    statement_cache_size=CACHED_STATEMENTS,
                    max_cached_statement_lifetime=0,
                    connection_class=QuietConnection,
                    init=_understand_json,
                    server_settings={
                        "application_name": "multyagents",
                        "lock_timeout": f"{round(self._busy_timeout_s * 1000)}ms",
                    },
                )
        return self._pool

    async def trouble(self) -> str | None:
        """What is wrong with the database; None where it answers and has the tables of this version."""
        try:
            driver = await self.acquire()
            found = None
            try:
                found = await driver.fetchval(CURRENT, timeout=self._busy_timeout_s)
            finally:
                await self.release(driver, abandon=found is None)
        except (*BUSY, *UNREACHABLE, asyncpg.PostgresError) as error:
            return f"the database does not answer ({type(error).__name__})"
        return None if found == HEAD else OTHER_TABLES

    async def maintain(self, pause: Callable[[], Awaitable[None]]) -> NoReturn:
        """Nothing: the server keeps its own house."""
        while True:
            await pause()

    def note_events(self) -> None:
        """Note that events were committed: this process hears of them now, the others from `announce`."""
        self.signal.tell()
        self._untold.set()

    async def announce(self) -> NoReturn:
        """Notify other processes, until canceled, of the events that this one commits.

        Where the database is out of reach, they find out by themselves.
        """
        while True:
            await self._untold.wait()
            self._untold.clear()
            try:
                async with self.read() as reader:
                    await reader.notify()
            except StoreBusy:
                _log.info("other processes were not notified of events; they look by themselves")
            await asyncio.sleep(GATHER_S)

    async def follow(self) -> NoReturn:
        """Hear, until canceled, of the events that other processes commit."""
        await Follower(self._connect, AwaitedConnection, self.signal).run()

    async def _connect(self) -> asyncpg.Connection:
        """A connection of its own, beside the pool."""
        return await asyncpg.connect(
            self._url,
            timeout=self._busy_timeout_s,
            command_timeout=self._busy_timeout_s,
            server_settings={"application_name": "multyagents events"},
        )

    async def aclose(self) -> None:
        """Close the connections; whoever uses one is waited for, but not for long."""
        if self._pool is None:
            return
        try:
            async with asyncio.timeout(self._busy_timeout_s):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()


async def _understand_json(driver: asyncpg.Connection) -> None:
    """Take JSON as the statements give it, and give it back as values."""
    await driver.set_type_codec("json", schema="pg_catalog", encoder=str, decoder=json.loads)


def _public(url: str) -> str:
    """Where the database is, without who asks for it and by which password."""
    parts = urlsplit(url)
    return f"{parts.path.lstrip('/') or '(default)'} at {parts.hostname or 'the local socket'}"
