"""The small app on which race finders are compared: three races, planted in plain code and known to nobody.

- easy: a seat is looked at and then sold.
- deep: a dispatch reads an approval and then acts on it: a window of one statement, while the rival who takes
  the approval back makes fourteen statements first.
- lock: a till in memory that threads share; the lock around look and act is missing.
"""

import contextlib
import sqlite3

from fastapi import FastAPI

SCHEMA = """
CREATE TABLE IF NOT EXISTS seat (holder TEXT, sales INTEGER);
CREATE TABLE IF NOT EXISTS task (approved INTEGER, dispatched INTEGER, approved_then INTEGER);
CREATE TABLE IF NOT EXISTS note (number INTEGER);
"""
CHAIN = 14


@contextlib.contextmanager
def connect(path):
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous = OFF")  # what is compared is not the disk
        yield database


def reset(path):
    with connect(path) as database:
        database.executescript(SCHEMA + "DELETE FROM seat; DELETE FROM task; DELETE FROM note;")
        database.execute("INSERT INTO seat VALUES (NULL, 0)")
        database.execute("INSERT INTO task VALUES (1, 0, 1)")


def book(path, customer):
    with connect(path) as database:
        if database.execute("SELECT holder FROM seat").fetchone()[0] is None:
            database.execute("UPDATE seat SET holder = ?, sales = sales + 1", (customer,))


def dispatch(path):
    with connect(path) as database:
        if database.execute("SELECT approved FROM task").fetchone()[0]:
            database.execute("UPDATE task SET dispatched = 1, approved_then = approved")


def reject(path):
    with connect(path) as database:
        for number in range(CHAIN):
            database.execute("SELECT number FROM note WHERE number = ?", (number,)).fetchall()
        database.execute("UPDATE task SET approved = 0")


def is_harmed(race, state):
    """Whether the race did harm, to the database at a path, or to a till."""
    if race == "lock":
        return state.given != 1
    with connect(state) as database:
        sales = database.execute("SELECT sales FROM seat").fetchone()[0]
        late = database.execute("SELECT dispatched AND NOT approved_then FROM task").fetchone()[0]
    return sales != 1 if race == "easy" else bool(late)


def create_app(path):
    """The app over a database file, with synchronous endpoints."""
    app = FastAPI()

    @app.post("/book/{customer}")
    def post_book(customer: str):
        book(path, customer)

    @app.post("/dispatch")
    def post_dispatch():
        dispatch(path)

    @app.post("/reject")
    def post_reject():
        reject(path)

    return app


class Till:
    """Gives one thing away, to one customer: so it is meant."""

    def __init__(self):
        self.holder = None
        self.given = 0

    def take(self, customer):
        if self.holder is None:
            self.holder = customer
            self.given += 1


REQUESTS = {"easy": ("/book/alice", "/book/bob"), "deep": ("/dispatch", "/reject")}
"""Who races through the app."""

WORKERS = {
    "easy": [lambda path: book(path, "alice"), lambda path: book(path, "bob")],
    "deep": [dispatch, reject],
    "lock": [lambda till: till.take("alice"), lambda till: till.take("bob")],
}
"""The same without the app."""
