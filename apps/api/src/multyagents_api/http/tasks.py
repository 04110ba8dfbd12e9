"""The wire's view of tasks, and their routes."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import FastAPI, Request
from pydantic import Field

from multyagents_api.domain.context7 import Context7
from multyagents_api.domain.errors import InvalidTask
from multyagents_api.domain.tasks import Task, TaskStatus
from multyagents_api.domain.templates import Step
from multyagents_api.domain.workspaces import ExecutionMode
from multyagents_api.http.access import principal_of
from multyagents_api.http.approvals import ApprovalAnswer
from multyagents_api.http.steps import RequiredAnswer, SandboxAnswer, StepDemand
from multyagents_api.http.wire import MOST_COUNT, Answer, Cursor, Demand, Id, Limit, Line, named_key, parse_id
from multyagents_api.service.runners import SubmissionState
from multyagents_api.service.tasks import AuditedAttempt, Tasks

__all__ = ["TaskAnswer", "add_routes"]


class TaskDemand(StepDemand):
    """A task that belongs to no run yet; `depends_on` names steps of tasks that will run with it."""

    project_id: Id | None = None

    def to_task_step(self) -> Step:
        """The step in the domain's words, unchecked.

        Raises:
            InvalidTask: the role's id can't be one.
        """
        return self.to_step(named_key("role", self.role_id, ("role_id",), InvalidTask))

    def project_key(self) -> int | None:
        """The project's key, if there is to be one.

        Raises:
            InvalidTask: its id can't be one.
        """
        if self.project_id is None:
            return None
        return named_key("project", self.project_id, ("project_id",), InvalidTask)


class TaskAnswer(Answer):
    """One task, of a run or of none yet; `attempt` counts its dispatches."""

    id: str
    run_id: str | None
    project_id: str | None
    step_id: str
    role_id: str
    title: str
    depends_on: list[str]
    requires_approval: bool
    approval_id: str | None
    context7: Context7
    execution_mode: ExecutionMode
    lock_paths: list[str]
    sandbox: SandboxAnswer | None
    required_artifacts: list[RequiredAnswer]
    quality_gates: list[str]
    status: TaskStatus
    attempt: int
    reason: str | None = Field(description="why it stands where it stands, where somebody told")
    updated_at: datetime

    @classmethod
    def of(cls, task: Task) -> "TaskAnswer":
        """The wire's view of a task."""
        return cls(
            id=str(task.id),
            run_id=None if task.run_id is None else str(task.run_id),
            project_id=None if task.project_id is None else str(task.project_id),
            step_id=task.step_id,
            role_id=str(task.role_id),
            title=task.title,
            depends_on=list(task.depends_on),
            requires_approval=task.requires_approval,
            approval_id=None if task.approval_id is None else str(task.approval_id),
            context7=task.context7,
            execution_mode=task.workspace.mode,
            lock_paths=list(task.workspace.lock_paths),
            sandbox=SandboxAnswer.of(task.workspace.sandbox),
            required_artifacts=[RequiredAnswer.of(required) for required in task.required_artifacts],
            quality_gates=list(task.quality_gates),
            status=task.status,
            attempt=task.attempt,
            reason=task.reason,
            updated_at=task.updated_at,
        )


class CancelDemand(Demand):
    """Which attempt to stop, the current one where none is named, and who wants it."""

    attempt: Annotated[int, Field(ge=1, le=MOST_COUNT)] | None = None
    actor: Line | None = None


class AttemptAnswer(Answer):
    """One attempt: when and by whose approval it was dispatched, and how it ended, if it did."""

    attempt: int
    dispatched_at: datetime
    outcome: SubmissionState
    context7_enabled: bool
    approval: ApprovalAnswer | None
    ended: TaskStatus | None
    ended_at: datetime | None
    message: str | None

    @classmethod
    def of(cls, audited: AuditedAttempt) -> "AttemptAnswer":
        """The wire's view of an attempt."""
        record = audited.record
        return cls(
            attempt=record.attempt,
            dispatched_at=record.dispatched_at,
            outcome=record.state,
            context7_enabled=record.context7_enabled,
            approval=None if record.approval is None else ApprovalAnswer.of(record.approval),
            ended=audited.ended,
            ended_at=audited.ended_at,
            message=audited.message,
        )


class AuditPage(Answer):
    """The attempts of a task in order; `next_after` is the cursor of the next page, None at the end."""

    task_id: str
    items: list[AttemptAnswer]
    next_after: str | None


def add_routes(app: FastAPI, tasks: Tasks) -> None:
    """Add the routes, bound to their use cases."""

    @app.post("/tasks", tags=["tasks"], status_code=HTTPStatus.CREATED)
    async def create_task(demand: TaskDemand) -> TaskAnswer:
        """Make a task by itself; a run that names it takes it up."""
        return TaskAnswer.of(await tasks.create(demand.to_task_step(), demand.project_key()))

    @app.get("/tasks/{task_id}", tags=["tasks"])
    async def get_task(task_id: str) -> TaskAnswer:
        """One task."""
        return TaskAnswer.of(await tasks.get(parse_id("task", task_id)))

    @app.post("/tasks/{task_id}/cancel", tags=["tasks"])
    async def cancel_task(task_id: str, request: Request, demand: CancelDemand | None = None) -> TaskAnswer:
        """Ask the runner to stop a task that is under way."""
        wish = demand or CancelDemand()
        actor = principal_of(request).speaks_as("actor", wish.actor)
        return TaskAnswer.of(await tasks.cancel(parse_id("task", task_id), attempt=wish.attempt, actor=actor))

    @app.get("/tasks/{task_id}/audit", tags=["tasks"])
    async def audit_task(task_id: str, after: Cursor = "0", limit: Limit = 100) -> AuditPage:
        """Who let each attempt go, when and why, and how it ended."""
        page = await tasks.audit(parse_id("task", task_id), after=int(after), limit=limit)
        items = [AttemptAnswer.of(audited) for audited in page.items]
        following = str(items[-1].attempt) if page.has_more else None
        return AuditPage(task_id=task_id, items=items, next_after=following)
