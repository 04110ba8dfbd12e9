"""Asking the runner to stop an attempt, after the wish to stop it was committed."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from multyagents_api.domain.errors import StoreBusy
from multyagents_api.domain.events import EventType, task_event
from multyagents_api.domain.redaction import redact
from multyagents_api.domain.tasks import Task
from multyagents_api.service.change import RunChange
from multyagents_api.service.ports import Clock, Storage
from multyagents_api.service.runners import Runner

__all__ = ["Cancellation"]


@dataclass(frozen=True, slots=True)
class Cancellation:
    """Passes on what was decided before; nothing that happens here takes it back."""

    storage: Storage
    runner: Runner
    clock: Clock

    async def ask(self, tasks: Iterable[Task]) -> None:
        """Ask the runner to stop the current attempt of each task; tell where it can't be asked."""
        for task in tasks:
            try:
                await self.runner.cancel(task.id, task.attempt)
            except OSError as unreachable:
                with suppress(StoreBusy):  # the cancel stands, and can be asked for again
                    await self._tell_failure(task, redact(str(unreachable)))

    async def _tell_failure(self, task: Task, why: str) -> None:
        async with self.storage.write() as writer:
            change = await RunChange.open(writer, task.run, self.clock.now(), reserve=1)
            change.tell(task_event(EventType.RUNNER_CANCEL_FAILED, task, task.attempt, message=why))
            await change.finish(change.run.status)
