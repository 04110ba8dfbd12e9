"""What statements of a SQLite connection touch, as far as other connections can see.

SQLite itself tells which tables a statement reads and writes: its authorizer is asked about each when the
statement is compiled, those of triggers, views and foreign keys included. In WAL mode

- a write waits for the write lock, then works in private until its COMMIT, which makes all of it visible;
- the first read of a transaction takes a snapshot of everything, and later ones see nothing newer;
- a read outside of any transaction sees what was committed last.

In other journal modes locks are finer than this knows, so two statements conflict unless both only read.
Functions that a program defines for SQL are taken to touch nothing.
"""

import re
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from gatewright.race.footprint import EVERYTHING, NOTHING, Footprint, Place
from gatewright.race.points.sqlite_rows import row_key

__all__ = ["ConnectionWatch", "unique_columns"]

CONTROL = re.compile(r"\s*(BEGIN|SAVEPOINT|RELEASE|COMMIT|END|ROLLBACK)\b", re.IGNORECASE)
IMMEDIATE = re.compile(r"\s*BEGIN\s+(IMMEDIATE|EXCLUSIVE)(\s+TRANSACTION)?\s*;?\s*", re.IGNORECASE)
DEFERRED = re.compile(r"\s*(BEGIN(\s+DEFERRED)?(\s+TRANSACTION)?|SAVEPOINT\s+\w+)\s*;?\s*", re.IGNORECASE)
BACK_TO_SAVEPOINT = re.compile(r"\s*ROLLBACK\s+(TRANSACTION\s+)?TO\b", re.IGNORECASE)
ROLLBACK = re.compile(r"\s*ROLLBACK\b", re.IGNORECASE)

HARMLESS = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE})
CHANGES = frozenset({sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE})
ROWS = CHANGES | {sqlite3.SQLITE_READ}
CONTROLS = frozenset({sqlite3.SQLITE_TRANSACTION, sqlite3.SQLITE_SAVEPOINT})


@dataclass
class Uses:
    """What SQLite said about one statement when it compiled it.

    `columns` are those that an UPDATE sets. `is_plain` is false for what changes more than rows of tables
    (the schema, other databases), `is_direct` where a view or a trigger stands in between.
    """

    reads: set[str] = field(default_factory=set)
    writes: set[str] = field(default_factory=set)
    columns: set[str] = field(default_factory=set)
    inserts: bool = False
    is_plain: bool = True
    is_direct: bool = True


