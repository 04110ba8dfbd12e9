"""What servers may answer, and what becomes of it: the same for every client, plain or behind TLS."""

import asyncio
from functools import partial

import pytest
from fakes.loopback import CLOSE, OK, Heard, with_client

from gatewright.load import (
    Answer,
    Call,
    OpenLoop,
    Outcome,
    RequestTemplate,
    StepFailedError,
    constant_arrivals,
)
from gatewright.load.exchange import (
    LARGEST_BODY,
    LARGEST_HEAD,
    AnswerCutShortError,
    AnswerTooLargeError,
    BrokenAnswerError,
)
from gatewright.load.tls import TlsClient


@pytest.fixture(params=["plain", "tls"])
def with_lane(request, tls_server):
    """Runs a scenario with each client."""
    if request.param == "plain":
        return with_client
    return partial(
        with_client, client_type=TlsClient, server_tls=tls_server.context, ca_file=tls_server.ca_file
    )


@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_redirect_is_never_followed(with_lane, status):
    """The step fails with the status that was answered, and nothing else is asked."""

    async def scenario(client, server, ask):
        head = b"HTTP/1.1 %d Moved\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n" % status
        with pytest.raises(StepFailedError, match=f"answered {status}"):
            Answer(*await ask("/moved", head)).expect(200)
        assert server.asked == ["/moved"]

    with_lane(scenario)


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
def test_a_body_without_announced_length_ends_with_the_connection(with_lane, script, body):
    """That is how HTTP/1.0 does it: the answer is whole when the server closes."""

    async def scenario(client, server, ask):
        assert await ask("/old", *script) == (200, body)
        assert await ask("/a") == (404, b"/a")

    with_lane(scenario)


@pytest.mark.parametrize(
    "script",
    [
        [OK + b"content-length: 10\r\n\r\nabc", CLOSE],
        [b"HTTP/1.0 200 OK\r\nContent-Length: 10\r\n\r\nabc", CLOSE],
        [OK + b"connection: close\r\ncontent-length: 10\r\n\r\n", CLOSE],
        [OK + b"transfer-encoding: chunked\r\n\r\n5\r\nabc", CLOSE],
        [OK + b"transfer-encoding: gzip, chunked\r\nconnection: close\r\n\r\n3\r\nabc\r\n", CLOSE],
    ],
)
def test_an_answer_that_ends_before_its_announced_end_is_none(with_lane, script):
    """The server closes in the middle of a head or a body: a failure, never a short answer."""

    async def scenario(client, server, ask):
        with pytest.raises(AnswerCutShortError):
            await ask("/short", *script)
        assert await ask("/a") == (404, b"/a")

    with_lane(scenario)


@pytest.mark.parametrize(
    "interim",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\n\r\n" * 3,
    ],
)
def test_interim_answers_are_passed_over(with_lane, interim):
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

    with_lane(scenario)


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
def test_answers_without_body_end_with_their_head(with_lane, method, head):
    """204, 304 and whatever answers a HEAD, even when a length is announced; the connection stays in use."""

    async def scenario(client, server, ask):
        status = int(head.split()[1])
        assert await ask("/bodiless", head, method=method) == (status, b"")
        assert await ask("/bodiless", head, method=method) == (status, b"")
        assert await ask("/a") == (404, b"/a")
        assert server.connections == 1

    with_lane(scenario)


@pytest.mark.parametrize(
    "script",
    [
        [OK + b"x-flood: " + b"a" * LARGEST_HEAD + b"\r\ncontent-length: 0\r\n\r\n"],
        [OK + b"content-length: %d\r\n\r\n" % (LARGEST_BODY + 1), b"a" * (LARGEST_BODY + 1)],
        [OK + b"\r\n", b"a" * (LARGEST_BODY + 1)],
    ],
    ids=["header", "length", "endless"],
)
def test_floods_are_cut_off(with_lane, script):
    """64 KiB of head and 16 MiB of body are the most; the next request works."""

    async def scenario(client, server, ask):
        with pytest.raises(AnswerTooLargeError):
            await ask("/flood", *script)
        assert await ask("/a") == (404, b"/a")

    with_lane(scenario)


@pytest.mark.parametrize(("head", "size"), [(LARGEST_HEAD, 5), (100, LARGEST_BODY)])
def test_the_largest_answer_that_is_taken(with_lane, head, size):
    """A head of 64 KiB and a body of 16 MiB are no flood yet."""

    async def scenario(client, server, ask):
        start = OK + b"content-length: %d\r\nx: " % size
        padded = start + b"a" * (head - len(start) - 4) + b"\r\n\r\n"
        assert len(padded) == head
        status, body = await ask("/large", padded + b"a" * size)
        assert (status, len(body)) == (200, size)
        assert await ask("/a") == (404, b"/a")
        assert server.connections == 1

    with_lane(scenario)


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
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ],
)
def test_what_is_no_http_is_a_broken_answer(with_lane, broken):
    """Chunks of garbage, two lengths, another protocol: one name for all, and the next request works."""

    async def scenario(client, server, ask):
        with pytest.raises(BrokenAnswerError):
            await ask("/broken", broken)
        assert await ask("/a") == (404, b"/a")

    with_lane(scenario)


def test_a_body_that_does_not_end_fails_the_run_at_its_deadline(with_lane):
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

    with_lane(scenario)


def test_a_late_rest_of_an_aborted_answer_reaches_nobody(with_lane):
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

    with_lane(scenario)
