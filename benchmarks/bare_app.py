"""The limit: a FastAPI app that makes the requests and commits of the API's main path, and nothing else.

    python benchmarks/bare_app.py --port-file FILE --database sqlite:///FILE|postgresql://...

The same routes as the service, strict bodies, response models; each commit is one guarded UPDATE in an
explicit transaction of its own: create 1, dispatch-ready 2, status 1, read none.
"""

import argparse
import itertools
import os
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import asyncpg
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict

sys.path.insert(0, str(Path(__file__).parents[1] / "apps" / "api" / "src"))

from multyagents_api.serving import listen, write_port

ROWS = 1024
CONNECTIONS = 16
CREATE = (
    "CREATE TABLE IF NOT EXISTS bare (id INTEGER PRIMARY KEY, status TEXT NOT NULL, version BIGINT NOT NULL)"
)
FILL = "INSERT INTO bare VALUES ({}, 'running', 0) ON CONFLICT DO NOTHING"
UPDATE = "UPDATE bare SET version = version + 1 WHERE id = {} AND status = 'running'"


class Store(Protocol):
    """Commits guarded updates."""

    async def open(self) -> None: ...

    async def commit(self, row: int, times: int) -> None: ...

    async def close(self) -> None: ...


class InlineSqlite:
    """SQLite, called inline on the loop."""

    def __init__(self, file: str) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None)
        self._update = UPDATE.format("?")

    async def open(self) -> None:
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute(CREATE)
        self._connection.executemany(FILL.format("?"), [(row,) for row in range(ROWS)])

    async def commit(self, row: int, times: int) -> None:
        execute = self._connection.execute
        for _ in range(times):
            execute("BEGIN IMMEDIATE")
            assert execute(self._update, (row,)).rowcount == 1
            execute("COMMIT")

    async def close(self) -> None:
        self._connection.close()


class PooledPostgres:
    """PostgreSQL behind a pool of connections."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._update = UPDATE.format("$1")

    async def open(self) -> None:
        self._pool = await asyncpg.create_pool(self._url, min_size=1, max_size=CONNECTIONS)
        await self._pool.execute(CREATE)
        await self._pool.executemany(FILL.format("$1"), [(row,) for row in range(ROWS)])

    async def commit(self, row: int, times: int) -> None:
        async with self._pool.acquire() as connection:
            for _ in range(times):
                async with connection.transaction():
                    assert await connection.execute(self._update, row) == "UPDATE 1"

    async def close(self) -> None:
        await self._pool.close()


class Demand(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class RunDemand(Demand):
    workflow_template_id: str


class ReportDemand(Demand):
    attempt: int
    status: str


class RunAnswer(BaseModel):
    id: str
    workflow_template_id: str
    status: str
    version: int
    rerun_count: int
    task_ids: list[str]


class DispatchAnswer(BaseModel):
    run_id: str
    dispatched: bool
    task_id: str
    attempt: int
    reason: str | None
    outcome: str


class TaskAnswer(BaseModel):
    id: str
    run_id: str
    status: str
    attempt: int
    reason: str | None
    version: int


def run_answer(run_id: str) -> RunAnswer:
    tasks = [run_id] * 3
    return RunAnswer(
        id=run_id, workflow_template_id="1", status="success", version=1, rerun_count=0, task_ids=tasks
    )


def build_app(store: Store) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await store.open()
        yield
        await store.close()

    app = FastAPI(lifespan=lifespan)
    # Several processes share the rows; they seldom meet on one.
    numbers = itertools.count(os.getpid() * 31)

    @app.post("/workflow-runs", status_code=201)
    async def create(demand: RunDemand) -> RunAnswer:
        assert demand.workflow_template_id
        number = next(numbers)
        await store.commit(number % ROWS, 1)
        return run_answer(str(number))

    @app.post("/workflow-runs/{run_id}/dispatch-ready")
    async def dispatch(run_id: str) -> DispatchAnswer:
        await store.commit(int(run_id) % ROWS, 2)
        return DispatchAnswer(
            run_id=run_id, dispatched=True, task_id=run_id, attempt=1, reason=None, outcome="queued"
        )

    @app.post("/runner/tasks/{task_id}/status")
    async def report(task_id: str, demand: ReportDemand) -> TaskAnswer:
        await store.commit(int(task_id) % ROWS, 1)
        return TaskAnswer(id=task_id, run_id=task_id, status=demand.status, attempt=1, reason=None, version=1)

    @app.get("/workflow-runs/{run_id}")
    async def read(run_id: str) -> RunAnswer:
        return run_answer(run_id)

    @app.get("/readyz")
    async def ready() -> dict[str, str]:
        return {"status": "ok"}

    return app


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port-file", type=Path, required=True)
    parser.add_argument("--database", required=True)
    options = parser.parse_args()
    _, is_sqlite, file = options.database.partition("sqlite:///")
    app = build_app(InlineSqlite(file) if is_sqlite else PooledPostgres(options.database))
    with listen("127.0.0.1", 0) as listening:
        write_port(options.port_file, listening.getsockname()[1])
        config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False)
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
