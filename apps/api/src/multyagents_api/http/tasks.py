"""The wire's view of tasks, and their routes."""

from datetime import datetime

from pydantic import Field

from multyagents_api.domain.tasks import Task, TaskStatus
from multyagents_api.http.wire import Answer

__all__ = ["TaskAnswer"]


class TaskAnswer(Answer):
    """One task of a run; `attempt` counts its dispatches."""

    id: str
    run_id: str
    step_id: str
    role_id: str
    title: str
    depends_on: list[str]
    requires_approval: bool
    approval_id: str | None
    status: TaskStatus
    attempt: int
    reason: str | None = Field(description="why it stands where it stands, where somebody told")
    updated_at: datetime

    @classmethod
    def of(cls, task: Task) -> "TaskAnswer":
        """The wire's view of a task."""
        return cls(
            id=str(task.id),
            run_id=str(task.run_id),
            step_id=task.step_id,
            role_id=str(task.role_id),
            title=task.title,
            depends_on=list(task.depends_on),
            requires_approval=task.requires_approval,
            approval_id=None if task.approval_id is None else str(task.approval_id),
            status=task.status,
            attempt=task.attempt,
            reason=task.reason,
            updated_at=task.updated_at,
        )
