"""Approvals: one decision by a named actor, for the attempt that the next dispatch opens."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from multyagents_api.domain.errors import AlreadyDecided, OwnRequest

__all__ = ["Approval", "ApprovalStatus", "is_decision"]


class ApprovalStatus(StrEnum):
    """Where an approval stands; values are the words on the wire."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Approval:
    """A request for a decision; it covers the attempt named here, and the retries of that.

    `requested_by` is the subject whose request opened it; None where nobody was asked who they are.
    """

    id: int
    task_id: int
    run_id: int
    attempt: int
    status: ApprovalStatus
    actor: str | None
    comment: str | None
    created_at: datetime
    decided_at: datetime | None
    requested_by: str | None = None


def is_decision(approval: Approval, wanted: ApprovalStatus, actor: str) -> bool:
    """Whether deciding changes anything; False where the same actor repeats the same decision.

    Raises:
        OwnRequest: the actor asked for it.
        AlreadyDecided: somebody decided before, or decided differently.
    """
    if approval.requested_by == actor:
        raise OwnRequest(approval.id, actor)
    if approval.status is ApprovalStatus.PENDING:
        return True
    if approval.status is wanted and approval.actor == actor:
        return False
    raise AlreadyDecided(approval.id, approval.status, approval.actor or "")
