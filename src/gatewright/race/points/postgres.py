"""PostgreSQL's drivers under exploration: every statement, commit and rollback passes a gate first.

asyncpg and psycopg's asynchronous connections, alone or below SQLAlchemy; the statements then really run.
"""

import functools
import importlib
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self

from gatewright.race.gate import Gate
from gatewright.race.points.sqlite import label_of
from gatewright.race.points.substitution import Replacement

__all__ = ["PostgresMonitor", "PostgresSnapshot", "postgres_replacements"]

OF_CONNECTIONS = ("execute", "executemany", "fetch", "fetchrow", "fetchval")
OF_STATEMENTS = ("executemany", "fetch", "fetchrow", "fetchval")

USER_TABLES = """
SELECT c.oid::regclass::text AS name,
       (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS columns
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname !~ '^gatewright_'
  AND n.nspname <> 'information_schema'
ORDER BY 1
"""
SEQUENCES = """
SELECT format('SELECT setval(%L, %s, %L)', format('%I.%I', schemaname, sequencename),
              coalesce(last_value, start_value), last_value IS NOT NULL)
FROM pg_sequences WHERE schemaname !~ '^gatewright_' ORDER BY 1
"""
COPY = "CREATE TABLE {0} AS SELECT {1} FROM {2}"
EMPTY = "DELETE FROM {0}"
FILL = "INSERT INTO {0} ({1}) OVERRIDING SYSTEM VALUE SELECT {1} FROM {2}"
LOCK_TIMEOUT_S = 10
WAITERS = "SELECT pid FROM unnest($1::int[]) AS pid WHERE cardinality(pg_blocking_pids(pid)) > 0"


def postgres_replacements(gate: Gate) -> list[Replacement]:
    """What stands in for the drivers' ways to a statement, for those that are installed."""
    return [*_asyncpg_replacements(gate), *_psycopg_replacements(gate)]


