"""A lean HTTP/1.1 client: one protocol object per connection, callbacks instead of tasks and futures."""

import asyncio
import contextlib
import errno
import time
from collections.abc import Callable
from typing import Protocol, cast

import httptools

from gatewright.load.request import Origin, Request

__all__ = ["HttpClient", "OutOfConnectionsError", "Receiver", "Sending"]

LARGEST_BODY = 16 * 1024 * 1024
OURS_TO_BLAME = {errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM}


class OutOfConnectionsError(Exception):
    """This machine, not the service, ran out of connections."""


class Receiver(Protocol):
    """Who waits for an answer."""

    def answered(self, status: int, body: bytes) -> None:
        """The whole answer is there."""
        ...

    def broken(self, error: Exception) -> None:
        """There will be no answer."""
        ...


class Sending(Protocol):
    """A request under way."""

    def abort(self) -> None:
        """Give up: the receiver hears nothing more."""
        ...


class Connection(asyncio.Protocol):
    """One keep-alive connection, with at most one request under way."""

    __slots__ = ("body", "complete", "idle_since", "keep", "parser", "pool", "receiver", "size", "transport")

    transport: asyncio.Transport

    def __init__(self, pool: "HttpClient") -> None:
        self.pool = pool
        self.parser = httptools.HttpResponseParser(self)
        self.receiver: Receiver | None = None
        self.body: list[bytes] = []
        self.size = 0
        self.complete = False
        self.keep = True
        self.idle_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio hands us the socket."""
        # uvloop's transports have the methods and not the base class.
        self.transport = cast(asyncio.Transport, transport)

    def send(self, request: bytes, receiver: Receiver) -> None:
        """Write a request; the receiver hears of its answer."""
        self.receiver = receiver
        self.transport.write(request)

    def abort(self) -> None:
        """Give up the request under way and the connection with it."""
        self.receiver = None
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Feed the parser; hand over an answer that is complete."""
        try:
            self.parser.feed_data(data)
        except (httptools.HttpParserError, OverflowError) as error:
            self._break(error)
            return
        if self.complete:
            self._deliver()

    def on_body(self, data: bytes) -> None:
        """A part of the body (called by the parser)."""
        self.size += len(data)
        if self.size > LARGEST_BODY:
            raise OverflowError("an answer is larger than 16 MiB")
        self.body.append(data)

    def on_message_complete(self) -> None:
        """The end of an answer (called by the parser)."""
        self.keep = self.parser.should_keep_alive()
        self.complete = True

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone, with an answer outstanding or not."""
        self.pool.lost(self)
        if self.receiver is not None:
            receiver, self.receiver = self.receiver, None
            receiver.broken(exc or ConnectionResetError("the connection was closed before the answer"))

    def _deliver(self) -> None:
        receiver, self.receiver = self.receiver, None
        status, body = self.parser.get_status_code(), b"".join(self.body)
        self.body.clear()
        self.size = 0
        self.complete = False
        if self.keep and receiver is not None:
            self.pool.release(self)
        else:
            self.transport.abort()
        if receiver is not None:
            receiver.answered(status, body)

    def _break(self, error: Exception) -> None:
        receiver, self.receiver = self.receiver, None
        self.transport.abort()
        if receiver is not None:
            receiver.broken(error)


class Opening:
    """A request that waits for its connection."""

    def __init__(self, pool: "HttpClient", request: bytes, receiver: Receiver) -> None:
        self._pool = pool
        self._carrier: Connection | None = None
        self._task = asyncio.get_running_loop().create_task(self._open(request, receiver))
        pool.openings.add(self._task)
        self._task.add_done_callback(pool.openings.discard)

    def abort(self) -> None:
        """Give up, connected or not."""
        if self._carrier is None:
            self._task.cancel()
        else:
            self._carrier.abort()

    async def _open(self, request: bytes, receiver: Receiver) -> None:
        try:
            self._carrier = await self._pool.connect()
        except OSError as error:
            ours = error.errno in OURS_TO_BLAME
            receiver.broken(OutOfConnectionsError(error.strerror) if ours else error)
        else:
            self._carrier.send(request, receiver)


class HttpClient:
    """Keep-alive connections to one server, as many as are needed.

    A cap on connections would make requests wait for each other and hide a stall (coordinated omission), so
    there is only a safety limit.

    Args:
        origin: the server.
        safety_limit: connections beyond which a request is refused.
        idle_limit_s: an idle connection older than this is not used again: servers close idle ones (uvicorn
            after 5 s), and a request sent into that moment would look like a failure of the service.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        origin: Origin,
        *,
        safety_limit: int = 4096,
        idle_limit_s: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.origin = origin
        self.openings: set[asyncio.Task[None]] = set()
        self._safety_limit = safety_limit
        self._idle_limit_s = idle_limit_s
        self._clock = clock
        self._idle: list[Connection] = []
        self._connections: set[Connection] = set()

    async def warm(self, connections: int) -> None:
        """Open connections ahead of the first requests."""
        for connection in [await self.connect() for _ in range(connections)]:
            self.release(connection)

    def send(self, request: Request, receiver: Receiver) -> Sending:
        """Send a request over an idle connection, or over a new one.

        Raises:
            OutOfConnectionsError: the safety limit is reached.
        """
        while self._idle:
            connection = self._idle.pop()
            fresh = self._clock() - connection.idle_since <= self._idle_limit_s
            if fresh and not connection.transport.is_closing():
                connection.send(request.encoded, receiver)
                return connection
            connection.transport.abort()
        if len(self._connections) + len(self.openings) >= self._safety_limit:
            raise OutOfConnectionsError(f"more than {self._safety_limit} connections would be open")
        return Opening(self, request.encoded, receiver)

    async def connect(self) -> Connection:
        """A new connection, not yet idle."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            lambda: Connection(self), self.origin.host, self.origin.port
        )
        self._connections.add(connection)
        return connection

    def release(self, connection: Connection) -> None:
        """Make a connection available again."""
        connection.idle_since = self._clock()
        self._idle.append(connection)

    def lost(self, connection: Connection) -> None:
        """Forget a connection that is gone."""
        self._connections.discard(connection)
        with contextlib.suppress(ValueError):
            self._idle.remove(connection)

    def close(self) -> None:
        """Abort all connections; requests under way hear nothing more."""
        for task in list(self.openings):
            task.cancel()
        for connection in list(self._connections):
            connection.abort()
        self._idle.clear()
