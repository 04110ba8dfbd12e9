"""Runs: started from a template, read with their tasks, paused, resumed and aborted by operators."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from multyagents_api.domain.errors import NotFound
from multyagents_api.domain.events import EventType, NewEvent, approval_event, task_event
from multyagents_api.domain.runs import Run, RunStatus, check_transition
from multyagents_api.domain.tasks import Task
from multyagents_api.domain.templates import StepOverride, override_steps
from multyagents_api.service.cancellation import Cancellation
from multyagents_api.service.change import RunChange
from multyagents_api.service.page import Page, cut
from multyagents_api.service.ports import Clock, Outdated, Storage, Writer
from multyagents_api.service.retry import decide_until_current

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
    cancellation: Cancellation
    clock: Clock

    async def create(
        self,
        template_id: int,
        initiated_by: str | None,
        overrides: Mapping[str, StepOverride] = MappingProxyType({}),
    ) -> RunView:
        """Start a run: a task for each step of the template, in its order."""
        async with self.storage.read() as reader:
            template = await reader.template(template_id)
        if template is None:
            raise NotFound("workflow template", str(template_id))
        now = self.clock.now()
        steps = override_steps(template.steps, overrides) if overrides else template.steps
        gated = sum(step.requires_approval for step in steps)
        async with self.storage.write() as writer:
            run = await writer.insert_run(template_id, initiated_by, events=1 + len(steps) + gated, now=now)
            tasks = await writer.insert_tasks(run.id, steps, now, project_id=template.project_id)
            opened = await writer.open_approvals([task for task in tasks if task.requires_approval], now)
            ids = {approval.task_id: approval.id for approval in opened}
            tasks = [replace(task, approval_id=ids.get(task.id)) for task in tasks] if ids else tasks
            by_id = {task.id: task for task in tasks}
            events = [NewEvent(EventType.RUN_CREATED, payload={"workflow_template_id": str(template_id)})]
            events += [task_event(EventType.TASK_CREATED, task, 0) for task in tasks]
            events += [
                approval_event(EventType.APPROVAL_PENDING, by_id[approval.task_id], approval)
                for approval in opened
            ]
            await writer.append_events(run.id, 1, events, now)
        return RunView(run, tasks)

    async def get(self, run_id: int) -> RunView:
        """One run with its tasks."""
        async with self.storage.read() as reader:
            found = await reader.run_with_tasks(run_id)
        if found is None:
            raise NotFound("run", str(run_id))
        return RunView(*found)

    async def page(self, *, after: int, status: RunStatus | None, limit: int) -> Page[Run]:
        """The runs after a given one, of one status or of all."""
        async with self.storage.read() as reader:
            return cut(await reader.runs_after(after, status=status, limit=limit + 1), limit)

    async def pause(self, run_id: int, actor: str | None) -> RunView:
        """Hold a run: nothing of it is dispatched until it is resumed."""
        return await decide_until_current("run", lambda: self._pause(run_id, actor))

    async def resume(self, run_id: int, actor: str | None) -> RunView:
        """Release a paused run; its status follows from its tasks again."""
        return await decide_until_current("run", lambda: self._resume(run_id, actor))

    async def abort(self, run_id: int, actor: str | None) -> RunView:
        """End a run for good: cancel what nobody works on, ask the runner to stop the rest."""
        stopping = await decide_until_current("run", lambda: self._abort(run_id, actor))
        await self.cancellation.ask(stopping)
        return await self.get(run_id)

    async def _pause(self, run_id: int, actor: str | None) -> RunView:
        run = (await self.get(run_id)).run
        async with self.storage.write() as writer:
            change = await self._move(writer, run, RunStatus.PAUSED)
            change.tell(NewEvent(EventType.RUN_PAUSED, payload={"actor": actor}))
            await change.finish(RunStatus.PAUSED)
        return await self.get(run_id)

    async def _resume(self, run_id: int, actor: str | None) -> RunView:
        run = (await self.get(run_id)).run
        async with self.storage.write() as writer:
            change = await self._move(writer, run, RunStatus.RUNNING)
            change.tell(NewEvent(EventType.RUN_RESUMED, payload={"actor": actor}))
            await change.settle()
        return await self.get(run_id)

    async def _abort(self, run_id: int, actor: str | None) -> Sequence[Task]:
        run = (await self.get(run_id)).run
        async with self.storage.write() as writer:
            change = await self._move(writer, run, RunStatus.ABORTED)
            canceled = await writer.cancel_created(run_id, "run aborted", change.now)
            stopping = await writer.request_cancel(run_id, change.now)
            payload = {"actor": actor, "canceled_task_ids": [str(task.id) for task in canceled]}
            change.tell(NewEvent(EventType.RUN_ABORTED, payload=payload))
            for task in stopping:
                change.tell(task_event(EventType.RUNNER_CANCEL_REQUESTED, task, task.attempt))
            await change.finish(RunStatus.ABORTED)
        return stopping

    async def _move(self, writer: Writer, run: Run, wanted: RunStatus) -> RunChange:
        check_transition(run, wanted)
        change = await RunChange.open(writer, run.id, self.clock.now(), reserve=1)
        if not await writer.move_run(run.id, expected=run.status, status=wanted):
            raise Outdated
        change.run = replace(change.run, status=wanted)
        return change
