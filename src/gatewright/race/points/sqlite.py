"""SQLite under exploration: every statement, commit and rollback of a patched `sqlite3` is a point.

`sqlite3.connect` gives a subclass while `InstrumentedSqlite` is entered, so code that knows nothing of the
toolkit is reached, with or without SQLAlchemy. SQLite's own waiting for locks would stop the one thread that
all actors share; it is taken over here: an actor that meets a lock stands still until another's transaction
ends.
"""

import contextlib
import re
import sqlite3
import urllib.parse
import weakref
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from pathlib import Path
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

from gatewright.race.footprint import EVERYTHING
from gatewright.race.points.sqlite_footprint import ConnectionWatch, unique_columns
from gatewright.race.scheduler import Scheduler, current_scheduler

__all__ = ["InstrumentedSqlite", "label_of"]

P = ParamSpec("P")
R = TypeVar("R")

COMMIT, ROLLBACK = "COMMIT", "ROLLBACK"
HARMLESS = ("SELECT", "BEGIN DEFERRED", COMMIT, ROLLBACK)
"""How statements begin that take no lock which others wait for."""

LABEL_LENGTH = 240
LISTED_COLUMNS = 48
DEFAULT_TIMEOUT_S = 5.0
SETTING = re.compile(r"\s*PRAGMA\s+(?:\w+\.)?(busy_timeout|synchronous)\s*[=(]\s*(\w+)", re.IGNORECASE)
HARMLESS_PRAGMA = re.compile(
    r"\s*PRAGMA\s+(?:\w+\.)?(busy_timeout|synchronous|foreign_keys|cache_size|temp_store)\b", re.IGNORECASE
)
PRAGMA = re.compile(r"\s*PRAGMA\b", re.IGNORECASE)


@lru_cache(maxsize=4096)
def label_of(sql: str) -> str:
    """A statement as the name of a point: on one line, a long list of columns left out."""
    line = " ".join(sql.split())
    if line[:7].upper() == "SELECT ":
        end = _from_of(line)
        if end > LISTED_COLUMNS:
            line = f"SELECT …{line[end:]}"
    if line[:7].upper() == "INSERT ":
        line = re.sub(r"\s*\([^()]*\)\s*VALUES.*", " …", line, count=1, flags=re.IGNORECASE)
    return line if len(line) <= LABEL_LENGTH else f"{line[: LABEL_LENGTH - 1]}…"


def _from_of(line: str) -> int:
    """Where the outermost FROM of a SELECT begins; -1 when there is none."""
    depth = 0
    for found in re.finditer(r"[()]| FROM ", line, flags=re.IGNORECASE):
        piece = found.group()
        if piece not in "()" and depth == 0:
            return found.start()
        depth += {"(": 1, ")": -1}.get(piece, 0)
    return -1


