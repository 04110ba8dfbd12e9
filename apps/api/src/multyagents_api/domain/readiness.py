"""Readiness: what still keeps a task from being dispatched; the claim in the store looks at it once more."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from enum import StrEnum

from multyagents_api.domain.artifacts import RequiredArtifact
from multyagents_api.domain.runs import Run, RunStatus
from multyagents_api.domain.tasks import Task, dependencies_satisfied

__all__ = ["BlockedReason", "blocked_reason"]


class BlockedReason(StrEnum):
    """Why a task can't go now; values are the words on the wire, in the order in which they are given."""

    RUN_ABORTED = "run-aborted"
    RUN_PAUSED = "run-paused"
    DEPENDENCIES_NOT_SATISFIED = "dependencies-not-satisfied"
    REQUIRED_ARTIFACTS_MISSING = "required-handoff-artifacts-missing"
    APPROVAL_REQUIRED = "approval-required"
    PATHS_LOCKED = "paths-locked"
    DISPATCH_LIMIT_REACHED = "dispatch-limit-reached"


_HELD_BY: dict[RunStatus, BlockedReason] = {
    RunStatus.ABORTED: BlockedReason.RUN_ABORTED,
    RunStatus.PAUSED: BlockedReason.RUN_PAUSED,
}


def blocked_reason(
    task: Task,
    run: Run,
    succeeded: AbstractSet[str],
    *,
    is_approved: bool,
    missing: Sequence[RequiredArtifact],
) -> BlockedReason | None:
    """The first reason that keeps a dispatchable task from going now; None where it may go.

    `succeeded` are the steps that ended well, `missing` the artifacts that the task still waits for;
    `is_approved` counts only where the task requires an approval. Locked paths and the limit of one request
    are known to whoever dispatches.
    """
    if run.status in _HELD_BY:
        return _HELD_BY[run.status]
    if not dependencies_satisfied(task, succeeded):
        return BlockedReason.DEPENDENCIES_NOT_SATISFIED
    if missing:
        return BlockedReason.REQUIRED_ARTIFACTS_MISSING
    if task.requires_approval and not is_approved:
        return BlockedReason.APPROVAL_REQUIRED
    return None
