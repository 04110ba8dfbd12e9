"""What a store tells of dispatches: those that were, the one that was just won, and those that were lost."""

from dataclasses import dataclass
from datetime import datetime

from multyagents_api.domain.approvals import Approval
from multyagents_api.service.runners import SubmissionState

__all__ = ["AttemptRecord", "Claim", "LostAttempt"]


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """What is kept of the dispatch that opened an attempt."""

    attempt: int
    dispatched_at: datetime
    state: SubmissionState
    context7_enabled: bool
    approval: Approval | None


@dataclass(frozen=True, slots=True)
class Claim:
    """A task won for dispatch: the attempt that this opened, its approval, what to do, and in which role."""

    attempt: int
    prompt: str
    approval_id: int | None
    role_name: str
    role_context7: bool
    system_prompt: str
    allowed_tools: tuple[str, ...]
    skill_pack_ids: tuple[int, ...]
    command: tuple[str, ...] | None = None
    timeout_s: int | None = None


@dataclass(frozen=True, slots=True)
class LostAttempt:
    """An attempt whose lease was over when somebody looked."""

    run_id: int
    task_id: int
    attempt: int
