"""Planted faults that a restart, or a callback that comes again, must bring to light."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import or_, update

from multyagents_api.domain import tasks as task_rules
from multyagents_api.domain.tasks import ACTIVE, TaskStatus
from multyagents_api.scenarios.planted.attempts import stale_attempt
from multyagents_api.scenarios.planted.dispatches import (
    events_outside_the_transaction,
    outbox_outside_the_transaction,
)
from multyagents_api.scenarios.planted.planting import replaced
from multyagents_api.service import callbacks
from multyagents_api.service.outbox import Outbox
from multyagents_api.storage import sqlite, tables
from multyagents_api.storage.guards import GuardedWrites
from multyagents_api.storage.writes import SqlWriter

__all__ = [
    "acknowledged_before_the_commit",
    "answers_of_the_runner_forgotten",
    "callbacks_applied_again",
    "events_written_late",
    "keys_ignored",
    "outbox_written_late",
    "stale_callbacks_applied",
    "start_over_after_a_restart",
]

COMMITS_AT_ONCE = 1_000
LATE_S = 1.0


@contextmanager
def acknowledged_before_the_commit() -> Iterator[None]:
    """A SQLite transaction is acknowledged, and committed with a thousand others."""
    genuine, under_way = sqlite.perform, 0

    def perform(driver: Any, statement: str) -> None:
        nonlocal under_way
        under_way += statement == "COMMIT"
        is_open = statement.startswith("BEGIN") and driver.in_transaction
        if not is_open and not (statement == "COMMIT" and under_way % COMMITS_AT_ONCE):
            genuine(driver, statement)

    with replaced(sqlite, "perform", perform):
        yield


@contextmanager
def outbox_written_late() -> Iterator[None]:
    """A dispatch is committed first, and its outbox row a while later."""
    with outbox_outside_the_transaction(), delivered_late():
        yield


@contextmanager
def events_written_late() -> Iterator[None]:
    """A dispatch is committed first, and what tells of it a while later."""
    with events_outside_the_transaction(), delivered_late():
        yield


@contextmanager
def delivered_late() -> Iterator[None]:
    """Whatever follows the commit of a dispatch waits, so that a kill comes in between."""
    genuine = Outbox.deliver

    async def deliver(self: Outbox, submission: Any) -> Any:
        await asyncio.sleep(LATE_S)
        return await genuine(self, submission)

    with replaced(Outbox, "deliver", deliver):
        yield


@contextmanager
def keys_ignored() -> Iterator[None]:
    """Whether a callback was applied before is not asked of its key."""

    async def never(*_about: Any) -> bool:
        return False

    async def forget(*_about: Any) -> None:
        pass

    with replaced(callbacks, "_is_repetition", never), replaced(SqlWriter, "insert_callback_key", forget):
        yield


@contextmanager
def callbacks_applied_again() -> Iterator[None]:
    """A callback that repeats the task's status is applied like a new one."""
    genuine = task_rules.is_progress

    def is_progress(task: Any, attempt: int, reported: TaskStatus) -> bool:
        return genuine(task, attempt, reported) or reported is task.status

    with keys_ignored(), replaced(callbacks, "is_progress", is_progress):
        yield


@contextmanager
def stale_callbacks_applied() -> Iterator[None]:
    """Nobody asks which attempt a callback is about."""
    with stale_attempt(), replaced(task_rules, "check_is_latest", lambda *_: None):
        yield


@contextmanager
def answers_of_the_runner_forgotten() -> Iterator[None]:
    """That an attempt is with the runner is told, and not noted in the outbox."""

    async def forget(*_about: Any) -> bool:
        return True

    with replaced(GuardedWrites, "finish_submission", forget):
        yield


@contextmanager
def start_over_after_a_restart() -> Iterator[None]:
    """A service that starts takes whatever was under way for lost, and lets it be dispatched again."""
    genuine = Outbox.deliver_overdue
    is_active = or_(*(tables.tasks.c.status == status.value for status in sorted(ACTIVE)))
    reset = update(tables.tasks).where(is_active).values(status=TaskStatus.CREATED.value)

    async def deliver_overdue(self: Outbox, *, after: timedelta = timedelta(0)) -> int:
        if not after:
            async with self.storage.write() as writer:
                await writer._connection.execute(reset)  # type: ignore[attr-defined]  # noqa: SLF001
        return await genuine(self, after=after)

    with replaced(Outbox, "deliver_overdue", deliver_overdue):
        yield
