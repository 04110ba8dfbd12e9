"""Tasks: their states, what a runner may report, and which of them could be dispatched."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from multyagents_api.domain.artifacts import RequiredArtifact
from multyagents_api.domain.context7 import Context7
from multyagents_api.domain.errors import (
    IllegalTransition,
    NeverDispatched,
    NotInRun,
    StaleAttempt,
    UnknownAttempt,
)
from multyagents_api.domain.roles import RetryPolicy
from multyagents_api.domain.workspaces import NO_WORKSPACE, Workspace

__all__ = [
    "ACTIVE",
    "DISPATCHABLE",
    "ENDED",
    "FINISHED",
    "RERUNNABLE",
    "Task",
    "TaskStatus",
    "check_is_latest",
    "dependencies_satisfied",
    "is_progress",
    "ready_tasks",
    "retry_is_due",
    "succeeded_steps",
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

ENDED = FINISHED | {TaskStatus.SUBMIT_FAILED}
"""How an attempt may end; no status follows."""

_PROGRESS: Mapping[TaskStatus, frozenset[TaskStatus]] = {
    TaskStatus.DISPATCHED: FINISHED | {TaskStatus.QUEUED, TaskStatus.RUNNING},
    TaskStatus.QUEUED: FINISHED | {TaskStatus.RUNNING},
    TaskStatus.RUNNING: FINISHED,
    TaskStatus.CANCEL_REQUESTED: FINISHED,
}


@dataclass(frozen=True, slots=True)
class Task:
    """One step of one run; `run_id` is None until a run takes up a task that was made by itself.

    `attempt` counts dispatches (0: never dispatched); `last_rerun` is the number of the partial rerun that
    reset the task last (0: none); `approval_id` names the approval that the next dispatch needs;
    `carries_approval_over` lets a partial rerun keep it.
    """

    id: int
    run_id: int | None
    step_id: str
    role_id: int
    title: str
    depends_on: tuple[str, ...]
    requires_approval: bool
    approval_id: int | None
    carries_approval_over: bool
    context7: Context7
    status: TaskStatus
    attempt: int
    retries_used: int
    last_rerun: int
    reason: str | None
    updated_at: datetime
    project_id: int | None = None
    workspace: Workspace = NO_WORKSPACE
    required_artifacts: tuple[RequiredArtifact, ...] = ()
    quality_gates: tuple[str, ...] = ()

    @property
    def run(self) -> int:
        """The run that the task belongs to.

        Raises:
            NotInRun: it belongs to none yet.
        """
        if self.run_id is None:
            raise NotInRun(self.id)
        return self.run_id


def retry_is_due(task: Task, category: str | None, policy: RetryPolicy) -> bool:
    """Whether a failure just reported for this task, as it stood before, schedules another attempt."""
    return task.status is not TaskStatus.CANCEL_REQUESTED and policy.allows(category, task.retries_used)


def check_is_latest(task: Task, attempt: int) -> None:
    """Refuse what names any attempt but the latest, or that one after the task was reset.

    Raises:
        NeverDispatched: no attempt was ever opened.
        StaleAttempt: the attempt is over, and the task was reset or dispatched since.
        UnknownAttempt: the attempt was not opened yet.
    """
    if task.attempt == 0:
        raise NeverDispatched(task.id)
    if attempt > task.attempt:
        raise UnknownAttempt(task.id, attempt, task.attempt)
    if attempt < task.attempt or task.status is TaskStatus.CREATED:
        raise StaleAttempt(task.id, attempt, task.attempt)


def is_progress(task: Task, attempt: int, reported: TaskStatus) -> bool:
    """Whether a runner's report moves the task on; False where it repeats what is known.

    Raises:
        NeverDispatched: no attempt was ever opened.
        StaleAttempt: the attempt is over, and the task was reset or dispatched since.
        UnknownAttempt: the attempt was not opened yet.
        IllegalTransition: the report would move the task backward.
    """
    check_is_latest(task, attempt)
    if reported is task.status:
        return False
    if reported not in _PROGRESS.get(task.status, frozenset()):
        raise IllegalTransition("task", task.status, reported)
    return True


def dependencies_satisfied(task: Task, succeeded: AbstractSet[str]) -> bool:
    """Whether every step that the task depends on is among the succeeded ones."""
    return all(dependency in succeeded for dependency in task.depends_on)


def ready_tasks(tasks: Sequence[Task]) -> list[Task]:
    """The tasks of a run, in template order, that only an approval may still hold back."""
    succeeded = succeeded_steps(tasks)
    return [task for task in tasks if task.status in DISPATCHABLE and dependencies_satisfied(task, succeeded)]


def succeeded_steps(tasks: Iterable[Task]) -> set[str]:
    """The steps that ended well."""
    return {task.step_id for task in tasks if task.status is TaskStatus.SUCCESS}
