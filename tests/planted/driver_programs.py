"""Racy programs behind drivers and primitives of others: aiosqlite, asyncio's and threading's locks, httpx."""

import asyncio
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import aiosqlite
import httpx
from fastapi import FastAPI, HTTPException
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from gatewright.race import Actor, Client, History, Scenario, invariant, point

READ = "SELECT status FROM task"
CLAIM = "UPDATE task SET status = 'gone', n = n + 1"
GUARD = "WHERE status = 'ready'"


class AiosqliteDispatch(Scenario):
    """Two requests dispatch the one task through aiosqlite."""

    name = "aiosqlite-dispatch"
    guarded: ClassVar[bool] = False

    def create_app(self, folder: Path) -> FastAPI:
        path = folder / "aio.db"
        app = FastAPI()

        @app.post("/tasks")
        async def create() -> None:
            async with aiosqlite.connect(path) as database:
                await database.execute("CREATE TABLE task (status TEXT, n INTEGER)")
                await database.execute("INSERT INTO task VALUES ('ready', 0)")
                await database.commit()

        @app.get("/task")
        async def task() -> dict[str, int]:
            async with aiosqlite.connect(path) as database:
                ((n,),) = await database.execute_fetchall("SELECT n FROM task")
                return {"n": n}

        @app.post("/dispatch")
        async def dispatch() -> None:
            async with aiosqlite.connect(path) as database:
                done = await self.dispatch(database)
                await database.commit()
            if not done:
                raise HTTPException(409)

        return app

    async def dispatch(self, database: aiosqlite.Connection) -> bool:
        if self.guarded:
            return (await database.execute(f"{CLAIM} {GUARD}")).rowcount == 1
        rows = await database.execute_fetchall(READ)
        if list(rows) != [("ready",)]:
            return False
        await database.execute(CLAIM)
        return True

    async def setup(self, client: Client) -> None:
        assert (await client.post("/tasks")).ok

    def actors(self) -> Mapping[str, Actor]:
        async def dispatch(client: Client) -> None:
            await client.post("/dispatch")

        return {"alice": dispatch, "bob": dispatch}

    async def observe(self, client: Client) -> Any:
        return (await client.get("/task")).json

    @invariant("single-dispatch", "the task is dispatched once")
    def single_dispatch(self, history: History, state: Any) -> Iterable[str]:
        if state["n"] != 1:
            yield f"dispatched {state['n']} times"


class GuardedAiosqliteDispatch(AiosqliteDispatch):
    name = "guarded-aiosqlite-dispatch"
    guarded = True


class AsyncSqlAlchemyDispatch(AiosqliteDispatch):
    """The same through SQLAlchemy's async engine."""

    name = "async-sqlalchemy-dispatch"

    def create_app(self, folder: Path) -> FastAPI:
        engine = create_async_engine(f"sqlite+aiosqlite:///{folder / 'sa.db'}")
        app = FastAPI()

        @app.post("/tasks")
        async def create() -> None:
            async with engine.begin() as connection:
                await connection.execute(text("CREATE TABLE task (status TEXT, n INTEGER)"))
                await connection.execute(text("INSERT INTO task VALUES ('ready', 0)"))

        @app.get("/task")
        async def task() -> dict[str, int]:
            async with engine.connect() as connection:
                return {"n": (await connection.execute(text("SELECT n FROM task"))).scalar_one()}

        @app.post("/dispatch")
        async def dispatch() -> None:
            if not await self.dispatch_by(engine):
                raise HTTPException(409)

        return app

    async def dispatch_by(self, engine: AsyncEngine) -> bool:
        if not self.guarded:
            async with engine.connect() as connection:
                if (await connection.execute(text(READ))).scalar_one() != "ready":
                    return False
        async with engine.begin() as connection:
            claim = await connection.execute(text(f"{CLAIM} {GUARD if self.guarded else ''}"))
            return claim.rowcount == 1


class GuardedAsyncSqlAlchemyDispatch(AsyncSqlAlchemyDispatch):
    name = "guarded-async-sqlalchemy-dispatch"
    guarded = True


class Plain(Scenario):
    """Two actors of plain code that each count up, with a pause in between."""

    def create_app(self, folder: Path) -> None:
        return None

    def reset(self) -> None:
        self.count = 0

    def actors(self) -> Mapping[str, Actor]:
        return {"alice": self.increment, "bob": self.increment}

    async def increment(self, client: Client) -> None:
        raise NotImplementedError

    @invariant("counted", "every increment counts")
    def counted(self, history: History, state: Any) -> None:
        assert self.count == 2, f"counted {self.count}"


class Primitives(Plain):
    """Uses all of asyncio's primitives; right as it is."""

    name = "primitives"

    def reset(self) -> None:
        super().reset()
        self.lock, self.event, self.permits = asyncio.Lock(), asyncio.Event(), asyncio.Semaphore(1)
        self.condition = asyncio.Condition()
        self.box: asyncio.Queue[int] = asyncio.Queue()

    def actors(self) -> Mapping[str, Actor]:
        return {"alice": self.give, "bob": self.take}

    async def give(self, client: Client) -> None:
        async with self.lock:
            self.count += 1
        self.event.set()
        async with self.condition:
            self.condition.notify_all()
        await self.box.put(1)

    async def take(self, client: Client) -> None:
        await self.event.wait()
        async with self.permits:
            self.count += await self.box.get()


class EarlyRelease(Plain):
    """Holds a lock for the reading and again for the writing, and not in between."""

    name = "early-release"

    def reset(self) -> None:
        super().reset()
        self.lock = asyncio.Lock()

    async def increment(self, client: Client) -> None:
        async with self.lock:
            before = self.count
        async with self.lock:
            self.count = before + 1


class LockAcrossAwait(Plain):
    """Holds a lock between threads across an await: in one event loop nobody can ever give it back."""

    name = "lock-across-await"

    def reset(self) -> None:
        super().reset()
        self.lock = threading.Lock()

    async def increment(self, client: Client) -> None:
        with self.lock:
            before = self.count
            await point("between")
            self.count = before + 1


class Outbound(Plain):
    """Asks another service for the count and tells it the next."""

    name = "outbound"

    def reset(self) -> None:
        super().reset()
        self.transport = httpx.MockTransport(self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            self.count = int(request.content)
        return httpx.Response(200, json=self.count)

    async def increment(self, client: Client) -> None:
        async with httpx.AsyncClient(transport=self.transport, base_url="http://other.test") as other:
            before = (await other.get("/count", params={"nonce": "1"})).json()
            await other.put("/count", content=str(before + 1))


class SyncOutbound(Outbound):
    """The same by the synchronous client, in a thread."""

    name = "sync-outbound"

    async def increment(self, client: Client) -> None:
        await asyncio.to_thread(self.increment_in_thread)

    def increment_in_thread(self) -> None:
        with httpx.Client(transport=self.transport, base_url="http://other.test") as other:
            before = other.get("/count").json()
            other.put("/count", content=str(before + 1))


class OutboundApp(Outbound):
    """The other service is an ASGI app in the same process."""

    name = "outbound-app"

    def reset(self) -> None:
        super().reset()
        app = FastAPI()

        @app.get("/count")
        async def count() -> int:
            return self.count

        @app.put("/count")
        async def put(n: int) -> None:
            self.count = n

        self.app = app

    async def increment(self, client: Client) -> None:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://other.test") as other:
            before = (await other.get("/count")).json()
            await other.put("/count", params={"n": before + 1})
