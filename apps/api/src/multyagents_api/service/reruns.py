"""Partial reruns: reset failed tasks, all or none, once for each failure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from multyagents_api.domain.approvals import Approval, ApprovalStatus
from multyagents_api.domain.errors import NotFound
from multyagents_api.domain.events import EventType, NewEvent, PayloadValue, pending_event, task_event
from multyagents_api.domain.reruns import RerunRequest, check_dependencies, select_for_rerun
from multyagents_api.domain.runs import Run, derive_status
from multyagents_api.domain.tasks import Task
from multyagents_api.service.change import RunChange
from multyagents_api.service.dispatching import DispatchAnswer, Dispatching
from multyagents_api.service.ports import Clock, Outdated, Reader, Storage
from multyagents_api.service.retry import decide_until_current

__all__ = ["RerunOutcome", "Reruns"]


@dataclass(frozen=True, slots=True)
class RerunOutcome:
    """What a partial rerun did: the run as counted, the tasks as selected, and the dispatches that followed.

    `stopped_by` says why fewer tasks were dispatched than `max_dispatch` allowed.
    """

    run: Run
    reset: Sequence[Task]
    dispatched: Sequence[DispatchAnswer] = ()
    stopped_by: str | None = None


@dataclass(frozen=True, slots=True)
class Reruns:
    """Use cases about partial reruns."""

    storage: Storage
    dispatching: Dispatching
    clock: Clock

    async def rerun(self, request: RerunRequest, *, max_dispatch: int) -> RerunOutcome:
        """Reset the selected tasks in one transaction, then dispatch up to `max_dispatch` ready ones."""
        run, reset = await decide_until_current("run", lambda: self._reset(request))
        dispatched, stopped_by = await self.dispatching.dispatch_up_to(request.run_id, max_dispatch)
        return RerunOutcome(run, reset, dispatched, stopped_by)

    async def _reset(self, request: RerunRequest) -> tuple[Run, Sequence[Task]]:
        async with self.storage.read() as reader:
            found = await reader.run_with_tasks(request.run_id)
            if found is None:
                raise NotFound("run", str(request.run_id))
            selected = select_for_rerun(request, *found)
            asking = [task for task in selected if await _asks_again(reader, task)]
        now = self.clock.now()
        reserve = 1 + len(selected) + len(asking)
        async with self.storage.write() as writer:
            run = await writer.begin_rerun(
                request.run_id, expected_version=request.expected_version, events=reserve, now=now
            )
            if run is None:
                raise Outdated
            change = RunChange(writer, run, now, reserve)
            task_ids = [task.id for task in selected]
            if not await writer.reset_tasks(run.id, task_ids, rerun_number=run.rerun_count, now=now):
                raise Outdated
            tasks = await writer.tasks(run.id)
            _check_current(selected, tasks)
            opened = await writer.open_approvals(asking, now, requested_by=request.subject)
            _tell(change, request, selected, opened)
            status = await change.finish(derive_status(tasks))
        return replace(run, status=status), selected


def _check_current(selected: Sequence[Task], tasks: Sequence[Task]) -> None:
    """Refuse what was decided upon an older look: an attempt opened, or a dependency failed in between.

    The reset tasks themselves still are what they were but for their status.
    """
    check_dependencies(selected, tasks)
    attempts = {task.id: task.attempt for task in tasks}
    if any(attempts[task.id] != task.attempt for task in selected):
        raise Outdated


async def _asks_again(reader: Reader, task: Task) -> bool:
    """Whether the next attempt needs a decision of its own."""
    if not task.requires_approval or not task.carries_approval_over or task.approval_id is None:
        return task.requires_approval
    approval = await reader.approval(task.approval_id)
    return approval is None or approval.status is not ApprovalStatus.APPROVED


def _tell(
    change: RunChange, request: RerunRequest, selected: Sequence[Task], opened: Sequence[Approval]
) -> None:
    payload: dict[str, PayloadValue] = {
        "requested_by": request.requested_by,
        "reason": request.reason,
        "task_ids": [str(task.id) for task in selected],
    }
    change.tell(NewEvent(EventType.PARTIAL_RERUN_REQUESTED, payload=payload))
    for task in selected:
        change.tell(task_event(EventType.PARTIAL_RERUN_RESET, task, task.attempt, previous=task.status.value))
    by_id = {task.id: task for task in selected}
    for approval in opened:
        change.tell(pending_event(by_id[approval.task_id], approval))
