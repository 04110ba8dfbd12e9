"""Services on PostgreSQL, by asyncpg, by psycopg and by SQLAlchemy; nothing in them knows it is explored."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import asyncpg
import psycopg
from fastapi import FastAPI, HTTPException
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from gatewright.race import Actor, Client, History, Scenario, invariant

CREATE = "CREATE TABLE IF NOT EXISTS task (id INT GENERATED ALWAYS AS IDENTITY, status TEXT, n INT)"
READY = "INSERT INTO task (status, n) VALUES ('ready', 0)"
READ = "SELECT status FROM task"
LOCKED_READ = "SELECT status FROM task FOR UPDATE"
CLAIM = "UPDATE task SET status = 'gone', n = n + 1"
GUARDED_CLAIM = f"{CLAIM} WHERE status = 'ready'"


class PostgresDispatch(Scenario):
    """Two requests dispatch the one task, each in a transaction that begins by looking."""

    name = "postgres-dispatch"
    look: ClassVar[str] = READ
    claim: ClassVar[str] = CLAIM

    def create_app_at(self, url: str) -> FastAPI:
        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            async with asyncpg.create_pool(url, min_size=1, max_size=2) as pool:
                await pool.execute(CREATE)
                app.state.pool = pool
                yield
                if engine := getattr(app.state, "engine", None):
                    await engine.dispose()

        app = FastAPI(lifespan=lifespan)

        @app.post("/tasks")
        async def create() -> None:
            await app.state.pool.execute(READY)

        @app.get("/task")
        async def task() -> dict[str, int]:
            return {"n": await app.state.pool.fetchval("SELECT n FROM task")}

        @app.post("/dispatch")
        async def dispatch() -> None:
            if not await self.dispatch(app):
                raise HTTPException(409)

        return app

    async def dispatch(self, app: FastAPI) -> bool:
        async with app.state.pool.acquire() as connection, connection.transaction():
            if await connection.fetchval(self.look) != "ready":
                return False
            return await connection.execute(self.claim) == "UPDATE 1"

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


class GuardedPostgresDispatch(PostgresDispatch):
    name = "guarded-postgres-dispatch"
    claim = GUARDED_CLAIM


class LockingPostgresDispatch(PostgresDispatch):
    name = "locking-postgres-dispatch"
    look = LOCKED_READ


class PsycopgDispatch(PostgresDispatch):
    """The same by psycopg, on a connection for each request."""

    name = "psycopg-dispatch"

    def create_app_at(self, url: str) -> FastAPI:
        app = super().create_app_at(url)
        app.state.url = url
        return app

    async def dispatch(self, app: FastAPI) -> bool:
        async with await psycopg.AsyncConnection.connect(app.state.url) as connection:
            row = await (await connection.execute(self.look)).fetchone()
            if row != ("ready",):
                return False
            return (await connection.execute(self.claim)).rowcount == 1


class GuardedPsycopgDispatch(PsycopgDispatch):
    name = "guarded-psycopg-dispatch"
    claim = GUARDED_CLAIM


class SqlAlchemyPostgresDispatch(PostgresDispatch):
    """The same by SQLAlchemy's async engine."""

    name = "sqlalchemy-postgres-dispatch"

    def create_app_at(self, url: str) -> FastAPI:
        app = super().create_app_at(url)
        app.state.engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
        return app

    async def dispatch(self, app: FastAPI) -> bool:
        async with app.state.engine.begin() as connection:
            if (await connection.execute(text(self.look))).scalar_one() != "ready":
                return False
            return (await connection.execute(text(self.claim))).rowcount == 1


class Embrace(PostgresDispatch):
    """Locks two rows in opposite orders: the server ends one of the two."""

    name = "embrace"

    async def setup(self, client: Client) -> None:
        assert (await client.post("/tasks")).ok
        assert (await client.post("/tasks")).ok

    def create_app_at(self, url: str) -> FastAPI:
        app = super().create_app_at(url)

        @app.post("/lock/{first}/{second}")
        async def lock(first: int, second: int) -> None:
            async with app.state.pool.acquire() as connection, connection.transaction():
                await connection.execute("SET LOCAL deadlock_timeout = '20ms'")
                for row in (first, second):
                    await connection.execute("UPDATE task SET n = 1 WHERE id = $1", row)

        return app

    def actors(self) -> Mapping[str, Actor]:
        async def upward(client: Client) -> None:
            await client.post("/lock/1/2")

        async def downward(client: Client) -> None:
            await client.post("/lock/2/1")

        return {"alice": upward, "bob": downward}
