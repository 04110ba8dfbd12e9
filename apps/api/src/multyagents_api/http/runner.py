"""The route that runners call back."""

from typing import Annotated, Literal

from fastapi import FastAPI
from pydantic import Field

from multyagents_api.domain.tasks import TaskStatus
from multyagents_api.http.tasks import TaskAnswer
from multyagents_api.http.wire import MOST_COUNT, Demand, Line, Text, parse_id
from multyagents_api.service.callbacks import Callbacks, Report

__all__ = ["add_routes"]


class ReportDemand(Demand):
    """What a runner reports about one attempt."""

    attempt: Annotated[int, Field(ge=1, le=MOST_COUNT)]
    status: Literal["queued", "running", "success", "failed", "canceled"]
    idempotency_key: Line | None = None
    message: Text | None = None
    failure_category: Line | None = None


def add_routes(app: FastAPI, callbacks: Callbacks) -> None:
    """Add the routes, bound to their use cases."""

    @app.post("/runner/tasks/{task_id}/status", tags=["runner"])
    async def report_status(task_id: str, demand: ReportDemand) -> TaskAnswer:
        """Move a task forward; repeating what is known changes nothing."""
        report = Report(
            task_id=parse_id("task", task_id),
            attempt=demand.attempt,
            status=TaskStatus(demand.status),
            message=demand.message,
            failure_category=demand.failure_category,
            idempotency_key=demand.idempotency_key,
        )
        return TaskAnswer.of(await callbacks.apply(report))
