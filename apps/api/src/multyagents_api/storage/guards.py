"""The guarded writes: what makes the rules hold across processes.

Whatever a use case read may be old when it writes. Each statement here therefore carries its condition
itself, row by row, and answers None or False where the row is no longer as the rule demands. Nothing else in
the service keeps two clients apart: take a condition out, and the race suite must find it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Integer,
    bindparam,
    case,
    exists,
    func,
    not_,
    null,
    or_,
    select,
    update,
)

from multyagents_api.domain.approvals import Approval, ApprovalStatus
from multyagents_api.domain.runs import HELD, Run, RunStatus
from multyagents_api.domain.tasks import ACTIVE, DISPATCHABLE, RERUNNABLE, Task, TaskStatus
from multyagents_api.service.ports import Claim
from multyagents_api.service.runners import SubmissionState
from multyagents_api.storage.reads import SqlReader
from multyagents_api.storage.rows import (
    RUN_COLUMNS,
    TASK_COLUMNS,
    approval_from_row,
    claim_from_row,
    run_from_row,
    task_from_row,
    to_micros,
)
from multyagents_api.storage.tables import approvals, dispatches, roles, runs, tasks

__all__ = ["MOVE_TASK", "GuardedWrites", "move_parameters"]


def _one_of(column: ColumnElement[str], statuses: frozenset[Any]) -> ColumnElement[bool]:
    return or_(*(column == status.value for status in sorted(statuses)))


def unless_held(key: ColumnElement[Any], *conditions: ColumnElement[bool]) -> ColumnElement[Any]:
    """The key of the one row that meets the conditions; nothing where another transaction holds it.

    For work that many processes look for at once: `update(...).where(key == unless_held(key, ...), ...)`
    passes over a row that somebody else is about to change, instead of waiting for it. PostgreSQL (FOR UPDATE
    SKIP LOCKED) reads the row before the update and locks it, so the update itself never waits. This decides
    nothing: a process that was earlier may have committed and hold nothing any more. Then only the
    statement's other conditions, which PostgreSQL checks against the newest version of the row, keep two from
    doing the same work. SQLite, where one transaction writes at a time, leaves the clause out.

    Lock in the order in which everybody does: a run before its tasks.
    """
    return select(key).where(*conditions).with_for_update(skip_locked=True).scalar_subquery()


TASK_IS_DISPATCHABLE = _one_of(tasks.c.status, DISPATCHABLE)
TASK_IS_APPROVED = or_(
    not_(tasks.c.requires_approval),
    exists(
        select(1).where(
            approvals.c.id == tasks.c.approval_id, approvals.c.status == ApprovalStatus.APPROVED.value
        )
    ),
)


def _of_role(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """What the task's role says, read by the statement that claims the task."""
    return select(column).where(roles.c.id == tasks.c.role_id).scalar_subquery()


RUN_IS_NOT_HELD = exists(select(1).where(runs.c.id == tasks.c.run_id, not_(_one_of(runs.c.status, HELD))))

TOUCH_RUN = (
    update(runs)
    .where(runs.c.id == bindparam("the_run"))
    .values(
        version=runs.c.version + 1,
        event_sequence=runs.c.event_sequence + bindparam("reserved"),
        updated_at=bindparam("now"),
    )
    .returning(*RUN_COLUMNS)
)
SETTLE_RUN = (
    update(runs)
    .where(runs.c.id == bindparam("the_run"))
    .values(status=bindparam("new_status"), event_sequence=bindparam("last_sequence"))
)
CLAIM_TASK = (
    update(tasks)
    .where(tasks.c.id == bindparam("the_task"), TASK_IS_DISPATCHABLE, TASK_IS_APPROVED, RUN_IS_NOT_HELD)
    .values(
        status=TaskStatus.DISPATCHED.value,
        attempt=tasks.c.attempt + 1,
        reason=None,
        updated_at=bindparam("now"),
    )
    .returning(
        tasks.c.attempt,
        tasks.c.prompt,
        tasks.c.command,
        tasks.c.timeout_s,
        tasks.c.approval_id,
        _of_role(roles.c.name).label("role_name"),
        _of_role(roles.c.context7_enabled).label("role_context7"),
        _of_role(roles.c.system_prompt).label("system_prompt"),
        _of_role(roles.c.allowed_tools).label("allowed_tools"),
        _of_role(roles.c.skill_pack_ids).label("skill_pack_ids"),
    )
)
LEASE_GOES_ON = case(
    (bindparam("ends", type_=Boolean), null()),
    else_=func.coalesce(bindparam("lease_until", type_=BigInteger), tasks.c.lease_until),
)
"""A lease ends with its attempt; till then it is extended where that is wanted, and else stays."""

