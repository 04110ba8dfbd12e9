"""Routes of approvals."""

from datetime import datetime

from fastapi import FastAPI

from multyagents_api.domain.approvals import Approval, ApprovalStatus
from multyagents_api.http.wire import Answer, Demand, Line, Note, parse_id
from multyagents_api.service.approvals import Approvals, Decision

__all__ = ["add_routes"]


class DecisionDemand(Demand):
    """Who decides, and why."""

    actor: Line
    comment: Note | None = None


class ApprovalAnswer(Answer):
    """An approval; `attempt` is the first attempt that it covers."""

    id: str
    task_id: str
    run_id: str
    attempt: int
    status: ApprovalStatus
    actor: str | None
    comment: str | None
    created_at: datetime
    decided_at: datetime | None

    @classmethod
    def of(cls, approval: Approval) -> "ApprovalAnswer":
        """The wire's view of an approval."""
        return cls(
            id=str(approval.id),
            task_id=str(approval.task_id),
            run_id=str(approval.run_id),
            attempt=approval.attempt,
            status=approval.status,
            actor=approval.actor,
            comment=approval.comment,
            created_at=approval.created_at,
            decided_at=approval.decided_at,
        )


def add_routes(app: FastAPI, approvals: Approvals) -> None:
    """Add the routes, bound to their use cases."""

    @app.get("/tasks/{task_id}/approval", tags=["approvals"])
    async def get_task_approval(task_id: str) -> ApprovalAnswer:
        """The approval that covers the task's current or next attempt."""
        return ApprovalAnswer.of(await approvals.of_task(parse_id("task", task_id)))

    @app.get("/approvals/{approval_id}", tags=["approvals"])
    async def get_approval(approval_id: str) -> ApprovalAnswer:
        """One approval."""
        return ApprovalAnswer.of(await approvals.get(parse_id("approval", approval_id)))

    @app.post("/approvals/{approval_id}/approve", tags=["approvals"])
    async def approve(approval_id: str, demand: DecisionDemand) -> ApprovalAnswer:
        """Let the task be dispatched."""
        return await decide(approval_id, ApprovalStatus.APPROVED, demand)

    @app.post("/approvals/{approval_id}/reject", tags=["approvals"])
    async def reject(approval_id: str, demand: DecisionDemand) -> ApprovalAnswer:
        """Cancel the task."""
        return await decide(approval_id, ApprovalStatus.REJECTED, demand)

    async def decide(approval_id: str, status: ApprovalStatus, demand: DecisionDemand) -> ApprovalAnswer:
        key = parse_id("approval", approval_id)
        decision = Decision(key, status, actor=demand.actor, comment=demand.comment)
        return ApprovalAnswer.of(await approvals.decide(decision))
