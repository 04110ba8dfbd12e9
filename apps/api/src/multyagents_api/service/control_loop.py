"""The control loop's turn: what could go, what goes, and where the run stands afterwards."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from multyagents_api.domain.errors import NotFound
from multyagents_api.domain.readiness import BlockedReason
from multyagents_api.domain.runs import HELD, Run
from multyagents_api.domain.tasks import DISPATCHABLE, Task, TaskStatus
from multyagents_api.service.dispatching import DispatchAnswer, Dispatching
from multyagents_api.service.ports import Storage
from multyagents_api.service.readiness import blocked_tasks

__all__ = ["ControlLoop", "Turn"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn: the plan, what was dispatched, and the run with its tasks afterwards.

    `stopped_by` says why fewer tasks were dispatched than were ready and allowed.
    """

    ready: Sequence[Task]
    blocked: Sequence[tuple[Task, BlockedReason]]
    spawned: Sequence[DispatchAnswer]
    stopped_by: str | None
    run: Run
    counts: Mapping[TaskStatus, int]


@dataclass(frozen=True, slots=True)
class ControlLoop:
    """The use case of a client that keeps a run going."""

    storage: Storage
    dispatching: Dispatching

    async def turn(self, run_id: int, *, max_dispatch: int) -> Turn:
        """Plan, then dispatch up to `max_dispatch` tasks; a run that is held is planned, and nothing else."""
        run, tasks = await self._look(run_id)
        async with self.storage.read() as reader:
            reasons = await blocked_tasks(reader, run, tasks)
        waiting = [task for task in tasks if task.status in DISPATCHABLE]
        ready = [task for task in waiting if task.id not in reasons]
        for task in ready[max_dispatch:]:
            reasons[task.id] = BlockedReason.DISPATCH_LIMIT_REACHED
        spawned: Sequence[DispatchAnswer] = ()
        stopped_by = None
        if ready and run.status not in HELD:
            most = min(len(ready), max_dispatch)
            spawned, stopped_by = await self.dispatching.dispatch_up_to(run_id, most)
            run, tasks = await self._look(run_id)
        return Turn(
            ready=ready,
            blocked=[(task, reasons[task.id]) for task in waiting if task.id in reasons],
            spawned=spawned,
            stopped_by=stopped_by,
            run=run,
            counts=Counter(task.status for task in tasks),
        )

    async def _look(self, run_id: int) -> tuple[Run, list[Task]]:
        async with self.storage.read() as reader:
            found = await reader.run_with_tasks(run_id)
        if found is None:
            raise NotFound("run", str(run_id))
        return found