MOVE_TASK = (
    update(tasks)
    .where(
        tasks.c.id == bindparam("the_task"),
        tasks.c.attempt == bindparam("expected_attempt"),
        tasks.c.status == bindparam("expected_status"),
    )
    .values(
        status=bindparam("new_status"),
        reason=bindparam("new_reason"),
        updated_at=bindparam("now"),
        lease_until=LEASE_GOES_ON,
    )
    .returning(*TASK_COLUMNS)
)
SCHEDULE_RETRY = (
    update(tasks)
    .where(
        tasks.c.id == bindparam("the_task"),
        tasks.c.attempt == bindparam("expected_attempt"),
        tasks.c.status == TaskStatus.FAILED.value,
        tasks.c.retries_used < bindparam("most_retries"),
    )
    .values(status=TaskStatus.CREATED.value, retries_used=tasks.c.retries_used + 1)
    .returning(*TASK_COLUMNS)
)
DECIDE_APPROVAL = (
    update(approvals)
    .where(
        approvals.c.id == bindparam("the_approval"),
        approvals.c.status == ApprovalStatus.PENDING.value,
        exists(
            select(1).where(tasks.c.approval_id == approvals.c.id, tasks.c.status == TaskStatus.CREATED.value)
        ),
    )
    .values(
        status=bindparam("decision"),
        actor=bindparam("decided_by"),
        comment=bindparam("why"),
        decided_at=bindparam("now"),
    )
    .returning(*approvals.c)
)
NOTE_BLOCKED = (
    update(approvals)
    .where(approvals.c.id == bindparam("the_approval"), approvals.c.blocked_at.is_(None))
    .values(blocked_at=bindparam("now"))
)
NO_TASK_IS_ACTIVE = not_(
    exists(select(1).where(tasks.c.run_id == runs.c.id, _one_of(tasks.c.status, ACTIVE)))
)
BEGIN_RERUN = (
    update(runs)
    .where(
        runs.c.id == bindparam("the_run"),
        not_(_one_of(runs.c.status, HELD)),
        NO_TASK_IS_ACTIVE,
        or_(
            bindparam("expected_version", type_=Integer).is_(None),
            runs.c.version == bindparam("expected_version"),
        ),
    )
    .values(
        version=runs.c.version + 1,
        rerun_count=runs.c.rerun_count + 1,
        event_sequence=runs.c.event_sequence + bindparam("reserved"),
        updated_at=bindparam("now"),
    )
    .returning(*RUN_COLUMNS)
)
RESET_TASK = (
    update(tasks)
    .where(
        tasks.c.run_id == bindparam("the_run"),
        tasks.c.id == bindparam("the_task"),
        _one_of(tasks.c.status, RERUNNABLE),
    )
    .values(
        status=TaskStatus.CREATED.value,
        last_rerun=bindparam("rerun_number"),
        retries_used=0,
        reason=None,
        updated_at=bindparam("now"),
    )
)
MOVE_RUN = (
    update(runs)
    .where(runs.c.id == bindparam("the_run"), runs.c.status == bindparam("expected_status"))
    .values(status=bindparam("new_status"))
)
CANCEL_CREATED = (
    update(tasks)
    .where(tasks.c.run_id == bindparam("the_run"), tasks.c.status == TaskStatus.CREATED.value)
    .values(status=TaskStatus.CANCELED.value, reason=bindparam("why"), updated_at=bindparam("now"))
    .returning(*TASK_COLUMNS)
)
REQUEST_CANCEL = (
    update(tasks)
    .where(
        tasks.c.run_id == bindparam("the_run"),
        _one_of(tasks.c.status, ACTIVE - {TaskStatus.CANCEL_REQUESTED}),
    )
    .values(status=TaskStatus.CANCEL_REQUESTED.value, updated_at=bindparam("now"))
    .returning(*TASK_COLUMNS)
)
TAKE_TASK = (
    update(tasks)
    .where(tasks.c.id == bindparam("the_task"), tasks.c.run_id.is_(None))
    .values(run_id=bindparam("the_run"), position=bindparam("place"), updated_at=bindparam("now"))
    .returning(*TASK_COLUMNS)
)
_sought = dispatches.alias("sought")
TAKE_ON_SUBMISSION = (
    update(dispatches)
    .where(
        dispatches.c.task_id
        == unless_held(
            _sought.c.task_id,
            _sought.c.task_id == bindparam("the_task"),
            _sought.c.attempt == bindparam("the_attempt"),
        ),
        dispatches.c.attempt == bindparam("the_attempt"),
        dispatches.c.state == SubmissionState.PENDING.value,
        or_(dispatches.c.updated_at <= bindparam("before"), dispatches.c.updated_at > bindparam("beyond")),
    )
    .values(updated_at=bindparam("now"))
)
FINISH_SUBMISSION = (
    update(dispatches)
    .where(
        dispatches.c.task_id == bindparam("the_task"),
        dispatches.c.attempt == bindparam("the_attempt"),
        dispatches.c.state == SubmissionState.PENDING.value,
    )
    .values(state=bindparam("new_state"), updated_at=bindparam("now"))
)


