"""Waivers: a known finding that its owner answers for until a day, so that a release need not wait for it."""

from datetime import date
from enum import StrEnum

from gatewright.core.model import Model

__all__ = ["Waiver", "WaiverStatus", "WaiverUse"]


class Waiver(Model):
    """One waiver, as the policy writes it.

    Attributes:
        id: how the verdict names it.
        check: the check whose state it is laid over.
        reason: why the release may go out.
        owner: who answers for it.
        expires: the last day on which it holds.
        rule: the only rule that it is about; all of the check when empty.
        scope: where the finding is known from.
        approver: who agreed.
        issue: where the mending is followed.
    """

    id: str
    check: str
    reason: str
    owner: str
    expires: date
    rule: str = ""
    scope: str = ""
    approver: str = ""
    issue: str = ""


class WaiverStatus(StrEnum):
    """What became of a waiver; only an applied one does anything."""

    APPLIED = "applied"
    UNMATCHED = "unmatched"
    EXPIRED = "expired"
    MALFORMED = "malformed"
    REFUSED = "refused"


class WaiverUse(Model):
    """What became of one waiver in a run; fields that a malformed one lacks are empty."""

    id: str
    check: str = ""
    status: WaiverStatus
    owner: str = ""
    reason: str = ""
    expires: date | None = None
    message: str
