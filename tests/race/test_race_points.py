"""Instrumentation: what counts as a point, what is put back, and what the world answers."""

import asyncio
import contextlib
import sqlite3
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from planted.plain_programs import Accounts

from gatewright.race import Fifo, RandomWalk, Replay, explore, point, point_sync
from gatewright.race.loop import ScheduledLoop
from gatewright.race.points.sqlite import InstrumentedConnection, InstrumentedSqlite, label_of
from gatewright.race.points.sqlite_snapshot import Snapshot
from gatewright.race.schedule import Choice, ForeignThread


class First:
    """Lets the first candidate go on."""

    def pick(self, choice: Choice) -> str:
        return choice.candidates[0]


@pytest.fixture
def loop() -> Iterator[ScheduledLoop]:
    made = ScheduledLoop()
    yield made
    made.close()


@pytest.fixture
def instrumented(loop: ScheduledLoop) -> Iterator[InstrumentedSqlite]:
    with InstrumentedSqlite(loop) as sqlite:
        yield sqlite


@pytest.mark.parametrize(
    ("sql", "label"),
    [
        ("SELECT  a\n FROM t", "SELECT a FROM t"),
        (f"SELECT {', '.join(f'long_column_{n}' for n in range(9))} FROM t", "SELECT … FROM t"),
        (f"SELECT (SELECT x FROM y), {'z' * 60} FROM t", "SELECT … FROM t"),
        ("INSERT INTO t (a, b) VALUES (?, ?)", "INSERT INTO t …"),
        ("insert into t (a) values (?) returning id", "insert into t …"),
        ("SELECT 1", "SELECT 1"),
    ],
)
def test_statements_are_named_on_one_line_without_their_columns(sql: str, label: str) -> None:
    """A label tells what is done to which table, and stays short."""
    assert label_of(sql) == label


def test_a_label_is_never_longer_than_a_tape_takes() -> None:
    """Whatever the statement, its name fits."""
    assert len(label_of(f"UPDATE t SET {'a = a, ' * 400}")) == 240


def labels_of(loop: ScheduledLoop, tmp_path: Path, work: object) -> list[str]:
    """The points of an actor that does this with a connection of its own."""
    database = sqlite3.connect(tmp_path / "a.db")
    database.execute("CREATE TABLE t (a INTEGER)")

    async def actor() -> None:
        work(database)  # type: ignore[operator]

    trace = loop.race({"alice": actor}, First())
    return [label for _, label in trace.named_steps()]


def test_every_way_to_a_statement_is_a_point(
    loop: ScheduledLoop, instrumented: InstrumentedSqlite, tmp_path: Path
) -> None:
    """Connections and cursors, many rows, scripts, and both ends of a `with` block."""

    def work(database: sqlite3.Connection) -> None:
        with database:
            database.execute("INSERT INTO t VALUES (1)")
        with contextlib.suppress(ZeroDivisionError), database:
            database.cursor().execute("DELETE FROM t")
            raise ZeroDivisionError
        database.executemany("INSERT INTO t VALUES (?)", ((n,) for n in range(3)))
        database.commit()
        database.commit()
        database.executescript("DELETE FROM t; VACUUM")
        database.execute("PRAGMA foreign_keys = ON")

    assert labels_of(loop, tmp_path, work) == [
        "INSERT INTO t VALUES (1)",
        "COMMIT",
        "DELETE FROM t",
        "ROLLBACK",
        "INSERT INTO t VALUES (?)",
        "COMMIT",
        "DELETE FROM t; VACUUM",
    ]


def test_a_patched_connect_gives_the_callers_own_class_too(
    instrumented: InstrumentedSqlite, tmp_path: Path
) -> None:
    """A factory of the program keeps its methods and gains points; files are known, memory is not."""

    class Special(sqlite3.Connection):
        def special(self) -> int:
            return 7

    own = sqlite3.connect(tmp_path / "own.db", factory=Special)
    memory = sqlite3.connect(":memory:")
    shared = sqlite3.connect(f"file:{tmp_path}/uri%20name.db?mode=rwc", uri=True)
    assert isinstance(own, InstrumentedConnection)
    assert own.special() == 7
    assert instrumented.databases == {tmp_path / "own.db", tmp_path / "uri name.db"}
    for connection in (own, memory, shared):
        connection.close()


