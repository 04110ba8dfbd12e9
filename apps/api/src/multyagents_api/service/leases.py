"""Leases: a runner keeps its attempts by being heard; what a silent one held returns to be done again."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn

from multyagents_api.domain.errors import NotFound, StaleAttempt, StoreBusy, StoreUnreachable
from multyagents_api.domain.events import EventType, task_event
from multyagents_api.domain.leases import (
    LOST_CATEGORY,
    LOST_REASON,
    NO_LEASES,
    LeasePolicy,
    most_retries_after_loss,
)
from multyagents_api.domain.roles import RetryPolicy
from multyagents_api.domain.runs import RunStatus
from multyagents_api.domain.tasks import ACTIVE, Task, TaskStatus, check_is_latest
from multyagents_api.observing.metrics import Metrics
from multyagents_api.service.change import RunChange
from multyagents_api.service.ports import Clock, LostAttempt, Outdated, Storage, Writer
from multyagents_api.service.runners import SubmissionState

__all__ = ["Lease", "Leases", "sweep_leases"]

_BATCH = 100

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Lease:
    """What a runner learns of an attempt that it holds; `until` is None where there are no leases."""

    until: datetime | None
    duration: timedelta | None
    cancel_requested: bool


@dataclass(frozen=True, slots=True)
class Leases:
    """Use cases about leases."""

    storage: Storage
    clock: Clock
    metrics: Metrics
    policy: LeasePolicy = NO_LEASES

    async def heartbeat(self, task_id: int, attempt: int) -> Lease:
        """Extend the lease of an attempt that is under way, even where it was over and nobody noticed.

        Raises:
            NotFound: there is no such task.
            NeverDispatched, UnknownAttempt: the attempt was not opened yet.
            StaleAttempt: it is over.
        """
        until = self.policy.until(self.clock.now())
        async with self.storage.write() as writer:
            status = await writer.extend_lease(task_id, attempt, until)
        if status is None:
            return await self._refuse(task_id, attempt)
        return Lease(until, self.policy.duration, cancel_requested=status is TaskStatus.CANCEL_REQUESTED)

    async def end_lost(self) -> int:
        """End the attempts whose lease is over; of several processes one ends each.

        Returns how many this call ended; it looks at a hundred at most.
        """
        now = self.clock.now()
        async with self.storage.read() as reader:
            lost = await reader.lost_attempts(now, beyond=self.policy.beyond(now), limit=_BATCH)
        ended = 0
        for attempt in lost:
            with suppress(Outdated):  # its runner was heard, or another process was faster
                await self._end(attempt)
                ended += 1
                self.metrics.lease_expired()
        return ended

    async def _refuse(self, task_id: int, attempt: int) -> NoReturn:
        async with self.storage.read() as reader:
            task = await reader.task(task_id)
        if task is None:
            raise NotFound("task", str(task_id))
        check_is_latest(task, attempt)
        raise StaleAttempt(task.id, attempt, task.attempt)

    async def _end(self, lost: LostAttempt) -> None:
        now = self.clock.now()
        async with self.storage.write() as writer:
            change = await RunChange.open(writer, lost.run_id, now, reserve=2)
            task = await writer.task(lost.task_id)
            if task is None or task.attempt != lost.attempt or task.status not in ACTIVE:
                raise Outdated
            stopping = task.status is TaskStatus.CANCEL_REQUESTED
            status = TaskStatus.CANCELED if stopping else TaskStatus.FAILED
            ended = await writer.end_lost_attempt(
                task.id,
                task.attempt,
                expected=task.status,
                status=status,
                reason=LOST_REASON,
                now=now,
                beyond=self.policy.beyond(now),
            )
            if ended is None:
                raise Outdated
            _tell(change, task, ended)
            await change.release_paths(ended)
            await _deliver_no_more(writer, ended, now)
            if not stopping and change.run.status is not RunStatus.ABORTED:
                ended = await _return(change, ended)
            await change.settle()


def _tell(change: RunChange, task: Task, ended: Task) -> None:
    told = {"status": ended.status.value, "previous": task.status.value, "message": ended.reason}
    event = EventType.RUNNER_STATUS_UPDATED
    change.tell(task_event(event, task, task.attempt, **told, failure_category=LOST_CATEGORY))


async def _deliver_no_more(writer: Writer, ended: Task, now: datetime) -> None:
    """Keep the outbox from handing over an attempt whose runner was heard before its answer was recorded."""
    await writer.finish_submission(ended.id, ended.attempt, SubmissionState.QUEUED, now)


async def _return(change: RunChange, lost: Task) -> Task:
    """Put the task back for another attempt, while its retries last."""
    role = await change.writer.role(lost.role_id)
    most = most_retries_after_loss(RetryPolicy() if role is None else role.retry)
    returned = await change.writer.schedule_retry(lost.id, lost.attempt, most)
    if returned is None:
        return lost
    event = EventType.RETRY_SCHEDULED
    change.tell(task_event(event, returned, returned.attempt, retries_used=returned.retries_used))
    return returned


async def sweep_leases(leases: Leases, pause: Callable[[], Awaitable[None]]) -> NoReturn:
    """End what is lost, again and again; a sweep that fails is logged, and ends no other.

    Who could not hear anybody must not call anybody silent: after the start, after a standstill of this
    process or a jump of its clock, and after the store was out of reach, runners get the time of one lease to
    be heard.
    """
    listening_since = looked_at = leases.clock.now()
    while True:
        await pause()
        duration, now = leases.policy.duration, leases.clock.now()
        if duration is None:
            continue
        if not timedelta(0) <= now - looked_at < duration:
            listening_since = now
        looked_at = now
        if now - listening_since < duration:
            continue
        try:
            await leases.end_lost()
        except StoreUnreachable:
            listening_since = leases.clock.now()
            _log.info("the store can't be reached; leases wait")
        except StoreBusy:
            _log.info("the store is busy; leases wait")
        except Exception:  # noqa: BLE001 - nobody else would hear of it
            _log.exception("leases could not be swept")
