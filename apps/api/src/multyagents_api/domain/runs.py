"""Runs: their status as a function of their tasks, and what operators may do to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from multyagents_api.domain.errors import IllegalTransition, RunAborted, RunPaused
from multyagents_api.domain.tasks import ACTIVE, Task, TaskStatus, dependencies_satisfied, succeeded_steps

__all__ = ["HELD", "Run", "RunStatus", "check_not_held", "check_transition", "derive_status"]


class RunStatus(StrEnum):
    """Where a run stands; values are the words on the wire."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    ABORTED = "aborted"
    SUCCESS = "success"
    FAILED = "failed"


HELD = frozenset({RunStatus.PAUSED, RunStatus.ABORTED})
"""Set by operators; nothing that tasks do undoes them."""

_SOURCES: Mapping[RunStatus, frozenset[RunStatus]] = {
    RunStatus.PAUSED: frozenset({RunStatus.CREATED, RunStatus.RUNNING}),
    RunStatus.RUNNING: frozenset({RunStatus.PAUSED}),
    RunStatus.ABORTED: frozenset({RunStatus.CREATED, RunStatus.RUNNING, RunStatus.PAUSED}),
}


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a template, or of tasks that were made by themselves.

    `version` grows with every change; `event_sequence` is the number of the run's latest event.
    """

    id: int
    template_id: int | None
    initiated_by: str | None
    status: RunStatus
    version: int
    rerun_count: int
    event_sequence: int
    created_at: datetime
    updated_at: datetime


def derive_status(tasks: Sequence[Task]) -> RunStatus:
    """What the tasks of a run make of it, unless an operator holds it.

    A submit-failed task can be dispatched again, but nobody works on it: it lets the run fail, and the next
    dispatch makes it run again.
    """
    if all(task.status is TaskStatus.SUCCESS for task in tasks):
        return RunStatus.SUCCESS
    if any(task.status in ACTIVE for task in tasks):
        return RunStatus.RUNNING
    succeeded = succeeded_steps(tasks)
    if any(task.status is TaskStatus.CREATED and dependencies_satisfied(task, succeeded) for task in tasks):
        started = any(task.attempt > 0 for task in tasks)
        return RunStatus.RUNNING if started else RunStatus.CREATED
    return RunStatus.FAILED


def check_not_held(run: Run) -> None:
    """Refuse to go on with a run that an operator paused or aborted."""
    if run.status is RunStatus.PAUSED:
        raise RunPaused(run.id)
    if run.status is RunStatus.ABORTED:
        raise RunAborted(run.id)


def check_transition(run: Run, wanted: RunStatus) -> None:
    """Refuse what an operator may not do now: pause, resume (wanted `running`) or abort."""
    if run.status not in _SOURCES[wanted]:
        raise IllegalTransition("run", run.status, wanted)
