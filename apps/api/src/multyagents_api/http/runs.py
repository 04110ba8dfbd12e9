"""Routes of workflow runs."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import FastAPI, Request
from pydantic import Field, model_validator

from multyagents_api.domain.context7 import Context7
from multyagents_api.domain.errors import InvalidSelection, NotFound, UnknownSelection
from multyagents_api.domain.reruns import RerunRequest
from multyagents_api.domain.runs import Run, RunStatus
from multyagents_api.domain.templates import StepOverride
from multyagents_api.http.access import decider, principal_of
from multyagents_api.http.dispatching import DispatchAnswered, SubmissionAnswer
from multyagents_api.http.tasks import TaskAnswer
from multyagents_api.http.wire import (
    MOST_COUNT,
    Answer,
    Context7Choice,
    Cursor,
    Demand,
    Id,
    Limit,
    Line,
    Note,
    Seconds,
    Text,
    named_key,
    parse_id,
)
from multyagents_api.service.reruns import RerunOutcome, Reruns
from multyagents_api.service.runs import Runs, RunView, Starter

__all__ = ["add_routes"]


class OverrideDemand(Demand):
    """What this run wants otherwise in one step; an approval can be added, never taken away."""

    title: Line | None = None
    prompt: Text | None = None
    requires_approval: Literal[True] | None = None
    context7: Context7Choice | None = None
    timeout_s: Seconds | None = None

    def to_override(self) -> StepOverride:
        """The wishes in the domain's words."""
        return StepOverride(
            title=self.title,
            prompt=self.prompt,
            adds_approval=self.requires_approval is True,
            context7=None if self.context7 is None else Context7(self.context7),
            timeout_s=self.timeout_s,
        )


class RunDemand(Demand):
    """A new run: of a template, with `overrides` by step, or of tasks that belong to no run yet, in order."""

    workflow_template_id: Id | None = None
    task_ids: Annotated[list[Id], Field(min_length=1, max_length=100)] | None = None
    initiated_by: Line | None = None
    overrides: Annotated[dict[Line, OverrideDemand], Field(max_length=100, default_factory=dict)]

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> "RunDemand":
        if (self.workflow_template_id is None) == (self.task_ids is None):
            raise ValueError("either workflow_template_id or task_ids must be given")
        if self.task_ids is not None and self.overrides:
            raise ValueError("overrides are for the steps of a template")
        return self

    def task_keys(self) -> list[int]:
        """The tasks to take up.

        Raises:
            InvalidSelection: the id of one can't be one.
        """
        return [
            named_key("task", task_id, ("task_ids", index), InvalidSelection)
            for index, task_id in enumerate(self.task_ids or ())
        ]

    def step_overrides(self) -> dict[str, StepOverride]:
        """The overrides in the domain's words."""
        return {step_id: wish.to_override() for step_id, wish in self.overrides.items()}


class RunSummary(Answer):
    """A run without its tasks; `version` grows with every change."""

    id: str
    workflow_template_id: str | None
    initiated_by: str | None
    status: RunStatus
    version: int
    rerun_count: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of_run(cls, run: Run) -> "RunSummary":
        """The wire's view of a run."""
        return cls(
            id=str(run.id),
            workflow_template_id=None if run.template_id is None else str(run.template_id),
            initiated_by=run.initiated_by,
            status=run.status,
            version=run.version,
            rerun_count=run.rerun_count,
            created_at=run.created_at,
            updated_at=run.updated_at,
        )


class RunPage(Answer):
    """Runs in the order of their creation; `next_cursor` is None at the end."""

    items: list[RunSummary]
    next_cursor: str | None


class RunAnswer(RunSummary):
    """A run with its tasks in template order."""

    tasks: list[TaskAnswer]
    task_ids: list[str]

    @classmethod
    def of(cls, view: RunView) -> "RunAnswer":
        """The wire's view of a run."""
        run = view.run
        return cls(
            id=str(run.id),
            workflow_template_id=None if run.template_id is None else str(run.template_id),
            initiated_by=run.initiated_by,
            status=run.status,
            version=run.version,
            rerun_count=run.rerun_count,
            tasks=[TaskAnswer.of(task) for task in view.tasks],
            task_ids=[str(task.id) for task in view.tasks],
            created_at=run.created_at,
            updated_at=run.updated_at,
        )


class OperatorDemand(Demand):
    """Who pauses, resumes or aborts."""

    actor: Line | None = None


class RerunDemand(Demand):
    """What to run again, who wants it, whom a token names already, and why.

    `expected_version` refuses to act upon a run that changed since.
    """

    task_ids: Annotated[list[Id], Field(max_length=100, default_factory=list)]
    step_ids: Annotated[list[Line], Field(max_length=100, default_factory=list)]
    requested_by: Line | None = None
    reason: Note
    auto_dispatch: bool = True
    max_dispatch: Annotated[int, Field(ge=1, le=100)] = 10
    expected_version: Annotated[int, Field(ge=1, le=MOST_COUNT)] | None = None

    @model_validator(mode="after")
    def _selects_something(self) -> "RerunDemand":
        if not self.task_ids and not self.step_ids:
            raise ValueError("task_ids or step_ids must name something")
        return self

    def to_request(self, run_id: int, requested_by: str, subject: str | None) -> RerunRequest:
        """The demand in the domain's words."""
        return RerunRequest(
            run_id=run_id,
            task_ids=tuple(_selected_id(run_id, task_id) for task_id in self.task_ids),
            step_ids=tuple(self.step_ids),
            requested_by=requested_by,
            reason=self.reason,
            expected_version=self.expected_version,
            subject=subject,
        )


