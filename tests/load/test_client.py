"""The client speaks HTTP/1.1 over as many keep-alive connections as are needed, and trusts no server."""

import asyncio
import socket
import time

import pytest

from gatewright.load import (
    Answer,
    Call,
    HttpClient,
    OpenLoop,
    Origin,
    Outcome,
    RequestTemplate,
    StepFailedError,
    constant_arrivals,
    run_on_fast_loop,
)
from gatewright.load.exchange import (
    LARGEST_BODY,
    LARGEST_HEAD,
    AnswerCutShortError,
    AnswerTooLargeError,
    BrokenAnswerError,
    OutOfConnectionsError,
)

OK = b"HTTP/1.1 200 OK\r\n"


CLOSE = "close"


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
        self.house.asked.append(path)
        if path in self.house.scripts:
            self.play(self.house.scripts[path])
        elif path == "/hold":
            self.house.held.append(self.transport)
        elif path == "/close":
            self.transport.close()
        else:
            self.transport.write(answer(path))
            if path == "/last":
                self.transport.close()

    def play(self, script):
        for part in script:
            if part is CLOSE:
                self.transport.close()
            else:
                self.transport.write(part)


class House:
    """What all connections of a server share."""

    def __init__(self):
        self.transports = []
        self.held = []
        self.asked = []
        self.scripts = {}
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

        async def ask(path, *script, method="GET"):
            if script:
                server.scripts[path] = script
            heard = Heard()
            client.send(RequestTemplate(method, path, client.origin).fill(), heard)
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

    return run_on_fast_loop(main())


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

    run_on_fast_loop(main())


@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_redirect_is_never_followed(status):
    """The step fails with the status that was answered, and nothing else is asked."""

    async def scenario(client, server, ask):
        head = b"HTTP/1.1 %d Moved\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n" % status
        with pytest.raises(StepFailedError, match=f"answered {status}"):
            Answer(*await ask("/moved", head)).expect(200)
        assert server.asked == ["/moved"]

    with_client(scenario)


@pytest.mark.parametrize(
    ("script", "body"),
    [
        ([b"HTTP/1.0 200 OK\r\n\r\nabc", CLOSE], b"abc"),
        ([b"HTTP/1.0 200 OK\r\n\r\n", CLOSE], b""),
        ([OK + b"\r\nabc", CLOSE], b"abc"),
        ([OK + b"connection: close\r\n\r\nabc", CLOSE], b"abc"),
        ([OK + b"transfer-encoding: gzip\r\n\r\nabc", CLOSE], b"abc"),
        ([b"HTTP/1.1 103 Hint\r\ncontent-length: 9\r\n\r\n" + OK + b"\r\nabc", CLOSE], b"abc"),
    ],
)
def test_a_body_without_announced_length_ends_with_the_connection(script, body):
    """That is how HTTP/1.0 does it: the answer is whole when the server closes."""

    async def scenario(client, server, ask):
        assert await ask("/old", *script) == (200, body)
        assert await ask("/a") == (404, b"/a")

    with_client(scenario)


@pytest.mark.parametrize(
    "script",
    [
        [OK + b"content-length: 10\r\n\r\nabc", CLOSE],
        [b"HTTP/1.0 200 OK\r\nContent-Length: 10\r\n\r\nabc", CLOSE],
        [OK + b"connection: close\r\ncontent-length: 10\r\n\r\n", CLOSE],
        [OK + b"transfer-encoding: chunked\r\n\r\n5\r\nabc", CLOSE],
        [OK + b"transfer-encoding: gzip, chunked\r\nconnection: close\r\n\r\n3\r\nabc\r\n", CLOSE],
        [OK + b"content-le", CLOSE],
        [b"HTTP/1.1 100 Continue\r\n\r\n", CLOSE],
    ],
)
def test_an_answer_that_ends_before_its_announced_end_is_none(script):
    """The server closes in the middle of a head or a body: a failure, never a short answer."""

    async def scenario(client, server, ask):
        with pytest.raises(AnswerCutShortError):
            await ask("/short", *script)
        assert await ask("/a") == (404, b"/a")

    with_client(scenario)


@pytest.mark.parametrize(
    "interim",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\n\r\n" * 3,
    ],
)
def test_interim_answers_are_passed_over(interim):
    """What counts is the final answer, whether it comes at once or later, and the connection stays."""

    async def scenario(client, server, ask):
        final = OK + b"content-length: 2\r\n\r\nab"
        assert await ask("/at-once", interim + final) == (200, b"ab")
        server.scripts["/later"] = [interim]
        later = asyncio.ensure_future(ask("/later"))
        while len(server.asked) < 2:  # noqa: ASYNC110 - bounded by the scenario's timeout
            await asyncio.sleep(0)
        server.transports[0].write(final)
        assert await later == (200, b"ab")
        assert server.connections == 1

    with_client(scenario)


def test_switched_protocols_are_an_answer_and_the_end_of_the_connection():
    """Nobody asked for another protocol: the step fails by the status, and what follows is not read."""

    async def scenario(client, server, ask):
        head = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n\x00\x01"
        assert await ask("/switch", head) == (101, b"")
        assert await ask("/a") == (404, b"/a")
        assert server.connections == 2

    with_client(scenario)