def _asyncpg_replacements(gate: Gate) -> list[Replacement]:
    try:
        module: Any = importlib.import_module("asyncpg.connection")
        asyncpg: Any = importlib.import_module("asyncpg")
        prepared: Any = importlib.import_module("asyncpg.prepared_stmt").PreparedStatement
    except ImportError:
        return []
    connection = module.Connection
    connect = _connecting(gate, module.connect)

    def of_connection(genuine: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(genuine)
        async def operation(self: Any, query: str, *args: Any, **kwargs: Any) -> Any:
            if sys._getframe(1).f_globals.get("__name__") == "asyncpg.connection":  # noqa: SLF001 - its own tidying
                return await genuine(self, query, *args, **kwargs)
            async with gate.statement(label_of(query.rstrip(";")), self.get_server_pid()):
                return await genuine(self, query, *args, **kwargs)

        return operation

    def of_statement(genuine: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(genuine)
        async def operation(self: Any, *args: Any, **kwargs: Any) -> Any:
            async with gate.statement(label_of(self.get_query()), self._connection.get_server_pid()):
                return await genuine(self, *args, **kwargs)

        return operation

    return [
        Replacement(module, "connect", connect),
        Replacement(asyncpg, "connect", connect),
        *(Replacement(connection, name, of_connection(vars(connection)[name])) for name in OF_CONNECTIONS),
        *(Replacement(prepared, name, of_statement(vars(prepared)[name])) for name in OF_STATEMENTS),
    ]


def _connecting(gate: Gate, genuine: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(genuine)
    async def connect(*args: Any, **kwargs: Any) -> Any:
        with gate.connecting():
            return await genuine(*args, **kwargs)

    return connect


def _psycopg_replacements(gate: Gate) -> list[Replacement]:
    try:
        psycopg: Any = importlib.import_module("psycopg")
    except ImportError:
        return []
    cursor, connection = psycopg.AsyncCursor, psycopg.AsyncConnection
    idle = psycopg.pq.TransactionStatus.IDLE

    def of_cursor(genuine: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(genuine)
        async def operation(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
            text = query if isinstance(query, str) else _text_of(query, self)
            async with gate.statement(label_of(text), self.connection.info.backend_pid):
                return await genuine(self, query, *args, **kwargs)

        return operation

    def ending(genuine: Callable[..., Any], label: str) -> Callable[..., Any]:
        @functools.wraps(genuine)
        async def operation(self: Any) -> Any:
            if self.info.transaction_status == idle:
                return await genuine(self)
            async with gate.statement(label, self.info.backend_pid):
                return await genuine(self)

        return operation

    def of_block(genuine: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(genuine)
        async def operation(self: Any, kind: Any, *rest: Any) -> Any:
            async with gate.statement("ROLLBACK" if kind else "COMMIT", self.connection.info.backend_pid):
                return await genuine(self, kind, *rest)

        return operation

    block = psycopg.AsyncTransaction
    return [
        *(Replacement(cursor, name, of_cursor(vars(cursor)[name])) for name in ("execute", "executemany")),
        Replacement(connection, "connect", staticmethod(_connecting(gate, connection.connect))),
        Replacement(connection, "commit", ending(vars(connection)["commit"], "COMMIT")),
        Replacement(connection, "rollback", ending(vars(connection)["rollback"], "ROLLBACK")),
        Replacement(block, "__aexit__", of_block(vars(block)["__aexit__"])),
    ]


def _text_of(query: Any, cursor: Any) -> str:
    """The text of a query that is bytes or composed of parts."""
    return query.decode() if isinstance(query, bytes) else str(query.as_string(cursor))


class PostgresMonitor:
    """A connection of the engine's own, which no gate knows; it looks on and tidies up.

    Args:
        connection: of asyncpg.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    @classmethod
    async def connect(cls, url: str) -> Self:
        """Connect to a database.

        Raises:
            OSError: no server there.
        """
        return cls(await importlib.import_module("asyncpg").connect(url))

    async def waiters(self, sessions: Sequence[int]) -> set[int]:
        """Which of these sessions wait for a lock."""
        return {row["pid"] for row in await self._connection.fetch(WAITERS, list(sessions))}

    async def run(self, statements: Iterable[str]) -> None:
        """Run statements as one transaction."""
        async with self._connection.transaction():
            await self._connection.execute(";\n".join(statements))

    async def rows(self, query: str) -> list[Any]:
        """The rows of a query."""
        return list(await self._connection.fetch(query))

    async def close(self) -> None:
        """Disconnect."""
        await self._connection.close()


class PostgresSnapshot:
    """The rows of all tables at one moment, kept in a schema of their own, and the counters of sequences.

    Putting them back needs the rights of a superuser, because triggers and foreign keys must not act then.

    Args:
        monitor: does it.
        name: of the snapshot, among those of its database.
    """

    def __init__(self, monitor: PostgresMonitor, name: str) -> None:
        self._monitor = monitor
        self._schema = f"gatewright_{name}"
        self._restoring: list[str] = []

    async def take(self) -> None:
        """Keep what stands there now, instead of what was kept before."""
        tables = [(row["name"], row["columns"]) for row in await self._monitor.rows(USER_TABLES)]
        counters = [row[0] for row in await self._monitor.rows(SEQUENCES)]
        kept = [(name, columns, f"{self._schema}.t{number}") for number, (name, columns) in enumerate(tables)]
        await self.drop()
        await self._monitor.run(
            [
                f"CREATE SCHEMA {self._schema}",
                *(COPY.format(copy, columns, name) for name, columns, copy in kept),
            ]
        )
        self._restoring = [
            "SET LOCAL session_replication_role = replica",
            f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S}s'",
            *(EMPTY.format(name) for name, _, _ in kept),
            *(FILL.format(name, columns, copy) for name, columns, copy in kept),
            *counters,
        ]

    async def restore(self) -> None:
        """Put it back."""
        await self._monitor.run(self._restoring)

    async def drop(self) -> None:
        """Give up what was kept."""
        await self._monitor.run([f"DROP SCHEMA IF EXISTS {self._schema} CASCADE"])
