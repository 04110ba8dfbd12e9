"""Runs: started from a template, read with their tasks."""

from dataclasses import dataclass

from multyagents_api.domain.errors import NotFound
from multyagents_api.domain.events import EventType, NewEvent, task_event
from multyagents_api.domain.runs import Run
from multyagents_api.domain.tasks import Task
from multyagents_api.service.ports import Clock, Storage

__all__ = ["RunView", "Runs"]


@dataclass(frozen=True, slots=True)
class RunView:
    """A run with its tasks in template order, both from one look at the store."""

    run: Run
    tasks: list[Task]


@dataclass(frozen=True, slots=True)
class Runs:
    """Use cases about runs."""

    storage: Storage
    clock: Clock

    async def create(self, template_id: int, initiated_by: str | None) -> RunView:
        """Start a run: a task for each step of the template, in its order."""
        async with self.storage.read() as reader:
            template = await reader.template(template_id)
        if template is None:
            raise NotFound("workflow template", str(template_id))
        now = self.clock.now()
        gated = sum(step.requires_approval for step in template.steps)
        async with self.storage.write() as writer:
            run = await writer.insert_run(
                template_id, initiated_by, events=1 + len(template.steps) + gated, now=now
            )
            tasks = await writer.insert_tasks(run.id, template.steps, now)
            events = [NewEvent(EventType.RUN_CREATED, payload={"workflow_template_id": str(template_id)})]
            events += [task_event(EventType.TASK_CREATED, task, 0) for task in tasks]
            await writer.append_events(run.id, 1, events, now)
        return RunView(run, tasks)

    async def get(self, run_id: int) -> RunView:
        """One run with its tasks."""
        async with self.storage.read() as reader:
            found = await reader.run_with_tasks(run_id)
        if found is None:
            raise NotFound("run", str(run_id))
        return RunView(*found)
