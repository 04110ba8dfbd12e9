"""Callbacks: what the runner reports about an attempt, applied forward only and once."""

from dataclasses import dataclass

from multyagents_api.domain.errors import NotFound
from multyagents_api.domain.events import EventType, task_event
from multyagents_api.domain.tasks import ACTIVE, Task, TaskStatus, is_progress
from multyagents_api.service.change import RunChange
from multyagents_api.service.ports import Clock, Outdated, Storage
from multyagents_api.service.retry import decide_until_current

__all__ = ["Callbacks", "Report"]


@dataclass(frozen=True, slots=True)
class Report:
    """One callback of a runner."""

    task_id: int
    attempt: int
    status: TaskStatus
    message: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Use cases about callbacks."""

    storage: Storage
    clock: Clock

    async def apply(self, report: Report) -> Task:
        """Move the task as reported; a repetition of what is known changes nothing."""
        return await decide_until_current("task", lambda: self._apply(report))

    async def _apply(self, report: Report) -> Task:
        async with self.storage.read() as reader:
            task = await reader.task(report.task_id)
        if task is None:
            raise NotFound("task", str(report.task_id))
        if not is_progress(task, report.attempt, report.status):
            return task
        return await self._move(task, report)

    async def _move(self, task: Task, report: Report) -> Task:
        now = self.clock.now()
        async with self.storage.write() as writer:
            change = await RunChange.open(writer, task.run_id, now, reserve=1)
            moved = await writer.move_task(
                task.id,
                report.attempt,
                expected=task.status,
                status=report.status,
                reason=report.message,
                now=now,
            )
            if moved is None:
                raise Outdated
            change.tell(
                task_event(
                    EventType.RUNNER_STATUS_UPDATED,
                    task,
                    report.attempt,
                    status=report.status.value,
                    previous=task.status.value,
                    message=report.message,
                )
            )
            if report.status in ACTIVE:  # an active task stays active: the run's status can't change
                await change.finish(change.run.status)
            else:
                await change.settle()
        return moved
