"""The crowd under stress: held back together, released together, lost answers told."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from fakes.servers import FixedServer

from gatewright.race import Actor, Client, History, Scenario, invariant
from gatewright.race.stress import stress


class Knock(Scenario):
    """Everyone knocks once; the doors note when."""

    name = "knock"

    async def setup(self, client: Client) -> None:
        assert (await client.get("/ready")).ok

    def actors(self) -> Mapping[str, Actor]:
        async def knock(client: Client) -> None:
            await client.post("/knock", {"who": "me"})

        return {"alice": knock, "bob": knock}

    async def observe(self, client: Client) -> Any:
        return (await client.get("/ready")).json

    @invariant("heard", "everyone is heard")
    def heard(self, history: History, state: Any) -> Iterable[str]:
        if len(history) != 4:
            yield f"{len(history)} knocks"


class KnockTwice(Knock):
    """Everyone knocks, and knocks again."""

    name = "knock-twice"

    def actors(self) -> Mapping[str, Actor]:
        async def knock(client: Client) -> None:
            await client.post("/knock", {"who": "me"})
            await client.post("/knock", {"who": "me"})

        return {"alice": knock, "bob": knock}

    @invariant("heard", "everyone is heard, or told that nobody is there")
    def heard(self, history: History, _state: Any) -> Iterable[str]:
        return [] if len(history) == 8 else [f"{len(history)} knocks"]


class Door:
    """A tiny HTTP server that answers, or drops, or breaks."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.waiting = 0
        self.partial: list[int] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                body = await reader.readexactly(length)
                if head.startswith(b"GET"):
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                elif self.answer:
                    assert body == b'{"who": "me"}'
                    writer.write(self.answer)
                else:
                    return
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def doors(*answers: bytes) -> AsyncIterator[list[FixedServer]]:
    """Doors that hang up on everybody from when they are killed until they are there again."""
    there = [Door(answer) for answer in answers]
    listening = [await asyncio.start_server(door.serve, "127.0.0.1", 0) for door in there]
    try:
        yield [
            FixedServer(
                f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}",
                on_kill=partial(setattr, door, "answer", b""),
                on_restart=partial(setattr, door, "answer", door.answer),
            )
            for door, server in zip(there, listening, strict=True)
        ]
    finally:
        for server in listening:
            server.close()
            await server.wait_closed()


OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{"ok":   true}'
BROKEN = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\noops"


async def release(*answers: bytes, rotation: int = 0) -> Any:
    async with doors(*answers) as servers:
        return await stress(Knock(), servers, clients=4, rotation=rotation)


def test_a_crowd_is_released_together_on_all_servers() -> None:
    """Four clients on two servers: all answered, overlapping, the actors named one by one."""
    found = asyncio.run(release(OK, OK))
    assert {op.actor for op in found.race.history} == {"alice-1", "bob-1", "alice-2", "bob-2"}
    assert all(op.response.json == {"ok": True} for op in found.race.history)
    assert found.overlapped
    assert found.race.failed is False


def test_a_5xx_is_a_violation() -> None:
    """Whatever else holds."""
    found = asyncio.run(release(OK, BROKEN, rotation=1))
    assert len(found.race.violations["no-server-error"]) == 2


def test_a_lost_answer_is_a_violation() -> None:
    """A server that hangs up is a server error, and the others still count."""
    found = asyncio.run(release(OK, b""))
    assert len(found.race.history) == 4
    assert "the server did not answer" in found.race.violations["no-server-error"][0]


def test_one_server_races_with_nobody() -> None:
    """Requests to one server do not count as overlapping processes."""
    assert asyncio.run(release(OK)).overlapped is False


def test_a_server_that_is_not_there_is_an_error() -> None:
    """The state before the race can't be brought about."""
    with pytest.raises(OSError, match="Connect call failed"):
        asyncio.run(stress(Knock(), [FixedServer("http://127.0.0.1:9")], clients=2))


@pytest.mark.parametrize("rotation", [0, 1])
def test_a_server_is_killed_amid_answers_and_is_back_before_anybody_looks(rotation: int) -> None:
    """What its clients never heard of may have happened and is no violation."""

    async def crash() -> Any:
        async with doors(OK, OK) as servers:
            found = await stress(KnockTwice(), servers, clients=4, rotation=rotation, crash=True)
            return found, [server.deaths for server in servers]

    found, deaths = asyncio.run(crash())
    assert found.crashed
    assert (deaths[rotation], deaths[1 - rotation]) == (["killed", "restarted"], [])
    lost = [op for op in found.race.history if op.response.status == 0]
    assert lost
    assert {op.error for op in lost} == {""}
    assert found.race.failures == {}


def test_who_hangs_up_without_being_killed_is_not_excused() -> None:
    """The other server's lost answers stay a violation."""

    async def crash() -> Any:
        async with doors(OK, b"") as servers:
            return await stress(KnockTwice(), servers, clients=4, crash=True)

    found = asyncio.run(crash())
    assert "the server did not answer" in found.race.violations["no-server-error"][0]
