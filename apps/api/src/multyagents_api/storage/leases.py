"""Leases in the store: who extends one and who ends an attempt that is lost meet in one row, and one wins."""

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, bindparam, func, or_, update

from multyagents_api.domain.tasks import ACTIVE, Task, TaskStatus
from multyagents_api.storage.guards import MOVE_TASK, move_parameters
from multyagents_api.storage.rows import task_from_row, to_micros
from multyagents_api.storage.tables import tasks

if TYPE_CHECKING:
    from multyagents_api.storage.reads import Connection

__all__ = ["LeaseWrites"]

EXTEND_LEASE = (
    update(tasks)
    .where(
        tasks.c.id == bindparam("the_task"),
        tasks.c.attempt == bindparam("the_attempt"),
        or_(*(tasks.c.status == status.value for status in sorted(ACTIVE))),
    )
    .values(lease_until=func.coalesce(bindparam("until", type_=BigInteger), tasks.c.lease_until))
    .returning(tasks.c.status)
)
END_LOST_ATTEMPT = MOVE_TASK.where(
    or_(
        tasks.c.lease_until <= bindparam("now"),
        tasks.c.lease_until > bindparam("beyond", type_=BigInteger),
    )
)


class LeaseWrites:
    """Giving, extending and ending leases."""

    _connection: "Connection"

    async def extend_lease(self, task_id: int, attempt: int, until: datetime | None) -> TaskStatus | None:
        """Let an attempt that is under way be its runner's until then; tells how the task stands."""
        parameters = {
            "the_task": task_id,
            "the_attempt": attempt,
            "until": None if until is None else to_micros(until),
        }
        row = (await self._connection.execute(EXTEND_LEASE, parameters)).one_or_none()
        return None if row is None else TaskStatus(row.status)

    async def end_lost_attempt(
        self,
        task_id: int,
        attempt: int,
        *,
        expected: TaskStatus,
        status: TaskStatus,
        reason: str,
        now: datetime,
        beyond: datetime | None,
    ) -> Task | None:
        """End an attempt, if it still is in the expected status and its lease still is over.

        A lease that ends `beyond` what can be is over as well: its clock was set back since.

        This is where a runner that was heard at the last moment keeps its attempt.
        """
        parameters = move_parameters(
            task_id, attempt, expected=expected, status=status, reason=reason, now=now, lease_until=None
        ) | {"beyond": None if beyond is None else to_micros(beyond)}
        row = (await self._connection.execute(END_LOST_ATTEMPT, parameters)).one_or_none()
        return None if row is None else task_from_row(row)
