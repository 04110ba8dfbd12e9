"""A lean HTTP/1.1 client: as many keep-alive connections as are needed, and no task for each request."""

import asyncio
import contextlib
import errno
import time
from collections.abc import Callable
from typing import ClassVar

from gatewright.core.errors import ConfigurationError
from gatewright.load.connection import Connection
from gatewright.load.exchange import OutOfConnectionsError, Receiver, Sending
from gatewright.load.request import Origin, Request

__all__ = ["HttpClient", "OutOfConnectionsError", "Receiver", "Sending", "is_ours_to_blame"]

OURS_TO_BLAME = {errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM}


class Opening:
    """A request that waits for its connection."""

    def __init__(self, pool: "HttpClient", request: Request, receiver: Receiver) -> None:
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

    async def _open(self, request: Request, receiver: Receiver) -> None:
        try:
            self._carrier = await self._pool.connect()
        except OSError as error:
            ours = is_ours_to_blame(error)
            receiver.broken(OutOfConnectionsError(error.strerror) if ours else error)
            return
        if self._carrier.transport.is_closing():
            receiver.broken(ConnectionResetError("the connection was closed before the request"))
        else:
            self._carrier.send(request, receiver)


def is_ours_to_blame(error: OSError) -> bool:
    """Whether this machine, not the service, is why there is no connection."""
    return error.errno in OURS_TO_BLAME


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

    Raises:
        ConfigurationError: the server is behind TLS; see `open_sender`.
    """

    in_process: ClassVar[bool] = False

    def __init__(
        self,
        origin: Origin,
        *,
        safety_limit: int = 4096,
        idle_limit_s: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if origin.secure:
            raise ConfigurationError(f"{origin.url} needs TLS, which this client does not speak")
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
                connection.send(request, receiver)
                return connection
            connection.transport.abort()
        if len(self._connections) + len(self.openings) >= self._safety_limit:
            raise OutOfConnectionsError(f"more than {self._safety_limit} connections would be open")
        return Opening(self, request, receiver)

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
