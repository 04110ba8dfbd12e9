"""Clients of an app under test: one interface, here straight through ASGI, under stress through HTTP."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any, Protocol, TypeAlias
from urllib.parse import unquote

from gatewright.race.history import History, Operation, Response
from gatewright.race.schedule import Trace

__all__ = ["AsgiApp", "AsgiClient", "Client", "Message", "call_app", "parse_body"]

Message: TypeAlias = MutableMapping[str, Any]
"""A message of the ASGI protocol, as any of its frameworks types it."""

AsgiApp: TypeAlias = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]


class Client(Protocol):
    """Sends requests for one actor and records them."""

    @property
    def app(self) -> Any:
        """What `create_app` made for this actor; under stress there is none."""
        ...

    async def get(self, path: str) -> Response:
        """GET; the path may carry a query."""
        ...

    async def post(self, path: str, body: object = None) -> Response:
        """POST with a JSON body, or with none at all."""
        ...


class AsgiClient:
    """Calls the app on the spot: no sockets, no serialising of responses that nobody reads.

    Args:
        app: the ASGI app; scenarios that race plain code find here what their `create_app` made.
        actor: who is asking.
        history: where operations are recorded.
        trace: the schedule so far; its length is the logical time of operations.
    """

    def __init__(self, app: Any, actor: str, history: History, trace: Callable[[], Trace]) -> None:
        self.app = app
        self._actor = actor
        self._history = history
        self._trace = trace

    async def get(self, path: str) -> Response:
        """GET; the path may carry a query."""
        return await self._request("GET", path, None)

    async def post(self, path: str, body: object = None) -> Response:
        """POST with a JSON body, or with none at all."""
        return await self._request("POST", path, body)

    async def _request(self, method: str, path: str, body: object) -> Response:
        called = len(self._trace().steps)
        content = b"" if body is None else json.dumps(body).encode()
        error = ""
        response = Response(0)  # until there is an answer; an actor that gives up waiting hears of none
        try:
            response = await call_app(self.app, method, path, content)
        except Exception as raised:  # noqa: BLE001 - a crash of the app is a finding, not ours
            response = Response(500)
            error = f"{type(raised).__name__}: {raised}".splitlines()[0]
        finally:
            trace = self._trace()  # until its first step a request has seen nothing: it is called then
            called = trace.first_step(self._actor, called)
            self._history.operations.append(
                Operation(self._actor, method, path, body, response, called, len(trace.steps), error)
            )
        return response


async def call_app(app: AsgiApp, method: str, path: str, content: bytes) -> Response:
    """Send one request through ASGI and collect the answer.

    Raises:
        Exception: whatever the app lets out.
    """
    plain, _, query = path.partition("?")
    headers = [(b"host", b"race.test"), (b"content-length", str(len(content)).encode())]
    if content:
        headers.append((b"content-type", b"application/json"))
    scope: Message = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(plain),
        "raw_path": plain.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": headers,
        "server": ("race.test", 80),
        "client": ("race.test", 1),
        "state": {},
    }
    exchange = _Exchange(content)
    await app(scope, exchange.receive, exchange.send)
    return Response(exchange.status, parse_body(b"".join(exchange.chunks)))


class _Exchange:
    """Both ends of one request."""

    def __init__(self, content: bytes) -> None:
        self.status = 0
        self.chunks: list[bytes] = []
        self._incoming = self._messages(content)

    @staticmethod
    def _messages(content: bytes) -> Iterator[Message]:
        yield {"type": "http.request", "body": content, "more_body": False}

    async def receive(self) -> Message:
        message = next(self._incoming, None)
        if message is None:
            await (
                asyncio.get_running_loop().create_future()
            )  # the client stays connected: nothing more ever comes
        assert message is not None
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["type"] == "http.response.body":
            self.chunks.append(message.get("body", b""))


def parse_body(content: bytes) -> object:
    """A response's body as JSON values; None where it is empty or no JSON."""
    try:
        return json.loads(content) if content else None
    except ValueError:
        return None
