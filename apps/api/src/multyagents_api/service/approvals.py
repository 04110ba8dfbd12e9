"""Approvals: decided once, by a named actor; a rejection cancels the task."""

from dataclasses import dataclass

from multyagents_api.domain.approvals import Approval, ApprovalStatus, is_decision
from multyagents_api.domain.errors import NotFound, NotInRun, RunAborted
from multyagents_api.domain.events import EventType, approval_event
from multyagents_api.domain.runs import RunStatus
from multyagents_api.domain.tasks import Task, TaskStatus
from multyagents_api.service.change import RunChange
from multyagents_api.service.ports import Clock, Outdated, Storage
from multyagents_api.service.retry import decide_until_current

__all__ = ["Approvals", "Decision"]

REJECTED = "approval rejected"


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decides what, and why."""

    approval_id: int
    status: ApprovalStatus
    actor: str
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Approvals:
    """Use cases about approvals."""

    storage: Storage
    clock: Clock

    async def get(self, approval_id: int) -> Approval:
        """One approval."""
        async with self.storage.read() as reader:
            approval = await reader.approval(approval_id)
        if approval is None:
            raise NotFound("approval", str(approval_id))
        return approval

    async def of_task(self, task_id: int) -> Approval:
        """The approval that covers the task's current or next attempt."""
        async with self.storage.read() as reader:
            task = await reader.task(task_id)
        if task is None:
            raise NotFound("task", str(task_id))
        if task.run_id is None:
            raise NotInRun(task_id)
        if task.approval_id is None:
            raise NotFound("approval of task", str(task_id))
        return await self.get(task.approval_id)

    async def decide(self, decision: Decision) -> Approval:
        """Approve or reject, once; the same decision by the same actor again changes nothing."""
        return await decide_until_current("approval", lambda: self._decide(decision))

    async def _decide(self, decision: Decision) -> Approval:
        approval = await self.get(decision.approval_id)
        if not is_decision(approval, decision.status, decision.actor):
            return approval
        async with self.storage.read() as reader:
            found = await reader.run_with_tasks(approval.run_id)
        if found is None:
            raise NotFound("run", str(approval.run_id))
        run, tasks = found
        if run.status is RunStatus.ABORTED:
            raise RunAborted(run.id)
        task = next(task for task in tasks if task.id == approval.task_id)
        return await self._write(decision, task)

    async def _write(self, decision: Decision, task: Task) -> Approval:
        now = self.clock.now()
        async with self.storage.write() as writer:
            change = await RunChange.open(writer, task.run, now, reserve=1)
            decided = await writer.decide_approval(
                decision.approval_id,
                decision.status,
                actor=decision.actor,
                comment=decision.comment,
                now=now,
            )
            if decided is None:
                raise Outdated
            if decision.status is ApprovalStatus.APPROVED:
                kind = EventType.APPROVAL_APPROVED
            else:
                kind = EventType.APPROVAL_REJECTED
                canceled = await writer.move_task(
                    task.id,
                    task.attempt,
                    expected=TaskStatus.CREATED,
                    status=TaskStatus.CANCELED,
                    reason=REJECTED,
                    now=now,
                )
                if canceled is None:
                    raise Outdated
            change.tell(approval_event(kind, task, decided, actor=decision.actor, comment=decision.comment))
            await change.settle()
        return decided
