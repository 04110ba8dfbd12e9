"""The in-process lane: calls an ASGI application directly, without sockets.

For a deterministic smoke: neither a server's parsing nor a network is in its figures, and they say so
(`in_process`). Application and generator share one event loop, so that whatever blocks one delays the other.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager, suppress
from functools import lru_cache
from typing import Any, ClassVar
from urllib.parse import unquote

from gatewright.core.errors import GatewrightError
from gatewright.core.escape import printable
from gatewright.load.exchange import (
    LARGEST_BODY,
    AnswerCutShortError,
    AnswerTooLargeError,
    OutOfConnectionsError,
    Receiver,
    Sending,
)
from gatewright.load.request import BODILESS, Origin, Request

__all__ = ["AsgiApplication", "AsgiLane", "open_application"]

Message = MutableMapping[str, Any]
AsgiReceive = Callable[[], Awaitable[Message]]
AsgiSend = Callable[[Message], Awaitable[None]]
AsgiApplication = Callable[[Message, AsgiReceive, AsgiSend], Awaitable[None]]

PATIENCE_S = 30.0
LONGEST_REASON = 200
ASGI = {"version": "3.0", "spec_version": "2.3"}
SERVER_ERROR = (500, b"Internal Server Error")
CLIENT = ("127.0.0.1", 0)


class AsgiLane:
    """Requests to an application in this process; each is a task of its own.

    Source: ASGI 3.0, "HTTP & WebSocket ASGI Message Format" 2.3.

    Args:
        application: called once for each request.
        origin: what requests name as their host; nothing listens there.
        safety_limit: requests at once beyond which a further one is refused.
        state: what the application keeps between its start and its requests.
    """

    in_process: ClassVar[bool] = True

    def __init__(
        self,
        application: AsgiApplication,
        origin: Origin,
        *,
        safety_limit: int = 4096,
        state: dict[str, Any] | None = None,
    ) -> None:
        self.application = application
        self.origin = origin
        self.state: dict[str, Any] = {} if state is None else state
        self.under_way: set[asyncio.Task[None]] = set()
        self._safety_limit = safety_limit

    def send(self, request: Request, receiver: Receiver) -> Sending:
        """Call the application; the receiver hears of its answer.

        Raises:
            OutOfConnectionsError: the safety limit is reached.
        """
        if len(self.under_way) >= self._safety_limit:
            raise OutOfConnectionsError(f"more than {self._safety_limit} requests would be under way")
        return Exchange(self, request, receiver)

    def scope(self, request: Request) -> Message:
        """The connection scope of a request, as a server makes it from the wire."""
        path, _, query = request.target.partition("?")
        return {
            "type": "http",
            "asgi": ASGI,
            "http_version": "1.1",
            "method": request.method,
            "scheme": "https" if self.origin.secure else "http",
            "path": unquote(path),
            "raw_path": path.encode("ascii"),
            "query_string": query.encode("ascii"),
            "root_path": "",
            "headers": headers_of(request, self.origin.authority),
            "client": CLIENT,
            "server": (self.origin.host, self.origin.port),
            "state": self.state.copy(),
        }

    async def close(self) -> None:
        """Cancel the requests under way; they hear nothing more."""
        tasks = list(self.under_way)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@lru_cache(maxsize=1024)
def encoded(authority: str, headers: tuple[tuple[str, str], ...]) -> tuple[tuple[bytes, bytes], ...]:
    """Names and values in bytes; those of a template are encoded once."""
    pairs = (("host", authority), *headers)
    return tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs)


def headers_of(request: Request, authority: str) -> list[tuple[bytes, bytes]]:
    """The headers that a server would read from the wire."""
    headers = list(encoded(authority, request.headers))
    if request.body or request.method not in BODILESS:
        headers.append((b"content-length", b"%d" % len(request.body)))
    return headers


class Exchange:
    """One call of the application: a request, and what is sent for it."""

    def __init__(self, lane: AsgiLane, request: Request, receiver: Receiver) -> None:
        self._receiver: Receiver | None = receiver
        self._request: Request | None = request
        self._bodiless = request.method == "HEAD"
        self._status: int | None = None
        self._body: list[bytes] = []
        self._size = 0
        self._gone = asyncio.Event()
        task = asyncio.get_running_loop().create_task(self._run(lane.application, lane.scope(request)))
        lane.under_way.add(task)
        task.add_done_callback(lane.under_way.discard)

    def abort(self) -> None:
        """Give up: the application is told that its client is gone, as a server tells it."""
        self._receiver = None
        self._gone.set()

    async def _run(self, application: AsgiApplication, scope: Message) -> None:
        """A server answers 500 where the application does not, and closes where its answer has no end."""
        with suppress(Exception):
            await application(scope, self._receive, self._send)
        if self._status is None:
            self._answer(*SERVER_ERROR)
        else:
            self._break(AnswerCutShortError("the application left an answer without end"))

    async def _receive(self) -> Message:
        if self._request is not None:
            request, self._request = self._request, None
            return {"type": "http.request", "body": request.body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if self._receiver is None:
            return
        if message["type"] == "http.response.start" and self._status is None:
            self._status = message["status"]
        elif message["type"] == "http.response.body" and self._status is not None:
            self._take(message.get("body", b""))
            if self._status is not None and not message.get("more_body", False):
                self._answer(self._status, b"" if self._bodiless else b"".join(self._body))
        else:
            raise RuntimeError(f"{message['type']} is not what an answer goes on with")

    def _take(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > LARGEST_BODY:
            self._break(AnswerTooLargeError("the body of an answer is larger than 16 MiB"))
        else:
            self._body.append(part)

    def _answer(self, status: int, body: bytes) -> None:
        receiver, self._receiver = self._receiver, None
        self._gone.set()
        if receiver is not None:
            receiver.answered(status, body)

    def _break(self, error: Exception) -> None:
        receiver, self._receiver = self._receiver, None
        self._gone.set()
        if receiver is not None:
            receiver.broken(error)


class Lifespan:
    """The lifespan protocol (ASGI "Lifespan Protocol" 2.0): the application is told to start and to stop."""

    def __init__(self, application: AsgiApplication) -> None:
        self.state: dict[str, Any] = {}
        self._orders: asyncio.Queue[str] = asyncio.Queue()
        self._replies: asyncio.Queue[Message] = asyncio.Queue()
        scope = {"type": "lifespan", "asgi": ASGI, "state": self.state}
        self._task = asyncio.get_running_loop().create_task(self._run(application, scope))

    async def start(self) -> None:
        """Start the application; one that knows no lifespan needs no start.

        Raises:
            GatewrightError: it says that it can't start, or says nothing for 30 s.
        """
        try:
            await self._order("startup", "start")
        except BaseException:
            await self._end()
            raise

    async def stop(self) -> None:
        """Stop the application.

        Raises:
            GatewrightError: it says that it can't stop, or says nothing for 30 s.
        """
        try:
            await self._order("shutdown", "stop")
        finally:
            await self._end()

    async def _end(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _order(self, order: str, verb: str) -> None:
        self._orders.put_nowait(order)
        try:
            async with asyncio.timeout(PATIENCE_S):
                reply = await self._replies.get()
        except TimeoutError as error:
            raise GatewrightError(f"the application did not {verb} within {PATIENCE_S:g} s") from error
        if reply["type"] == f"lifespan.{order}.failed":
            raise GatewrightError(f"the application did not {verb}: {last_line(reply.get('message', ''))}")

    async def _run(self, application: AsgiApplication, scope: Message) -> None:
        with suppress(Exception):
            await application(scope, self._receive, self._send)
        # No further order is answered: as servers do, take it for an application without lifespan.
        for _ in range(2):
            self._replies.put_nowait({"type": "lifespan.ended"})

    async def _receive(self) -> Message:
        return {"type": f"lifespan.{await self._orders.get()}"}

    async def _send(self, message: Message) -> None:
        self._replies.put_nowait(message)


@asynccontextmanager
async def open_application(
    application: AsgiApplication, *, origin: Origin | None = None, safety_limit: int = 4096
) -> AsyncIterator[AsgiLane]:
    """A lane to an application in this process, started before and stopped after.

    Args:
        application: any ASGI 3 application, e.g. of FastAPI or Starlette.
        origin: what requests name as their host; `http://testserver:80` when None.
        safety_limit: requests at once beyond which a further one is refused.

    Raises:
        GatewrightError: the application does not start, or does not stop.
    """
    lifespan = Lifespan(application)
    lane = AsgiLane(
        application, origin or Origin("testserver", 80), safety_limit=safety_limit, state=lifespan.state
    )
    await lifespan.start()
    try:
        yield lane
    finally:
        await lane.close()
        await lifespan.stop()


def last_line(words: object) -> str:
    """What an application says, which may be a whole traceback: its last line, of a bearable length."""
    lines = str(words).strip().splitlines()
    return printable(lines[-1])[:LONGEST_REASON] if lines else "it does not say why"
