"""The client speaks HTTP/1.1 over as many keep-alive connections as are needed."""

import asyncio
import socket
import time

import pytest

from gatewright.load import HttpClient, Origin, RequestTemplate
from gatewright.load.client import OutOfConnectionsError


class Server(asyncio.Protocol):
    """One connection of a loopback server whose path says how it answers."""

    def __init__(self, house):
        self.house = house

    def connection_made(self, transport):
        self.transport = transport
        self.house.transports.append(transport)
        self.house.arrived.set()

    def data_received(self, data):
        path = data.split()[1].decode()
        if path == "/hold":
            self.house.held.append(self.transport)
        elif path == "/close":
            self.transport.close()
        else:
            self.transport.write(answer(path))
            if path == "/last":
                self.transport.close()


class House:
    """What all connections of a server share."""

    def __init__(self):
        self.transports = []
        self.held = []
        self.arrived = asyncio.Event()

    @property
    def connections(self):
        return len(self.transports)

    def release(self):
        for transport in self.held:
            transport.write(answer("/hold"))


def answer(path):
    if path == "/chunked":
        return b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    if path == "/rubbish":
        return b"\x00\x01 no HTTP at all\r\n\r\n"
    keep = b"connection: close\r\n" if path == "/last" else b""
    return b"HTTP/1.1 404 Not Found\r\n" + keep + b"content-length: %d\r\n\r\n%s" % (len(path), path.encode())


class Heard:
    """A receiver that can be awaited."""

    def __init__(self):
        self.future = asyncio.get_running_loop().create_future()

    def answered(self, status, body):
        self.future.set_result((status, body))

    def broken(self, error):
        self.future.set_exception(error)


def with_client(scenario, **options):
    """Run a scenario against a fresh server; bounded in time."""

    async def main():
        server = House()
        listening = await asyncio.get_running_loop().create_server(lambda: Server(server), "127.0.0.1", 0)
        client = HttpClient(Origin("127.0.0.1", listening.sockets[0].getsockname()[1]), **options)

        async def ask(path):
            heard = Heard()
            client.send(RequestTemplate("GET", path, client.origin).fill(), heard)
            return await heard.future

        try:
            async with asyncio.timeout(10):
                return await scenario(client, server, ask)
        finally:
            client.close()
            listening.close()
            for transport in server.transports:
                transport.abort()
            await asyncio.sleep(0)

    return asyncio.run(main())


def test_a_connection_is_used_again():
    """Two requests after each other share one connection."""

    async def scenario(client, server, ask):
        assert await ask("/a") == (404, b"/a")
        assert await ask("/b") == (404, b"/b")
        assert server.connections == 1

    with_client(scenario)


def test_requests_at_once_get_connections_of_their_own():
    """No request waits for another one's answer."""

    async def scenario(client, server, ask):
        held = [asyncio.ensure_future(ask("/hold")) for _ in range(5)]
        assert await ask("/free") == (404, b"/free")
        while len(server.held) < len(held):  # noqa: ASYNC110 - bounded by the scenario's timeout
            await asyncio.sleep(0)
        server.release()
        assert await asyncio.gather(*held) == [(404, b"/hold")] * 5
        assert server.connections == 6

    with_client(scenario)


def test_a_chunked_body_is_put_together():
    """The receiver gets the whole body."""

    async def scenario(client, server, ask):
        assert await ask("/chunked") == (200, b"abcde")

    with_client(scenario)


def test_a_connection_that_the_server_closes_is_not_used_again():
    """After `connection: close` the next request opens a new one."""

    async def scenario(client, server, ask):
        assert await ask("/last") == (404, b"/last")
        assert await ask("/a") == (404, b"/a")
        assert server.connections == 2

    with_client(scenario)


@pytest.mark.parametrize(("path", "error"), [("/close", ConnectionError), ("/rubbish", Exception)])
def test_no_answer_breaks_the_request_and_nothing_else(path, error):
    """A closed connection or rubbish is an error of this request; the next one works."""

    async def scenario(client, server, ask):
        with pytest.raises(error):
            await ask(path)
        assert await ask("/a") == (404, b"/a")

    with_client(scenario)


def test_an_idle_connection_that_is_old_is_left_alone():
    """A server may be about to close it; a new connection is opened instead."""
    now = time.monotonic()
    moments = iter([now, now + 10, now + 10, now + 10, now + 10])

    async def scenario(client, server, ask):
        await ask("/a")
        await ask("/b")
        assert server.connections == 2

    with_client(scenario, clock=lambda: next(moments))


def test_the_safety_limit_is_the_generators_fault():
    """Beyond it a request is refused with an error of its own kind."""

    async def scenario(client, server, ask):
        held = [asyncio.ensure_future(ask("/hold")) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(OutOfConnectionsError):
            await ask("/a")
        while len(server.held) < len(held):  # noqa: ASYNC110 - bounded by the scenario's timeout
            await asyncio.sleep(0)
        server.release()
        await asyncio.gather(*held)

    with_client(scenario, safety_limit=2)


def test_an_aborted_request_hears_nothing_more():
    """Neither while it connects nor while it waits."""

    async def scenario(client, server, ask):
        connecting, waiting = Heard(), Heard()
        client.send(RequestTemplate("GET", "/a", client.origin).fill(), connecting).abort()
        sending = client.send(RequestTemplate("GET", "/hold", client.origin).fill(), waiting)
        await server.arrived.wait()
        sending.abort()
        server.release()
        assert await ask("/b") == (404, b"/b")
        assert not connecting.future.done()
        assert not waiting.future.done()

    with_client(scenario)


def test_a_refused_connection_breaks_the_request():
    """Nobody listens: that is an answer of the service's side."""

    async def main():
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        client, heard = HttpClient(Origin("127.0.0.1", port)), Heard()
        client.send(RequestTemplate("GET", "/", client.origin).fill(), heard)
        with pytest.raises(ConnectionRefusedError):
            await heard.future

    asyncio.run(main())
