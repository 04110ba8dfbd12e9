"""Whether the process lives, and whether it can serve."""

import asyncio
import re
from itertools import count

import httpx
import pytest

from multyagents_api.bootstrap import AuthKind, RunnerKind, Settings, create_app
from multyagents_api.observing.recent import Recent

pytestmark = pytest.mark.anyio


async def test_a_healthy_service_says_so(api):
    """Alive and ready."""
    assert await api.get("/healthz") == {"status": "ok"}
    dependencies = {"database": {"status": "ok"}, "runner": {"status": "ok"}}
    assert await api.get("/readyz") == {"status": "ok", "dependencies": dependencies}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_service_whose_tables_are_of_another_version_is_not_ready(api, services):
    """It lives, but should get no requests."""
    services.storage._connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'v9999'")
    assert (await api.get("/healthz"))["status"] == "ok"
    problem = await api.get("/readyz", status=503)
    assert problem["code"] == "not_ready"
    other = {"status": "down", "detail": "the database has not the tables of this version"}
    assert problem["dependencies"] == {"database": other, "runner": {"status": "ok"}}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_service_whose_database_file_is_gone_is_not_ready(api, sqlite_file):
    """The file is looked for anew, not the one that is held open; and it is not created."""
    sqlite_file.unlink()
    problem = await api.get("/readyz", status=503)
    assert problem["dependencies"]["database"]["detail"] == "the database does not answer (SQLITE_CANTOPEN)"
    assert "SQLITE_CANTOPEN" in problem["detail"]
    assert not sqlite_file.exists()


async def test_a_hung_database_gives_an_answer(connect, sqlite_file, monkeypatch):
    """Whoever asks is not hung with it, and does not ask it again while it hangs."""
    asked = 0

    async def hang(_storage):
        nonlocal asked
        asked += 1
        await asyncio.Event().wait()

    monkeypatch.setattr("multyagents_api.service.health.BUDGET_S", 0.01)
    monkeypatch.setattr("multyagents_api.storage.sqlite.SqliteStorage.trouble", hang)
    async with connect(sqlite_file) as (api, _):
        for _ in range(2):
            problem = await api.get("/readyz", status=503)
            assert problem["dependencies"]["database"]["detail"] == "no answer within 0.01 s"
        assert asked == 1
        assert (await api.get("/healthz"))["status"] == "ok"


async def degraded_by(url: str, database) -> str:
    """What a service says of its runner at a URL, while it is ready for requests all the same."""
    settings = Settings(database, auth=AuthKind.OFF, runner=RunnerKind.HTTP, runner_url=url)
    app = create_app(settings)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        response = await client.get("/readyz")
    await app.state.services.resources.aclose()
    await app.state.services.storage.aclose()
    assert response.status_code == 200
    assert response.json()["status"] == "degraded"
    assert response.json()["dependencies"]["database"] == {"status": "ok"}
    return response.json()["dependencies"]["runner"]["detail"]


async def test_a_service_without_its_runner_is_degraded(sqlite_file):
    """It takes requests, and says why work does not go on; passwords stay unsaid."""
    said = await degraded_by("http://mia:hunter2@127.0.0.1:1/base", sqlite_file)
    assert said == "the runner can't be reached (ConnectError)"


async def test_a_runner_that_is_not_ready_degrades_the_service(sqlite_file):
    """Its own `/readyz` is asked, below its URL."""
    asked = []

    async def answer(reader, writer):
        asked.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0])
        writer.write(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    assert await degraded_by(f"http://127.0.0.1:{port}/base", sqlite_file) == "the runner answered 503"
    assert asked == [b"GET /base/readyz HTTP/1.1"]
    server.close()
    await server.wait_closed()


async def test_a_recent_answer_is_not_asked_for_again():
    """However many ask; once it is stale, or was never one, it is looked up anew."""
    numbers = count()

    async def look_up():
        number = next(numbers)
        if number == 1:
            raise OSError
        return number

    fresh = Recent(look_up, fresh_s=3600)
    assert await asyncio.gather(fresh.get(budget_s=60), fresh.get(budget_s=60), fresh.get(budget_s=60)) == [
        0,
        0,
        0,
    ]
    stale = Recent(look_up, fresh_s=0)
    with pytest.raises(OSError):
        await stale.get(budget_s=60)
    assert [await stale.get(budget_s=60), await stale.get(budget_s=60)] == [2, 3]


CATALOGUE = ("projects", "skill-packs", "roles", "workflow-templates")
OPERATIONS = {
    *(f"{method} /{kind}" for kind in CATALOGUE for method in ("GET", "POST")),
    *(f"{method} /{kind}/ID" for kind in CATALOGUE for method in ("GET", "PUT", "DELETE")),
    *("POST /tasks", "GET /tasks/ID", "POST /tasks/ID/dispatch", "POST /tasks/ID/cancel"),
    *("GET /tasks/ID/approval", "GET /tasks/ID/handoff", "GET /tasks/ID/audit"),
    *("POST /workflow-runs", "GET /workflow-runs", "GET /workflow-runs/ID"),
    *("POST /workflow-runs/ID/dispatch-ready", "POST /workflow-runs/ID/control-loop"),
    *("POST /workflow-runs/ID/partial-rerun", "GET /workflow-runs/ID/execution-summary"),
    *(f"POST /workflow-runs/ID/{move}" for move in ("pause", "resume", "abort")),
    "POST /runner/tasks/ID/heartbeat",
    "POST /runner/tasks/ID/status",
    *("GET /approvals/ID", "POST /approvals/ID/approve", "POST /approvals/ID/reject"),
    *("GET /events", "POST /events", "GET /artifacts", "POST /artifacts", "GET /artifacts/ID"),
    *("GET /handoffs", "GET /healthz", "GET /readyz", "GET /metrics"),
    "GET /events/stream",
}


async def test_the_contract_is_published(api):
    """The OpenAPI document names every operation, and no other."""
    paths = (await api.get("/openapi.json"))["paths"]
    published = {
        f"{method.upper()} {re.sub('{[^}]*}', 'ID', path)}" for path in paths for method in paths[path]
    }
    assert published == OPERATIONS
