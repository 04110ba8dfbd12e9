"""Events: read in the order in which they were committed."""

from dataclasses import dataclass

from multyagents_api.domain.errors import NotFound
from multyagents_api.domain.events import Event
from multyagents_api.service.page import Page, cut
from multyagents_api.service.ports import Storage

__all__ = ["EventQuery", "Events"]


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Which events: those after an id, of one run, of one type."""

    after: int
    limit: int
    run_id: int | None = None
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Events:
    """Use cases about events."""

    storage: Storage

    async def page(self, query: EventQuery) -> Page[Event]:
        """The next events; a run that does not exist is not found, rather than silent."""
        async with self.storage.read() as reader:
            found = await reader.events_after(
                query.after, run_id=query.run_id, kind=query.kind, limit=query.limit + 1
            )
            if not found and query.run_id is not None and await reader.run(query.run_id) is None:
                raise NotFound("run", str(query.run_id))
        return cut(found, query.limit)
