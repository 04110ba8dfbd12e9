"""Summaries of runs: what a client asks again and again while a run goes on."""

from collections.abc import Sequence
from dataclasses import dataclass

from multyagents_api.domain.approvals import ApprovalStatus
from multyagents_api.domain.artifacts import ProducedArtifact, missing_artifacts
from multyagents_api.domain.errors import NotFound
from multyagents_api.domain.readiness import BlockedReason, blocked_reason
from multyagents_api.domain.runs import Run
from multyagents_api.domain.summaries import ExecutionSummary, summarize
from multyagents_api.domain.tasks import DISPATCHABLE, Task, succeeded_steps
from multyagents_api.service.ports import Reader, Storage

__all__ = ["Summaries"]


@dataclass(frozen=True, slots=True)
class Summaries:
    """Use cases about summaries."""

    storage: Storage

    async def of_run(self, run_id: int) -> ExecutionSummary:
        """Where a run stands: two to four statements, whatever was tried before."""
        async with self.storage.read() as reader:
            found = await reader.run_with_tasks(run_id)
            if found is None:
                raise NotFound("run", str(run_id))
            run, tasks = found
            times = await reader.dispatch_times(run_id)
            return summarize(run, tasks, times, await _blocked(reader, run, tasks))


async def _blocked(reader: Reader, run: Run, tasks: Sequence[Task]) -> dict[int, BlockedReason]:
    """Why the tasks that wait for their dispatch can't have it now, by their ids."""
    waiting = [task for task in tasks if task.status in DISPATCHABLE]
    succeeded = succeeded_steps(tasks)
    approved = await _approved(reader, run.id, waiting)
    produced = await _produced(reader, run.id, waiting)
    reasons = {
        task.id: blocked_reason(
            task,
            run,
            succeeded,
            is_approved=task.approval_id in approved,
            missing=missing_artifacts(task.required_artifacts, produced),
        )
        for task in waiting
    }
    return {task_id: reason for task_id, reason in reasons.items() if reason is not None}


async def _approved(reader: Reader, run_id: int, waiting: Sequence[Task]) -> set[int]:
    """The approvals given, looked for only where a task asks for one."""
    if not any(task.requires_approval for task in waiting):
        return set()
    approvals = await reader.approvals_of_run(run_id)
    return {approval.id for approval in approvals if approval.status is ApprovalStatus.APPROVED}


async def _produced(reader: Reader, run_id: int, waiting: Sequence[Task]) -> Sequence[ProducedArtifact]:
    """What the steps produced, looked for only where a task asks for something."""
    if not any(task.required_artifacts for task in waiting):
        return ()
    return await reader.artifacts_of_run(run_id)
