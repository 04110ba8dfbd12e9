"""What the tests of the service share: a migrated database per test, a clock that ticks, and a client."""

import asyncio
import logging
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

import multyagents_api
from multyagents_api.bootstrap import AuthKind, Settings, create_app
from multyagents_api.http.app import Services
from multyagents_api.observing import logs
from multyagents_api.scenarios.embedded_postgres import EmbeddedPostgres, PostgresError, PostgresMissing
from multyagents_api.service.runners import Submission, SubmissionResult
from multyagents_api.storage.postgres import PostgresStorage
from multyagents_api.storage.sqlite import SqliteStorage
from multyagents_api.storage.tables import lock_table, metadata

# Tests belong to no run: a suite under test must not add its report to the evidence of a gate around it.
for variable in [
    name for name in os.environ if name.startswith(("GATEWRIGHT_", "MULTYAGENTS_", "TASK_076_"))
]:
    del os.environ[variable]


class TickingClock:
    """A clock that goes on by one second at every look."""

    def __init__(self) -> None:
        self._now = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now


class ScriptedRunner:
    """A runner that accepts while `accepts` is set, and remembers what it was asked."""

    def __init__(self) -> None:
        self.accepts = True
        self.submitted: list[Submission] = []
        self.canceled: list[tuple[int, int]] = []

    async def submit(self, submission: Submission) -> SubmissionResult:
        self.submitted.append(submission)
        return SubmissionResult(accepted=self.accepts, message=None if self.accepts else "runner is full")

    async def cancel(self, task_id: int, attempt: int) -> None:
        self.canceled.append((task_id, attempt))


@dataclass
class Api:
    """A client that knows the usual ways through the API."""

    http: httpx.AsyncClient

    async def post(self, path: str, body: object = None, *, status: int | None = None) -> dict[str, Any]:
        response = await self.http.post(path, json=body) if body is not None else await self.http.post(path)
        expected = {200, 201} if status is None else {status}
        assert response.status_code in expected, response.text
        return response.json()

    async def get(self, path: str, *, status: int = 200) -> dict[str, Any]:
        response = await self.http.get(path)
        assert response.status_code == status, response.text
        return response.json()

    async def put(self, path: str, body: object, *, status: int = 200) -> dict[str, Any]:
        response = await self.http.put(path, json=body)
        assert response.status_code == status, response.text
        return response.json()

    async def delete(self, path: str, *, status: int = 204) -> dict[str, Any]:
        response = await self.http.delete(path)
        assert response.status_code == status, response.text
        return response.json() if response.content else {}

    async def start_run(
        self, *steps: dict[str, object], project_id: str | None = None, **role: object
    ) -> dict[str, Any]:
        """A run of a new template; a step needs only its `step_id`."""
        known = await self.get("/roles?limit=500")
        created = await self.post("/roles", {"name": f"role {len(known['items']) + 1}", **role})
        whole = [{"role_id": created["id"], "title": "Do it", **step} for step in steps]
        body = {"name": "template", "steps": whole, "project_id": project_id}
        template = await self.post("/workflow-templates", body)
        return await self.post("/workflow-runs", {"workflow_template_id": template["id"]})

    async def dispatch(self, run_id: str, *, status: int | None = None) -> dict[str, Any]:
        return await self.post(f"/workflow-runs/{run_id}/dispatch-ready", status=status)

    async def report(
        self, task_id: str, attempt: int, status: str, *, expect: int | None = None, **more: object
    ) -> dict[str, Any]:
        body = {"attempt": attempt, "status": status, **more}
        return await self.post(f"/runner/tasks/{task_id}/status", body, status=expect)

    async def project(self, root: str, name: str = "shop") -> str:
        """The id of a new project that allows all of its root."""
        return (await self.post("/projects", {"name": name, "root_path": root}))["id"]

    async def fail_next(self, run_id: str) -> str:
        """Dispatch the next task and let it fail; returns its id."""
        answer = await self.dispatch(run_id)
        await self.report(answer["task_id"], answer["attempt"], "failed")
        return answer["task_id"]

    async def rerun(self, run_id: str, *, status: int | None = None, **body: object) -> dict[str, Any]:
        whole = {"requested_by": "mia", "reason": "flaky network", **body}
        return await self.post(f"/workflow-runs/{run_id}/partial-rerun", whole, status=status)

    async def events(self, run_id: str) -> list[dict[str, Any]]:
        return (await self.get(f"/events?run_id={run_id}&limit=500"))["items"]

    async def event_types(self, run_id: str) -> list[str]:
        return [event["type"] for event in await self.events(run_id)]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def restored_logging() -> Iterator[None]:
    """Whatever a test does to the logging of this process is undone after it."""
    root, handlers, level = logging.getLogger(), logging.getLogger().handlers[:], logging.getLogger().level
    access, hook = logs.ACCESS.level, sys.excepthook
    root.handlers.clear()  # what is not there is not closed
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)
    logs.ACCESS.setLevel(access)
    sys.excepthook = hook


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """What a process of its own needs to import the service."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MULTYAGENTS_")}
    return {**clean, "PYTHONPATH": str(Path(multyagents_api.__file__).parents[1])}


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedPostgres]:
    """A server that forgets everything; tests that want it are skipped where none starts, and fail in CI."""
    server = EmbeddedPostgres()
    try:
        server.start()
    except (PostgresMissing, PostgresError) as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database with all tables; migrated once, copied often."""
    file = tmp_path_factory.mktemp("migrated") / "empty.db"
    SqliteStorage(file).close()
    return file