def test_leaving_gives_the_genuine_driver_back(loop: ScheduledLoop) -> None:
    """Nothing stays patched."""
    genuine = sqlite3.connect
    with InstrumentedSqlite(loop):
        assert sqlite3.connect is not genuine
        assert sqlite3.dbapi2.connect is not genuine
    assert sqlite3.connect is sqlite3.dbapi2.connect is genuine


def test_work_in_a_thread_is_noticed(
    loop: ScheduledLoop, instrumented: InstrumentedSqlite, tmp_path: Path
) -> None:
    """What a thread does to the database is in no schedule, so the race does not count."""
    import threading  # noqa: PLC0415 - only here

    database = sqlite3.connect(tmp_path / "a.db", check_same_thread=False)

    async def actor() -> None:
        thread = threading.Thread(target=database.execute, args=("CREATE TABLE t (a)",), name="stranger")
        thread.start()
        thread.join()

    with pytest.raises(ForeignThread, match="stranger"):
        loop.race({"alice": actor}, First())


def test_points_outside_of_an_exploration_do_nothing() -> None:
    """A program with points of its own runs as ever."""

    async def program() -> str:
        await point("here")
        point_sync("there")
        return "done"

    assert asyncio.run(program()) == "done"


SCHEMAS = {
    "rows": "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT)",
    "trigger": "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT);"
    "CREATE TABLE log (a TEXT);"
    "CREATE TRIGGER noted AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.a); END",
    "computed": "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT, b AS (a || '!') STORED)",
    'a "quoted" name': 'CREATE TABLE "a ""name""" (a); CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a)',
}


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_a_snapshot_puts_rows_and_counters_back(tmp_path: Path, schema: str) -> None:
    """After a restore the database says what it said, and numbers the next row as it would have."""
    path = tmp_path / "a.db"
    database = sqlite3.connect(path, isolation_level=None)
    database.executescript(schema)
    database.execute("INSERT INTO t (a) VALUES ('before')")
    tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]

    def contents() -> dict[str, list[object]]:
        quoted = {name: '"' + name.replace('"', '""') + '"' for name in tables}
        return {name: database.execute(f"SELECT * FROM {quoted[name]}").fetchall() for name in tables}

    before = contents()
    with Snapshot([path], tmp_path) as snapshot:
        for _ in range(3):
            database.execute("DELETE FROM t")
            database.execute("INSERT INTO t (a) VALUES ('after'), ('later')")
            assert contents() != before
            snapshot.restore()
            assert contents() == before
    assert database.execute("INSERT INTO t (a) VALUES ('next') RETURNING id").fetchone() == (2,)
    database.close()


def readings(seed: int) -> list[str]:
    """What the actors of a scenario are told by the world, schedule after schedule."""
    found = explore(Accounts(), strategies=[RandomWalk(1, 3)], seed=seed)
    return [race.race.failures["seen"][0] for race in found.iterations]


def test_time_chance_and_identifiers_are_seeded() -> None:
    """Every schedule of a seed is told the same, in whatever way it asks; another seed, other identifiers."""
    assert len(set(readings(1))) == 1
    assert readings(1) == readings(1)
    assert readings(1) != readings(2)
    assert readings(1)[0].startswith("2026-01-01T00:")


def test_the_world_is_given_back() -> None:
    """After an exploration clocks and chance are genuine again."""
    from planted import worldly  # noqa: PLC0415 - as in the program

    explore(Accounts(), strategies=[Fifo()])
    one, other = worldly.readings(), worldly.readings()
    assert one != other
    assert not one[0].startswith("2026-01-01T00:0")


def test_a_replay_of_nothing_proposes_nothing() -> None:
    """No times, no schedules."""
    assert Replay([], times=0).next_picker() is None


def test_closing_a_connection_again_is_no_error(instrumented: InstrumentedSqlite, tmp_path: Path) -> None:
    """As with the driver itself: what is collected late is closed by whoever made it, too."""
    connection = sqlite3.connect(tmp_path / "closed.db")
    connection.close()
    connection.close()


def test_a_module_may_hold_proxies_that_answer_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Flask's `current_app` raises whatever it is asked outside of a request; it is left alone."""

    class Proxy:
        __module__ = "a_program"

        def __getattribute__(self, name: str) -> object:
            raise RuntimeError("working outside of application context")

    module = ModuleType("a_program")
    module.__dict__.update(Proxy=Proxy, current=Proxy(), lock=threading.Lock())
    monkeypatch.setitem(sys.modules, "a_program", module)
    genuine = module.__dict__["lock"]
    found = explore(Accounts(), strategies=[Fifo()])
    assert found.iterations
    assert module.__dict__["lock"] is genuine
