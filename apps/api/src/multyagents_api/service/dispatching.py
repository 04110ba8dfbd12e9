"""Dispatch: the first task of a run that may go now is claimed, recorded with its outbox row, then submitted.

Double dispatch is refused in the store, by the guarded claim: whatever was read before may be old by then.
"""

from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from multyagents_api.domain.approvals import ApprovalStatus
from multyagents_api.domain.errors import NotFound
from multyagents_api.domain.events import EventType, task_event
from multyagents_api.domain.runs import HELD, RunStatus, check_not_held
from multyagents_api.domain.tasks import DISPATCHABLE, Task, ready_tasks
from multyagents_api.service.change import RunChange
from multyagents_api.service.outbox import Outbox
from multyagents_api.service.ports import (
    Claim,
    Clock,
    Outdated,
    Storage,
    Submission,
    SubmissionState,
)
from multyagents_api.service.retry import decide_until_current

__all__ = ["DispatchAnswer", "Dispatching", "NotDispatched"]


class NotDispatched(StrEnum):
    """Why nothing was dispatched; values are the words on the wire."""

    APPROVAL_REQUIRED = "approval required"
    DEPENDENCIES_NOT_SATISFIED = "dependencies not satisfied"
    NO_READY_TASKS = "no ready tasks"
    SUBMIT_FAILED = "submit failed"


@dataclass(frozen=True, slots=True)
class DispatchAnswer:
    """What a request to dispatch led to; `submission` tells how far a dispatch got."""

    run_id: int
    reason: NotDispatched | None = None
    submission: Submission | None = None
    state: SubmissionState | None = None

    @property
    def dispatched(self) -> bool:
        """Whether a task is on its way to the runner, or with it."""
        return self.submission is not None and self.reason is None


@dataclass(frozen=True, slots=True)
class Dispatching:
    """Use cases about dispatch."""

    storage: Storage
    outbox: Outbox
    clock: Clock

    async def dispatch_ready(self, run_id: int) -> DispatchAnswer:
        """Dispatch the first task, in template order, that may go now."""
        claimed = await decide_until_current("run", lambda: self._claim_first_ready(run_id))
        if isinstance(claimed, NotDispatched):
            return DispatchAnswer(run_id, reason=claimed)
        state = await self.outbox.deliver(claimed)
        reason = NotDispatched.SUBMIT_FAILED if state is SubmissionState.SUBMIT_FAILED else None
        return DispatchAnswer(run_id, reason, claimed, state)

    async def _claim_first_ready(self, run_id: int) -> Submission | NotDispatched:
        async with self.storage.read() as reader:
            found = await reader.run_with_tasks(run_id)
        if found is None:
            raise NotFound("run", str(run_id))
        run, tasks = found
        check_not_held(run)
        ready = ready_tasks(tasks)
        if not ready:
            waiting = any(task.status in DISPATCHABLE for task in tasks)
            return NotDispatched.DEPENDENCIES_NOT_SATISFIED if waiting else NotDispatched.NO_READY_TASKS
        return await self._claim_one_of(run_id, ready)

    async def _claim_one_of(self, run_id: int, ready: list[Task]) -> Submission | NotDispatched:
        """Claim the first task that no approval holds back; the claim itself looks at the approval."""
        now = self.clock.now()
        with suppress(_NothingToTell):
            async with self.storage.write() as writer:
                change = await RunChange.open(writer, run_id, now, reserve=1)
                for task in ready:
                    claim = await writer.claim_task(task.id, now)
                    if claim is not None:
                        submission = _submission(task, claim)
                        await writer.insert_submission(submission, claim.approval_id, now)
                        change.tell(task_event(EventType.TASK_DISPATCHED, task, claim.attempt))
                        await change.finish(RunStatus.RUNNING)
                        return submission
                    await _tell_blocked(change, task)
                if not change.events:
                    raise _NothingToTell
                await change.finish(change.run.status)
        return NotDispatched.APPROVAL_REQUIRED


class _NothingToTell(Exception):  # noqa: N818 - rolls back a transaction that would change nothing
    """Every ready task waits for an approval, and that was told before."""


async def _tell_blocked(change: RunChange, task: Task) -> None:
    """Tell, once, that a pending approval refused the claim; anything else means that it changed."""
    approval = None if task.approval_id is None else await change.writer.approval(task.approval_id)
    if change.run.status in HELD or approval is None or approval.status is not ApprovalStatus.PENDING:
        raise Outdated
    if await change.writer.note_blocked(approval.id, change.now):
        event = EventType.DISPATCH_BLOCKED_BY_APPROVAL
        change.tell(task_event(event, task, approval.attempt, approval_id=str(approval.id)))


def _submission(task: Task, claim: Claim) -> Submission:
    return Submission(
        run_id=task.run,
        task_id=task.id,
        attempt=claim.attempt,
        step_id=task.step_id,
        role_id=task.role_id,
        title=task.title,
        prompt=claim.prompt,
        context7_enabled=task.context7.resolve(role_default=claim.role_context7),
    )