@pytest.fixture
def sqlite_file(migrated: Path, tmp_path: Path) -> Path:
    file = tmp_path / "runs.db"
    shutil.copyfile(migrated, file)
    return file


@pytest.fixture(scope="session")
def postgres_database(postgres_server: EmbeddedPostgres) -> str:
    """The URL of a database with all tables; migrated once and emptied often, for one takes 8 MB of memory."""
    url = postgres_server.create_database("migrated")
    PostgresStorage(url)
    return url


@pytest.fixture
def emptied_database(postgres_database: str) -> str:
    """The same without connections and rows of tests before; who changes its tables needs one of his own."""
    asyncio.run(empty(postgres_database))
    return postgres_database


async def empty(url: str) -> None:
    """Take everything from a database that tests store in it, and begin the numbers of rows anew."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(OTHERS_LEAVE)
        names = ", ".join(table.name for table in metadata.sorted_tables if table is not lock_table)
        await connection.execute(f"TRUNCATE {names} RESTART IDENTITY")
    finally:
        await connection.close()


OTHERS_LEAVE = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
"""Within 5,000 ms: a server that a test has killed may still hold its locks."""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database(request: pytest.FixtureRequest) -> Path | str:
    """What the settings call a database: each test runs on both kinds."""
    return request.getfixturevalue("sqlite_file" if request.param == "sqlite" else "emptied_database")


@pytest.fixture
def runner() -> ScriptedRunner:
    return ScriptedRunner()


@pytest.fixture
async def services(database: Path | str, runner: ScriptedRunner) -> AsyncIterator[Services]:
    app = create_app(Settings(database, auth=AuthKind.OFF), clock=TickingClock(), runner=runner)
    yield app.state.services
    await app.state.services.storage.aclose()


@asynccontextmanager
async def _connected(database: Path, runner: ScriptedRunner) -> AsyncIterator[Api]:
    app = create_app(Settings(database, auth=AuthKind.OFF), clock=TickingClock(), runner=runner)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        yield Api(client)
    await app.state.services.storage.aclose()


@pytest.fixture(scope="session")
def connect() -> Callable[[Path], AbstractAsyncContextManager[tuple[Api, ScriptedRunner]]]:
    """Opens a client and its runner over a database, for tests that need several of them."""

    @asynccontextmanager
    async def opened(database: Path) -> AsyncIterator[tuple[Api, ScriptedRunner]]:
        runner = ScriptedRunner()
        async with _connected(database, runner) as api:
            yield api, runner

    return opened


@pytest.fixture
async def api(database: Path, runner: ScriptedRunner) -> AsyncIterator[Api]:
    async with _connected(database, runner) as connected:
        yield connected
