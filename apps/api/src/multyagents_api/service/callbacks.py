"""Callbacks: what the runner reports about an attempt, applied forward only and once."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from multyagents_api.domain.errors import KeyReused, UnknownArtifact
from multyagents_api.domain.events import EventType, PayloadValue, task_event
from multyagents_api.domain.gates import GateResult, check_gates, gates_with
from multyagents_api.domain.handoffs import NewHandoff, check_comes_at_the_end
from multyagents_api.domain.leases import NO_LEASES, LeasePolicy
from multyagents_api.domain.redaction import redact
from multyagents_api.domain.roles import RetryPolicy
from multyagents_api.domain.runs import RunStatus
from multyagents_api.domain.tasks import ACTIVE, Task, TaskStatus, is_progress, retry_is_due
from multyagents_api.observing.metrics import Metrics
from multyagents_api.service.change import RunChange, Seen, why_without_run
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
    handoff: NewHandoff | None = None
    quality_gates: Mapping[str, GateResult] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Use cases about callbacks."""

    storage: Storage
    clock: Clock
    metrics: Metrics
    leases: LeasePolicy = NO_LEASES

    async def apply(self, report: Report) -> Task:
        """Move the task as reported; a repetition of what is known changes nothing but the end of its lease.

        Secrets in the message and in the hand-off are left out before anything is kept.
        """
        if report.message is not None:
            report = replace(report, message=redact(report.message))
        if report.handoff is not None:
            check_comes_at_the_end(report.status)
            report = replace(report, handoff=report.handoff.redacted())
        task = await decide_until_current("task", lambda: self._apply(report))
        self.metrics.reported(report.status)
        return task

    async def _apply(self, report: Report) -> Task:
        async with self.storage.read() as reader:
            seen = await reader.run_around(report.task_id)
            if seen is None:
                raise await why_without_run(reader, report.task_id)
            [task] = [task for task in seen[1] if task.id == report.task_id]
            repeated = await _is_repetition(reader, report) or not is_progress(
                task, report.attempt, report.status
            )
            policy = RetryPolicy() if repeated else await _checked(reader, task, report)
        if repeated:
            await self._hear(task, report)
            return task
        return await self._move(seen, task, report, policy)

    async def _hear(self, task: Task, report: Report) -> None:
        """Whoever repeats that an attempt is under way is there, and keeps it."""
        if task.status in ACTIVE and (until := self.leases.until(self.clock.now())) is not None:
            async with self.storage.write() as writer:
                await writer.extend_lease(task.id, report.attempt, until)

    async def _move(self, seen: Seen, task: Task, report: Report, policy: RetryPolicy) -> Task:
        now = self.clock.now()
        async with self.storage.write() as writer:
            reserve = 1 if report.handoff is None else 2
            change = await RunChange.open(writer, task.run, now, reserve=reserve, seen=seen)
            moved = await writer.move_task(
                task.id,
                report.attempt,
                expected=task.status,
                status=report.status,
                reason=report.message,
                now=now,
                lease_until=self.leases.until(now),
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
                    **_told_of_failure(report),
                    **_told_of_gates(report),
                )
            )
            if report.handoff is not None:
                await _publish(change, task, report.attempt, report.handoff)
            if report.status not in ACTIVE:
                await change.release_paths(moved)
            if change.run.status is not RunStatus.ABORTED and retry_is_due(
                task, report.failure_category, policy
            ):
                moved = await _schedule_retry(change, moved, policy)
            change.moved(moved)
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


async def _checked(reader: Reader, task: Task, report: Report) -> RetryPolicy:
    """Refuse a report that can't be so; gives the policy by which a failure is tried again."""
    check_gates(task, report.status, report.quality_gates)
    await _check_artifacts(reader, task, report)
    return await _retry_policy(reader, task, report)


async def _check_artifacts(reader: Reader, task: Task, report: Report) -> None:
    """Refuse a hand-off that names what its run does not have; artifacts stay, once they are there."""
    if report.handoff is None:
        return
    known = await reader.known_artifacts(task.run, report.handoff.artifact_ids)
    for artifact_id in report.handoff.artifact_ids:
        if artifact_id not in known:
            raise UnknownArtifact(str(artifact_id))


async def _publish(change: RunChange, task: Task, attempt: int, new: NewHandoff) -> None:
    handoff = await change.writer.insert_handoff(task, attempt, new, change.now)
    change.tell(
        task_event(
            EventType.HANDOFF_PUBLISHED,
            task,
            attempt,
            handoff_id=str(handoff.id),
            summary=handoff.summary,
            artifact_ids=[str(artifact_id) for artifact_id in handoff.artifact_ids],
        )
    )


def _told_of_failure(report: Report) -> dict[str, PayloadValue]:
    if report.failure_category is None or report.status is not TaskStatus.FAILED:
        return {}
    return {"failure_category": redact(report.failure_category)}


def _told_of_gates(report: Report) -> dict[str, PayloadValue]:
    if not report.quality_gates:
        return {}
    return {
        "quality_gates_passed": gates_with(GateResult.PASSED, report.quality_gates),
        "quality_gates_failed": gates_with(GateResult.FAILED, report.quality_gates),
    }


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
