"""Event streams: the same events as page by page, for clients who stay and wait for what comes next."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import Context
from dataclasses import replace
from typing import NoReturn

from multyagents_api.domain.errors import StoreBusy, TooManyStreams
from multyagents_api.observing.metrics import Metrics
from multyagents_api.service.event_signal import EventFeed, EventSignal
from multyagents_api.service.events import EventPage, EventQuery, Events

__all__ = ["EventStream", "EventStreams"]

QUIET_S = 15.0
"""After so long without an event a stream shows that it lives, as the HTML standard (9.2.7) advises."""

PACE_S = 0.05
"""So long a stream rests between two looks, lest every single write makes every stream look."""

LIFE_S = 300.0
"""A stream ends after so long: its client comes back, maybe to another process, and is asked who it is."""


class EventStreams:
    """Opens streams of events, a bounded number in this process.

    While there are any, this process follows what other processes commit; without any, it costs nothing.
    """

    def __init__(self, events: Events, feed: EventFeed, metrics: Metrics, *, most: int) -> None:
        self.events = events
        self.closed = False
        self._feed = feed
        self._metrics = metrics
        self._most = most
        self._open = 0
        self._following: asyncio.Task[NoReturn] | None = None

    @property
    def signal(self) -> EventSignal:
        """What tells that it is worth another look."""
        return self._feed.signal

    async def open(self, query: EventQuery) -> "EventStream":
        """A stream of what follows, whose first page is read; the caller takes its place, or drops it.

        Raises:
            NotFound: there is no such run.
            TooManyStreams: this process has no place for another one.
        """
        self._check_place()
        seen = self.signal.count
        return EventStream(self, query, seen, await self.events.page(query))

    async def announce(self) -> NoReturn:
        """Let other processes know, until canceled, what this one commits."""
        await self._feed.announce()

    def close(self) -> None:
        """End all streams, those that wait at once: the process stops."""
        self.closed = True
        self.signal.tell()

    @contextmanager
    def place(self) -> Iterator[None]:
        """Have a stream's place for a while; there is a follower as long as anybody has one.

        Raises:
            TooManyStreams: all are taken.
        """
        self._check_place()
        self._open += 1
        if self._following is None:
            # It outlives this stream's request and serves all: a context of its own.
            self._following = asyncio.create_task(self._feed.follow(), context=Context())
        try:
            with self._metrics.stream():
                yield
        finally:
            self._open -= 1
            if self._open == 0:
                self._following.cancel()
                self._following = None

    def _check_place(self) -> None:
        if self._open >= self._most:
            raise TooManyStreams(self._most)


class EventStream:
    """One client's stream, to be read while it has its place.

    It reads a page when the one before was taken, so that a slow client costs no more memory than a fast one.
    """

    def __init__(self, streams: EventStreams, query: EventQuery, seen: int, first: EventPage) -> None:
        self._streams = streams
        self._query = query
        self._seen = seen
        self._first = first

    def place(self) -> AbstractContextManager[None]:
        """The place among the streams of this process."""
        return self._streams.place()

    async def pages(self) -> AsyncIterator[EventPage]:
        """Every event once, in order; a page that goes on nowhere tells that all is quiet."""
        query, seen, page = self._query, self._seen, self._first
        ends = asyncio.get_running_loop().time() + LIFE_S
        while not self._streams.closed:
            if page.looked_until != query.after:
                yield page
                query = replace(query, after=page.looked_until)
                if len(page.items) < query.limit:
                    await asyncio.sleep(PACE_S)
            elif not await self._streams.signal.wait(seen, QUIET_S):
                yield page
            if asyncio.get_running_loop().time() > ends:
                return
            # Before the look: what is committed during it makes the wait after it short.
            seen = self._streams.signal.count
            page = await self._look(query)

    async def _look(self, query: EventQuery) -> EventPage:
        """The next page; a store out of reach has nothing new, and the stream outlives that."""
        try:
            return await self._streams.events.page(query)
        except StoreBusy:
            return EventPage((), query.after)
