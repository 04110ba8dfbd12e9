"""Routes of approvals."""

from datetime import datetime

from fastapi import FastAPI, Request
from pydantic import Field

from multyagents_api.domain.approvals import Approval, ApprovalStatus
from multyagents_api.http.access import decider
from multyagents_api.http.wire import Answer, Demand, Line, Note, parse_id
from multyagents_api.service.approvals import Approvals, Decision

__all__ = ["add_routes"]


class DecisionDemand(Demand):
    """Who decides, whom a token names already, and why."""

    actor: Line | None = None
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
    requested_by: str | None = Field(description="whose request asked for it, and who can't decide it")

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
            requested_by=approval.requested_by,
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
    async def approve(approval_id: str, demand: DecisionDemand, request: Request) -> ApprovalAnswer:
        """Let the task be dispatched."""
        actor = decider(request, "actor", demand.actor)
        return await decide(approval_id, ApprovalStatus.APPROVED, actor, demand.comment)

    @app.post("/approvals/{approval_id}/reject", tags=["approvals"])
    async def reject(approval_id: str, demand: DecisionDemand, request: Request) -> ApprovalAnswer:
        """Cancel the task."""
        actor = decider(request, "actor", demand.actor)
        return await decide(approval_id, ApprovalStatus.REJECTED, actor, demand.comment)

    async def decide(
        approval_id: str, status: ApprovalStatus, actor: str, comment: str | None
    ) -> ApprovalAnswer:
        decision = Decision(parse_id("approval", approval_id), status, actor=actor, comment=comment)
        return ApprovalAnswer.of(await approvals.decide(decision))
