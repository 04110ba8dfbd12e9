"""Dispatch: a task that may go now is claimed, recorded with its outbox row, then submitted.

Double dispatch is refused in the store, by the guarded claim: whatever was read before may be old by then.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from multyagents_api.domain.approvals import ApprovalStatus
from multyagents_api.domain.artifacts import RequiredArtifact
from multyagents_api.domain.errors import (
    ApprovalRequired,
    Conflict,
    DependenciesNotSatisfied,
    IllegalTransition,
    NotFound,
    PathsLocked,
    Refusal,
    RequiredArtifactsMissing,
    RunAborted,
    RunPaused,
    StoreBusy,
)
from multyagents_api.domain.events import EventType, task_event
from multyagents_api.domain.runs import HELD, RunStatus, check_not_held
from multyagents_api.domain.tasks import DISPATCHABLE, Task, TaskStatus, ready_tasks, succeeded_steps
from multyagents_api.observing.metrics import Metrics
from multyagents_api.service.change import RunChange, Seen, why_without_run
from multyagents_api.service.outbox import Outbox
from multyagents_api.service.ports import Claim, Clock, Outdated, Storage, Writer
from multyagents_api.service.readiness import lacking_artifacts
from multyagents_api.service.retry import decide_until_current
from multyagents_api.service.runners import Submission, SubmissionState

__all__ = ["DispatchAnswer", "Dispatching", "NotDispatched"]

RUNNER_OUT_OF_REACH = "the runner is out of reach"


class NotDispatched(StrEnum):
    """Why nothing was dispatched, in the order in which one reason is told before another."""

    APPROVAL_REQUIRED = "approval required"
    DEPENDENCIES_NOT_SATISFIED = "dependencies not satisfied"
    REQUIRED_ARTIFACTS_MISSING = "required handoff artifacts missing"
    PATHS_LOCKED = "paths locked"
    NO_READY_TASKS = "no ready tasks"
    SUBMIT_FAILED = "submit failed"


_REASONS: Mapping[type[Refusal], NotDispatched] = {
    ApprovalRequired: NotDispatched.APPROVAL_REQUIRED,
    RequiredArtifactsMissing: NotDispatched.REQUIRED_ARTIFACTS_MISSING,
    PathsLocked: NotDispatched.PATHS_LOCKED,
}


Choice: TypeAlias = Callable[[Sequence[Task]], Sequence[Task]]
"""Which tasks of a run are to be claimed, in order."""


@dataclass(frozen=True, slots=True)
class DispatchAnswer:
    """What a request to dispatch led to; `submission` tells how far a dispatch got."""

    run_id: int
    reason: NotDispatched | None = None
    submission: Submission | None = None
    state: SubmissionState | None = None

    @property
    def dispatched(self) -> bool:
        """Whether a task is on its way to the runner, or with it."""
        return self.submission is not None and self.reason is None


@dataclass(frozen=True, slots=True)
class Dispatching:
    """Use cases about dispatch."""

    storage: Storage
    outbox: Outbox
    clock: Clock
    metrics: Metrics

    async def dispatch_ready(self, run_id: int) -> DispatchAnswer:
        """Dispatch the first task, in template order, that may go now."""
        claimed = await decide_until_current("run", lambda: self._claim_first_ready(run_id))
        if isinstance(claimed, NotDispatched):
            self.metrics.dispatched(claimed)
            return DispatchAnswer(run_id, reason=claimed)
        return await self._submit(claimed)

    async def dispatch_task(self, task_id: int) -> DispatchAnswer:
        """Dispatch one task.

        Raises:
            NotInRun, RunPaused, RunAborted, IllegalTransition, DependenciesNotSatisfied,
            RequiredArtifactsMissing, ApprovalRequired, PathsLocked: what keeps it from going now.
        """
        return await self._submit(await decide_until_current("task", lambda: self._claim_task(task_id)))

    async def dispatch_up_to(self, run_id: int, most: int) -> tuple[list[DispatchAnswer], str | None]:
        """Dispatch ready tasks one after the other; tells why they are fewer than allowed, if they are."""
        dispatched: list[DispatchAnswer] = []
        while len(dispatched) < most:
            try:
                answer = await self.dispatch_ready(run_id)
            except (RunPaused, RunAborted, Conflict, StoreBusy) as refusal:
                return dispatched, str(refusal)  # what was dispatched before, stays
            if answer.dispatched:
                dispatched.append(answer)
            if answer.state is SubmissionState.PENDING:
                return dispatched, RUNNER_OUT_OF_REACH
            if not answer.dispatched:
                return dispatched, answer.reason
        return dispatched, None

    async def _submit(self, submission: Submission) -> DispatchAnswer:
        state = await self.outbox.deliver(submission)
        self.metrics.dispatched(state)
        refused = NotDispatched.SUBMIT_FAILED if state is SubmissionState.SUBMIT_FAILED else None
        return DispatchAnswer(submission.run_id, reason=refused, submission=submission, state=state)

    async def _claim_first_ready(self, run_id: int) -> Submission | NotDispatched:
        async with self.storage.read() as reader:
            seen = await reader.run_with_tasks(run_id)
        if seen is None:
            raise NotFound("run", str(run_id))
        run, tasks = seen
        check_not_held(run)
        ready = ready_tasks(tasks)
        met: set[NotDispatched] = set()
        if sum(task.status in DISPATCHABLE for task in tasks) > len(ready):
            met.add(NotDispatched.DEPENDENCIES_NOT_SATISFIED)
        if ready:
            claimed = await self._claim_one_of(seen, ready_tasks)
            if isinstance(claimed, Submission):
                return claimed
            met.update(_REASONS[type(refusal)] for refusal in claimed)
        return next((reason for reason in NotDispatched if reason in met), NotDispatched.NO_READY_TASKS)

    async def _claim_task(self, task_id: int) -> Submission:
        async with self.storage.read() as reader:
            seen = await reader.run_around(task_id)
            if seen is None:
                raise await why_without_run(reader, task_id)
        check_not_held(seen[0])

        def choose(tasks: Sequence[Task]) -> Sequence[Task]:
            [chosen] = [task for task in tasks if task.id == task_id]
            _check_dispatchable(chosen, tasks)
            return [chosen]

        choose(seen[1])
        claimed = await self._claim_one_of(seen, choose)
        if isinstance(claimed, Submission):
            return claimed
        raise claimed[0]

    async def _claim_one_of(self, seen: Seen, choose: Choice) -> Submission | list[Refusal]:
        """Claim the first task that nothing holds back; where there is none, what holds back each of them.

        The choice is made of the tasks as they are under the run's lock: what was seen before may be old.
        """
        run_id, now = seen[0].id, self.clock.now()
        refusals: list[Refusal] = []
        with suppress(_NothingToTell):
            async with self.storage.write() as writer:
                change = await RunChange.open(writer, run_id, now, reserve=1, seen=seen)
                ready = choose(await change.tasks())
                if change.run.status in HELD or not ready:
                    raise Outdated
                lacking = await lacking_artifacts(writer, run_id, ready)
                for task in ready:
                    if task.id in lacking:
                        refusals.append(await _refuse_lacking(change, task, lacking[task.id]))
                        continue
                    has_paths = await _take_paths(writer, task)
                    claim = await writer.claim_task(task.id, now) if has_paths else None
                    if claim is not None:
                        submission = await _submission(writer, task, claim)
                        await writer.insert_submission(submission, claim.approval_id, now)
                        change.tell(task_event(EventType.TASK_DISPATCHED, task, claim.attempt))
                        await change.finish(RunStatus.RUNNING)
                        return submission
                    refusals.append(await _refuse(change, task, has_paths=has_paths))
                if not change.events:
                    raise _NothingToTell
                await change.finish(change.run.status)
        return refusals


class _NothingToTell(Exception):  # noqa: N818 - rolls back a transaction that would change nothing
    """What holds every ready task back was told before."""


def _check_dispatchable(task: Task, tasks: Sequence[Task]) -> None:
    if task.status not in DISPATCHABLE:
        raise IllegalTransition("task", task.status, TaskStatus.DISPATCHED)
    succeeded = succeeded_steps(tasks)
    waited_for = [step for step in task.depends_on if step not in succeeded]
    if waited_for:
        raise DependenciesNotSatisfied(task.id, waited_for)


async def _take_paths(writer: Writer, task: Task) -> bool:
    """Take what the next attempt must have to itself; False where somebody else has a part of it."""
    paths = task.workspace.lock_paths
    return not paths or await writer.take_paths(task.id, task.attempt + 1, paths)


async def _refuse_lacking(change: RunChange, task: Task, missing: Sequence[RequiredArtifact]) -> Refusal:
    """Tell, once for an attempt, which artifacts hold it back."""
    kind, attempt = EventType.DISPATCH_BLOCKED_MISSING_ARTIFACTS, task.attempt + 1
    wanted = [f"{each.from_step}: {each.type.value} {each.name or ''}".rstrip() for each in missing]
    if not await change.writer.was_told(task.run, task.id, attempt, kind):
        change.tell(task_event(kind, task, attempt, missing=wanted))
    return RequiredArtifactsMissing(task.id, wanted)


async def _refuse(change: RunChange, task: Task, *, has_paths: bool) -> Refusal:
    """Tell, once, that a pending approval refused the claim, or that others have the paths.

    Raises:
        Outdated: it is neither, hence the task or its run changed in between.
    """
    approval = None if task.approval_id is None else await change.writer.approval(task.approval_id)
    if approval is not None and approval.status is ApprovalStatus.PENDING:
        if has_paths and task.workspace.lock_paths:
            await change.writer.release_paths(task.id, task.attempt + 1)
        if await change.writer.note_blocked(approval.id, change.now):
            event = EventType.DISPATCH_BLOCKED_BY_APPROVAL
            change.tell(task_event(event, task, approval.attempt, approval_id=str(approval.id)))
        return ApprovalRequired(task.id)
    if has_paths:
        raise Outdated
    return PathsLocked(task.id)


async def _submission(writer: Writer, task: Task, claim: Claim) -> Submission:
    """All that a runner needs to know, as it stands at the commit of the dispatch."""
    if task.workspace.lock_paths and claim.attempt != task.attempt + 1:
        raise Outdated  # the paths were taken for another attempt
    packs = [await writer.skill_pack(skill_pack_id) for skill_pack_id in claim.skill_pack_ids]
    project = None if task.project_id is None else await writer.project(task.project_id)
    return Submission(
        run_id=task.run,
        task_id=task.id,
        attempt=claim.attempt,
        step_id=task.step_id,
        role_id=task.role_id,
        title=task.title,
        prompt=claim.prompt,
        context7_enabled=task.context7.resolve(role_default=claim.role_context7),
        role_name=claim.role_name,
        system_prompt=claim.system_prompt,
        allowed_tools=claim.allowed_tools,
        skills=tuple(dict.fromkeys(skill for pack in packs if pack is not None for skill in pack.skills)),
        quality_gates=task.quality_gates,
        workspace=task.workspace,
        project_root=None if project is None else project.root_path,
        command=claim.command,
        timeout_s=claim.timeout_s,
    )
