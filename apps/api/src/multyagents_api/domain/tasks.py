"""Tasks: their states, what a runner may report, and which of them could be dispatched."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from multyagents_api.domain.errors import (
    IllegalTransition,
    NeverDispatched,
    StaleAttempt,
    UnknownAttempt,
)

__all__ = [
    "ACTIVE",
    "DISPATCHABLE",
    "FINISHED",
    "RERUNNABLE",
    "Task",
    "TaskStatus",
    "dependencies_satisfied",
    "is_progress",
    "ready_tasks",
]


class TaskStatus(StrEnum):
    """Where a task stands; values are the words on the wire."""

    CREATED = "created"
    DISPATCHED = "dispatched"
    QUEUED = "queued"
    RUNNING = "running"
    CANCEL_REQUESTED = "cancel-requested"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELED = "canceled"
    SUBMIT_FAILED = "submit-failed"


ACTIVE = frozenset(
    {TaskStatus.DISPATCHED, TaskStatus.QUEUED, TaskStatus.RUNNING, TaskStatus.CANCEL_REQUESTED}
)
"""An attempt is under way."""

DISPATCHABLE = frozenset({TaskStatus.CREATED, TaskStatus.SUBMIT_FAILED})
"""The states from which a dispatch may open the next attempt."""

RERUNNABLE = frozenset({TaskStatus.FAILED, TaskStatus.CANCELED, TaskStatus.SUBMIT_FAILED})
"""The states that a partial rerun may reset."""

FINISHED = frozenset({TaskStatus.SUCCESS, TaskStatus.FAILED, TaskStatus.CANCELED})
"""How a runner may end an attempt."""

_PROGRESS: Mapping[TaskStatus, frozenset[TaskStatus]] = {
    TaskStatus.DISPATCHED: FINISHED | {TaskStatus.QUEUED, TaskStatus.RUNNING},
    TaskStatus.QUEUED: FINISHED | {TaskStatus.RUNNING},
    TaskStatus.RUNNING: FINISHED,
    TaskStatus.CANCEL_REQUESTED: FINISHED,
}


@dataclass(frozen=True, slots=True)
class Task:
    """One step of one run.

    `attempt` counts dispatches (0: never dispatched); `last_rerun` is the number of the partial rerun that reset
    the task last (0: none); `approval_id` names the approval that the next dispatch needs.
    """

    id: int
    run_id: int
    step_id: str
    role_id: int
    title: str
    depends_on: tuple[str, ...]
    requires_approval: bool
    approval_id: int | None
    status: TaskStatus
    attempt: int
    retries_used: int
    last_rerun: int
    reason: str | None
    updated_at: datetime


def is_progress(task: Task, attempt: int, reported: TaskStatus) -> bool:
    """Whether a runner's report moves the task on; False where it repeats what is known.

    Raises:
        NeverDispatched: no attempt was ever opened.
        StaleAttempt: the attempt is over, and the task was reset or dispatched since.
        UnknownAttempt: the attempt was not opened yet.
        IllegalTransition: the report would move the task backward.
    """
    if task.attempt == 0:
        raise NeverDispatched(task.id)
    if attempt > task.attempt:
        raise UnknownAttempt(task.id, attempt, task.attempt)
    if attempt < task.attempt or task.status is TaskStatus.CREATED:
        raise StaleAttempt(task.id, attempt, task.attempt)
    if reported is task.status:
        return False
    if reported not in _PROGRESS.get(task.status, frozenset()):
        raise IllegalTransition("task", task.status, reported)
    return True


def dependencies_satisfied(task: Task, succeeded: frozenset[str] | set[str]) -> bool:
    """Whether every step that the task depends on is among the succeeded ones."""
    return all(dependency in succeeded for dependency in task.depends_on)


def ready_tasks(tasks: Sequence[Task]) -> list[Task]:
    """The tasks of a run, in template order, that only an approval may still hold back."""
    succeeded = succeeded_steps(tasks)
    return [task for task in tasks if task.status in DISPATCHABLE and dependencies_satisfied(task, succeeded)]


def succeeded_steps(tasks: Iterable[Task]) -> set[str]:
    """The steps that ended well."""
    return {task.step_id for task in tasks if task.status is TaskStatus.SUCCESS}