@pytest.mark.parametrize(
    ("method", "head"),
    [
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\ncontent-length: 12\r\n\r\n"),
        ("HEAD", OK + b"content-length: 12\r\n\r\n"),
        ("HEAD", OK + b"content-length: 0\r\n\r\n"),
        ("HEAD", OK + b"transfer-encoding: chunked\r\n\r\n"),
    ],
)
def test_answers_without_body_end_with_their_head(method, head):
    """204, 304 and whatever answers a HEAD, even when a length is announced; the connection stays in use."""

    async def scenario(client, server, ask):
        status = int(head.split()[1])
        assert await ask("/bodiless", head, method=method) == (status, b"")
        assert await ask("/bodiless", head, method=method) == (status, b"")
        assert await ask("/a") == (404, b"/a")
        assert server.connections == 1

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


def flood(*parts, times):
    return [*parts[:-1], *[parts[-1]] * times]


@pytest.mark.parametrize(
    "script",
    [
        flood(OK, b"x-flood: " + b"a" * 8000 + b"\r\n", times=9),
        [OK + b"x-flood: " + b"a" * LARGEST_HEAD + b"\r\ncontent-length: 0\r\n\r\n"],
        flood(b"HTTP/1.1 102 Processing\r\n\r\n" * 1000, times=3),
        [OK + b"content-length: %d\r\n\r\n" % (LARGEST_BODY + 1), b"a" * (LARGEST_BODY + 1)],
        [OK + b"\r\n", b"a" * (LARGEST_BODY + 1)],
        flood(OK + b"transfer-encoding: chunked\r\n\r\n", b"1;%s\r\na\r\n" % (b"x" * 65_000), times=600),
    ],
    ids=["headers", "header", "interim", "length", "endless", "chunks"],
)
def test_floods_are_cut_off(script):
    """64 KiB of head and 16 MiB of body are the most; the next request works."""

    async def scenario(client, server, ask):
        with pytest.raises(AnswerTooLargeError):
            await ask("/flood", *script)
        assert await ask("/a") == (404, b"/a")

    with_client(scenario)


@pytest.mark.parametrize(("head", "size"), [(LARGEST_HEAD, 5), (100, LARGEST_BODY)])
def test_the_largest_answer_that_is_taken(head, size):
    """A head of 64 KiB and a body of 16 MiB are no flood yet."""

    async def scenario(client, server, ask):
        start = OK + b"content-length: %d\r\nx: " % size
        padded = start + b"a" * (head - len(start) - 4) + b"\r\n\r\n"
        assert len(padded) == head
        status, body = await ask("/large", padded + b"a" * size)
        assert (status, len(body)) == (200, size)
        assert await ask("/a") == (404, b"/a")
        assert server.connections == 1

    with_client(scenario)


@pytest.mark.parametrize(
    "broken",
    [
        OK + b"transfer-encoding: chunked\r\n\r\nzz\r\nabc",
        OK + b"transfer-encoding: chunked\r\n\r\n3\r\nabcde",
        OK + b"transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        OK + b"transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\nabc",
        OK + b"content-length: 3\r\ncontent-length: 4\r\n\r\nabc",
        OK + b"content-length: -1\r\n\r\n",
        OK + b"content-length: 99999999999999999999\r\n\r\n",
        OK + b"a: b\r\n folded\r\n\r\n",
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"HTTP/1.1 200 OK\nbare: newline\n\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ],
)
def test_what_is_no_http_is_a_broken_answer(broken):
    """Chunks of garbage, two lengths, another protocol: one name for all, and the next request works."""

    async def scenario(client, server, ask):
        with pytest.raises(BrokenAnswerError):
            await ask("/broken", broken)
        assert await ask("/a") == (404, b"/a")

    with_client(scenario)


def test_a_body_that_does_not_end_fails_the_run_at_its_deadline():
    """More is announced than comes: neither the head nor a part of the body counts as an answer."""

    async def scenario(client, server, ask):
        class Slow:
            steps = ("read",)

            def run(self):
                (yield Call(0, RequestTemplate("GET", "/slow", client.origin).fill())).expect(200)

        server.scripts["/slow"] = [OK + b"content-length: 10\r\n\r\nabc"]
        loop = OpenLoop(client, Slow(), constant_arrivals(100, 0.03), deadline_s=0.1)
        recording = await loop.run(lambda recording, now: False)
        assert recording.count(Outcome.FAILED, 0, 3) == 3
        assert recording.failures == {("read", "no answer within the deadline"): 3}
        assert await ask("/a") == (404, b"/a")

    with_client(scenario)


def test_a_late_rest_of_an_aborted_answer_reaches_nobody():
    """What the server still sends for a request that was given up is not the next request's answer."""

    async def scenario(client, server, ask):
        server.scripts["/slow"] = [OK + b"content-length: 10\r\n\r\nabc"]
        waiting = Heard()
        sending = client.send(RequestTemplate("GET", "/slow", client.origin).fill(), waiting)
        while not server.asked:  # noqa: ASYNC110 - bounded by the scenario's timeout
            await asyncio.sleep(0)
        sending.abort()
        server.transports[0].write(b"defghij")
        assert await ask("/a") == (404, b"/a")
        assert not waiting.future.done()

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

    run_on_fast_loop(main())
