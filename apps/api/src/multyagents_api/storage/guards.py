"""The guarded writes: what makes the rules hold across processes.

Whatever a use case read may be old when it writes. Each statement here therefore carries its condition itself, row
by row, and answers None or False where the row is no longer as the rule demands. Nothing else in the service keeps
two clients apart: take a condition out, and the race suite must find it.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, exists, not_, or_, select, update

from multyagents_api.domain.runs import HELD, Run, RunStatus
from multyagents_api.domain.tasks import DISPATCHABLE, Task, TaskStatus
from multyagents_api.service.ports import Claim, SubmissionState
from multyagents_api.storage.rows import RUN_COLUMNS, TASK_COLUMNS, run_from_row, task_from_row, to_micros
from multyagents_api.storage.reads import SqlReader
from multyagents_api.storage.tables import approvals, dispatches, runs, tasks

__all__ = ["GuardedWrites"]


def _one_of(column: ColumnElement[str], statuses: frozenset[Any]) -> ColumnElement[bool]:
    return or_(*(column == status.value for status in sorted(statuses)))


TASK_IS_DISPATCHABLE = _one_of(tasks.c.status, DISPATCHABLE)
TASK_IS_APPROVED = or_(
    not_(tasks.c.requires_approval),
    exists(select(1).where(approvals.c.id == tasks.c.approval_id, approvals.c.status == "approved")),
)
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
    .returning(tasks.c.attempt, tasks.c.prompt)
)
MOVE_TASK = (
    update(tasks)
    .where(
        tasks.c.id == bindparam("the_task"),
        tasks.c.attempt == bindparam("expected_attempt"),
        tasks.c.status == bindparam("expected_status"),
    )
    .values(status=bindparam("new_status"), reason=bindparam("new_reason"), updated_at=bindparam("now"))
    .returning(*TASK_COLUMNS)
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
        """Open the next attempt of a task: dispatchable, approved where needed, its run neither paused nor aborted.

        This is where double dispatch is refused.
        """
        parameters = {"the_task": task_id, "now": to_micros(now)}
        row = (await self._connection.execute(CLAIM_TASK, parameters)).one_or_none()
        return None if row is None else Claim(row.attempt, row.prompt)

    async def move_task(
        self,
        task_id: int,
        attempt: int,
        *,
        expected: TaskStatus,
        status: TaskStatus,
        reason: str | None,
        now: datetime,
    ) -> Task | None:
        """Move a task on, if it still is in the expected status of that very attempt."""
        parameters = {
            "the_task": task_id,
            "expected_attempt": attempt,
            "expected_status": expected.value,
            "new_status": status.value,
            "new_reason": reason,
            "now": to_micros(now),
        }
        row = (await self._connection.execute(MOVE_TASK, parameters)).one_or_none()
        return None if row is None else task_from_row(row)

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
