"""One approval, one decision."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from multyagents_api.domain.approvals import Approval, ApprovalStatus, is_decision
from multyagents_api.domain.errors import AlreadyDecided, OwnRequest

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def approval(status: ApprovalStatus, actor: str | None = None) -> Approval:
    return Approval(1, 1, 1, 1, status, actor, None, MOMENT, None)


def test_a_pending_approval_takes_any_decision():
    """Pending goes to approved or rejected."""
    assert is_decision(approval(ApprovalStatus.PENDING), ApprovalStatus.APPROVED, "mia")
    assert is_decision(approval(ApprovalStatus.PENDING), ApprovalStatus.REJECTED, "mia")


@pytest.mark.parametrize("status", list(ApprovalStatus))
def test_who_asked_does_not_decide(status):
    """Neither a pending approval nor one that was decided; where nobody is known, nobody is kept from it."""
    own = replace(approval(status), requested_by="mia")
    for wanted in (ApprovalStatus.APPROVED, ApprovalStatus.REJECTED):
        with pytest.raises(OwnRequest, match="'mia' asked for approval 1"):
            is_decision(own, wanted, "mia")
    assert is_decision(approval(ApprovalStatus.PENDING), ApprovalStatus.APPROVED, "mia")


def test_a_decision_stays():
    """The same decision by the same actor is no news; another actor or decision is refused."""
    decided = approval(ApprovalStatus.APPROVED, "mia")
    assert not is_decision(decided, ApprovalStatus.APPROVED, "mia")
    with pytest.raises(AlreadyDecided):
        is_decision(decided, ApprovalStatus.APPROVED, "leo")
    with pytest.raises(AlreadyDecided):
        is_decision(decided, ApprovalStatus.REJECTED, "mia")
