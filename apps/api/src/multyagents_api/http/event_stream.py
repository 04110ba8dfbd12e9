"""The route that streams events, as server-sent events (WHATWG HTML, section 9.2)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import FastAPI, Header, Query
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from pydantic import AfterValidator
from starlette.types import Message, Receive, Scope, Send

from multyagents_api.domain.events import Event
from multyagents_api.http.events import EventAnswer
from multyagents_api.http.wire import Cursor, parse_id, without_nul
from multyagents_api.service.event_streams import EventStream, EventStreams
from multyagents_api.service.events import EventPage, EventQuery

__all__ = ["EventStreamResponse", "add_routes"]

PAGE = 100
"""Events that are read and sent at once; a slow client keeps so many in memory, and what sockets buffer."""

RETRY_MS = 1_000
"""How long a browser waits before it comes back."""

MOST_SEND_S = 60.0
"""Who takes nothing for so long has given up, whatever its connection looks like."""

LastEventId = Annotated[str, Header(alias="Last-Event-ID", pattern=r"^(0|[1-9][0-9]{0,17})?$")]
"""The id of the last event that a client got, as browsers send it; empty means none, as in the standard."""


class EventStreamResponse(StreamingResponse):
    """Sends pages of events as they come, until the stream ends or the client leaves."""

    media_type = "text/event-stream"

    def __init__(self, stream: EventStream, status_code: int = 200) -> None:
        # Proxies (nginx by the second) must neither keep nor gather what is sent.
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        super().__init__(_frames(stream), status_code, headers)
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the stream's place for as long as it takes."""

        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(MOST_SEND_S):
                await send(message)

        with self._stream.place():
            await super().__call__(scope, receive, send_in_time)


async def _frames(stream: EventStream) -> AsyncIterator[bytes]:
    """A stream on the wire; the first frame opens it for who waits for the first event."""
    yield format_sse_event(retry=RETRY_MS)
    async for page in stream.pages():
        yield b"".join(map(_frame, page.items)) or _progress(page)


def _frame(event: Event) -> bytes:
    data = EventAnswer.of(event).model_dump_json()
    return format_sse_event(data_str=data, event=event.type, id=str(event.id))


def _progress(page: EventPage) -> bytes:
    """How far was looked, where no event has the type: an id alone is no event, but is resumed at."""
    return KEEPALIVE_COMMENT + format_sse_event(id=str(page.looked_until))


def add_routes(app: FastAPI, streams: EventStreams) -> None:
    """Add the route, bound to its use cases."""

    @app.get(
        "/events/stream",
        tags=["events"],
        response_class=EventStreamResponse,
        response_description="Server-sent events: `id` is an event's id, `event` its type, `data` the event "
        "as `GET /events` gives it. The stream ends now and then; come back with `Last-Event-ID`.",
    )
    async def stream_events(
        run_id: Annotated[str | None, Query(max_length=40)] = None,
        after: Cursor = "0",
        kind: Annotated[str | None, Query(alias="type", max_length=100), AfterValidator(without_nul)] = None,
        last_event_id: LastEventId = "",
    ) -> EventStreamResponse:
        """The events after an id and all that follow, of one run or of all, of one type or of all.

        `Last-Event-ID` outranks `after`, so that a browser that comes back with the same address goes on
        where it was.
        """
        key = None if run_id is None else parse_id("run", run_id)
        query = EventQuery(int(last_event_id or after), PAGE, run_id=key, kind=kind)
        return EventStreamResponse(await streams.open(query))
