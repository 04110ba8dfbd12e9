"""Events: read in the order in which they were committed."""

from collections.abc import Sequence
from dataclasses import dataclass

from multyagents_api.domain.errors import NotFound
from multyagents_api.domain.events import Event
from multyagents_api.service.ports import Reader, Storage

__all__ = ["WINDOW", "EventPage", "EventQuery", "Events"]

WINDOW = 5_000
"""Among how many events one page looks for a type, so that a rare one does not cost a look at all of them."""


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Which events: those after an id, of one run, of one type."""

    after: int
    limit: int
    run_id: int | None = None
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class EventPage:
    """Some events in order, and the id up to which was looked: the next page goes on from there."""

    items: Sequence[Event]
    looked_until: int


@dataclass(frozen=True, slots=True)
class Events:
    """Use cases about events."""

    storage: Storage

    async def page(self, query: EventQuery) -> EventPage:
        """The next events; a run that does not exist is not found, rather than silent."""
        async with self.storage.read() as reader:
            until = await self._window_of(reader, query)
            found = await reader.events_after(
                query.after, run_id=query.run_id, kind=query.kind, limit=query.limit, until=until
            )
            if not found and query.run_id is not None and await reader.run(query.run_id) is None:
                raise NotFound("run", str(query.run_id))
        if until is not None and len(found) < query.limit:
            return EventPage(found, until)
        return EventPage(found, found[-1].id if found else query.after)

    async def _window_of(self, reader: Reader, query: EventQuery) -> int | None:
        """Up to which event a type is looked for; None where an index leads to the events."""
        if query.kind is None or query.run_id is not None:
            return None
        return await reader.events_window(query.after, WINDOW)
