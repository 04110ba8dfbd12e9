"""Which tasks of a run can't go now, and why: one look at all that a dispatch asks for."""

from collections.abc import Mapping, Sequence

from multyagents_api.domain.approvals import ApprovalStatus
from multyagents_api.domain.artifacts import ProducedArtifact, RequiredArtifact, missing_artifacts
from multyagents_api.domain.readiness import BlockedReason, blocked_reason
from multyagents_api.domain.runs import Run
from multyagents_api.domain.tasks import DISPATCHABLE, Task, succeeded_steps
from multyagents_api.service.ports import Reader

__all__ = ["blocked_tasks", "lacking_artifacts"]


async def blocked_tasks(reader: Reader, run: Run, tasks: Sequence[Task]) -> dict[int, BlockedReason]:
    """Why tasks that wait for their dispatch can't have it now, by their ids."""
    waiting = [task for task in tasks if task.status in DISPATCHABLE]
    succeeded = succeeded_steps(tasks)
    approved = await _approved(reader, run.id, waiting)
    lacking = await lacking_artifacts(reader, run.id, waiting)
    reasons: dict[int, BlockedReason] = {}
    for task in waiting:
        reason = blocked_reason(
            task,
            run,
            succeeded,
            is_approved=task.approval_id in approved,
            missing=lacking.get(task.id, ()),
        )
        if reason is None and not await reader.paths_are_free(task.id, task.workspace.lock_paths):
            reason = BlockedReason.PATHS_LOCKED
        if reason is not None:
            reasons[task.id] = reason
    return reasons


async def lacking_artifacts(
    reader: Reader, run_id: int, tasks: Sequence[Task]
) -> Mapping[int, Sequence[RequiredArtifact]]:
    """What tasks still wait for, by their ids; looked for only where one asks for something.

    Artifacts of a step that ended well stay, so that what is there once is there at the dispatch.
    """
    if not any(task.required_artifacts for task in tasks):
        return {}
    produced: Sequence[ProducedArtifact] = await reader.artifacts_of_run(run_id)
    lacking = {task.id: missing_artifacts(task.required_artifacts, produced) for task in tasks}
    return {task_id: missing for task_id, missing in lacking.items() if missing}


async def _approved(reader: Reader, run_id: int, waiting: Sequence[Task]) -> set[int | None]:
    """The approvals given, looked for only where a task asks for one."""
    if not any(task.requires_approval for task in waiting):
        return set()
    approvals = await reader.approvals_of_run(run_id)
    return {approval.id for approval in approvals if approval.status is ApprovalStatus.APPROVED}
