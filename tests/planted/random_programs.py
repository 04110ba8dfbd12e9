"""Services made up at random: what reduction leaves out is compared with exhaustive exploration on them."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from random import Random
from typing import Any

from planted.worldly import moment

from gatewright.race import Actor, Client, Scenario, point_sync

TABLES = ("red", "blue")
KEPT = "kept open"
RARE = 0.1


def statements(chance: Random, depth: int = 0) -> list[Any]:
    """One request: statements one after the other, some in transactions, some on a condition."""
    return [statement(chance, depth) for _ in range(chance.randint(*((1, 2) if depth else (2, 4))))]


def statement(chance: Random, depth: int) -> Any:
    table, row, digit = chance.choice(TABLES), chance.randint(1, 2), chance.randint(1, 9)
    kinds: list[Any] = [
        ("SELECT v FROM {t} WHERE id = ?", (row,)),
        ("SELECT v FROM {t} WHERE id = ? AND v < 500", (row,)),
        ("SELECT sum(v), count(*) FROM {t}", ()),
        ("SELECT a.v, b.v FROM red AS a JOIN blue AS b ON a.id = b.id", ()),
        ("SELECT v FROM both_tables", ()),
        ("UPDATE {t} SET v = (v * 10 + ?) % 1000 WHERE id = ?", (digit, row)),
        (f"UPDATE {{t}} SET v = (v * 10 + {digit}) % 1000 WHERE {{t}}.id = {row}", ()),
        ("UPDATE {t} SET v = v + 1 WHERE v > ?", (digit * 20,)),
        ("UPDATE {t} SET name = ? WHERE id = ?", (f"n{digit % 3}", row)),
        ("UPDATE red SET v = (SELECT max(v) FROM blue) WHERE id = ?", (row,)),
        ("INSERT INTO {t} (v, name) VALUES (?, NULL)", (digit,)),
        ("DELETE FROM {t} WHERE id = ?", (row,)),
    ]
    if chance.random() < RARE:
        kinds = ["clock", "clock", "point", KEPT]
    if depth == 0:
        begin = chance.choice(("BEGIN", "BEGIN IMMEDIATE", "BEGIN IMMEDIATE"))
        end = chance.choice(("COMMIT", "COMMIT", "ROLLBACK"))
        inner = statements(chance, 1) + statements(chance, 1)
        kinds += [[begin, inner, end]] * 4
        kinds += [{"if odd": statements(chance, 1), "else": statements(chance, 1)}] * 2
    kind = chance.choice(kinds)
    return (kind[0].format(t=table), kind[1]) if isinstance(kind, tuple) else kind


class RandomProgram(Scenario):
    """Two or three actors with one or two requests each, over two tables of one file."""

    name = "random-program"

    def __init__(self, seed: int) -> None:
        chance = Random(seed)
        self.journal = chance.choice(("WAL", "WAL", "WAL", "DELETE"))
        names = ("alice", "bob", "carol")[: chance.choice((2, 2, 3))]
        self.requests = {name: [statements(chance)] for name in names}
        if len(names) == 2 and chance.random() < RARE:
            self.requests["bob"].append(statements(chance))
        self.shared: list[str] = []

    def create_app(self, folder: Path) -> Any:
        database = sqlite3.connect(folder / "random.db", isolation_level=None)
        database.execute(f"PRAGMA journal_mode = {self.journal}")
        database.execute("PRAGMA foreign_keys = ON")
        service = Service(self, database)

        async def app(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http":
                return
            _, actor, number = scope["path"].split("/")
            answer = service.answer(self.requests[actor][int(number)])
            await send({"type": "http.response.start", "status": 200})
            await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

        app.database = database  # type: ignore[attr-defined]  # for the set-up
        return app

    async def setup(self, client: Client) -> None:
        client.app.database.executescript("""
            CREATE TABLE red (id INTEGER PRIMARY KEY, v INTEGER, name TEXT UNIQUE);
            CREATE TABLE blue (id INTEGER PRIMARY KEY, v INTEGER, name TEXT, red INTEGER REFERENCES red(id));
            CREATE VIEW both_tables AS SELECT v FROM red UNION ALL SELECT v FROM blue;
            INSERT INTO red (v, name) VALUES (100, 'a'), (201, 'b');
            INSERT INTO blue (v, name, red) VALUES (301, 'a', 2), (400, 'b', 2);
        """)

    def reset(self) -> None:
        self.shared = []

    def actors(self) -> Mapping[str, Actor]:
        async def ask(client: Client, name: str) -> None:
            for number in range(len(self.requests[name])):
                await client.get(f"/{name}/{number}")

        return {name: lambda client, name=name: ask(client, name) for name in self.requests}

    async def observe(self, client: Client) -> Any:
        database = client.app.database
        tables = [database.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES]
        return tables, list(self.shared)


class Service:
    """Carries out what a request says, and tells everything that it saw."""

    def __init__(self, scenario: RandomProgram, database: sqlite3.Connection) -> None:
        self.scenario = scenario
        self.database = database
        self.kept: Iterable[Any] = ()
        self.seen: list[Any] = []

    def answer(self, request: list[Any]) -> list[Any]:
        self.seen, self.kept = [], ()
        try:
            self.perform_all(request)
        finally:
            self.kept = ()  # an open cursor would outlive its schedule
        return self.seen

    def perform_all(self, request: list[Any]) -> None:
        for each in request:
            self.perform(each)

    def perform(self, what: Any) -> None:
        if what == "clock":
            self.seen.append(moment())
        elif what == "point":
            point_sync("shared list")
            self.scenario.shared.append(f"{len(self.scenario.shared)} {self.seen}")
        elif what == KEPT:
            self.kept = self.database.execute("SELECT v FROM red")
            self.seen.append(next(iter(self.kept), None))
        elif isinstance(what, dict):
            self.perform_all(what["if odd" if str(self.seen[-1:])[-3:-2] in "13579" else "else"])
        elif isinstance(what, list):
            self.perform_transaction(*what)
        else:
            self.execute(*what)

    def perform_transaction(self, begin: str, inner: list[Any], end: str) -> None:
        self.execute(begin, ())
        self.perform_all(inner)
        if self.database.in_transaction:
            self.execute(end, ())
        if self.database.in_transaction:
            self.execute("ROLLBACK", ())

    def execute(self, sql: str, parameters: tuple[Any, ...]) -> None:
        try:
            cursor = self.database.execute(sql, parameters)
            self.seen.append([cursor.rowcount, cursor.fetchall()])
        except sqlite3.Error as error:
            self.seen.append(str(error))
