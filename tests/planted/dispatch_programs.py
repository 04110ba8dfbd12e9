"""Small FastAPI services that dispatch a task: one checks and then acts, the others are guarded."""

import sqlite3
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from fastapi import FastAPI, HTTPException

from gatewright.race import Actor, Client, History, Scenario, invariant

READ = "SELECT status FROM task WHERE id = 't1'"
ACT = "UPDATE task SET status = 'dispatched', n = n + 1 WHERE id = 't1'"


def open_database(folder: Path) -> sqlite3.Connection:
    database = sqlite3.connect(folder / "tasks.db", isolation_level=None, check_same_thread=False)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("CREATE TABLE IF NOT EXISTS task (id TEXT PRIMARY KEY, status TEXT, n INTEGER)")
    return database


def check_then_act(database: sqlite3.Connection) -> bool:
    if database.execute(READ).fetchone()[0] != "ready":
        return False
    database.execute(ACT)
    return True


def guarded_update(database: sqlite3.Connection) -> bool:
    return database.execute(f"{ACT} AND status = 'ready'").rowcount == 1


def begin_immediate(database: sqlite3.Connection) -> bool:
    database.execute("BEGIN IMMEDIATE")
    try:
        return check_then_act(database)
    finally:
        database.execute("COMMIT")


class Dispatch(Scenario):
    """Several actors dispatch the one task."""

    size: ClassVar[int] = 2
    dispatch: ClassVar[Any]

    def create_app(self, folder: Path) -> FastAPI:
        app = FastAPI()
        database = open_database(folder)

        @app.get("/reset")
        async def reset() -> None:
            database.execute("INSERT OR REPLACE INTO task VALUES ('t1', 'ready', 0)")

        @app.get("/task")
        async def task() -> dict[str, int]:
            return {"n": database.execute("SELECT n FROM task").fetchone()[0]}

        @app.post("/dispatch")
        async def dispatch_task() -> None:
            if not type(self).dispatch(database):
                raise HTTPException(409)

        return app

    async def setup(self, client: Client) -> None:
        assert (await client.get("/reset")).ok

    def actors(self) -> Mapping[str, Actor]:
        async def dispatch(client: Client) -> None:
            await client.post("/dispatch")

        return dict.fromkeys(("alice", "bob", "carol")[: self.size], dispatch)

    async def observe(self, client: Client) -> Any:
        return (await client.get("/task")).json

    @invariant("single-dispatch", "the task is dispatched exactly once, and one actor is told so")
    def single_dispatch(self, history: History, state: Any) -> Iterable[str]:
        if state["n"] != 1:
            yield f"dispatched {state['n']} times"
        if (told := sum(op.response.ok for op in history)) != 1:
            yield f"{told} actors were told that they dispatched it"


class RacyDispatch(Dispatch):
    name = "racy-dispatch"
    dispatch = staticmethod(check_then_act)


class GuardedDispatch(Dispatch):
    name = "guarded-dispatch"
    dispatch = staticmethod(guarded_update)


class LockedDispatch(Dispatch):
    name = "locked-dispatch"
    dispatch = staticmethod(begin_immediate)


def read_then_upgrade(database: sqlite3.Connection) -> bool:
    """A transaction that begins by reading: another's write in between makes its snapshot too old to write."""
    database.execute("BEGIN")
    try:
        done = check_then_act(database)
    except sqlite3.OperationalError:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")
    return done


class SnapshotDispatch(Dispatch):
    name = "snapshot-dispatch"
    dispatch = staticmethod(read_then_upgrade)


class ImpatientDispatch(Dispatch):
    """Asks SQLite not to wait for locks at all."""

    name = "impatient-dispatch"

    @staticmethod
    def dispatch(database: sqlite3.Connection) -> bool:
        database.execute("PRAGMA busy_timeout = 0")
        return begin_immediate(database)


class ThreadedDispatch(Dispatch):
    """Its endpoint starts a thread of its own, which no strategy controls."""

    name = "threaded-dispatch"

    def create_app(self, folder: Path) -> FastAPI:
        app = FastAPI()
        database = open_database(folder)

        @app.get("/task")
        async def task() -> dict[str, int]:
            return {"n": 1}

        @app.post("/dispatch")
        async def dispatch_task() -> None:
            thread = threading.Thread(target=database.execute, args=(READ,))
            thread.start()
            thread.join()

        return app

    async def setup(self, client: Client) -> None:
        assert (await client.get("/task")).ok


class LonelyDispatch(RacyDispatch):
    """Only one actor: nothing can be raced."""

    name = "lonely-dispatch"
    size = 1


class MoodyDispatch(RacyDispatch):
    """Does something else each time, whatever the schedule."""

    name = "moody-dispatch"
    calls = 0

    @staticmethod
    def dispatch(database: sqlite3.Connection) -> bool:
        MoodyDispatch.calls += 1
        for _ in range(MoodyDispatch.calls):
            database.execute(READ)
        return True


class BlindDispatch(GuardedDispatch):
    """Has an invariant that can't check."""

    name = "blind-dispatch"

    @invariant("blind", "never looks")
    def blind(self, history: History, state: Any) -> Iterable[str]:
        raise KeyError("no such field")


class BrokenApp(GuardedDispatch):
    name = "broken-app"

    def create_app(self, folder: Path) -> FastAPI:
        raise RuntimeError("no such column")


class FailingSetup(GuardedDispatch):
    name = "failing-setup"

    async def setup(self, client: Client) -> None:
        assert (await client.get("/nowhere")).ok, "no such route"


class StumblingSetup(GuardedDispatch):
    """Its set-up trips over an answer that it did not expect."""

    name = "stumbling-setup"

    async def setup(self, client: Client) -> None:
        raise KeyError("id")
