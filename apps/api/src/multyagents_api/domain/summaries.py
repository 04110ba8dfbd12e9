"""Summaries: how far a run is, how long it took, and what holds back the tasks that can't go."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from multyagents_api.domain.readiness import BlockedReason
from multyagents_api.domain.runs import Run, RunStatus
from multyagents_api.domain.tasks import ACTIVE, ENDED, FINISHED, Task, TaskStatus

__all__ = ["DispatchTimes", "ExecutionSummary", "TaskSummary", "summarize"]

_OVER = frozenset({RunStatus.SUCCESS, RunStatus.FAILED, RunStatus.ABORTED})


@dataclass(frozen=True, slots=True)
class DispatchTimes:
    """When a task was dispatched for the first time, and when its latest attempt was."""

    task_id: int
    first: datetime
    latest: datetime


@dataclass(frozen=True, slots=True)
class TaskSummary:
    """Where a task stands; `ended_at` is None while an attempt may still follow or goes on."""

    task: Task
    dispatched_at: datetime | None
    ended_at: datetime | None
    blocked: BlockedReason | None


@dataclass(frozen=True, slots=True)
class ExecutionSummary:
    """Where a run stands.

    `finished` counts the tasks that succeeded, failed or were canceled; `finished_at` is None until the run
    is over and nobody works on it any more.
    """

    run: Run
    tasks: Sequence[TaskSummary]
    counts: Mapping[TaskStatus, int]
    finished: int
    first_dispatched_at: datetime | None
    finished_at: datetime | None

    @property
    def percent(self) -> int:
        """How much of the run is finished, rounded down: 100 only when all of it is."""
        return 100 * self.finished // max(1, len(self.tasks))

    @property
    def duration_s(self) -> float | None:
        """Seconds from the first dispatch to the end; None while there is no end, or was no dispatch.

        0 where the clock was set back meanwhile.
        """
        if self.first_dispatched_at is None or self.finished_at is None:
            return None
        return max(0.0, (self.finished_at - self.first_dispatched_at).total_seconds())


def summarize(
    run: Run,
    tasks: Sequence[Task],
    times: Sequence[DispatchTimes],
    blocked: Mapping[int, BlockedReason],
) -> ExecutionSummary:
    """Sum up a run from its tasks, when they were dispatched, and what holds them back, by their ids."""
    latest = {each.task_id: each.latest for each in times}
    ended = {task.id: task.updated_at for task in tasks if task.status in ENDED}
    statuses = Counter(task.status for task in tasks)
    is_over = run.status in _OVER and not any(statuses[status] for status in ACTIVE)
    return ExecutionSummary(
        run=run,
        tasks=[
            TaskSummary(task, latest.get(task.id), ended.get(task.id), blocked.get(task.id)) for task in tasks
        ],
        counts={status: statuses[status] for status in TaskStatus},
        finished=sum(statuses[status] for status in FINISHED),
        first_dispatched_at=min((each.first for each in times), default=None),
        finished_at=max(ended.values(), default=None) if is_over else None,
    )