def _actor(request: Request, demand: OperatorDemand | None) -> str | None:
    return principal_of(request).speaks_as("actor", None if demand is None else demand.actor)


def _selected_id(run_id: int, task_id: str) -> int:
    try:
        return parse_id("task", task_id)
    except NotFound:
        raise UnknownSelection(run_id, "task", task_id) from None


class RerunAnswer(Answer):
    """What was reset, the run as it stood right after, and the dispatches that followed."""

    run_id: str
    status: RunStatus
    version: int
    rerun_count: int
    reset_task_ids: list[str]
    dispatched: list[SubmissionAnswer]
    reason: str | None = Field(description="why fewer tasks were dispatched than max_dispatch allowed")

    @classmethod
    def of(cls, outcome: RerunOutcome) -> "RerunAnswer":
        """The wire's view of an outcome."""
        dispatched = [DispatchAnswered.of(answer).dispatch for answer in outcome.dispatched]
        return cls(
            run_id=str(outcome.run.id),
            status=outcome.run.status,
            version=outcome.run.version,
            rerun_count=outcome.run.rerun_count,
            reset_task_ids=[str(task.id) for task in outcome.reset],
            dispatched=[dispatch for dispatch in dispatched if dispatch is not None],
            reason=outcome.stopped_by,
        )


def add_routes(app: FastAPI, runs: Runs, reruns: Reruns) -> None:
    """Add the routes, bound to their use cases."""

    @app.post("/workflow-runs", tags=["workflow runs"], status_code=HTTPStatus.CREATED)
    async def create_run(demand: RunDemand, request: Request) -> RunAnswer:
        """Start a run: a task for each step of its template, or tasks made before."""
        principal = principal_of(request)
        name = principal.speaks_as("initiated_by", demand.initiated_by)
        starter = Starter(name, principal.subject)
        if demand.workflow_template_id is None:
            return RunAnswer.of(await runs.create_of_tasks(demand.task_keys(), starter))
        template_id = parse_id("workflow template", demand.workflow_template_id)
        return RunAnswer.of(await runs.create(template_id, starter, demand.step_overrides()))

    @app.get("/workflow-runs", tags=["workflow runs"])
    async def list_runs(cursor: Cursor = "0", limit: Limit = 100, status: RunStatus | None = None) -> RunPage:
        """Runs, a page at a time, of one status or of all."""
        page = await runs.page(after=int(cursor), status=status, limit=limit)
        items = [RunSummary.of_run(run) for run in page.items]
        return RunPage(items=items, next_cursor=items[-1].id if page.has_more else None)

    @app.get("/workflow-runs/{run_id}", tags=["workflow runs"])
    async def get_run(run_id: str) -> RunAnswer:
        """One run with its tasks."""
        return RunAnswer.of(await runs.get(parse_id("run", run_id)))

    @app.post("/workflow-runs/{run_id}/partial-rerun", tags=["workflow runs"])
    async def partial_rerun(run_id: str, demand: RerunDemand, request: Request) -> RerunAnswer:
        """Reset failed tasks, all or none, then dispatch what is ready."""
        requested_by = decider(request, "requested_by", demand.requested_by)
        wish = demand.to_request(parse_id("run", run_id), requested_by, principal_of(request).subject)
        max_dispatch = demand.max_dispatch if demand.auto_dispatch else 0
        return RerunAnswer.of(await reruns.rerun(wish, max_dispatch=max_dispatch))

    @app.post("/workflow-runs/{run_id}/pause", tags=["workflow runs"])
    async def pause(run_id: str, request: Request, demand: OperatorDemand | None = None) -> RunAnswer:
        """Hold a run: nothing of it is dispatched until it is resumed."""
        return RunAnswer.of(await runs.pause(parse_id("run", run_id), _actor(request, demand)))

    @app.post("/workflow-runs/{run_id}/resume", tags=["workflow runs"])
    async def resume(run_id: str, request: Request, demand: OperatorDemand | None = None) -> RunAnswer:
        """Release a paused run."""
        return RunAnswer.of(await runs.resume(parse_id("run", run_id), _actor(request, demand)))

    @app.post("/workflow-runs/{run_id}/abort", tags=["workflow runs"])
    async def abort(run_id: str, request: Request, demand: OperatorDemand | None = None) -> RunAnswer:
        """End a run for good."""
        return RunAnswer.of(await runs.abort(parse_id("run", run_id), _actor(request, demand)))
