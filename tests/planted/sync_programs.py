"""Services whose endpoints are plain functions: FastAPI gives them to threads; SQLAlchemy sessions inside."""

import asyncio
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any

import anyio.from_thread
import anyio.to_thread
from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy import create_engine, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from gatewright.race import Actor, Client, History, Scenario, invariant

WHO: ContextVar[str] = ContextVar("WHO", default="nobody")


class Base(DeclarativeBase):
    pass


class Task(Base):
    __tablename__ = "sync_tasks"
    id: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[str]
    dispatches: Mapped[int]


class SyncDispatch(Scenario):
    """Two requests dispatch the one task, each in a thread and a session of its own."""

    name = "sync-dispatch"

    def create_app(self, folder: Path) -> FastAPI:
        engine = create_engine(f"sqlite:///{folder / 'sync.db'}")
        Base.metadata.create_all(engine)
        app = FastAPI()
        guard = self.guard()

        def session() -> Iterator[Session]:
            with Session(engine) as opened:
                yield opened

        @app.post("/tasks")
        def create(session: Annotated[Session, Depends(session)]) -> None:
            session.add(Task(id=1, status="ready", dispatches=0))
            session.commit()

        @app.get("/tasks/1")
        def task(session: Annotated[Session, Depends(session)]) -> dict[str, int]:
            return {"dispatches": session.get_one(Task, 1).dispatches}

        @app.post("/tasks/1/dispatch")
        def dispatch(session: Annotated[Session, Depends(session)]) -> None:
            with guard:
                if not self.dispatch(session):
                    raise HTTPException(409)

        return app

    def guard(self) -> AbstractContextManager[Any]:
        """What an app keeps its own threads from each other with."""
        return nullcontext()

    def dispatch(self, session: Session) -> bool:
        task = session.get_one(Task, 1)
        if task.status != "ready":
            return False
        task.status = "dispatched"
        task.dispatches = Task.dispatches + 1
        session.commit()
        return True

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


class GuardedSyncDispatch(SyncDispatch):
    name = "guarded-sync-dispatch"

    def dispatch(self, session: Session) -> bool:
        claim = update(Task).values(status="dispatched", dispatches=Task.dispatches + 1)
        done = session.execute(claim.where(Task.status == "ready")).rowcount == 1
        session.commit()
        return done


class LockedSyncDispatch(SyncDispatch):
    """Guarded by a lock between the threads of one process, and by nothing between processes."""

    name = "locked-sync-dispatch"

    def guard(self) -> AbstractContextManager[Any]:
        return threading.Lock()


class Handed(Scenario):
    """Hands work to threads in every way there is, and keeps what the threads saw."""

    name = "handed"

    def create_app(self, folder: Path) -> None:
        return None

    def reset(self) -> None:
        self.seen: list[str] = []

    def actors(self) -> Mapping[str, Actor]:
        return {"alice": self.hand_over, "bob": self.hand_over}

    async def hand_over(self, client: Client) -> None:
        WHO.set("somebody")
        self.seen.append(await anyio.to_thread.run_sync(self.look))
        self.seen.append(await asyncio.to_thread(self.look))
        self.seen.append(await asyncio.get_running_loop().run_in_executor(None, self.look))
        self.seen.append(await anyio.to_thread.run_sync(anyio.from_thread.run, self.look_back))

    def look(self) -> str:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return f"{WHO.get()}, no loop"
        return f"{WHO.get()}, a loop"

    async def look_back(self) -> str:
        await asyncio.sleep(1)
        return f"{self.look()} again"

    @invariant("seen", "tells what was seen, always")
    def tell(self, history: History, state: Any) -> Iterable[str]:
        yield "; ".join(sorted(set(self.seen)))
