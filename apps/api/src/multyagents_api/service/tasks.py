"""Tasks: made, read and stopped one by one, and their history for an audit."""

from dataclasses import dataclass
from datetime import datetime

from multyagents_api.domain.errors import IllegalTransition, InvalidTask, NotFound
from multyagents_api.domain.events import Event, EventType, task_event
from multyagents_api.domain.tasks import ACTIVE, ENDED, Task, TaskStatus, check_is_latest
from multyagents_api.domain.templates import Step, check_step
from multyagents_api.service.cancellation import Cancellation
from multyagents_api.service.change import RunChange
from multyagents_api.service.locating import locate_locks
from multyagents_api.service.page import Page, cut
from multyagents_api.service.ports import AttemptRecord, Clock, Outdated, Paths, Storage
from multyagents_api.service.retry import decide_until_current

__all__ = ["AuditedAttempt", "Tasks"]


@dataclass(frozen=True, slots=True)
class AuditedAttempt:
    """One attempt: its dispatch, the approval that let it go, and how it ended, if it did."""

    record: AttemptRecord
    ended: TaskStatus | None
    ended_at: datetime | None
    message: str | None


@dataclass(frozen=True, slots=True)
class Tasks:
    """Use cases about tasks."""

    storage: Storage
    cancellation: Cancellation
    paths: Paths
    clock: Clock

    async def create(self, step: Step, project_id: int | None) -> Task:
        """Store a task that belongs to no run until one takes it up."""
        return await decide_until_current("task", lambda: self._create(step, project_id))

    async def get(self, task_id: int) -> Task:
        """One task."""
        async with self.storage.read() as reader:
            task = await reader.task(task_id)
        if task is None:
            raise NotFound("task", str(task_id))
        return task

    async def cancel(self, task_id: int, *, attempt: int | None = None, actor: str | None = None) -> Task:
        """Ask the runner to stop a task's current attempt; a callback reports the real end.

        Asking again changes nothing here, but reaches a runner that could not be reached before.
        """
        task = await decide_until_current("task", lambda: self._request_cancel(task_id, attempt, actor))
        await self.cancellation.ask([task])
        return task

    async def audit(self, task_id: int, *, after: int, limit: int) -> Page[AuditedAttempt]:
        """The attempts of a task after a given one."""
        run_id = (await self.get(task_id)).run
        async with self.storage.read() as reader:
            page = cut(await reader.attempts_after(task_id, after, limit=limit + 1), limit)
            if not page.items:
                return Page([], has_more=False)
            first, last = page.items[0].attempt, page.items[-1].attempt
            reports = await reader.reports(run_id, task_id, first, last)
        ends = {report.attempt: report for report in reports if report.payload["status"] in ENDED}
        return Page([_audited(record, ends.get(record.attempt)) for record in page.items], page.has_more)

    async def _create(self, step: Step, project_id: int | None) -> Task:
        async with self.storage.read() as reader:
            known = await reader.known_roles([step.role_id])
            project = None if project_id is None else await reader.project(project_id)
        if project is None and project_id is not None:
            raise InvalidTask(f"there is no project {project_id}", ("project_id",))
        check_step(step, known, has_project=project is not None)
        located = locate_locks(self.paths, step, project)
        async with self.storage.write() as writer:
            [task] = await writer.insert_tasks(None, [located], self.clock.now(), project_id=project_id)
        return task

    async def _request_cancel(self, task_id: int, attempt: int | None, actor: str | None) -> Task:
        task = await self.get(task_id)
        if attempt is not None:
            check_is_latest(task, attempt)
        run_id = task.run
        if task.status is TaskStatus.CANCEL_REQUESTED:
            return task
        if task.status not in ACTIVE:
            raise IllegalTransition("task", task.status, TaskStatus.CANCEL_REQUESTED)
        now = self.clock.now()
        async with self.storage.write() as writer:
            change = await RunChange.open(writer, run_id, now, reserve=1)
            moved = await writer.move_task(
                task.id,
                task.attempt,
                expected=task.status,
                status=TaskStatus.CANCEL_REQUESTED,
                reason=None,
                now=now,
            )
            if moved is None:
                raise Outdated
            change.tell(task_event(EventType.RUNNER_CANCEL_REQUESTED, moved, moved.attempt, actor=actor))
            await change.finish(change.run.status)
        return moved


def _audited(record: AttemptRecord, end: Event | None) -> AuditedAttempt:
    if end is None:
        return AuditedAttempt(record, None, None, None)
    message = end.payload.get("message")
    return AuditedAttempt(
        record,
        TaskStatus(str(end.payload["status"])),
        end.time,
        message if isinstance(message, str) else None,
    )
