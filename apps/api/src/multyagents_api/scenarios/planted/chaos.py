"""Planted faults that only chaos brings to light: what the service forgets when something is taken away."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from multyagents_api.domain.leases import LeasePolicy
from multyagents_api.domain.tasks import Task, TaskStatus, ready_tasks
from multyagents_api.runner import execution
from multyagents_api.runner.http_runner import HttpRunner
from multyagents_api.scenarios.planted.planting import replaced, weakened
from multyagents_api.service import dispatching
from multyagents_api.service.health import Health, HealthStatus
from multyagents_api.service.leases import Leases
from multyagents_api.service.outbox import Outbox
from multyagents_api.storage import sqlite
from multyagents_api.storage.reads import SqlReader

__all__ = [
    "active_tasks_dispatched_again",
    "always_ready",
    "careless_supervisor",
    "clock_trusted",
    "commits_not_waited_for",
    "delivered_twice",
    "full_disk_unhandled",
    "leases_never_end",
    "lost_database_unhandled",
    "no_time_limit",
    "nobody_sweeps",
]

NEVER = datetime(9999, 1, 1, tzinfo=UTC)
CARELESS = """
import os, sys
os.fchdir(int(sys.argv[3]))
os.execvp(sys.argv[4], sys.argv[4:])
"""


@contextmanager
def lost_database_unhandled() -> Iterator[None]:
    """Whatever the driver says about a connection is taken for a defect."""
    from multyagents_api.storage import postgres  # noqa: PLC0415 - 0.2 s that only who needs it should pay

    with replaced(postgres, "_refusal_for", lambda *_: None):
        yield


@contextmanager
def commits_not_waited_for() -> Iterator[None]:
    """PostgreSQL acknowledges commits long before they are on the disk."""
    import asyncpg  # noqa: PLC0415 - as above

    genuine = asyncpg.create_pool

    def create_pool(*arguments: Any, server_settings: dict[str, str], init: Any, **options: Any) -> Any:
        async def slow_down(driver: Any) -> None:
            await init(driver)
            await driver.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
            await driver.execute("SELECT pg_reload_conf()")

        fleeting = {**server_settings, "synchronous_commit": "off"}
        return genuine(*arguments, server_settings=fleeting, init=slow_down, **options)

    with replaced(asyncpg, "create_pool", create_pool):
        yield


@contextmanager
def no_time_limit() -> Iterator[None]:
    """A statement is waited for, however long it takes."""
    from multyagents_api.storage import postgres  # noqa: PLC0415 - as above

    with replaced(postgres, "COMMAND_TIMEOUTS", 1_000):
        yield


@contextmanager
def always_ready() -> Iterator[None]:
    """Whoever asks is told that requests are welcome."""

    async def look(_self: Health) -> tuple[HealthStatus, dict[str, Any]]:
        return HealthStatus.OK, {}

    with replaced(Health, "look", look):
        yield


@contextmanager
def full_disk_unhandled() -> Iterator[None]:
    """Whatever SQLite says about the disk is taken for a defect."""
    with replaced(sqlite, "REFUSALS", {}):
        yield


@contextmanager
def nobody_sweeps() -> Iterator[None]:
    """What is overdue stays so."""

    async def deliver_overdue(_self: Outbox, **_options: Any) -> int:
        return 0

    with replaced(Outbox, "deliver_overdue", deliver_overdue):
        yield


@contextmanager
def leases_never_end() -> Iterator[None]:
    """A silent runner keeps what it has."""

    async def end_lost(_self: Leases) -> int:
        return 0

    with replaced(Leases, "end_lost", end_lost):
        yield


@contextmanager
def delivered_twice() -> Iterator[None]:
    """An attempt is handed over, and again, though the runner has answered."""
    genuine = HttpRunner.submit

    async def submit(self: HttpRunner, submission: Any) -> Any:
        await genuine(self, submission)
        return await genuine(self, submission)

    with replaced(HttpRunner, "submit", submit):
        yield


@contextmanager
def active_tasks_dispatched_again() -> Iterator[None]:
    """A dispatch that is repeated opens another attempt of what is under way already."""

    def ready_or_dispatched(tasks: Sequence[Task]) -> list[Task]:
        under_way = [task for task in tasks if task.status in {TaskStatus.DISPATCHED, TaskStatus.QUEUED}]
        return [*under_way, *ready_tasks(tasks)]

    with replaced(dispatching, "ready_tasks", ready_or_dispatched), weakened("CLAIM_TASK", "tasks.status"):
        yield


@contextmanager
def clock_trusted() -> Iterator[None]:
    """What is written in a time to come is left alone until that has come."""
    genuine = SqlReader.pending_submissions

    async def pending_submissions(
        self: SqlReader,
        *,
        before: datetime,
        beyond: datetime,  # noqa: ARG001 - the fault
        limit: int,
    ) -> Any:
        return await genuine(self, before=before, beyond=NEVER, limit=limit)

    with (
        replaced(SqlReader, "pending_submissions", pending_submissions),
        replaced(LeasePolicy, "beyond", lambda *_: None),
    ):
        yield


@contextmanager
def careless_supervisor() -> Iterator[None]:
    """The runner starts commands, and nobody ends them when it is gone."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "supervisor.py"
        script.write_text(CARELESS, encoding="utf-8")
        with replaced(execution, "SUPERVISOR", script):
            yield
