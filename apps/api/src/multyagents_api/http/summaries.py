"""The route of execution summaries."""

from datetime import datetime

from fastapi import FastAPI
from pydantic import Field

from multyagents_api.domain.readiness import BlockedReason
from multyagents_api.domain.runs import RunStatus
from multyagents_api.domain.summaries import ExecutionSummary, TaskSummary
from multyagents_api.domain.tasks import TaskStatus
from multyagents_api.http.wire import Answer, parse_id
from multyagents_api.service.summaries import Summaries

__all__ = ["add_routes"]


class ProgressAnswer(Answer):
    """How many tasks came to an end: success, failed or canceled."""

    finished: int
    total: int
    percent: int = Field(description="rounded down: 100 only when all are finished")


class TimingsAnswer(Answer):
    """When things began and ended; None for what did not happen yet."""

    created_at: datetime
    first_dispatched_at: datetime | None
    finished_at: datetime | None
    duration_s: float | None = Field(description="from the first dispatch to the end")


class TaskSummaryAnswer(Answer):
    """One task; `dispatched_at` is that of its latest attempt."""

    task_id: str
    step_id: str
    status: TaskStatus
    attempts: int
    dispatched_at: datetime | None
    ended_at: datetime | None
    blocked_reason: BlockedReason | None = Field(description="why it can't be dispatched now")

    @classmethod
    def of(cls, summary: TaskSummary) -> "TaskSummaryAnswer":
        """The wire's view of a task's summary."""
        return cls(
            task_id=str(summary.task.id),
            step_id=summary.task.step_id,
            status=summary.task.status,
            attempts=summary.task.attempt,
            dispatched_at=summary.dispatched_at,
            ended_at=summary.ended_at,
            blocked_reason=summary.blocked,
        )


class ExecutionSummaryAnswer(Answer):
    """Where a run stands: every status has its count, tasks are in template order."""

    run_id: str
    status: RunStatus
    version: int
    rerun_count: int
    counts: dict[TaskStatus, int]
    progress: ProgressAnswer
    timings: TimingsAnswer
    tasks: list[TaskSummaryAnswer]

    @classmethod
    def of(cls, summary: ExecutionSummary) -> "ExecutionSummaryAnswer":
        """The wire's view of a run's summary."""
        run = summary.run
        return cls(
            run_id=str(run.id),
            status=run.status,
            version=run.version,
            rerun_count=run.rerun_count,
            counts=dict(summary.counts),
            progress=ProgressAnswer(
                finished=summary.finished, total=len(summary.tasks), percent=summary.percent
            ),
            timings=TimingsAnswer(
                created_at=run.created_at,
                first_dispatched_at=summary.first_dispatched_at,
                finished_at=summary.finished_at,
                duration_s=summary.duration_s,
            ),
            tasks=[TaskSummaryAnswer.of(task) for task in summary.tasks],
        )


def add_routes(app: FastAPI, summaries: Summaries) -> None:
    """Add the route, bound to its use case."""

    @app.get("/workflow-runs/{run_id}/execution-summary", tags=["workflow runs"])
    async def summarize_run(run_id: str) -> ExecutionSummaryAnswer:
        """Where a run stands, and what holds back the tasks that can't go."""
        return ExecutionSummaryAnswer.of(await summaries.of_run(parse_id("run", run_id)))
