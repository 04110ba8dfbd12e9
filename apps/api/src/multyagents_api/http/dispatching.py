"""The routes that dispatch: what is ready, one task, or a turn of the control loop."""

from typing import Annotated

from fastapi import FastAPI
from pydantic import Field

from multyagents_api.domain.readiness import BlockedReason
from multyagents_api.domain.runs import RunStatus
from multyagents_api.domain.tasks import FINISHED, TaskStatus
from multyagents_api.http.wire import Answer, Demand, parse_id
from multyagents_api.service.control_loop import ControlLoop, Turn
from multyagents_api.service.dispatching import DispatchAnswer, Dispatching, NotDispatched
from multyagents_api.service.runners import SubmissionState

__all__ = ["DispatchAnswered", "SubmissionAnswer", "add_routes"]


class SubmissionAnswer(Answer):
    """How far a dispatch got: with the runner, refused by it, or still on its way."""

    task_id: str
    attempt: int
    step_id: str
    role_id: str
    outcome: SubmissionState


class DispatchAnswered(Answer):
    """Whether a task was dispatched, and which, or why none was."""

    run_id: str
    dispatched: bool
    task_id: str | None
    attempt: int | None
    reason: NotDispatched | None
    dispatch: SubmissionAnswer | None

    @classmethod
    def of(cls, answer: DispatchAnswer) -> "DispatchAnswered":
        """The wire's view of an answer."""
        submission, state = answer.submission, answer.state
        if submission is None or state is None:
            return cls(
                run_id=str(answer.run_id),
                dispatched=False,
                task_id=None,
                attempt=None,
                reason=answer.reason,
                dispatch=None,
            )
        return cls(
            run_id=str(answer.run_id),
            dispatched=answer.dispatched,
            task_id=str(submission.task_id),
            attempt=submission.attempt,
            reason=answer.reason,
            dispatch=SubmissionAnswer(
                task_id=str(submission.task_id),
                attempt=submission.attempt,
                step_id=submission.step_id,
                role_id=str(submission.role_id),
                outcome=state,
            ),
        )


class ControlLoopDemand(Demand):
    """How many tasks one turn may dispatch."""

    max_dispatch: Annotated[int, Field(ge=1, le=100)] = 10


class PlannedTask(Answer):
    """A task that could go when the turn began."""

    task_id: str
    step_id: str


class BlockedTask(PlannedTask):
    """A task that could not go, or not yet."""

    reason: BlockedReason


class PlanAnswer(Answer):
    """What the turn found, in template order; what is ready beyond the limit is blocked by it as well."""

    ready: list[PlannedTask]
    blocked: list[BlockedTask]


class AggregateAnswer(Answer):
    """Where the run stands after the turn."""

    run_status: RunStatus
    counts: dict[TaskStatus, int]
    total: int
    finished: int
    spawned: int


class ControlLoopAnswer(Answer):
    """One turn of the control loop."""

    run_id: str
    plan: PlanAnswer
    spawn: list[SubmissionAnswer]
    aggregate: AggregateAnswer
    reason: str | None = Field(description="why fewer tasks were dispatched than were ready and allowed")

    @classmethod
    def of(cls, turn: Turn) -> "ControlLoopAnswer":
        """The wire's view of a turn."""
        plan = PlanAnswer(
            ready=[PlannedTask(task_id=str(task.id), step_id=task.step_id) for task in turn.ready],
            blocked=[
                BlockedTask(task_id=str(task.id), step_id=task.step_id, reason=reason)
                for task, reason in turn.blocked
            ],
        )
        dispatches = [DispatchAnswered.of(answer).dispatch for answer in turn.spawned]
        spawn = [dispatch for dispatch in dispatches if dispatch is not None]
        aggregate = AggregateAnswer(
            run_status=turn.run.status,
            counts=dict(turn.counts),
            total=sum(turn.counts.values()),
            finished=sum(count for status, count in turn.counts.items() if status in FINISHED),
            spawned=len(spawn),
        )
        run_id = str(turn.run.id)
        return cls(run_id=run_id, plan=plan, spawn=spawn, aggregate=aggregate, reason=turn.stopped_by)


def add_routes(app: FastAPI, dispatching: Dispatching, control_loop: ControlLoop) -> None:
    """Add the routes, bound to their use cases."""

    @app.post("/workflow-runs/{run_id}/dispatch-ready", tags=["dispatch"])
    async def dispatch_ready(run_id: str) -> DispatchAnswered:
        """Dispatch the first task, in template order, that may go now."""
        return DispatchAnswered.of(await dispatching.dispatch_ready(parse_id("run", run_id)))

    @app.post("/tasks/{task_id}/dispatch", tags=["dispatch"])
    async def dispatch_task(task_id: str) -> DispatchAnswered:
        """Dispatch one task, or refuse with the code of what keeps it from going now."""
        return DispatchAnswered.of(await dispatching.dispatch_task(parse_id("task", task_id)))

    @app.post("/workflow-runs/{run_id}/control-loop", tags=["dispatch"])
    async def take_turn(run_id: str, demand: ControlLoopDemand | None = None) -> ControlLoopAnswer:
        """Plan a run, dispatch what is ready up to a limit, and tell where the run stands then."""
        limit = (demand or ControlLoopDemand()).max_dispatch
        return ControlLoopAnswer.of(await control_loop.turn(parse_id("run", run_id), max_dispatch=limit))
