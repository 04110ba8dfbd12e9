"""Callbacks: what the runner reports about an attempt, applied forward only and once."""

from dataclasses import dataclass, replace

from multyagents_api.domain.errors import KeyReused, NotFound, NotInRun
from multyagents_api.domain.events import EventType, task_event
from multyagents_api.domain.redaction import redact
from multyagents_api.domain.roles import RetryPolicy
from multyagents_api.domain.runs import RunStatus
from multyagents_api.domain.tasks import ACTIVE, Task, TaskStatus, is_progress, retry_is_due
from multyagents_api.service.change import RunChange
from multyagents_api.service.ports import Clock, Outdated, Reader, Storage
from multyagents_api.service.retry import decide_until_current

__all__ = ["Callbacks", "Report"]


@dataclass(frozen=True, slots=True)
class Report:
    """One callback of a runner."""

    task_id: int
    attempt: int
    status: TaskStatus
    message: str | None = None
    failure_category: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Use cases about callbacks."""

    storage: Storage
    clock: Clock

    async def apply(self, report: Report) -> Task:
        """Move the task as reported; a repetition of what is known changes nothing.

        Secrets in the message are left out before anything is kept.
        """
        if report.message is not None:
            report = replace(report, message=redact(report.message))
        return await decide_until_current("task", lambda: self._apply(report))

    async def _apply(self, report: Report) -> Task:
        async with self.storage.read() as reader:
            task = await reader.task(report.task_id)
            if task is None:
                raise NotFound("task", str(report.task_id))
            if task.run_id is None:
                raise NotInRun(task.id)
            if await _is_repetition(reader, report) or not is_progress(task, report.attempt, report.status):
                return task
            policy = await _retry_policy(reader, task, report)
        return await self._move(task, report, policy)

    async def _move(self, task: Task, report: Report, policy: RetryPolicy) -> Task:
        now = self.clock.now()
        async with self.storage.write() as writer:
            change = await RunChange.open(writer, task.run, now, reserve=1)
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
            if report.idempotency_key is not None:
                await writer.insert_callback_key(
                    task.id, report.idempotency_key, report.attempt, report.status
                )
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
            if change.run.status is not RunStatus.ABORTED and retry_is_due(
                task, report.failure_category, policy
            ):
                moved = await _schedule_retry(change, moved, policy)
            if report.status in ACTIVE:  # an active task stays active: the run's status can't change
                await change.finish(change.run.status)
            else:
                await change.settle()
        return moved


async def _is_repetition(reader: Reader, report: Report) -> bool:
    """Whether this very callback, by its key, was applied before."""
    if report.idempotency_key is None:
        return False
    applied = await reader.callback_with_key(report.task_id, report.idempotency_key)
    if applied not in {None, (report.attempt, report.status)}:
        raise KeyReused(report.task_id, redact(report.idempotency_key))
    return applied is not None


async def _retry_policy(reader: Reader, task: Task, report: Report) -> RetryPolicy:
    if report.status is not TaskStatus.FAILED or report.failure_category is None:
        return RetryPolicy()
    role = await reader.role(task.role_id)
    return RetryPolicy() if role is None else role.retry


async def _schedule_retry(change: RunChange, failed: Task, policy: RetryPolicy) -> Task:
    retried = await change.writer.schedule_retry(failed.id, failed.attempt, policy.max_retries)
    if retried is None:
        raise Outdated
    change.tell(
        task_event(EventType.RETRY_SCHEDULED, retried, retried.attempt, retries_used=retried.retries_used)
    )
    return retried
