"""What statements touch: told by SQLite itself, by transactions, and by the plainest of conditions."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from gatewright.race.footprint import EVERYTHING, NOTHING, Footprint, Place
from gatewright.race.points.sqlite_footprint import ConnectionWatch, unique_columns
from gatewright.race.points.sqlite_rows import RowKey, row_key

SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE red (id INTEGER PRIMARY KEY, v INTEGER, name TEXT UNIQUE);
CREATE TABLE blue (id INTEGER PRIMARY KEY, v INTEGER, red INTEGER REFERENCES red(id));
CREATE TABLE log (text TEXT);
CREATE TRIGGER noted AFTER INSERT ON blue BEGIN INSERT INTO log VALUES ('blue'); END;
CREATE VIEW reds AS SELECT v FROM red;
INSERT INTO red VALUES (1, 10, 'a'), (2, 20, 'b');
"""


class Watched:
    """A connection and its watch."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.executescript(SCHEMA)
        self.watch = ConnectionWatch(self.connection, "s", partial(self.unique, path))
        self.connection.execute("PRAGMA foreign_keys = ON")

    @staticmethod
    def unique(path: Path, table: str) -> frozenset[str] | None:
        with closing(sqlite3.connect(path)) as other:
            return unique_columns(other, table)

    def __call__(self, sql: str, *parameters: object) -> Footprint:
        self.watch.prepare()
        self.connection.execute(sql, parameters).fetchall()
        return self.watch.done(sql, parameters)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Watched]:
    watched = Watched(tmp_path / "a.db")
    with closing(watched.connection):
        yield watched


LOCK, VERSION = Place("s", "the write lock"), Place("s", "the newest version")


def tables(*names: str) -> set[Place]:
    return {Place("s", name) for name in names}


def test_a_read_alone_touches_what_it_reads(run: Watched) -> None:
    """Tables, those behind views too, or rows where the condition tells."""
    assert run("SELECT v FROM red").reads == tables("red")
    assert run("SELECT count(*) FROM red").reads == tables("red")
    assert run("SELECT red.v FROM red JOIN blue ON blue.red = red.id").reads == tables("red", "blue")
    assert tables("red") < run("SELECT v FROM reds WHERE v = ?", 1).reads
    assert run("SELECT v FROM red WHERE id = ?", 7).reads == {Place("s", "red", "ID", 7)}
    assert run("SELECT v FROM red WHERE red.name = 'x' AND v > 3").reads == {Place("s", "red", "NAME", "x")}


def test_a_write_alone_takes_the_lock_and_shows_at_once(run: Watched) -> None:
    """Triggers and foreign keys touch other tables."""
    assert run("UPDATE red SET v = 1 WHERE id = ?", 2).writes == {LOCK, VERSION, Place("s", "red", "ID", 2)}
    assert run("UPDATE red SET v = 1").writes == {LOCK, VERSION, *tables("red")}
    inserted = run("INSERT INTO blue VALUES (1, 1, 2)")
    assert inserted.writes == {LOCK, VERSION, *tables("blue", "log")}
    assert tables("red") <= inserted.reads
    assert tables("blue") <= run("DELETE FROM red WHERE id = ?", 1).reads


def test_rows_that_meet_in_a_unique_index_are_not_apart(run: Watched) -> None:
    """Nor are rows that change the column by which they were picked."""
    for sql in ("UPDATE red SET name = 'c' WHERE id = ?", "UPDATE red SET id = 9 WHERE id = ?"):
        assert tables("red") <= run(sql, 1).writes
    assert tables("red") <= run("UPDATE red SET v = 11 WHERE v = ?", 10).writes
    one, other = run("UPDATE red SET v = 1 WHERE id = ?", 1), run("UPDATE red SET v = 1 WHERE id = ?", 2)
    assert not Footprint.of(writes=one.writes - {LOCK, VERSION}).conflicts(other)


def test_a_write_transaction_is_private_until_its_commit(run: Watched) -> None:
    """Then all that it wrote is to be seen; a rollback shows nothing."""
    for end, visible in (("COMMIT", {VERSION, *tables("red", "blue", "log")}), ("ROLLBACK", set())):
        assert run("BEGIN IMMEDIATE") == Footprint.of(reads=[VERSION], writes=[LOCK])
        assert run("SELECT v FROM red") is NOTHING
        assert run("UPDATE red SET v = 5") is NOTHING
        assert run("INSERT INTO blue VALUES (NULL, 1, NULL)") is NOTHING
        assert run(end) == Footprint.of(writes=[LOCK, *visible])


def test_a_transaction_that_begins_by_reading_has_a_snapshot_of_everything(run: Watched) -> None:
    """Its first read depends on every commit, its first write on the lock and on every commit since."""
    assert run("BEGIN") is NOTHING
    assert run("SELECT v FROM red WHERE id = ?", 1) == Footprint.of(reads=[VERSION])
    assert run("SELECT v FROM blue") is NOTHING
    assert run("UPDATE red SET v = 5 WHERE id = ?", 1) == Footprint.of(reads=[VERSION], writes=[LOCK])
    assert run("COMMIT").writes == {LOCK, VERSION, Place("s", "red", "ID", 1)}


def test_what_is_not_known_touches_everything(run: Watched) -> None:
    """Tables made, databases attached, a transaction that began unseen."""
    for sql in ("CREATE TABLE more (x)", "CREATE TEMP TABLE own (x)", "ANALYZE", "-- a note\nBEGIN"):
        assert run(sql) is EVERYTHING
    run.connection.execute("COMMIT")
    run.connection.execute("BEGIN IMMEDIATE")
    run.watch.forget()
    assert run("UPDATE red SET v = 5") is EVERYTHING
    assert run("COMMIT") is EVERYTHING


def test_without_a_log_only_reads_go_together(run: Watched) -> None:
    """The locks of other journal modes are finer than is known here."""
    run.connection.execute("PRAGMA journal_mode = DELETE")
    read, write = run("SELECT v FROM red"), run("UPDATE blue SET v = 1")
    assert not read.conflicts(read)
    assert read.conflicts(write)


KEYS = {
    "SELECT a, b FROM t WHERE id = ?": RowKey("ID", 0),
    "SELECT f(?, x) FROM t AS u WHERE u.id = ? AND (a = ? OR b = 1) ORDER BY a LIMIT 1": RowKey("ID", 1),
    'UPDATE "t" SET a = ?, b = (? + 1) WHERE t."id" = ? AND b IN (?, ?) RETURNING a': RowKey("ID", 2),
    "DELETE FROM t WHERE name = 'it''s' AND x = ?": RowKey("NAME", None, "it's"),
    "DELETE FROM t WHERE x > 3 AND id = 12": RowKey("ID", None, 12),
    "SELECT a FROM t WHERE id = ? OR a = 1": None,
    "SELECT a FROM t WHERE NOT id = ?": None,
    "SELECT a FROM t WHERE id = ? = b": None,
    "SELECT a FROM t WHERE id = ? COLLATE NOCASE": None,
    "SELECT a FROM t WHERE id = -1": None,
    "SELECT a FROM t WHERE id = 1.5": None,
    "SELECT a FROM t WHERE id = ?1": None,
    "SELECT a FROM t WHERE id = :id": None,
    "SELECT a FROM t, t AS u WHERE t.id = ?": None,
    "SELECT a FROM t JOIN u WHERE t.id = ?": None,
    "SELECT a FROM t WHERE a BETWEEN 1 AND id = ?": None,
    "SELECT a FROM t WHERE id = ? UNION SELECT a FROM t": None,
    "SELECT (SELECT 1 FROM t) FROM t WHERE id = ?": None,
    "WITH u AS (SELECT 1) SELECT a FROM t WHERE id = ?": None,
    "UPDATE t SET a = 1 FROM u WHERE t.id = ?": None,
    "UPDATE OR REPLACE t SET a = 1 WHERE id = ?": None,
    "INSERT INTO t VALUES (1)": None,
    "SELECT a FROM t -- WHERE\nWHERE id = ?": None,
    "SELECT a FROM t": None,
    "": None,
}


@pytest.mark.parametrize(("sql", "key"), KEYS.items(), ids=KEYS)
def test_rows_are_told_only_by_the_plainest_conditions(sql: str, key: RowKey | None) -> None:
    """Any doubt means the whole table."""
    assert row_key(sql) == key


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [(1, 2, True), (1, 1, False), ("a", "b", True), ("a", "A ", False), ("1", "01", False), (1, "1", False)],
)
def test_rows_are_apart_only_where_no_collation_makes_them_one(
    one: int | str,
    other: int | str,
    apart: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Case, blanks and numbers written as text may be equal to a column."""
    here, there = Place("s", "t", "ID", one), Place("s", "t", "ID", other)
    assert here.overlaps(there) is not apart
    assert here.overlaps(Place("s", "t"))
    assert here.overlaps(Place("s", "t", "NAME", other))
    assert not here.overlaps(Place("s", "u", "ID", one))
