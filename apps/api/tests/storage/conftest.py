"""One store for each backend that there is; every contract test runs on all of them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from multyagents_api.domain.roles import NewRole, RetryPolicy
from multyagents_api.domain.runs import Run
from multyagents_api.domain.tasks import Task
from multyagents_api.domain.templates import Step
from multyagents_api.service.ports import Storage
from multyagents_api.storage.postgres import PostgresStorage
from multyagents_api.storage.sqlite import SqliteStorage

MOMENT = datetime(2026, 1, 1, 12, 30, 15, 123_456, tzinfo=UTC)


def open_storage(database: Path | str, *, busy_timeout_s: float) -> Storage:
    kind = SqliteStorage if isinstance(database, Path) else PostgresStorage
    return kind(database, busy_timeout_s=busy_timeout_s)


@pytest.fixture
async def storage(database: Path | str) -> AsyncIterator[Storage]:
    opened = open_storage(database, busy_timeout_s=5)
    yield opened
    await opened.aclose()


@pytest.fixture
async def rival(database: Path | str) -> AsyncIterator[Storage]:
    """A second process on the same store, which does not wait long."""
    opened = open_storage(database, busy_timeout_s=0.2)
    yield opened
    await opened.aclose()


@pytest.fixture
def moment() -> datetime:
    return MOMENT


@pytest.fixture
async def stored(storage: Storage, anyio_backend: str) -> tuple[Run, list[Task]]:
    """A run of two steps, the second gated."""
    async with storage.write() as writer:
        role = await writer.insert_role(NewRole("dev", True, ("git",), RetryPolicy(2, ("flaky",))), MOMENT)  # noqa: FBT003 - a field
        steps = [
            Step("free", role.id, "Free", "Go on.", (), requires_approval=False),
            Step("gated", role.id, "Gated", "Ask first.", (), requires_approval=True),
        ]
        template = await writer.insert_template("two", steps, MOMENT)
        run = await writer.insert_run(template.id, "mia", events=0, now=MOMENT)
        tasks = await writer.insert_tasks(run.id, steps, MOMENT)
        [approval] = await writer.open_approvals(tasks[1:], MOMENT)
    async with storage.read() as reader:
        tasks = await reader.tasks(run.id)
    assert tasks[1].approval_id == approval.id
    return run, tasks
