"""One change of one run: its row is locked, its events get the next numbers, its status follows the tasks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from multyagents_api.domain.errors import NotFound, NotInRun, Refusal
from multyagents_api.domain.events import EventType, NewEvent, task_event
from multyagents_api.domain.runs import HELD, Run, RunStatus, derive_status
from multyagents_api.domain.tasks import Task
from multyagents_api.service.ports import Outdated, Reader, Writer

__all__ = ["RunChange", "Seen", "is_current", "why_without_run"]

_TOLD_BY: Mapping[RunStatus, EventType] = {
    RunStatus.RUNNING: EventType.RUN_RUNNING,
    RunStatus.SUCCESS: EventType.RUN_SUCCEEDED,
    RunStatus.FAILED: EventType.RUN_FAILED,
}


Seen: TypeAlias = tuple[Run, Sequence[Task]]
"""A run and its tasks from one look, before the transaction."""


def is_current(seen: Seen, locked: Run) -> bool:
    """Whether nothing of a run changed between a look at it and its lock, which counts the version on."""
    return seen[0].version + 1 == locked.version


async def why_without_run(reader: Reader, task_id: int) -> Refusal:
    """Why there is no run around a task."""
    return NotFound("task", str(task_id)) if await reader.task(task_id) is None else NotInRun(task_id)


@dataclass(slots=True)
class RunChange:
    """What one write transaction does to one run; `settle` ends it, or `finish` where the status is known.

    Opening reserves numbers for `reserved` events, so that the usual change writes the run's row once.
    `known` are the run's tasks where they are known as they are now; None where they must be read.
    """

    writer: Writer
    run: Run
    now: datetime
    reserved: int
    events: list[NewEvent] = field(default_factory=list)
    known: dict[int, Task] | None = None

    @classmethod
    async def open(
        cls, writer: Writer, run_id: int, now: datetime, *, reserve: int, seen: Seen | None = None
    ) -> "RunChange":
        """Lock the run's row as the first statement of the transaction.

        Every change of a run counts its version on, so that tasks which were `seen` with the version before
        this one need not be read again.
        """
        run = await writer.touch_run(run_id, events=reserve, now=now)
        if run is None:
            raise Outdated
        known = {task.id: task for task in seen[1]} if seen is not None and is_current(seen, run) else None
        return cls(writer, run, now, reserve, known=known)

    async def tasks(self) -> list[Task]:
        """The run's tasks as they are now, in template order; nobody else can change them meanwhile."""
        if self.known is None:
            self.known = {task.id: task for task in await self.writer.tasks(self.run.id)}
        return list(self.known.values())

    def moved(self, task: Task) -> None:
        """Note how a task is after a write of this transaction."""
        if self.known is not None:
            self.known[task.id] = task

    def tell(self, event: NewEvent) -> None:
        """Note an event; it is written with the others at the end."""
        self.events.append(event)

    async def release_paths(self, ended: Task) -> None:
        """Give back, at the end of an attempt, the paths that it had to itself."""
        if not ended.workspace.lock_paths:
            return
        if paths := await self.writer.release_paths(ended.id, ended.attempt):
            self.tell(task_event(EventType.LOCKS_RELEASED, ended, ended.attempt, paths=paths))

    async def settle(self) -> RunStatus:
        """Derive the status from the tasks as they are now, and finish."""
        if self.run.status in HELD:
            return await self.finish(self.run.status)
        return await self.finish(derive_status(await self.tasks()))

    async def finish(self, status: RunStatus) -> RunStatus:
        """Store the status that the tasks give, and the events."""
        first = self.run.event_sequence - self.reserved + 1
        if status is not self.run.status and status in _TOLD_BY:
            self.tell(NewEvent(_TOLD_BY[status]))
        last = first + len(self.events) - 1
        if status is not self.run.status or last != self.run.event_sequence:
            await self.writer.settle_run(self.run.id, status, last)
        await self.writer.append_events(self.run.id, first, self.events, self.now)
        return status