class InstrumentedConnection(sqlite3.Connection):
    """A connection whose statements are points."""

    patience_s: float
    foreign: Callable[[], None]
    siblings: "weakref.WeakSet[InstrumentedConnection]"
    file: Path | None = None
    holder: str = ""
    watch: ConnectionWatch
    open_cursors: weakref.WeakSet[sqlite3.Cursor]

    def cursor(self, factory: Any = None) -> Any:
        """A cursor whose statements are points."""
        return super().cursor(factory or InstrumentedCursor)

    def execute(self, sql: str, parameters: Any = (), /) -> Any:
        """A point, then the statement."""
        return self.cursor().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> Any:
        """A point, then the statement for every set of parameters."""
        return self.cursor().executemany(sql, parameters)

    def executescript(self, sql_script: str, /) -> Any:
        """A point, then all the statements as one."""
        return self.cursor().executescript(sql_script)

    def commit(self) -> None:
        """A point, then the commit, if there is anything to commit."""
        if self.in_transaction:
            self.perform(COMMIT, super().commit, COMMIT)

    def rollback(self) -> None:
        """A point, then the rollback, if there is anything to roll back."""
        if self.in_transaction:
            self.perform(ROLLBACK, super().rollback, ROLLBACK)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> Any:
        if kind is None:
            self.commit()
        else:
            self.rollback()
        return False

    def close(self) -> None:
        """Close; a transaction that was open is rolled back and its locks are free."""
        was_open = False
        with contextlib.suppress(
            sqlite3.ProgrammingError
        ):  # closing again is no error, but asking anything is
            was_open = self.in_transaction
        super().close()
        self.holder = ""
        if was_open and (scheduler := current_scheduler()) is not None:
            scheduler.touch_besides(EVERYTHING)
            scheduler.transaction_ended()

    def perform(self, label: str, operation: Callable[[], R], sql: str = "", parameters: Any = None) -> R:
        """Stand at a point, then do it; stand still for as long as another's lock is in the way.

        Where `sql` and its parameters are not given it may touch anything.
        """
        scheduler = current_scheduler()
        if scheduler is None or not scheduler.controls:
            self.foreign()
            return self._perform_unseen(operation, sql, scheduler)
        was_open = self.in_transaction
        while True:
            scheduler.pause(label)
            self.watch.prepare()
            try:
                result = operation()
            except sqlite3.Error as error:
                if self.patience_s > 0 and scheduler.can_block and _is_plain_busy(error):
                    scheduler.touch(self.watch.waiting())
                    scheduler.block(self.rivals())
                    continue
                self.watch.forget()
                raise
            finally:
                if was_open and not self.in_transaction:
                    scheduler.transaction_ended()
            if not label.startswith(HARMLESS):
                self.holder = scheduler.actor
            scheduler.moved()
            scheduler.touch(self.watch.done(sql, parameters))
            return result

    def _perform_unseen(self, operation: Callable[[], R], sql: str, scheduler: Scheduler | None) -> R:
        """Do it where no strategy decides; what it touched is not known."""
        if scheduler is not None:
            scheduler.touch_besides(EVERYTHING)
        self.watch.prepare()
        try:
            return operation()
        finally:
            self.watch.learn(sql)
            self.watch.forget()

    def rivals(self) -> list[str]:
        """The actors that hold a lock on our file: they have written in a transaction that goes on."""
        others = [other for other in self.siblings if other is not self and other.file == self.file]
        return sorted({other.holder for other in others if other.holder and other.in_transaction})

    def adjust(self, setting: str, value: str) -> str:
        """The pragma that stands in for one that would make us wait for locks or for the disk."""
        if setting.lower() == "busy_timeout":
            self.patience_s = float(value) if value.isdecimal() else 0.0
            return "PRAGMA busy_timeout = 0"
        return "PRAGMA synchronous = OFF"


class InstrumentedCursor(sqlite3.Cursor):
    """A cursor whose statements are points."""

    connection: InstrumentedConnection

    def execute(self, sql: str, parameters: Any = (), /) -> Self:
        """A point, then the statement; pragmas set a connection up and are no points."""
        if PRAGMA.match(sql):
            setting = SETTING.match(sql)
            if not HARMLESS_PRAGMA.match(sql) and (scheduler := current_scheduler()) is not None:
                scheduler.touch_besides(EVERYTHING)
            super().execute(self.connection.adjust(*setting.groups()) if setting else sql, parameters)
            return self
        self.connection.perform(label_of(sql), partial(super().execute, sql, parameters), sql, parameters)
        if self.description is not None:
            self.connection.open_cursors.add(self)
        return self

    def fetchall(self) -> Any:
        """All rows that are left; the cursor keeps nothing open then."""
        rows = super().fetchall()
        self.connection.open_cursors.discard(self)
        return rows

    def close(self) -> None:
        """Close; the cursor keeps nothing open then."""
        super().close()
        self.connection.open_cursors.discard(self)

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> Self:
        """A point, then the statement for every set of parameters."""
        sets = list(parameters)  # a second try after a lock needs them again
        self.connection.perform(label_of(sql), partial(super().executemany, sql, sets), sql)
        return self

    def executescript(self, sql_script: str, /) -> Self:
        """A point, then all the statements as one."""
        self.connection.perform(label_of(sql_script), partial(super().executescript, sql_script))
        return self


def _is_plain_busy(error: sqlite3.Error) -> bool:
    """Whether waiting can help: a snapshot that has grown old (BUSY_SNAPSHOT) stays old for ever."""
    return getattr(error, "sqlite_errorname", "") == "SQLITE_BUSY"


