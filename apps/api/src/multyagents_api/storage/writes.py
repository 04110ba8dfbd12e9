"""Writing: what a transaction adds. Whatever changes an existing row is a guarded write."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, insert, update

from multyagents_api.domain.approvals import Approval, ApprovalStatus
from multyagents_api.domain.events import CONTRACT_VERSION, NewEvent
from multyagents_api.domain.roles import NewRole, Role
from multyagents_api.domain.runs import Run, RunStatus
from multyagents_api.domain.tasks import Task, TaskStatus
from multyagents_api.domain.templates import Step, Template
from multyagents_api.service.runners import Submission, SubmissionState
from multyagents_api.storage import tables
from multyagents_api.storage.catalogue import CatalogueWrites, role_values, template_values
from multyagents_api.storage.guards import GuardedWrites
from multyagents_api.storage.leases import LeaseWrites
from multyagents_api.storage.path_locks import PathLockWrites
from multyagents_api.storage.results import ResultWrites
from multyagents_api.storage.rows import (
    RUN_COLUMNS,
    approval_from_row,
    required_to_json,
    role_from_row,
    run_from_row,
    submission_to_json,
    template_from_row,
    to_micros,
    workspace_to_json,
)
from multyagents_api.storage.tokens import TokenWrites

__all__ = ["SqlWriter"]

INSERT_ROLE = insert(tables.roles).returning(*tables.roles.c)
INSERT_TEMPLATE = insert(tables.templates).returning(*tables.templates.c)
INSERT_RUN = insert(tables.runs).returning(*RUN_COLUMNS)
INSERT_TASKS = insert(tables.tasks).returning(tables.tasks.c.id)
INSERT_EVENTS = insert(tables.events)
INSERT_DISPATCH = insert(tables.dispatches)
INSERT_APPROVALS = insert(tables.approvals).returning(*tables.approvals.c)
INSERT_CALLBACK_KEY = insert(tables.callback_keys)
SET_APPROVAL = (
    update(tables.tasks)
    .where(tables.tasks.c.id == bindparam("the_task"))
    .values(approval_id=bindparam("the_approval"))
)


class SqlWriter(GuardedWrites, LeaseWrites, CatalogueWrites, PathLockWrites, ResultWrites, TokenWrites):
    """One write transaction."""

    async def insert_role(self, new: NewRole, now: datetime) -> Role:
        """Add a role; its name is unique, and its skill packs exist."""
        values = {**role_values(new), "created_at": to_micros(now)}
        role = role_from_row((await self._connection.execute(INSERT_ROLE, values)).one())
        await self.note_skill_packs(role)
        return role

    async def insert_template(
        self, name: str, steps: Sequence[Step], now: datetime, *, project_id: int | None = None
    ) -> Template:
        """Add a template; its roles and its project exist."""
        values = {**template_values(name, steps, project_id), "created_at": to_micros(now)}
        template = template_from_row((await self._connection.execute(INSERT_TEMPLATE, values)).one())
        await self.note_roles(template)
        return template

    async def insert_run(
        self, template_id: int | None, initiated_by: str | None, *, events: int, now: datetime
    ) -> Run:
        """Add a run whose first `events` events follow in the same transaction."""
        values = {
            "template_id": template_id,
            "initiated_by": initiated_by,
            "status": RunStatus.CREATED.value,
            "version": 1,
            "rerun_count": 0,
            "event_sequence": events,
            "created_at": to_micros(now),
            "updated_at": to_micros(now),
        }
        return run_from_row((await self._connection.execute(INSERT_RUN, values)).one())

    async def insert_tasks(
        self, run_id: int | None, steps: Sequence[Step], now: datetime, *, project_id: int | None = None
    ) -> list[Task]:
        """Add a task for each step, in order, to a run or to none yet."""
        values = [
            {
                "run_id": run_id,
                "position": position,
                "step_id": step.step_id,
                "role_id": step.role_id,
                "title": step.title,
                "prompt": step.prompt,
                "depends_on": list(step.depends_on),
                "requires_approval": step.requires_approval,
                "approval_id": None,
                "carries_approval_over": step.carries_approval_over,
                "context7": step.context7.value,
                "status": TaskStatus.CREATED.value,
                "attempt": 0,
                "retries_used": 0,
                "last_rerun": 0,
                "reason": None,
                "updated_at": to_micros(now),
                "project_id": project_id,
                "workspace": workspace_to_json(step.workspace),
                "required_artifacts": required_to_json(step.required_artifacts),
                "quality_gates": list(step.quality_gates) or None,
                "command": None if step.command is None else list(step.command),
                "timeout_s": step.timeout_s,
            }
            for position, step in enumerate(steps)
        ]
        ids = (await self._connection.execute_many(INSERT_TASKS, values)).scalars()
        return [
            _new_task(task_id, run_id, step, project_id, now)
            for task_id, step in zip(ids, steps, strict=True)
        ]

    async def open_approvals(
        self, tasks: Sequence[Task], now: datetime, *, requested_by: str | None = None
    ) -> list[Approval]:
        """Ask for a decision about the next attempt of each task, and let the task wait for it."""
        if not tasks:
            return []
        values = [
            {
                "task_id": task.id,
                "run_id": task.run_id,
                "attempt": task.attempt + 1,
                "status": ApprovalStatus.PENDING.value,
                "created_at": to_micros(now),
                "requested_by": requested_by,
            }
            for task in tasks
        ]
        rows = (await self._connection.execute_many(INSERT_APPROVALS, values)).all()
        opened = [approval_from_row(row) for row in rows]
        links = [{"the_task": approval.task_id, "the_approval": approval.id} for approval in opened]
        await self._connection.execute_many(SET_APPROVAL, links)
        return opened

    async def insert_callback_key(self, task_id: int, key: str, attempt: int, status: TaskStatus) -> None:
        """Remember a callback by its key; a second one under the same key is refused by the primary key."""
        values = {"task_id": task_id, "key": key, "attempt": attempt, "status": status.value}
        await self._connection.execute(INSERT_CALLBACK_KEY, values)

    async def insert_submission(self, submission: Submission, approval_id: int | None, now: datetime) -> None:
        """Add the outbox row of an attempt; the primary key refuses a second one."""
        values = {
            "task_id": submission.task_id,
            "attempt": submission.attempt,
            "approval_id": approval_id,
            "submission": submission_to_json(submission),
            "state": SubmissionState.PENDING.value,
            "created_at": to_micros(now),
            "updated_at": to_micros(now),
        }
        await self._connection.execute(INSERT_DISPATCH, values)

    async def append_events(
        self, run_id: int, first_sequence: int, events: Sequence[NewEvent], now: datetime
    ) -> None:
        """Add events under consecutive numbers."""
        if not events:
            return
        values = [
            {
                "run_id": run_id,
                "sequence": sequence,
                "contract_version": CONTRACT_VERSION,
                "type": str(event.type),
                "task_id": event.task_id,
                "attempt": event.attempt,
                "producer_role": event.producer_role,
                "payload": event.payload,
                "time": to_micros(now),
            }
            for sequence, event in enumerate(events, start=first_sequence)
        ]
        await self._connection.execute_many(INSERT_EVENTS, values)


def _new_task(task_id: int, run_id: int | None, step: Step, project_id: int | None, now: datetime) -> Task:
    """The task that was just made of a step, without reading back what was written."""
    return Task(
        id=task_id,
        run_id=run_id,
        step_id=step.step_id,
        role_id=step.role_id,
        title=step.title,
        depends_on=step.depends_on,
        requires_approval=step.requires_approval,
        approval_id=None,
        carries_approval_over=step.carries_approval_over,
        context7=step.context7,
        status=TaskStatus.CREATED,
        attempt=0,
        retries_used=0,
        last_rerun=0,
        reason=None,
        updated_at=now,
        project_id=project_id,
        workspace=step.workspace,
        required_artifacts=step.required_artifacts,
        quality_gates=step.quality_gates,
    )
