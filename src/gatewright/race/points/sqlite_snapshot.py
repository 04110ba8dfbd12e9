"""The contents of SQLite files, kept before a race and put back before each schedule."""

import sqlite3
from collections.abc import Iterable
from contextlib import ExitStack, closing
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["Snapshot"]

USER_TABLES = """
SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name
"""
SEQUENCES = "SELECT name FROM main.sqlite_master WHERE name = 'sqlite_sequence'"
BEYOND_ROWS = "SELECT 1 FROM main.sqlite_master WHERE type = 'trigger' OR sql LIKE 'CREATE VIRTUAL%' LIMIT 1"
COMPUTED_COLUMNS = """
SELECT 1 FROM sqlite_master AS t, pragma_table_xinfo(t.name) AS c WHERE t.type = 'table' AND c.hidden LIMIT 1
"""
WAIT_S = 5.0


class Snapshot:
    """What stood in a set of database files at the moment of construction.

    Rows are put back, not pages, where the schema allows it: other connections then need not read the schema
    anew, which takes half of the time. Triggers and virtual tables call for the pages.

    Args:
        databases: the files; none of them may have a transaction open.
        folder: where the copies are kept while the snapshot is open.
    """

    def __init__(self, databases: Iterable[Path], folder: Path) -> None:
        self._resources = ExitStack()
        self._kept = [
            _KeptFile(path, folder / f"snapshot-{number}.db", self._resources)
            for number, path in enumerate(sorted(databases))
        ]

    def restore(self) -> None:
        """Put the contents back."""
        for kept in self._kept:
            kept.restore()

    def close(self) -> None:
        """Give up the copies."""
        self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _KeptFile:
    def __init__(self, path: Path, copy: Path, resources: ExitStack) -> None:
        copy.unlink(missing_ok=True)
        resources.callback(copy.unlink, missing_ok=True)
        self._live = resources.enter_context(closing(_open(path)))
        self._copy = resources.enter_context(closing(_open(copy)))
        self._live.backup(self._copy)
        self._by_pages = bool(self._live.execute(BEYOND_ROWS).fetchone() or _computes_columns(self._live))
        if self._by_pages:
            return
        tables = [_quoted(name) for (name,) in self._live.execute(USER_TABLES)]
        tables += [name for (name,) in self._live.execute(SEQUENCES)]
        self._statements = [
            statement.format(table)
            for table in tables
            for statement in ("DELETE FROM main.{0}", "INSERT INTO main.{0} SELECT * FROM snapshot.{0}")
        ]
        if self._live.execute("PRAGMA main.journal_mode").fetchone() != ("wal",):
            self._live.execute(
                "PRAGMA main.journal_mode = MEMORY"
            )  # of this connection; saves a file each time
        self._live.execute("ATTACH ? AS snapshot", (str(copy),))

    def restore(self) -> None:
        if self._by_pages:
            self._copy.backup(self._live)
            return
        self._live.execute("BEGIN IMMEDIATE")
        for statement in self._statements:
            self._live.execute(statement)
        self._live.execute("COMMIT")


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.Connection(path, isolation_level=None, timeout=WAIT_S)  # past any patched connect
    connection.execute("PRAGMA synchronous = OFF")
    return connection


def _computes_columns(connection: sqlite3.Connection) -> bool:
    """Whether a table has generated columns, which can't be inserted."""
    return connection.execute(COMPUTED_COLUMNS).fetchone() is not None


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