class InstrumentedSqlite:
    """While entered, `sqlite3.connect` gives instrumented connections, and knows which files they opened.

    Args:
        scheduler: must control all the work on these connections while it races.
    """

    def __init__(self, scheduler: Scheduler) -> None:
        self.databases: set[Path] = set()
        self._scheduler = scheduler
        self._connections: weakref.WeakSet[InstrumentedConnection] = weakref.WeakSet()
        self._genuine = sqlite3.connect
        self._open_cursors: weakref.WeakSet[sqlite3.Cursor] = weakref.WeakSet()
        self._unique: dict[tuple[Path | None, str], frozenset[str] | None] = {}
        scheduler.keeps_open = lambda: len(self._open_cursors) > 0

    def connect(  # noqa: PLR0917 - the signature of sqlite3.connect
        self,
        database: Any,
        timeout: float = DEFAULT_TIMEOUT_S,
        detect_types: int = 0,
        isolation_level: Any = "",
        check_same_thread: bool = True,  # noqa: ARG002, FBT001, FBT002 - likewise
        factory: type[sqlite3.Connection] = sqlite3.Connection,
        **rest: Any,
    ) -> InstrumentedConnection:
        """Stand in for `sqlite3.connect`."""
        connection = self._genuine(
            database,
            timeout=0,
            detect_types=detect_types,
            isolation_level=isolation_level,
            check_same_thread=False,  # the arena tidies up from its own thread
            factory=_instrumented(factory),
            **rest,
        )
        assert isinstance(connection, InstrumentedConnection)
        connection.patience_s = timeout
        connection.foreign = self._note_thread
        connection.adjust("synchronous", "")
        sqlite3.Connection.execute(connection, "PRAGMA synchronous = OFF").close()
        self._connections.add(connection)
        connection.siblings = self._connections
        connection.file = _file_of(database, uri=bool(rest.get("uri")))
        if connection.file is not None:
            self.databases.add(connection.file)
        connection.open_cursors = self._open_cursors
        connection.watch = ConnectionWatch(
            connection,
            str(connection.file) if connection.file else "",
            partial(self._unique_columns, connection.file),
        )
        return connection

    def forget_tables(self) -> None:
        """Look at the tables anew."""
        self._unique.clear()

    def _unique_columns(self, path: Path | None, table: str) -> frozenset[str] | None:
        if (path, table) not in self._unique:
            with contextlib.closing(sqlite3.Connection(path or ":memory:")) as connection:
                self._unique[path, table] = unique_columns(connection, table)
        return self._unique[path, table]

    def roll_back(self) -> None:
        """End the transactions that a schedule left open."""
        for connection in list(self._connections):
            with contextlib.suppress(sqlite3.ProgrammingError):  # closed, or bound to a thread that is gone
                if connection.in_transaction:
                    sqlite3.Connection.rollback(connection)

    def __enter__(self) -> Self:
        sqlite3.connect = sqlite3.dbapi2.connect = self.connect  # type: ignore[assignment]  # overloaded
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        sqlite3.connect = sqlite3.dbapi2.connect = self._genuine
        for connection in list(self._connections):
            with contextlib.suppress(sqlite3.ProgrammingError):  # bound to a thread that is gone
                connection.close()

    def _note_thread(self) -> None:
        if self._scheduler.is_racing:
            self._scheduler.note_thread()


def _instrumented(factory: type[sqlite3.Connection]) -> type[sqlite3.Connection]:
    if factory is sqlite3.Connection:
        return InstrumentedConnection
    return type(factory.__name__, (InstrumentedConnection, factory), {})


def _file_of(database: Any, *, uri: bool) -> Path | None:
    """The file behind the first argument of `sqlite3.connect`; None for a database in memory."""
    name = database.decode() if isinstance(database, bytes) else str(database)
    if uri and name.startswith("file:"):
        parts = urllib.parse.urlsplit(name)
        if "mode=memory" in parts.query:
            return None
        name = urllib.parse.unquote(parts.path)
    return None if name in {"", ":memory:"} else Path(name).resolve()
