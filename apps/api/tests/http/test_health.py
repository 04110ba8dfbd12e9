"""Whether the process lives, and whether it can serve."""

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


async def test_the_contract_is_published(api):
    """The OpenAPI document names every operation."""
    paths = (await api.get("/openapi.json"))["paths"]
    assert "/workflow-runs/{run_id}/dispatch-ready" in paths
    assert "/runner/tasks/{task_id}/status" in paths
