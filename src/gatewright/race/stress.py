"""Stress: the same actors in real parallelism, over HTTP, against several server processes on one database.

Every client has a connection of its own, opened beforehand, and sends all of its first request but the last
byte. When everyone stands there, the last bytes leave back to back, so that all requests become complete
within microseconds of each other.
"""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol
from urllib.parse import urlsplit

from gatewright.race.arena import CRASHED, Race
from gatewright.race.client import parse_body
from gatewright.race.history import History, Operation, Response
from gatewright.race.scenario import Actor, Scenario
from gatewright.race.schedule import Trace

__all__ = ["Release", "Server", "stress"]

LONGEST_HEADER_BYTES = 64 * 1024
MARGIN = "\r\n"


class Server(Protocol):
    """One of the servers under stress."""

    @property
    def base_url(self) -> str:
        """Where it is: `http://host:port`."""
        ...

    def kill(self) -> None:
        """Kill it outright, without waiting for its end."""
        ...

    def restart(self) -> None:
        """Start it again on what it left, and wait until it answers."""
        ...


@dataclass
class Release:
    """One release of the barrier.

    `spread_ns` is the time between the first and the last client's last byte; `overlapped` tells whether
    requests to different servers were under way at the same time, `crashed` whether a server was killed.
    """

    race: Race
    spread_ns: int
    overlapped: bool
    crashed: bool = False


class Crash:
    """Kills a server in the midst of a release, as soon as so many requests have been answered.

    Counting answers instead of time meets the others while they are under way, however busy the machine is.
    """

    def __init__(self, victim: Server, after: int) -> None:
        self._victim = victim
        self._left = after
        self.has_come = False

    def note_answer(self) -> None:
        """One more request has its answer."""
        self._left -= 1
        if self._left == 0:
            self.has_come = True
            self._victim.kill()


