"""Reading: one method, one statement, one consistent look."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from types import MappingProxyType
from typing import Any, Protocol

from sqlalchemy import BigInteger, Executable, Select, bindparam, exists, func, literal_column, or_, select

from multyagents_api.domain.approvals import Approval
from multyagents_api.domain.events import Event, EventType
from multyagents_api.domain.roles import Role
from multyagents_api.domain.runs import Run, RunStatus
from multyagents_api.domain.tasks import Task, TaskStatus
from multyagents_api.domain.templates import Template
from multyagents_api.service.ports import AttemptRecord, LostAttempt
from multyagents_api.service.runners import Submission
from multyagents_api.storage import tables
from multyagents_api.storage.catalogue import CatalogueReads
from multyagents_api.storage.path_locks import PathLockReads
from multyagents_api.storage.prepared import Parameters, Result
from multyagents_api.storage.results import ResultReads
from multyagents_api.storage.rows import (
    RUN_COLUMNS,
    TASK_COLUMNS,
    approval_from_row,
    attempt_from_row,
    event_from_row,
    from_micros,
    role_from_row,
    run_from_row,
    submission_from_json,
    task_from_row,
    template_from_row,
    to_micros,
)
from multyagents_api.storage.tokens import TokenReads

__all__ = ["Connection", "SqlReader"]

NOTHING: Parameters = MappingProxyType({})


class Connection(Protocol):
    """What executes statements: SQLite inline on the loop, or a driver that really waits."""

    async def execute(self, statement: Executable, parameters: Parameters = NOTHING) -> Result:
        """Execute one statement, which is kept: it lives as long as the process."""
        ...

    async def execute_many(self, statement: Executable, parameters: Sequence[Parameters]) -> Result:
        """Execute one statement for each set of parameters, in order; gives the rows of all."""
        ...


ROLE = select(tables.roles).where(tables.roles.c.id == bindparam("role_id"))
TEMPLATE = select(tables.templates).where(tables.templates.c.id == bindparam("template_id"))
RUN = select(*RUN_COLUMNS).where(tables.runs.c.id == bindparam("run_id"))
_asked = tables.tasks.alias("asked")
RUN_WITH_TASKS = (
    select(*RUN_COLUMNS, *TASK_COLUMNS)
    .join_from(tables.runs, tables.tasks)
    .where(tables.runs.c.id == bindparam("run_id"))
    .order_by(tables.tasks.c.position)
)
RUN_AROUND = (
    select(*RUN_COLUMNS, *TASK_COLUMNS)
    .join_from(tables.runs, tables.tasks)
    .where(
        tables.runs.c.id
        == select(_asked.c.run_id).where(_asked.c.id == bindparam("task_id")).scalar_subquery()
    )
    .order_by(tables.tasks.c.position)
)
TASKS = (
    select(*TASK_COLUMNS)
    .where(tables.tasks.c.run_id == bindparam("run_id"))
    .order_by(tables.tasks.c.position)
)
TASK = select(*TASK_COLUMNS).where(tables.tasks.c.id == bindparam("task_id"))
APPROVAL = select(tables.approvals).where(tables.approvals.c.id == bindparam("approval_id"))
APPROVALS_OF_RUN = (
    select(tables.approvals)
    .join_from(tables.tasks, tables.approvals, tables.approvals.c.id == tables.tasks.c.approval_id)
    .where(tables.tasks.c.run_id == bindparam("run_id"))
)
EVENT_OF_RUN = select(tables.events).where(
    tables.events.c.run_id == bindparam("run_id"), tables.events.c.sequence == bindparam("sequence")
)
ROLES_AFTER = (
    select(tables.roles)
    .where(tables.roles.c.id > bindparam("after"))
    .order_by(tables.roles.c.id)
    .limit(bindparam("limit"))
)
TEMPLATES_AFTER = (
    select(tables.templates)
    .where(tables.templates.c.id > bindparam("after"))
    .order_by(tables.templates.c.id)
    .limit(bindparam("limit"))
)
RUNS_AFTER = (
    select(*RUN_COLUMNS)
    .where(tables.runs.c.id > bindparam("after"))
    .order_by(tables.runs.c.id)
    .limit(bindparam("limit"))
)
RUNS_OF_STATUS_AFTER = RUNS_AFTER.where(tables.runs.c.status == bindparam("of_status"))
ATTEMPTS_AFTER = (
    select(
        tables.dispatches.c.attempt.label("dispatched_attempt"),
        tables.dispatches.c.created_at.label("dispatched_at"),
        tables.dispatches.c.state,
        tables.dispatches.c.submission["context7_enabled"].as_boolean().label("context7_enabled"),
        *tables.approvals.c,
    )
    .join_from(
        tables.dispatches,
        tables.approvals,
        tables.approvals.c.id == tables.dispatches.c.approval_id,
        isouter=True,
    )
    .where(
        tables.dispatches.c.task_id == bindparam("of_task"),
        tables.dispatches.c.attempt > bindparam("after", type_=BigInteger),  # cursors outgrow attempts
    )
    .order_by(tables.dispatches.c.attempt)
    .limit(bindparam("limit"))
)
LOST_ATTEMPTS = (
    select(tables.tasks.c.run_id, tables.tasks.c.id, tables.tasks.c.attempt)
    .where(
        or_(
            tables.tasks.c.lease_until <= bindparam("now"),
            tables.tasks.c.lease_until > bindparam("beyond", type_=BigInteger),
        )
    )
    .order_by(tables.tasks.c.lease_until)
    .limit(bindparam("limit"))
)
"""Only attempts under way have leases, and an index of their own."""

REPORTS = (
    select(tables.events)
    .where(
        tables.events.c.run_id == bindparam("run_id"),
        tables.events.c.task_id == bindparam("task_id"),
        or_(
            tables.events.c.type == EventType.RUNNER_STATUS_UPDATED.value,
            tables.events.c.type == EventType.RUNNER_SUBMIT_FAILED.value,
        ),
        tables.events.c.attempt.between(bindparam("first"), bindparam("last")),
    )
    .order_by(tables.events.c.sequence)
)
TOLD_EVENT = select(
    exists(
        select(1).where(
            tables.events.c.run_id == bindparam("run_id"),
            tables.events.c.task_id == bindparam("task_id"),
            tables.events.c.attempt == bindparam("attempt"),
            tables.events.c.type == bindparam("kind"),
        )
    )
)
NEWEST_EVENT = select(func.max(tables.events.c.id))
CALLBACK_KEY = select(tables.callback_keys.c.attempt, tables.callback_keys.c.status).where(
    tables.callback_keys.c.task_id == bindparam("task_id"), tables.callback_keys.c.key == bindparam("key")
)
IS_PENDING = tables.dispatches.c.state == literal_column("'pending'")
"""No parameter: the partial index serves only what is known to be within it."""
PENDING_SUBMISSIONS = (
    select(tables.dispatches.c.submission)
    .where(
        IS_PENDING,
        or_(
            tables.dispatches.c.updated_at <= bindparam("before"),
            tables.dispatches.c.updated_at > bindparam("beyond"),
        ),
    )
    .order_by(tables.dispatches.c.updated_at)
    .limit(bindparam("limit"))
)
PENDING_BACKLOG = select(func.count(), func.min(tables.dispatches.c.created_at)).where(IS_PENDING)


@cache
def events_statement(*, in_run: bool, of_kind: bool, bounded: bool) -> Select[Any]:
    """Events after an id, narrowed as wanted; within a run, the sequence has an index."""
    events = tables.events.c
    statement = select(tables.events).where(events.id > bindparam("after")).limit(bindparam("limit"))
    statement = statement.order_by(events.sequence if in_run else events.id)
    if in_run:
        statement = statement.where(events.run_id == bindparam("in_run"))
    if of_kind:
        statement = statement.where(events.type == bindparam("of_kind"))
    if bounded:
        statement = statement.where(events.id <= bindparam("until"))
    return statement


class SqlReader(CatalogueReads, PathLockReads, ResultReads, TokenReads):
    """Reads through one connection, in or out of a transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def role(self, role_id: int) -> Role | None:
        """One role."""
        row = (await self._connection.execute(ROLE, {"role_id": role_id})).one_or_none()
        return None if row is None else role_from_row(row)

    async def known_roles(self, role_ids: Sequence[int]) -> frozenset[int]:
        """Those of the given roles that exist."""
        found = [await self.role(role_id) for role_id in role_ids]
        return frozenset(role.id for role in found if role is not None)

    async def template(self, template_id: int) -> Template | None:
        """One template with its steps."""
        row = (await self._connection.execute(TEMPLATE, {"template_id": template_id})).one_or_none()
        return None if row is None else template_from_row(row)

    async def run_with_tasks(self, run_id: int) -> tuple[Run, list[Task]] | None:
        """A run and its tasks in template order, from one snapshot."""
        return _run_with_tasks(await self._connection.execute(RUN_WITH_TASKS, {"run_id": run_id}))

    async def run_around(self, task_id: int) -> tuple[Run, list[Task]] | None:
        """The run that a task belongs to with all its tasks, from one snapshot; None where it has none."""
        return _run_with_tasks(await self._connection.execute(RUN_AROUND, {"task_id": task_id}))

    async def run(self, run_id: int) -> Run | None:
        """One run without its tasks."""
        row = (await self._connection.execute(RUN, {"run_id": run_id})).one_or_none()
        return None if row is None else run_from_row(row)

    async def tasks(self, run_id: int) -> list[Task]:
        """The tasks of a run in template order."""
        rows = (await self._connection.execute(TASKS, {"run_id": run_id})).all()
        return [task_from_row(row) for row in rows]

    async def task(self, task_id: int) -> Task | None:
        """One task."""
        row = (await self._connection.execute(TASK, {"task_id": task_id})).one_or_none()
        return None if row is None else task_from_row(row)

    async def approval(self, approval_id: int) -> Approval | None:
        """One approval."""
        row = (await self._connection.execute(APPROVAL, {"approval_id": approval_id})).one_or_none()
        return None if row is None else approval_from_row(row)

    async def approvals_of_run(self, run_id: int) -> list[Approval]:
        """The approvals that cover the current or next attempts of a run's tasks, in no order."""
        rows = (await self._connection.execute(APPROVALS_OF_RUN, {"run_id": run_id})).all()
        return [approval_from_row(row) for row in rows]

    async def event(self, run_id: int, sequence: int) -> Event | None:
        """One event of a run by its number."""
        parameters = {"run_id": run_id, "sequence": sequence}
        row = (await self._connection.execute(EVENT_OF_RUN, parameters)).one_or_none()
        return None if row is None else event_from_row(row)

    async def roles_after(self, after: int, *, limit: int) -> list[Role]:
        """Roles with a greater id, in order."""
        rows = (await self._connection.execute(ROLES_AFTER, {"after": after, "limit": limit})).all()
        return [role_from_row(row) for row in rows]

    async def templates_after(self, after: int, *, limit: int) -> list[Template]:
        """Templates with a greater id, in order."""
        rows = (await self._connection.execute(TEMPLATES_AFTER, {"after": after, "limit": limit})).all()
        return [template_from_row(row) for row in rows]

    async def runs_after(self, after: int, *, status: RunStatus | None, limit: int) -> list[Run]:
        """Runs with a greater id, in order; an index serves either filter."""
        if status is None:
            result = await self._connection.execute(RUNS_AFTER, {"after": after, "limit": limit})
        else:
            parameters = {"after": after, "limit": limit, "of_status": status.value}
            result = await self._connection.execute(RUNS_OF_STATUS_AFTER, parameters)
        rows = result.all()
        return [run_from_row(row) for row in rows]

    async def events_after(
        self, after: int, *, run_id: int | None, kind: str | None, limit: int, until: int | None = None
    ) -> list[Event]:
        """Events with a greater id, in order, up to `until`; a type is looked for among those."""
        statement = events_statement(
            in_run=run_id is not None, of_kind=kind is not None, bounded=until is not None
        )
        parameters = {"after": after, "limit": limit, "in_run": run_id, "of_kind": kind, "until": until}
        rows = (await self._connection.execute(statement, parameters)).all()
        return [event_from_row(row) for row in rows]

    async def attempts_after(self, task_id: int, after: int, *, limit: int) -> list[AttemptRecord]:
        """The later attempts of a task, in order."""
        parameters = {"of_task": task_id, "after": after, "limit": limit}
        rows = (await self._connection.execute(ATTEMPTS_AFTER, parameters)).all()
        return [attempt_from_row(row) for row in rows]

    async def events_window(self, after: int, size: int) -> int:
        """The last of the next so many events; `after` itself where none follows."""
        newest = (await self._connection.execute(NEWEST_EVENT)).scalar() or 0
        return max(after, min(after + size, newest))

    async def was_told(self, run_id: int, task_id: int, attempt: int, kind: EventType) -> bool:
        """Whether there is an event of that type about an attempt of a task of a run."""
        parameters = {"run_id": run_id, "task_id": task_id, "attempt": attempt, "kind": kind.value}
        return bool((await self._connection.execute(TOLD_EVENT, parameters)).scalar())

    async def reports(self, run_id: int, task_id: int, first: int, last: int) -> list[Event]:
        """What runners reported and answered about a range of attempts of a task of a run, in order."""
        parameters = {"run_id": run_id, "task_id": task_id, "first": first, "last": last}
        rows = (await self._connection.execute(REPORTS, parameters)).all()
        return [event_from_row(row) for row in rows]

    async def callback_with_key(self, task_id: int, key: str) -> tuple[int, TaskStatus] | None:
        """The attempt and status of the callback that used this key before."""
        parameters = {"task_id": task_id, "key": key}
        row = (await self._connection.execute(CALLBACK_KEY, parameters)).one_or_none()
        return None if row is None else (row.attempt, TaskStatus(row.status))

    async def pending_submissions(
        self, *, before: datetime, beyond: datetime, limit: int
    ) -> list[Submission]:
        """Dispatches without a recorded outcome that nobody took on since, the oldest first.

        Those that were taken on `beyond` a time to come are among them: the clock was set back since.
        """
        parameters = {"before": to_micros(before), "beyond": to_micros(beyond), "limit": limit}
        result = await self._connection.execute(PENDING_SUBMISSIONS, parameters)
        return [submission_from_json(kept) for kept in result.scalars()]

    async def pending_backlog(self) -> tuple[int, datetime | None]:
        """How many dispatches have no recorded outcome, and when the oldest of them was made."""
        [(pending, since)] = (await self._connection.execute(PENDING_BACKLOG)).all()
        return pending, None if since is None else from_micros(since)

    async def lost_attempts(self, now: datetime, *, beyond: datetime | None, limit: int) -> list[LostAttempt]:
        """Attempts under way whose lease is over, or ends `beyond` what can be, the longest first."""
        parameters = {
            "now": to_micros(now),
            "beyond": None if beyond is None else to_micros(beyond),
            "limit": limit,
        }
        rows = (await self._connection.execute(LOST_ATTEMPTS, parameters)).all()
        return [LostAttempt(row.run_id, row.id, row.attempt) for row in rows]


def _run_with_tasks(result: Result) -> tuple[Run, list[Task]] | None:
    rows = result.all()
    if not rows:
        return None
    split = len(RUN_COLUMNS)
    return run_from_row(rows[0]), [task_from_row(row[split:]) for row in rows]
