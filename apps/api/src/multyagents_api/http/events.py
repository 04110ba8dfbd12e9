"""Routes of events."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import FastAPI, Query
from pydantic import AfterValidator, Field, model_validator

from multyagents_api.domain.errors import NotFound, UnknownSelection
from multyagents_api.domain.events import Event, PayloadValue
from multyagents_api.http.wire import (
    MOST_COUNT,
    MOST_EXACT,
    Answer,
    Cursor,
    Demand,
    Id,
    Limit,
    Line,
    PayloadText,
    parse_id,
    without_nul,
)
from multyagents_api.service.events import EventQuery, Events, OwnEvent

__all__ = ["add_routes"]


OwnValue = (
    PayloadText
    | Annotated[int, Field(ge=-MOST_EXACT, le=MOST_EXACT)]
    | bool
    | None
    | Annotated[list[PayloadText], Field(max_length=50)]
)
"""What a client's payload may hold under a key."""


MOST_PAYLOAD = 20_000
"""Characters of a client's payload, in all of its keys and texts: as many as a text has elsewhere."""


def _bounded(payload: dict[str, PayloadValue]) -> dict[str, PayloadValue]:
    texts = [*payload, *(text for value in payload.values() for text in _texts_of(value))]
    if sum(map(len, texts)) > MOST_PAYLOAD:
        raise ValueError(f"must not hold more than {MOST_PAYLOAD} characters in all")
    return payload


def _texts_of(value: PayloadValue) -> list[str]:
    if isinstance(value, str):
        return [value]
    return value if isinstance(value, list) else []


class EventDemand(Demand):
    """A client's own event; `attempt` is one of the task's."""

    run_id: Id
    type: Annotated[Line, Field(max_length=60, description="custom.deploy, or custom.deploy.done_2")]
    task_id: Id | None = None
    attempt: Annotated[int, Field(ge=1, le=MOST_COUNT)] | None = None
    payload: Annotated[
        dict[Line, OwnValue], Field(max_length=50, default_factory=dict), AfterValidator(_bounded)
    ]

    @model_validator(mode="after")
    def _attempts_belong_to_tasks(self) -> "EventDemand":
        if self.attempt is not None and self.task_id is None:
            raise ValueError("an attempt needs its task_id")
        return self

    def to_event(self) -> OwnEvent:
        """The event in the use case's words."""
        run_id = parse_id("run", self.run_id)
        task_id = None if self.task_id is None else _task_of(run_id, self.task_id)
        return OwnEvent(run_id, self.type, task_id, self.attempt, self.payload)


def _task_of(run_id: int, task_id: str) -> int:
    try:
        return parse_id("task", task_id)
    except NotFound:
        raise UnknownSelection(run_id, "task", task_id) from None


class EventAnswer(Answer):
    """What happened; `sequence` counts 1, 2, ... within the run without a gap."""

    id: str
    sequence: int
    contract_version: int
    type: str
    run_id: str
    task_id: str | None
    attempt: int | None
    producer_role: str | None
    payload: Mapping[str, PayloadValue]
    time: datetime

    @classmethod
    def of(cls, event: Event) -> "EventAnswer":
        """The wire's view of an event."""
        return cls(
            id=str(event.id),
            sequence=event.sequence,
            contract_version=event.contract_version,
            type=event.type,
            run_id=str(event.run_id),
            task_id=None if event.task_id is None else str(event.task_id),
            attempt=event.attempt,
            producer_role=None if event.producer_role is None else str(event.producer_role),
            payload=event.payload,
            time=event.time,
        )


class EventPage(Answer):
    """Events in the order of their commits.

    `next_after` continues, also when nothing follows yet. It may move on without any items, where none of the
    events that were looked at has the type asked for.
    """

    items: list[EventAnswer]
    next_after: str


def add_routes(app: FastAPI, events: Events) -> None:
    """Add the routes, bound to their use cases."""

    @app.post("/events", tags=["events"], status_code=HTTPStatus.CREATED)
    async def create_event(demand: EventDemand) -> EventAnswer:
        """Tell something of a run, in the namespace `custom.`; the rest only the service tells."""
        return EventAnswer.of(await events.create(demand.to_event()))

    @app.get("/events", tags=["events"])
    async def list_events(
        run_id: Annotated[str | None, Query(max_length=40)] = None,
        after: Cursor = "0",
        kind: Annotated[str | None, Query(alias="type", max_length=100), AfterValidator(without_nul)] = None,
        limit: Limit = 100,
    ) -> EventPage:
        """The events after an id, of one run or of all, of one type or of all."""
        key = None if run_id is None else parse_id("run", run_id)
        page = await events.page(EventQuery(int(after), limit, run_id=key, kind=kind))
        items = [EventAnswer.of(event) for event in page.items]
        return EventPage(items=items, next_after=str(page.looked_until))