def move_parameters(
    task_id: int,
    attempt: int,
    *,
    expected: TaskStatus,
    status: TaskStatus,
    reason: str | None,
    now: datetime,
    lease_until: datetime | None,
) -> dict[str, Any]:
    """What `MOVE_TASK` is given."""
    return {
        "the_task": task_id,
        "expected_attempt": attempt,
        "expected_status": expected.value,
        "new_status": status.value,
        "new_reason": reason,
        "now": to_micros(now),
        "ends": status not in ACTIVE,
        "lease_until": None if lease_until is None else to_micros(lease_until),
    }


class GuardedWrites(SqlReader):
    """Writes that check, in the statement itself, that the row still is as the rule demands."""

    async def touch_run(self, run_id: int, *, events: int, now: datetime) -> Run | None:
        """Lock a run's row, count the change, and reserve sequence numbers for its events."""
        parameters = {"the_run": run_id, "reserved": events, "now": to_micros(now)}
        row = (await self._connection.execute(TOUCH_RUN, parameters)).one_or_none()
        return None if row is None else run_from_row(row)

    async def settle_run(self, run_id: int, status: RunStatus, event_sequence: int) -> None:
        """Store the status that follows from the tasks; the row is locked by `touch_run` before."""
        parameters = {"the_run": run_id, "new_status": status.value, "last_sequence": event_sequence}
        await self._connection.execute(SETTLE_RUN, parameters)

    async def claim_task(self, task_id: int, now: datetime) -> Claim | None:
        """Open the next attempt of a dispatchable task, approved where needed, in a run not held.

        This is where double dispatch is refused.
        """
        parameters = {"the_task": task_id, "now": to_micros(now)}
        row = (await self._connection.execute(CLAIM_TASK, parameters)).one_or_none()
        return None if row is None else claim_from_row(row)

    async def move_task(
        self,
        task_id: int,
        attempt: int,
        *,
        expected: TaskStatus,
        status: TaskStatus,
        reason: str | None,
        now: datetime,
        lease_until: datetime | None = None,
    ) -> Task | None:
        """Move a task on, if it still is in the expected status of that very attempt.

        Its lease is extended, stays where None is given, and is over where the new status ends the attempt.
        """
        parameters = move_parameters(
            task_id,
            attempt,
            expected=expected,
            status=status,
            reason=reason,
            now=now,
            lease_until=lease_until,
        )
        row = (await self._connection.execute(MOVE_TASK, parameters)).one_or_none()
        return None if row is None else task_from_row(row)

    async def schedule_retry(self, task_id: int, attempt: int, most_retries: int) -> Task | None:
        """Put a task that just failed back for another attempt, while its retries last."""
        parameters = {"the_task": task_id, "expected_attempt": attempt, "most_retries": most_retries}
        row = (await self._connection.execute(SCHEDULE_RETRY, parameters)).one_or_none()
        return None if row is None else task_from_row(row)

    async def decide_approval(
        self, approval_id: int, decision: ApprovalStatus, *, actor: str, comment: str | None, now: datetime
    ) -> Approval | None:
        """Decide an approval that is pending and whose task still waits for it."""
        parameters = {
            "the_approval": approval_id,
            "decision": decision.value,
            "decided_by": actor,
            "why": comment,
            "now": to_micros(now),
        }
        row = (await self._connection.execute(DECIDE_APPROVAL, parameters)).one_or_none()
        return None if row is None else approval_from_row(row)

    async def note_blocked(self, approval_id: int, now: datetime) -> bool:
        """Note that a dispatch ran into a pending approval; True the first time only."""
        parameters = {"the_approval": approval_id, "now": to_micros(now)}
        return (await self._connection.execute(NOTE_BLOCKED, parameters)).rowcount == 1

    async def begin_rerun(
        self, run_id: int, *, expected_version: int | None, events: int, now: datetime
    ) -> Run | None:
        """Count a partial rerun of a run neither held nor worked upon; locks it as `touch_run` does."""
        parameters = {
            "the_run": run_id,
            "expected_version": expected_version,
            "reserved": events,
            "now": to_micros(now),
        }
        row = (await self._connection.execute(BEGIN_RERUN, parameters)).one_or_none()
        return None if row is None else run_from_row(row)

    async def reset_tasks(
        self, run_id: int, task_ids: Sequence[int], *, rerun_number: int, now: datetime
    ) -> bool:
        """Put tasks back to created; True only if every one of them could be rerun.

        This is where the second of two reruns of one failure is refused.
        """
        for task_id in task_ids:
            parameters = {
                "the_run": run_id,
                "the_task": task_id,
                "rerun_number": rerun_number,
                "now": to_micros(now),
            }
            if (await self._connection.execute(RESET_TASK, parameters)).rowcount != 1:
                return False
        return True

    async def move_run(self, run_id: int, *, expected: RunStatus, status: RunStatus) -> bool:
        """Let an operator hold or release a run that still is in the expected status."""
        parameters = {"the_run": run_id, "expected_status": expected.value, "new_status": status.value}
        return (await self._connection.execute(MOVE_RUN, parameters)).rowcount == 1

    async def cancel_created(self, run_id: int, reason: str, now: datetime) -> list[Task]:
        """Cancel all tasks of a run that nobody works on yet."""
        parameters = {"the_run": run_id, "why": reason, "now": to_micros(now)}
        rows = (await self._connection.execute(CANCEL_CREATED, parameters)).all()
        return [task_from_row(row) for row in rows]

    async def request_cancel(self, run_id: int, now: datetime) -> list[Task]:
        """Mark all tasks of a run that somebody works on as to be stopped."""
        parameters = {"the_run": run_id, "now": to_micros(now)}
        rows = (await self._connection.execute(REQUEST_CANCEL, parameters)).all()
        return [task_from_row(row) for row in rows]

    async def take_task(self, task_id: int, run_id: int, position: int, now: datetime) -> Task | None:
        """Let a task that belongs to no run belong to one, at a place in its order.

        This is where a task is refused to a second run.
        """
        parameters = {"the_task": task_id, "the_run": run_id, "place": position, "now": to_micros(now)}
        row = (await self._connection.execute(TAKE_TASK, parameters)).one_or_none()
        return None if row is None else task_from_row(row)

    async def take_on_submission(
        self, task_id: int, attempt: int, *, before: datetime, beyond: datetime, now: datetime
    ) -> bool:
        """Take on a pending dispatch that nobody took on since; False where another process did or does."""
        parameters = {
            "the_task": task_id,
            "the_attempt": attempt,
            "before": to_micros(before),
            "beyond": to_micros(beyond),
            "now": to_micros(now),
        }
        return (await self._connection.execute(TAKE_ON_SUBMISSION, parameters)).rowcount == 1

    async def finish_submission(
        self, task_id: int, attempt: int, state: SubmissionState, now: datetime
    ) -> bool:
        """Record how a submission ended, once."""
        parameters = {
            "the_task": task_id,
            "the_attempt": attempt,
            "new_state": state.value,
            "now": to_micros(now),
        }
        return (await self._connection.execute(FINISH_SUBMISSION, parameters)).rowcount == 1
