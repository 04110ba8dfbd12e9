"""Whether the process lives, and whether it can serve."""

import re

import pytest
from sqlalchemy.exc import DatabaseError

pytestmark = pytest.mark.anyio


async def test_a_healthy_service_says_so(api):
    """Alive and ready."""
    assert await api.get("/healthz") == {"status": "ok"}
    assert await api.get("/readyz") == {"status": "ok"}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_service_whose_tables_are_of_another_version_is_not_ready(api, services):
    """It lives, but should get no requests."""
    services.storage._connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'v9999'")
    assert (await api.get("/healthz"))["status"] == "ok"
    assert (await api.get("/readyz", status=503))["code"] == "not_ready"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_service_whose_store_does_not_answer_is_not_ready(api, services, monkeypatch):
    """Not ready, rather than failing."""
    broken = DatabaseError("SELECT", {}, OSError("disk gone"))

    def is_current(_connection):
        raise broken

    monkeypatch.setattr("multyagents_api.storage.sqlite.is_current", is_current)
    assert (await api.get("/readyz", status=503))["code"] == "not_ready"


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
    *("GET /handoffs", "GET /healthz", "GET /readyz"),
}


async def test_the_contract_is_published(api):
    """The OpenAPI document names every operation, and no other."""
    paths = (await api.get("/openapi.json"))["paths"]
    published = {
        f"{method.upper()} {re.sub('{[^}]*}', 'ID', path)}" for path in paths for method in paths[path]
    }
    assert published == OPERATIONS
