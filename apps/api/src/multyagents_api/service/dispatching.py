"""Dispatch: the first task of a run that may go now is claimed, recorded with its outbox row, then submitted.

Double dispatch is refused in the store, by the guarded claim: whatever was read before may be old by then.
"""

from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from multyagents_api.domain.approvals import ApprovalStatus
from multyagents_api.domain.errors import NotFound, StoreBusy
from multyagents_api.domain.events import EventType, task_event
from multyagents_api.domain.redaction import redact
from multyagents_api.domain.runs import HELD, RunStatus, check_not_held
from multyagents_api.domain.tasks import DISPATCHABLE, Task, TaskStatus, ready_tasks
from multyagents_api.service.change import RunChange
from multyagents_api.service.ports import (
    Claim,
    Clock,
    Outdated,
    Runner,
    Storage,
    Submission,
    SubmissionState,
)
from multyagents_api.service.retry import decide_until_current

__all__ = ["DispatchAnswer", "Dispatching", "NotDispatched"]


_BATCH = 100


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
    runner: Runner
    clock: Clock

    async def dispatch_ready(self, run_id: int) -> DispatchAnswer:
        """Dispatch the first task, in template order, that may go now."""
        claimed = await decide_until_current("run", lambda: self._claim_first_ready(run_id))
        if isinstance(claimed, NotDispatched):
            return DispatchAnswer(run_id, reason=claimed)
        return await self.deliver(claimed)

    async def deliver(self, submission: Submission) -> DispatchAnswer:
        """Submit a recorded dispatch and record the runner's answer, unless a callback was earlier."""
        result = await self.runner.submit(submission)
        state = SubmissionState.QUEUED if result.accepted else SubmissionState.SUBMIT_FAILED
        try:
            await self._record(submission, state, None if result.message is None else redact(result.message))
        except (
            Outdated,
            StoreBusy,
        ):  # the dispatch is committed and stays; its outbox row is delivered again
            return DispatchAnswer(submission.run_id, None, submission, SubmissionState.PENDING)
        reason = None if result.accepted else NotDispatched.SUBMIT_FAILED
        return DispatchAnswer(submission.run_id, reason, submission, state)

    async def deliver_pending(self) -> int:
        """Deliver what a process that died in between left in the outbox; returns how many."""
        delivered = 0
        while True:
            async with self.storage.read() as reader:
                pending = await reader.pending_submissions(limit=_BATCH)
            for submission in pending:
                if (await self.deliver(submission)).state is SubmissionState.PENDING:
                    return delivered
                delivered += 1
            if len(pending) < _BATCH:
                return delivered

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

    async def _record(self, submission: Submission, state: SubmissionState, message: str | None) -> None:
        """Record the runner's answer; a callback that came earlier has moved the task on, and stays."""
        now = self.clock.now()
        async with self.storage.write() as writer:
            change = await RunChange.open(writer, submission.run_id, now, reserve=1)
            await writer.finish_submission(submission.task_id, submission.attempt, state, now)
            task = await writer.move_task(
                submission.task_id,
                submission.attempt,
                expected=TaskStatus.DISPATCHED,
                status=TaskStatus(state),
                reason=message,
                now=now,
            )
            if task is None:
                await change.finish(change.run.status)
            elif state is SubmissionState.QUEUED:
                change.tell(task_event(EventType.RUNNER_QUEUED, task, submission.attempt))
                await change.finish(change.run.status)
            else:
                event = EventType.RUNNER_SUBMIT_FAILED
                told = {"status": task.status.value, "message": message}
                change.tell(task_event(event, task, submission.attempt, **told))
                await change.settle()


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
        run_id=task.run_id,
        task_id=task.id,
        attempt=claim.attempt,
        step_id=task.step_id,
        role_id=task.role_id,
        title=task.title,
        prompt=claim.prompt,
        context7_enabled=task.context7.resolve(role_default=claim.role_context7),
    )
