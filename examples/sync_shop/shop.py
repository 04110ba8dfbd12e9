"""A box office: seats of a show are booked through `def` endpoints, kept by `sqlite3`."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

TABLES = """
CREATE TABLE IF NOT EXISTS seats (id INTEGER PRIMARY KEY, holder TEXT);
CREATE TABLE IF NOT EXISTS tickets (id INTEGER PRIMARY KEY, seat_id INTEGER NOT NULL, customer TEXT NOT NULL);
"""


class Customer(BaseModel):
    """Who asks for a seat."""

    name: str


def take_if_free_when_looked_at(database: sqlite3.Connection, seat_id: int, customer: str) -> bool:
    """Look, then act: between the two, another thread or process may sell the seat."""
    (holder,) = database.execute("SELECT holder FROM seats WHERE id = ?", (seat_id,)).fetchone()
    if holder is not None:
        return False
    database.execute("UPDATE seats SET holder = ? WHERE id = ?", (customer, seat_id))
    return True


def take_if_free(database: sqlite3.Connection, seat_id: int, customer: str) -> bool:
    """Let the statement that takes the seat look for itself, and ask it whether it found the seat free."""
    free = "UPDATE seats SET holder = ? WHERE id = ? AND holder IS NULL"
    return database.execute(free, (customer, seat_id)).rowcount == 1


def create_app(database: Path, *, guarded: bool = True) -> FastAPI:
    """The box office over a database file."""
    take = take_if_free if guarded else take_if_free_when_looked_at

    @contextmanager
    def transaction() -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(database)) as connection, connection:
            yield connection

    with transaction() as connection:
        connection.executescript(TABLES)
    app = FastAPI()

    @app.post("/seats", status_code=201)
    def add_seat() -> int | None:
        with transaction() as connection:
            return connection.execute("INSERT INTO seats DEFAULT VALUES").lastrowid

    @app.post("/seats/{seat_id}/tickets", status_code=201)
    def book(seat_id: int, customer: Customer) -> None:
        with transaction() as connection:
            if not take(connection, seat_id, customer.name):
                raise HTTPException(409, "the seat is taken")
            sale = "INSERT INTO tickets (seat_id, customer) VALUES (?, ?)"
            connection.execute(sale, (seat_id, customer.name))

    @app.get("/seats/{seat_id}/tickets")
    def tickets(seat_id: int) -> list[str]:
        with transaction() as connection:
            sold = "SELECT customer FROM tickets WHERE seat_id = ? ORDER BY id"
            return [customer for (customer,) in connection.execute(sold, (seat_id,))]

    return app