class ConnectionWatch:
    """Follows one connection, statement by statement.

    Args:
        connection: whose statements these are; it is given an authorizer.
        store: names the database; empty when others may share it in unknown ways.
        unique: tells the columns of a table, in capitals, that no two rows may agree in; None when in doubt.
    """

    def __init__(
        self, connection: sqlite3.Connection, store: str, unique: Callable[[str], frozenset[str] | None]
    ) -> None:
        self._connection = connection
        self._store = store
        self._unique = unique
        self._lock = Place(store, "the write lock")
        self._version = Place(store, "the newest version")
        self._uses: dict[str, Uses] = {}
        self._heard: Uses | None = None
        self._is_wal: bool | None = None
        self._was_open = False
        self.forget()
        if store:
            connection.set_authorizer(self._listen)

    def forget(self) -> None:
        """Something happened that was not followed; until the transaction ends nothing is known."""
        self._is_followed = False
        self._reset()

    def prepare(self) -> None:
        """A statement is about to run."""
        self._heard = None
        self._was_open = self._connection.in_transaction
        if not self._was_open:
            self._is_followed = True
            self._reset()

    def waiting(self) -> Footprint:
        """The statement met another's lock, and nothing came of it."""
        if not self._store or not self._is_followed or not self._knows_wal():
            return EVERYTHING
        return Footprint.of(reads=[self._lock, self._version])

    def learn(self, sql: str) -> Uses | None:
        """What SQLite said about a statement, now or when it compiled it earlier; None when nothing."""
        if self._heard is not None and sql:
            self._uses[sql] = self._heard
        return self._uses.get(sql)

    def done(self, sql: str, parameters: Any = None) -> Footprint:
        """The statement was carried out.

        Args:
            sql: the statement; empty when there were several.
            parameters: those of its one execution; None when there were several.
        """
        uses = Uses() if CONTROL.match(sql) else self.learn(sql)
        if not self._store or uses is None or not uses.is_plain or not self._is_followed:
            self.forget()
            return EVERYTHING
        is_open = self._connection.in_transaction
        if not self._knows_wal():
            whole = [Place(self._store)]
            reads_only = not (uses.writes or self._was_open or is_open)
            return Footprint.of(reads=whole) if reads_only else Footprint.of(writes=whole)
        if CONTROL.match(sql):
            return self._control(sql, is_open=is_open)
        reads, writes = self._places(sql, uses, parameters)
        if self._was_open and not is_open:  # SQLite itself gave the transaction up
            self.forget()
            return EVERYTHING
        return self._within(writes) if is_open else self._alone(reads, writes)

    def _reset(self) -> None:
        self._holds_lock = False
        self._has_snapshot = False
        self._written: set[Place] = set()

    def _control(self, sql: str, *, is_open: bool) -> Footprint:
        if IMMEDIATE.fullmatch(sql):
            self._holds_lock = True
            return Footprint.of(reads=[self._version], writes=[self._lock])
        if DEFERRED.fullmatch(sql) or BACK_TO_SAVEPOINT.match(sql):
            return NOTHING
        if is_open and sql.lstrip()[:7].upper() == "RELEASE":
            return NOTHING
        if not self._was_open:
            self.forget()
            return EVERYTHING
        visible = self._written if self._holds_lock and not ROLLBACK.match(sql) else set()
        self._reset()
        # Whoever waits for a lock tries again when any transaction ends, so that all ends touch the lock.
        return Footprint.of(writes=[self._lock, *([self._version] if visible else []), *visible])

    def _within(self, writes: set[Place]) -> Footprint:
        """In a transaction that goes on."""
        self._written |= writes
        if self._holds_lock or (self._has_snapshot and not writes):
            return NOTHING
        self._has_snapshot = True
        if not writes:
            return Footprint.of(reads=[self._version])
        self._holds_lock = True
        return Footprint.of(reads=[self._version], writes=[self._lock])

    def _alone(self, reads: set[Place], writes: set[Place]) -> Footprint:
        """A transaction of its own."""
        if not writes:
            return Footprint.of(reads=reads)
        return Footprint.of(reads=reads, writes=[self._lock, self._version, *writes])

    def _places(self, sql: str, uses: Uses, parameters: Any) -> tuple[set[Place], set[Place]]:
        """What is read and what is written: rows of a table where the statement tells, else whole tables."""
        tables = uses.reads | uses.writes
        row = self._row(sql, uses, min(tables), parameters) if len(tables) == 1 else None
        if row is not None:
            return {row}, ({row} if uses.writes else set())
        return set(self._whole(uses.reads)), set(self._whole(uses.writes))

    def _whole(self, tables: set[str]) -> Iterator[Place]:
        return (Place(self._store, table) for table in tables)

    def _row(self, sql: str, uses: Uses, table: str, parameters: Any) -> Place | None:
        key = row_key(sql) if uses.is_direct and not uses.inserts and parameters is not None else None
        value = key.value(parameters) if key is not None else None
        if key is None or value is None:
            return None
        if uses.writes:
            # Rows that move to another key, or take a value that is unique, have to do with other rows.
            unique = self._unique(table)
            if unique is None or uses.columns & {key.column, *unique}:
                return None
        return Place(self._store, table, key.column, value)

    def _listen(
        self, action: int, one: str | None, two: str | None, database: str | None, source: str | None
    ) -> int:
        """SQLite asks whether it may; it always may."""
        if action in CONTROLS:
            return sqlite3.SQLITE_OK
        heard = self._heard = self._heard or Uses()
        # Where no column of a table is read, as in count(*), its database has no name.
        heard.is_plain &= action in HARMLESS or (action in ROWS and database in {"main", None})
        heard.is_direct &= source is None
        heard.inserts |= action == sqlite3.SQLITE_INSERT
        if one is not None:
            (heard.writes if action in CHANGES else heard.reads).add(one)
        if action == sqlite3.SQLITE_UPDATE and two is not None:
            heard.columns.add(two.upper())
        return sqlite3.SQLITE_OK

    def _knows_wal(self) -> bool:
        """Whether the database is known to be in WAL mode.

        A connection knows after its first statement on a table. Should another one switch to WAL after that,
        nothing is lost: more conflicts than there are.
        """
        if self._is_wal is None:
            heard, self._heard = self._heard, None
            cursor = sqlite3.Cursor(self._connection)
            is_wal = cursor.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
            cursor.close()
            self._heard = heard
            if not (is_wal or (heard is not None and heard.reads | heard.writes)):
                return False
            self._is_wal = is_wal
        return self._is_wal


UNIQUE_COLUMNS = """
SELECT name, hidden FROM pragma_table_xinfo(:table) WHERE pk OR hidden
UNION ALL
SELECT part.name, list.partial FROM pragma_index_list(:table) AS list, pragma_index_info(list.name) AS part
WHERE list."unique"
"""


def unique_columns(connection: sqlite3.Connection, table: str) -> frozenset[str] | None:
    """The columns of a table, in capitals, that keys and unique indexes are made of.

    None where an expression, a condition or a computed column makes that unclear.
    """
    columns = connection.execute(UNIQUE_COLUMNS, {"table": table}).fetchall()
    if any(name is None or is_unclear for name, is_unclear in columns):
        return None
    return frozenset(name.upper() for name, _ in columns)
