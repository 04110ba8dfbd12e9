"""Events: read in the order in which they were committed; clients add those of their own namespace."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from multyagents_api.domain.errors import NotFound, UnknownAttempt, UnknownSelection
from multyagents_api.domain.events import Event, NewEvent, PayloadValue, custom_event_type, custom_payload
from multyagents_api.domain.tasks import Task
from multyagents_api.service.change import RunChange
from multyagents_api.service.ports import Clock, Reader, Storage
from multyagents_api.service.retry import decide_until_current

__all__ = ["WINDOW", "EventPage", "EventQuery", "Events", "OwnEvent"]

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
class OwnEvent:
    """What a client tells of a run, or of an attempt of one of its tasks."""

    run_id: int
    kind: str
    task_id: int | None = None
    attempt: int | None = None
    payload: Mapping[str, PayloadValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Events:
    """Use cases about events."""

    storage: Storage
    clock: Clock

    async def create(self, told: OwnEvent) -> Event:
        """Add a client's own event to its run, without the secrets in its payload."""
        kind, payload = custom_event_type(told.kind), custom_payload(told.payload)
        async with self.storage.read() as reader:
            if await reader.run(told.run_id) is None:
                raise NotFound("run", str(told.run_id))
            task = await _task_of(reader, told)
        role_id = None if task is None else task.role_id
        event = NewEvent(kind, told.task_id, told.attempt, role_id, payload)
        return await decide_until_current("run", lambda: self._append(told.run_id, event))

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

    async def _append(self, run_id: int, event: NewEvent) -> Event:
        async with self.storage.write() as writer:
            change = await RunChange.open(writer, run_id, self.clock.now(), reserve=1)
            change.tell(event)
            await change.finish(change.run.status)
            stored = await writer.event(run_id, change.run.event_sequence)
            assert stored is not None
        return stored

    async def _window_of(self, reader: Reader, query: EventQuery) -> int | None:
        """Up to which event a type is looked for; None where an index leads to the events."""
        if query.kind is None or query.run_id is not None:
            return None
        return await reader.events_window(query.after, WINDOW)


async def _task_of(reader: Reader, told: OwnEvent) -> Task | None:
    """The task that an event is about, which must be of its run and have the attempt; attempts only grow."""
    if told.task_id is None:
        return None
    task = await reader.task(told.task_id)
    if task is None or task.run_id != told.run_id:
        raise UnknownSelection(told.run_id, "task", str(told.task_id))
    if told.attempt is not None and told.attempt > task.attempt:
        raise UnknownAttempt(task.id, told.attempt, task.attempt)
    return task