class StartingGate:
    """Holds back the last byte of everyone's request until all are there."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._held: list[Callable[[], None]] = []
        self._open = asyncio.Event()
        self.spread_ns = 0

    async def pass_through(self, finish: Callable[[], None]) -> None:
        """Wait for the others, then finish the request."""
        self._held.append(finish)
        if len(self._held) == self._size:
            began = time.perf_counter_ns()
            for held in self._held:
                held()
            self.spread_ns = time.perf_counter_ns() - began
            self._open.set()
        await self._open.wait()


class HttpActorClient:
    """One actor's connection to one server; its first request passes the gate.

    Args:
        base_url: of the server.
        actor: who is asking.
        history: where operations are recorded.
        gate: where the first request is held back; None for requests that race with nobody.
        crash: is told of each answer, if a server is to crash.
    """

    def __init__(
        self,
        base_url: str,
        actor: str,
        history: History,
        gate: StartingGate | None = None,
        crash: Crash | None = None,
    ) -> None:
        parts = urlsplit(base_url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._actor = actor
        self._history = history
        self._gate = gate
        self._crash = crash
        self._reader = asyncio.StreamReader()
        self._writer: asyncio.StreamWriter | None = None

    @property
    def app(self) -> Any:
        """There is none: the app runs in a process of its own."""
        raise AttributeError("under stress the app runs in another process")

    async def connect(self) -> None:
        """Open the connection, before anything races."""
        self._reader, self._writer = await asyncio.open_connection(
            self._host, self._port, limit=LONGEST_HEADER_BYTES
        )

    def close(self) -> None:
        """Close the connection."""
        if self._writer is not None:
            self._writer.close()

    async def get(self, path: str) -> Response:
        """GET; the path may carry a query."""
        return await self._request("GET", path, None)

    async def post(self, path: str, body: object = None) -> Response:
        """POST with a JSON body, or with none at all."""
        return await self._request("POST", path, body)

    async def _request(self, method: str, path: str, body: object) -> Response:
        content = b"" if body is None else json.dumps(body).encode()
        kind = f"Content-Type: application/json{MARGIN}" if content else ""
        head = (
            f"{method} {path} HTTP/1.1{MARGIN}Host: {self._host}:{self._port}{MARGIN}"
            f"{kind}Content-Length: {len(content)}{MARGIN}{MARGIN}"
        )
        called, error = time.perf_counter_ns(), ""
        try:
            called = await self._send(head.encode() + content)
            response = await self._receive()
            if self._crash is not None:
                self._crash.note_answer()
        except (OSError, EOFError, ValueError, IndexError, asyncio.LimitOverrunError) as lost:
            response, error = Response(0), f"the server did not answer: {type(lost).__name__}: {lost}"
        self._history.operations.append(
            Operation(self._actor, method, path, body, response, called, time.perf_counter_ns(), error)
        )
        return response

    async def _send(self, request: bytes) -> int:
        """Send the request, through the gate if it is the first; when it became complete, in nanoseconds."""
        writer, gate = self._writer, self._gate
        if writer is None:
            raise ConnectionError("not connected")
        self._gate = None
        sent = [time.perf_counter_ns()]
        if gate is None:
            writer.write(request)
            return sent[0]

        def finish() -> None:
            sent[0] = time.perf_counter_ns()
            writer.write(request[-1:])

        writer.write(request[:-1])
        await gate.pass_through(finish)
        return sent[0]

    async def _receive(self) -> Response:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status_line, *lines = head.split(MARGIN)
        fields = dict(line.lower().split(":", 1) for line in lines if ":" in line)
        length = int(fields.get("content-length", "0"))
        body = await self._reader.readexactly(length) if length else b""
        return Response(int(status_line.split(" ", 2)[1]), parse_body(body))


async def stress(
    scenario: Scenario,
    servers: Sequence[Server],
    *,
    clients: int,
    rotation: int = 0,
    crash: bool = False,
    timeout_s: float = 40.0,
) -> Release:
    """Bring about the scenario's state, release a crowd of its actors at once, and evaluate its oracles.

    Args:
        scenario: what to race; its instance may be used for one release after the other.
        servers: all on one database; neighbours in the crowd go to different ones.
        clients: how many actors race.
        rotation: the number of this release: another actor and another server come first each time.
        crash: kill a server in the midst of it, and start it again before the state is looked at; what its
            clients never heard of may have happened, what anybody was told must have.
        timeout_s: the longest time for all of it.
    """
    history = History()
    victim = servers[rotation % len(servers)]
    async with asyncio.timeout(timeout_s):
        await _as_engine(servers[rotation % len(servers)].base_url, scenario.setup)
        crowd = list(scenario.crowd(clients).items())
        first = rotation % len(crowd)
        crowd = crowd[first:] + crowd[:first]
        gate = StartingGate(len(crowd))
        crashing = Crash(victim, 1 + rotation % max(1, len(crowd) // 2)) if crash else None
        places = {name: servers[(number + rotation) % len(servers)] for number, (name, _) in enumerate(crowd)}
        urls = {name: server.base_url for name, server in places.items()}
        contenders = {name: HttpActorClient(urls[name], name, history, gate, crashing) for name, _ in crowd}
        try:
            await asyncio.gather(*(client.connect() for client in contenders.values()))
            outcomes = await asyncio.gather(
                *(actor(contenders[name]) for name, actor in crowd), return_exceptions=True
            )
        finally:
            for client in contenders.values():
                client.close()
            if crashing is not None:
                await asyncio.to_thread(victim.restart)
        if crashing is not None and crashing.has_come:
            history = _without_lost(history, {name for name, server in places.items() if server is victim})
        race = await _judge(scenario, victim.base_url, history, [name for name, _ in crowd], outcomes)
    return Release(race, gate.spread_ns, _overlapped(history, urls), crashed=crash)


def _without_lost(history: History, actors: set[str]) -> History:
    """The history in which it is no error that these actors were never answered: their server was killed."""
    return History(
        [
            replace(op, error="") if op.actor in actors and op.response.status == 0 else op
            for op in history.operations
        ]
    )


async def _judge(
    scenario: Scenario, url: str, history: History, names: list[str], outcomes: Sequence[object]
) -> Race:
    race = Race(Trace(), history)
    crashes = [
        f"{name}: {type(outcome).__name__}: {outcome}"
        for name, outcome in zip(names, outcomes, strict=True)
        if isinstance(outcome, BaseException)
    ]
    try:
        state = await _as_engine(url, scenario.observe)
    except Exception as error:  # noqa: BLE001 - an oracle that can't check must not look like one that did
        race.unchecked = f"{type(error).__name__}: {error}"
    else:
        race.judge(scenario, state)
    race.violations |= {CRASHED: tuple(crashes)}
    return race


async def _as_engine(url: str, work: Actor) -> Any:
    """Do the engine's own work on a connection of its own."""
    client = HttpActorClient(url, "engine", History())
    await client.connect()
    try:
        return await work(client)
    finally:
        client.close()


def _overlapped(history: History, servers: dict[str, str]) -> bool:
    """Whether requests to different servers were under way at the same time."""
    first = {op.actor: op for op in reversed(history.operations)}
    return any(
        one.called < other.returned and other.called < one.returned
        for one in first.values()
        for other in first.values()
        if servers[one.actor] != servers[other.actor]
    )
