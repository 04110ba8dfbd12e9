"""Events: what happened, in the words of the contract."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from multyagents_api.domain.approvals import Approval
from multyagents_api.domain.errors import ReservedEventType
from multyagents_api.domain.redaction import redact, redact_value
from multyagents_api.domain.tasks import Task

__all__ = [
    "CONTRACT_VERSION",
    "CustomEventType",
    "Event",
    "EventType",
    "NewEvent",
    "PayloadValue",
    "approval_event",
    "custom_event_type",
    "custom_payload",
    "pending_event",
    "task_event",
]

CONTRACT_VERSION = 1
"""Grows when the meaning of an event type or of its payload changes."""

PayloadValue = str | int | bool | None | list[str]


class EventType(StrEnum):
    """The lifecycle events; clients can't write them."""

    RUN_CREATED = "workflow_run.created"
    RUN_RUNNING = "workflow_run.running"
    RUN_SUCCEEDED = "workflow_run.succeeded"
    RUN_FAILED = "workflow_run.failed"
    RUN_PAUSED = "workflow_run.paused"
    RUN_RESUMED = "workflow_run.resumed"
    RUN_ABORTED = "workflow_run.aborted"
    PARTIAL_RERUN_REQUESTED = "workflow_run.partial_rerun_requested"
    TASK_CREATED = "task.created"
    TASK_DISPATCHED = "task.dispatched"
    RUNNER_QUEUED = "task.runner_queued"
    RUNNER_SUBMIT_FAILED = "task.runner_submit_failed"
    RUNNER_STATUS_UPDATED = "task.runner_status_updated"
    RUNNER_CANCEL_REQUESTED = "task.runner_cancel_requested"
    RUNNER_CANCEL_FAILED = "task.runner_cancel_failed"
    RETRY_SCHEDULED = "task.retry_scheduled"
    PARTIAL_RERUN_RESET = "task.partial_rerun_reset"
    DISPATCH_BLOCKED_BY_APPROVAL = "task.dispatch_blocked_by_approval"
    APPROVAL_PENDING = "approval.pending"
    APPROVAL_APPROVED = "approval.approved"
    APPROVAL_REJECTED = "approval.rejected"
    HANDOFF_PUBLISHED = "task.handoff_published"
    ARTIFACT_CREATED = "artifact.created"
    LOCKS_RELEASED = "task.locks_released"
    DISPATCH_BLOCKED_MISSING_ARTIFACTS = "task.dispatch_blocked_missing_handoff_artifacts"


CustomEventType = NewType("CustomEventType", str)
"""The type of a client's own event; `custom_event_type` makes it."""

_CUSTOM_TYPE = re.compile(r"custom\.[a-z0-9_]+(?:\.[a-z0-9_]+)*")


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event before it gets its number; `producer_role` is the id of the role whose task it is about."""

    type: EventType | CustomEventType
    task_id: int | None = None
    attempt: int | None = None
    producer_role: int | None = None
    payload: Mapping[str, PayloadValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it is stored; `sequence` counts 1, 2, ... within its run without a gap."""

    id: int
    run_id: int
    sequence: int
    contract_version: int
    type: str
    task_id: int | None
    attempt: int | None
    producer_role: int | None
    payload: Mapping[str, PayloadValue]
    time: datetime


def task_event(kind: EventType, task: Task, attempt: int, **payload: PayloadValue) -> NewEvent:
    """An event about one attempt of a task."""
    return NewEvent(kind, task.id, attempt, task.role_id, {"step_id": task.step_id, **payload})


def approval_event(kind: EventType, task: Task, approval: Approval, **payload: PayloadValue) -> NewEvent:
    """An event about an approval, for the attempt that it covers."""
    return task_event(kind, task, approval.attempt, approval_id=str(approval.id), **payload)


def pending_event(task: Task, approval: Approval) -> NewEvent:
    """An approval was asked for."""
    return approval_event(EventType.APPROVAL_PENDING, task, approval, requested_by=approval.requested_by)


def custom_event_type(name: str) -> CustomEventType:
    """The type of a client's own event.

    Raises:
        ReservedEventType: it lies outside the namespace of clients.
    """
    if _CUSTOM_TYPE.fullmatch(name) is None:
        raise ReservedEventType(name)
    return CustomEventType(name)


def custom_payload(sent: Mapping[str, PayloadValue]) -> dict[str, PayloadValue]:
    """What is kept of a client's payload: all but what looks like a secret, or is called one."""
    return {redact(name): _without_secrets(name, value) for name, value in sent.items()}


def _without_secrets(name: str, value: PayloadValue) -> PayloadValue:
    if isinstance(value, str):
        return redact_value(name, value)
    if isinstance(value, list):
        return [redact_value(name, each) for each in value]
    return value
