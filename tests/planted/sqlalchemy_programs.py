"""The same dispatch through SQLAlchemy, with its own transactions; nothing in it knows that it is explored."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from fastapi import FastAPI, HTTPException
from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, create_engine, insert, select, update

from gatewright.race import Actor, Client, History, Scenario, invariant

metadata = MetaData()
tasks = Table(
    "tasks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("status", String(20), nullable=False),
    Column("dispatches", Integer, nullable=False),
)


class SqlAlchemyDispatch(Scenario):
    """Two requests dispatch the one task."""

    name = "sqlalchemy-dispatch"
    guarded: ClassVar[bool] = False

    def create_app(self, folder: Path) -> FastAPI:
        engine = create_engine(f"sqlite:///{folder / 'tasks.db'}")
        metadata.create_all(engine)
        app = FastAPI()

        @app.post("/tasks")
        async def create() -> None:
            with engine.begin() as connection:
                connection.execute(insert(tasks).values(id=1, status="ready", dispatches=0))

        @app.get("/tasks/1")
        async def task() -> dict[str, int]:
            with engine.connect() as connection:
                return {"dispatches": connection.execute(select(tasks.c.dispatches)).scalar_one()}

        @app.post("/tasks/1/dispatch")
        async def dispatch() -> None:
            if not self.dispatch(engine):
                raise HTTPException(409)

        return app

    def dispatch(self, engine: Engine) -> bool:
        claim = update(tasks).values(status="dispatched", dispatches=tasks.c.dispatches + 1)
        with engine.connect() as connection:
            if connection.execute(select(tasks.c.status)).scalar_one() != "ready":
                return False
        with engine.begin() as connection:
            guard = claim.where(tasks.c.status == "ready") if self.guarded else claim
            return connection.execute(guard).rowcount == 1

    async def setup(self, client: Client) -> None:
        assert (await client.post("/tasks")).ok

    def actors(self) -> Mapping[str, Actor]:
        async def dispatch(client: Client) -> None:
            await client.post("/tasks/1/dispatch")

        return {"alice": dispatch, "bob": dispatch}

    async def observe(self, client: Client) -> Any:
        return (await client.get("/tasks/1")).json

    @invariant("single-dispatch", "the task is dispatched once")
    def single_dispatch(self, history: History, state: Any) -> Iterable[str]:
        if state["dispatches"] != 1:
            yield f"dispatched {state['dispatches']} times"


class GuardedSqlAlchemyDispatch(SqlAlchemyDispatch):
    name = "guarded-sqlalchemy-dispatch"
    guarded = True
