"""The outbox: a committed dispatch reaches the runner, whatever fails in between."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NoReturn

from multyagents_api.domain.errors import StoreBusy
from multyagents_api.domain.events import EventType, task_event
from multyagents_api.domain.leases import NO_LEASES, LeasePolicy
from multyagents_api.domain.redaction import redact
from multyagents_api.domain.tasks import Task, TaskStatus
from multyagents_api.service.cancellation import Cancellation
from multyagents_api.service.change import RunChange
from multyagents_api.service.ports import Clock, Outdated, Storage
from multyagents_api.service.runners import Runner, Submission, SubmissionResult, SubmissionState

__all__ = ["OVERDUE_AFTER", "Outbox", "sweep"]

OVERDUE_AFTER = timedelta(seconds=10)
"""Longer than any submission takes that is still under way."""

_BATCH = 100

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outbox:
    """Delivers dispatches at least once; the runner tells them apart by task and attempt."""

    storage: Storage
    runner: Runner
    cancellation: Cancellation
    clock: Clock
    leases: LeasePolicy = NO_LEASES
    overdue_after: timedelta = OVERDUE_AFTER

    async def deliver(self, submission: Submission) -> SubmissionState:
        """Submit a recorded dispatch and record the runner's answer, unless a callback was earlier.

        The dispatch is committed: whatever fails here leaves it pending, for a later delivery.
        """
        try:
            result = await self.runner.submit(submission)
            state, unwanted = await self._record(submission, result)
        except Outdated:
            return await self._recorded(submission)
        except (OSError, StoreBusy):
            return SubmissionState.PENDING
        await self.cancellation.ask(unwanted)
        return state

    async def deliver_overdue(self, *, after: timedelta = timedelta(0)) -> int:
        """Deliver what has been pending for so long, the oldest first, until one stays pending.

        Of several processes one takes a dispatch on, and none before that time has passed again. They share
        the work: who finds a dispatch taken, or about to be, goes on to the next one at once. What was last
        taken on so far in the future is overdue as well: the clock was set back since.
        Returns how many were delivered; a call looks at a hundred at most.
        """
        now = self.clock.now()
        before, beyond = now - after, now + after
        async with self.storage.read() as reader:
            overdue = await reader.pending_submissions(before=before, beyond=beyond, limit=_BATCH)
        delivered = 0
        for submission in overdue:
            async with self.storage.write() as writer:
                is_ours = await writer.take_on_submission(
                    submission.task_id,
                    submission.attempt,
                    before=before,
                    beyond=beyond,
                    now=self.clock.now(),
                )
            if not is_ours:
                continue
            if await self.deliver(submission) is SubmissionState.PENDING:
                break
            delivered += 1
        return delivered

    async def backlog(self) -> tuple[int, float]:
        """How many dispatches are pending, and for how many seconds the oldest of them has been."""
        async with self.storage.read() as reader:
            pending, since = await reader.pending_backlog()
        return pending, 0.0 if since is None else max(0.0, (self.clock.now() - since).total_seconds())

    async def _record(
        self, submission: Submission, result: SubmissionResult
    ) -> tuple[SubmissionState, Sequence[Task]]:
        """Record the runner's answer, once; gives the outcome, and what the runner must be told to stop."""
        state = SubmissionState.QUEUED if result.accepted else SubmissionState.SUBMIT_FAILED
        message = None if result.message is None else redact(result.message)
        unwanted: Sequence[Task] = ()
        now = self.clock.now()
        async with self.storage.write() as writer:
            change = await RunChange.open(writer, submission.run_id, now, reserve=1)
            task = await writer.move_task(
                submission.task_id,
                submission.attempt,
                expected=TaskStatus.DISPATCHED,
                status=TaskStatus(state),
                reason=message,
                now=now,
                lease_until=self.leases.until(now),
            )
            if task is not None:
                await _tell(change, task)
            else:
                state, unwanted = await _overtaken(change, submission, state, message)
            if unwanted:
                await writer.extend_lease(submission.task_id, submission.attempt, self.leases.until(now))
            if not await writer.finish_submission(submission.task_id, submission.attempt, state, now):
                raise Outdated
        return state, unwanted

    async def _recorded(self, submission: Submission) -> SubmissionState:
        """The outcome as another delivery recorded it."""
        async with self.storage.read() as reader:
            [record] = await reader.attempts_after(submission.task_id, submission.attempt - 1, limit=1)
        return record.state


async def _tell(change: RunChange, task: Task) -> None:
    """Tell the runner's answer; an active task stays active, so that the run's status can't change."""
    if task.status is TaskStatus.QUEUED:
        change.tell(task_event(EventType.RUNNER_QUEUED, task, task.attempt))
        await change.finish(change.run.status)
    else:
        event = EventType.RUNNER_SUBMIT_FAILED
        change.tell(task_event(event, task, task.attempt, status=task.status.value, message=task.reason))
        await change.release_paths(task)
        await change.settle()


async def _overtaken(
    change: RunChange, submission: Submission, state: SubmissionState, message: str | None
) -> tuple[SubmissionState, Sequence[Task]]:
    """What the runner's answer still means for a task that has moved on since it was submitted."""
    task = await change.writer.task(submission.task_id)
    if task is None or (task.attempt, task.status) != (submission.attempt, TaskStatus.CANCEL_REQUESTED):
        await change.finish(change.run.status)
        return SubmissionState.QUEUED, ()  # a callback was earlier, hence the runner has the attempt
    if state is SubmissionState.QUEUED:
        await change.finish(change.run.status)
        return state, (task,)  # the runner was asked to stop before it had anything to stop
    await _cancel_refused(change, task, message)
    return state, ()


async def _cancel_refused(change: RunChange, task: Task, message: str | None) -> None:
    """End an attempt that was to be stopped and never reached the runner: nobody will report on it."""
    status = TaskStatus.CANCELED
    moved = await change.writer.move_task(
        task.id, task.attempt, expected=task.status, status=status, reason=message, now=change.now
    )
    if moved is None:
        raise Outdated
    told = {"status": status.value, "previous": task.status.value, "message": message}
    change.tell(task_event(EventType.RUNNER_STATUS_UPDATED, task, task.attempt, **told))
    await change.release_paths(moved)
    await change.settle()


async def sweep(outbox: Outbox, pause: Callable[[], Awaitable[None]]) -> NoReturn:
    """Deliver what is overdue, again and again; a sweep that fails is logged, and ends no other."""
    while True:
        await pause()
        try:
            await outbox.deliver_overdue(after=outbox.overdue_after)
        except StoreBusy as refusal:
            _log.info("the outbox waits: %s", refusal)
        except Exception:  # noqa: BLE001 - nobody else would hear of it
            _log.exception("the outbox could not be swept")
