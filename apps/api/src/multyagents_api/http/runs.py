"""Routes of workflow runs."""

from datetime import datetime
from http import HTTPStatus

from fastapi import APIRouter

from multyagents_api.domain.runs import RunStatus
from multyagents_api.http.tasks import TaskAnswer
from multyagents_api.http.wire import Answer, Demand, Id, Line, parse_id
from multyagents_api.service.dispatching import DispatchAnswer, Dispatching, NotDispatched
from multyagents_api.service.ports import SubmissionState
from multyagents_api.service.runs import Runs, RunView

__all__ = ["router"]


class RunDemand(Demand):
    """A new run of a template."""

    workflow_template_id: Id
    initiated_by: Line | None = None


class RunAnswer(Answer):
    """A run with its tasks in template order; `version` grows with every change."""

    id: str
    workflow_template_id: str
    initiated_by: str | None
    status: RunStatus
    version: int
    rerun_count: int
    tasks: list[TaskAnswer]
    task_ids: list[str]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, view: RunView) -> "RunAnswer":
        """The wire's view of a run."""
        run = view.run
        return cls(
            id=str(run.id),
            workflow_template_id=str(run.template_id),
            initiated_by=run.initiated_by,
            status=run.status,
            version=run.version,
            rerun_count=run.rerun_count,
            tasks=[TaskAnswer.of(task) for task in view.tasks],
            task_ids=[str(task.id) for task in view.tasks],
            created_at=run.created_at,
            updated_at=run.updated_at,
        )


class SubmissionAnswer(Answer):
    """How far a dispatch got: with the runner, refused by it, or still on its way."""

    task_id: str
    attempt: int
    step_id: str
    role_id: str
    outcome: SubmissionState


class DispatchReadyAnswer(Answer):
    """Whether a task was dispatched, and which, or why none was."""

    run_id: str
    dispatched: bool
    task_id: str | None
    attempt: int | None
    reason: NotDispatched | None
    dispatch: SubmissionAnswer | None

    @classmethod
    def of(cls, answer: DispatchAnswer) -> "DispatchReadyAnswer":
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


def router(runs: Runs, dispatching: Dispatching) -> APIRouter:
    """The routes, bound to their use cases."""
    routes = APIRouter(prefix="/workflow-runs", tags=["workflow runs"])

    @routes.post("", status_code=HTTPStatus.CREATED)
    async def create_run(demand: RunDemand) -> RunAnswer:
        """Start a run: a task for each step of its template."""
        template_id = parse_id("workflow template", demand.workflow_template_id)
        return RunAnswer.of(await runs.create(template_id, demand.initiated_by))

    @routes.get("/{run_id}")
    async def get_run(run_id: str) -> RunAnswer:
        """One run with its tasks."""
        return RunAnswer.of(await runs.get(parse_id("run", run_id)))

    @routes.post("/{run_id}/dispatch-ready")
    async def dispatch_ready(run_id: str) -> DispatchReadyAnswer:
        """Dispatch the first task, in template order, that may go now."""
        return DispatchReadyAnswer.of(await dispatching.dispatch_ready(parse_id("run", run_id)))

    return routes
