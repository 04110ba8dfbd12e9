"""Routes of events."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from fastapi import FastAPI, Query

from multyagents_api.domain.events import Event, PayloadValue
from multyagents_api.http.wire import Answer, Cursor, Limit, parse_id
from multyagents_api.service.events import EventQuery, Events

__all__ = ["add_routes"]


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

    @app.get("/events", tags=["events"])
    async def list_events(
        run_id: Annotated[str | None, Query(max_length=40)] = None,
        after: Cursor = "0",
        kind: Annotated[str | None, Query(alias="type", max_length=100)] = None,
        limit: Limit = 100,
    ) -> EventPage:
        """The events after an id, of one run or of all, of one type or of all."""
        key = None if run_id is None else parse_id("run", run_id)
        page = await events.page(EventQuery(int(after), limit, run_id=key, kind=kind))
        items = [EventAnswer.of(event) for event in page.items]
        return EventPage(items=items, next_after=str(page.looked_until))
