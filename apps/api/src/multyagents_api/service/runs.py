"""Runs: of a template or of tasks, read with their tasks, paused, resumed and aborted by operators."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from multyagents_api.domain.errors import NotFound, Place
from multyagents_api.domain.events import EventType, NewEvent, PayloadValue, pending_event, task_event
from multyagents_api.domain.runs import Run, RunStatus, check_transition
from multyagents_api.domain.selections import check_selection
from multyagents_api.domain.tasks import Task
from multyagents_api.domain.templates import Step, StepOverride, override_steps
from multyagents_api.service.cancellation import Cancellation
from multyagents_api.service.change import RunChange
from multyagents_api.service.locating import check_locks_allowed
from multyagents_api.service.page import Page, cut
from multyagents_api.service.ports import Clock, Outdated, Reader, Storage, Writer
from multyagents_api.service.retry import decide_until_current

__all__ = ["NOBODY", "RunView", "Runs", "Starter"]


@dataclass(frozen=True, slots=True)
class RunView:
    """A run with its tasks in template order, both from one look at the store."""

    run: Run
    tasks: list[Task]


@dataclass(frozen=True, slots=True)
class Starter:
    """Who starts a run, as they call themselves, and as their token says where they were asked for one."""

    name: str | None = None
    subject: str | None = None


NOBODY = Starter()
"""Who starts a run and does not say who they are."""


@dataclass(frozen=True, slots=True)
class Runs:
    """Use cases about runs."""

    storage: Storage
    cancellation: Cancellation
    clock: Clock

    async def create(
        self,
        template_id: int,
        starter: Starter = NOBODY,
        overrides: Mapping[str, StepOverride] = MappingProxyType({}),
    ) -> RunView:
        """Start a run: a task for each step of the template, in its order; the starter asks for approvals."""
        return await decide_until_current(
            "workflow template", lambda: self._create(template_id, starter, overrides)
        )

    async def create_of_tasks(self, task_ids: Sequence[int], starter: Starter = NOBODY) -> RunView:
        """Start a run of tasks that were made by themselves, in the given order.

        This is where a task is refused to a second run.
        """
        return await decide_until_current("task", lambda: self._create_of_tasks(task_ids, starter))

    async def get(self, run_id: int) -> RunView:
        """One run with its tasks."""
        async with self.storage.read() as reader:
            return await _view(reader, run_id)

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

    async def _create(
        self, template_id: int, starter: Starter, overrides: Mapping[str, StepOverride]
    ) -> RunView:
        async with self.storage.read() as reader:
            template = await reader.template(template_id)
            if template is None:
                raise NotFound("workflow template", str(template_id))
            steps = override_steps(template.steps, overrides) if overrides else template.steps
            for step in steps:
                await _check_locks(reader, step, template.project_id, ("workflow_template_id",))
        now = self.clock.now()
        async with self.storage.write() as writer:
            run = await writer.insert_run(template_id, starter.name, events=_first_events(steps), now=now)
            tasks = await writer.insert_tasks(run.id, steps, now, project_id=template.project_id)
            told = {"workflow_template_id": str(template_id)}
            return await _begin(writer, run, tasks, starter, told)

    async def _create_of_tasks(self, task_ids: Sequence[int], starter: Starter) -> RunView:
        async with self.storage.read() as reader:
            tasks = check_selection(task_ids, [await reader.task(task_id) for task_id in task_ids])
            for index, task in enumerate(tasks):
                await _check_locks(reader, task, task.project_id, ("task_ids", index))
        now = self.clock.now()
        async with self.storage.write() as writer:
            run = await writer.insert_run(None, starter.name, events=_first_events(tasks), now=now)
            taken = await _take(writer, run, task_ids, now)
            told = {"task_ids": [str(task_id) for task_id in task_ids]}
            return await _begin(writer, run, taken, starter, told)

    async def _pause(self, run_id: int, actor: str | None) -> RunView:
        run = (await self.get(run_id)).run
        async with self.storage.write() as writer:
            change = await self._move(writer, run, RunStatus.PAUSED)
            change.tell(NewEvent(EventType.RUN_PAUSED, payload={"actor": actor}))
            await change.finish(RunStatus.PAUSED)
            return await _view(writer, run_id)

    async def _resume(self, run_id: int, actor: str | None) -> RunView:
        run = (await self.get(run_id)).run
        async with self.storage.write() as writer:
            change = await self._move(writer, run, RunStatus.RUNNING)
            change.tell(NewEvent(EventType.RUN_RESUMED, payload={"actor": actor}))
            await change.settle()
            return await _view(writer, run_id)

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


async def _view(reader: Reader, run_id: int) -> RunView:
    """A run as a transaction left it, or as it is now outside of one: nobody can come in between."""
    found = await reader.run_with_tasks(run_id)
    if found is None:
        raise NotFound("run", str(run_id))
    return RunView(*found)


def _first_events(steps: Sequence[Step] | Sequence[Task]) -> int:
    """How many events a run of these begins with: its own, one for each task, one for each approval."""
    return 1 + len(steps) + sum(step.requires_approval for step in steps)


async def _check_locks(reader: Reader, step: Step | Task, project_id: int | None, place: Place) -> None:
    if project_id is None or not step.workspace.lock_paths:
        return
    project = await reader.project(project_id)
    if project is None:
        raise Outdated
    check_locks_allowed(step.step_id, step.workspace.lock_paths, project, place)


async def _take(writer: Writer, run: Run, task_ids: Sequence[int], now: datetime) -> list[Task]:
    """Take tasks up into a run, in one order for everybody, so that two runs never wait for each other."""
    taken: dict[int, Task] = {}
    for position, task_id in sorted(enumerate(task_ids), key=lambda entry: entry[1]):
        task = await writer.take_task(task_id, run.id, position, now)
        if task is None:
            raise Outdated
        taken[task_id] = task
    return [taken[task_id] for task_id in task_ids]


async def _begin(
    writer: Writer, run: Run, tasks: list[Task], starter: Starter, told: Mapping[str, PayloadValue]
) -> RunView:
    """Ask for the approvals that the tasks of a new run need, and tell its first events."""
    gated = [task for task in tasks if task.requires_approval]
    opened = await writer.open_approvals(gated, run.created_at, requested_by=starter.subject)
    ids = {approval.task_id: approval.id for approval in opened}
    tasks = [replace(task, approval_id=ids.get(task.id)) for task in tasks] if ids else tasks
    by_id = {task.id: task for task in tasks}
    events = [NewEvent(EventType.RUN_CREATED, payload=told)]
    events += [task_event(EventType.TASK_CREATED, task, 0) for task in tasks]
    events += [pending_event(by_id[approval.task_id], approval) for approval in opened]
    await writer.append_events(run.id, 1, events, run.created_at)
    return RunView(run, tasks)
