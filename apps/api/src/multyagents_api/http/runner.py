"""The routes that runners call back."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import FastAPI
from pydantic import Field

from multyagents_api.domain.gates import GateResult
from multyagents_api.domain.tasks import TaskStatus
from multyagents_api.http.handoffs import HandoffDemand
from multyagents_api.http.tasks import TaskAnswer
from multyagents_api.http.wire import MOST_COUNT, Answer, Demand, Line, Text, parse_id
from multyagents_api.service.callbacks import Callbacks, Report
from multyagents_api.service.leases import Lease, Leases

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


class HeartbeatDemand(Demand):
    """Which attempt a runner still has, queued or running."""

    attempt: Annotated[int, Field(ge=1, le=MOST_COUNT)]


class LeaseAnswer(Answer):
    """Until when the attempt is its runner's, unless that is heard again; null where there are no leases.

    `lease_s` is the length of a lease in seconds, for runners whose clock goes wrong.
    """

    lease_until: datetime | None
    lease_s: float | None
    cancel_requested: bool

    @classmethod
    def of(cls, lease: Lease) -> "LeaseAnswer":
        """The wire's view of a lease."""
        return cls(
            lease_until=lease.until,
            lease_s=None if lease.duration is None else lease.duration.total_seconds(),
            cancel_requested=lease.cancel_requested,
        )


def add_routes(app: FastAPI, callbacks: Callbacks, leases: Leases) -> None:
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

    @app.post("/runner/tasks/{task_id}/heartbeat", tags=["runner"])
    async def extend_lease(task_id: str, demand: HeartbeatDemand) -> LeaseAnswer:
        """Keep an attempt; a runner that is not heard for the time of a lease loses it."""
        return LeaseAnswer.of(await leases.heartbeat(parse_id("task", task_id), demand.attempt))
