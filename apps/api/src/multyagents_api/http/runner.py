"""The route that runners call back."""

from typing import Annotated, Literal

from fastapi import FastAPI
from pydantic import Field

from multyagents_api.domain.gates import GateResult
from multyagents_api.domain.tasks import TaskStatus
from multyagents_api.http.handoffs import HandoffDemand
from multyagents_api.http.tasks import TaskAnswer
from multyagents_api.http.wire import MOST_COUNT, Demand, Line, Text, parse_id
from multyagents_api.service.callbacks import Callbacks, Report

__all__ = ["add_routes"]


class ReportDemand(Demand):
    """What a runner reports about one attempt; a hand-off comes with its end."""

    attempt: Annotated[int, Field(ge=1, le=MOST_COUNT)]
    status: Literal["queued", "running", "success", "failed", "canceled"]
    idempotency_key: Line | None = None
    message: Text | None = None
    failure_category: Line | None = None
    handoff: HandoffDemand | None = None
    quality_gates: Annotated[
        dict[Line, Literal["passed", "failed"]], Field(max_length=20, default_factory=dict)
    ]


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
            handoff=None if demand.handoff is None else demand.handoff.to_handoff(),
            quality_gates={gate: GateResult(result) for gate, result in demand.quality_gates.items()},
        )
        return TaskAnswer.of(await callbacks.apply(report))
