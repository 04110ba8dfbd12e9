"""The client speaks HTTP/1.1 over as many keep-alive connections as are needed, and trusts no server."""

import asyncio
import socket
import time

import pytest
from fakes.loopback import CLOSE, OK, Heard, with_client

from gatewright.core.errors import ConfigurationError
from gatewright.load import HttpClient, Origin, RequestTemplate
from gatewright.load.exchange import (
    AnswerCutShortError,
    AnswerTooLargeError,
    BrokenAnswerError,
    OutOfConnectionsError,
)


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


def test_switched_protocols_are_an_answer_and_the_end_of_the_connection():
    """Nobody asked for another protocol: the step fails by the status, and what follows is not read."""

    async def scenario(client, server, ask):
        head = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n\x00\x01"
        assert await ask("/switch", head) == (101, b"")
        assert await ask("/a") == (404, b"/a")
        assert server.connections == 2

    with_client(scenario)


@pytest.mark.parametrize(
    ("method", "excess"),
    [
        ("GET", b"garbage"),
        ("GET", b"HT"),
        ("GET", OK + b"content-length: 7\r\n\r\nanother"),
        ("HEAD", b"ab"),
    ],
)
def test_what_comes_after_an_answer_is_not_taken_for_the_next_one(method, excess):
    """A body that is longer than announced, or a second answer: the next request has its own connection."""

    async def scenario(client, server, ask):
        answered = await ask("/excess", OK + b"content-length: 2\r\n\r\nab" + excess, method=method)
        assert answered == (200, b"" if method == "HEAD" else b"ab")
        assert await ask("/a") == (404, b"/a")
        assert server.connections == 2

    with_client(scenario)


@pytest.mark.parametrize("early", [OK + b"content-length: 5\r\n\r\nearly", b"HTTP/1.1 2", b"\xff"])
def test_an_answer_that_comes_before_its_request_is_no_answer(early):
    """An idle connection on which something arrives is not used again."""

    async def scenario(client, server, ask):
        await ask("/a")
        lost = server.transports[0]
        lost.write(early)
        while not lost.is_closing():  # noqa: ASYNC110 - bounded by the scenario's timeout
            await asyncio.sleep(0)
        assert await ask("/b") == (404, b"/b")
        assert server.connections == 2

    with_client(scenario)


def test_a_server_that_closes_at_once_breaks_the_request():
    """Whether it closes before or after the request is written, the receiver hears of it."""

    class Refuser(asyncio.Protocol):
        def connection_made(self, transport):
            transport.close()

    async def main():
        listening = await asyncio.get_running_loop().create_server(Refuser, "127.0.0.1", 0)
        client = HttpClient(Origin("127.0.0.1", listening.sockets[0].getsockname()[1]))
        for _ in range(20):
            heard = Heard()
            client.send(RequestTemplate("GET", "/", client.origin).fill(), heard)
            with pytest.raises(ConnectionError):
                async with asyncio.timeout(10):
                    await heard.future
        client.close()
        listening.close()

    asyncio.run(main())


def test_a_server_behind_tls_is_not_spoken_to_in_plain_text():
    """Another client is for that."""
    with pytest.raises(ConfigurationError, match="needs TLS"):
        HttpClient(Origin.parse("https://localhost"))


@pytest.mark.parametrize(
    "script",
    [
        [OK, *[b"x-flood: " + b"a" * 8000 + b"\r\n"] * 9],
        [b"HTTP/1.1 102 Processing\r\n\r\n" * 1000] * 3,
        [OK + b"transfer-encoding: chunked\r\n\r\n", *[b"1;%s\r\na\r\n" % (b"x" * 65_000)] * 600],
    ],
    ids=["headers", "interim", "chunks"],
)
def test_floods_in_small_parts_are_cut_off(script):
    """Many headers, interim answers without end, and chunks that are nothing but extensions."""

    async def scenario(client, server, ask):
        with pytest.raises(AnswerTooLargeError):
            await ask("/flood", *script)
        assert await ask("/a") == (404, b"/a")

    with_client(scenario)


@pytest.mark.parametrize("head", [OK + b"content-le", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_a_head_that_is_cut_short_is_no_answer(head):
    """Neither is an interim answer that no final one follows."""

    async def scenario(client, server, ask):
        with pytest.raises(AnswerCutShortError):
            await ask("/short", head, CLOSE)
        assert await ask("/a") == (404, b"/a")

    with_client(scenario)


@pytest.mark.parametrize("head", [OK + b"a: b\r\n folded\r\n\r\n", b"HTTP/1.1 200 OK\nbare: newline\n\n"])
def test_heads_that_others_might_read_differently_are_broken(head):
    """Folded headers and bare line feeds."""

    async def scenario(client, server, ask):
        with pytest.raises(BrokenAnswerError):
            await ask("/broken", head)
        assert await ask("/a") == (404, b"/a")

    with_client(scenario)
