"""The in-process lane calls an application as a server would, without sockets, and says that it does."""

import asyncio

import pytest
from fakes.loopback import Heard

from gatewright.core.errors import GatewrightError
from gatewright.load import (
    Call,
    OpenLoop,
    Origin,
    Outcome,
    RequestTemplate,
    constant_arrivals,
    open_application,
)
from gatewright.load.asgi import PATIENCE_S
from gatewright.load.exchange import (
    LARGEST_BODY,
    AnswerCutShortError,
    AnswerTooLargeError,
    OutOfConnectionsError,
)

ORIGIN = Origin("testserver", 80)


class Application:
    """An ASGI application that answers as its `answer` says, and notes what it is asked."""

    def __init__(self, answer=None, *, lifespan=True):
        self.answer = answer or self.echo
        self.lifespan = lifespan
        self.scopes = []
        self.events = []

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            if not self.lifespan:
                raise KeyError(scope["type"])
            await self.live(scope, receive, send)
        else:
            self.scopes.append(scope)
            await self.answer(scope, receive, send)

    async def live(self, scope, receive, send):
        for order in ("startup", "shutdown"):
            assert await receive() == {"type": f"lifespan.{order}"}
            self.events.append(order)
            scope["state"]["started"] = True
            await send({"type": f"lifespan.{order}.complete"})

    async def echo(self, scope, receive, send):
        request = await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": request["body"], "more_body": True})
        await send({"type": "http.response.body", "body": b"!"})


def request(path="/", method="GET", **options):
    return RequestTemplate(method, path, ORIGIN, **options).fill()


@pytest.fixture
def asking(virtual_loop):
    """Asks an application once, in virtual time."""

    def ask(application, sent, **options):
        async def main():
            async with asyncio.timeout(1000), open_application(application, **options) as lane:
                heard = Heard()
                lane.send(sent, heard)
                assert not heard.future.done()
                return await heard.future

        return virtual_loop.run_until_complete(main())

    return ask


def test_an_open_loop_runs_over_an_application(virtual_loop):
    """The application starts before the first run and stops after the last; the lane says that it is in-process."""
    application = Application()

    async def slow(scope, receive, send):
        await asyncio.sleep(0.25)
        await application.echo(scope, receive, send)

    class Twice:
        steps = ("first", "second")

        def run(self):
            (yield Call(0, request("/a"))).expect(200)
            (yield Call(1, request("/b"))).expect(200)

    application.answer = slow

    async def main():
        async with open_application(application) as lane:
            assert application.events == ["startup"]
            assert lane.in_process
            loop = OpenLoop(lane, Twice(), constant_arrivals(50, 2), clock=virtual_loop.time)
            return await loop.run(lambda recording, now: False)

    recording = virtual_loop.run_until_complete(main())
    assert application.events == ["startup", "shutdown"]
    assert recording.count(Outcome.SUCCEEDED, 0, 100) == len(recording) == 100
    assert list(recording.latencies(0, 100)) == pytest.approx([0.5] * 100)


def test_the_scope_is_what_a_server_reads_from_the_wire(asking):
    """Path decoded and raw, query, headers in lower case with host and length, and the state of the start."""
    application = Application()
    sent = request("/a%2Fb/%C3%A9?c=d%20e", "POST", body={"n": 1}, headers={"X-Token": "t"})
    assert asking(application, sent) == (200, b'{"n":1}!')
    scope = application.scopes[0]
    assert (scope["path"], scope["raw_path"], scope["query_string"]) == (
        "/a/b/\u00e9",
        b"/a%2Fb/%C3%A9",
        b"c=d%20e",
    )
    assert (scope["type"], scope["method"], scope["scheme"], scope["http_version"]) == (
        "http",
        "POST",
        "http",
        "1.1",
    )
    assert dict(scope["headers"]) == {
        b"host": b"testserver:80",
        b"accept": b"application/json",
        b"content-type": b"application/json",
        b"x-token": b"t",
        b"content-length": b"7",
    }
    assert scope["state"] == {"started": True}


def test_the_answer_to_head_has_no_body(asking):
    """As on the wire."""
    assert asking(Application(), request(method="HEAD")) == (200, b"")


def test_an_application_without_lifespan_needs_none(asking):
    """It refuses that scope, as the specification allows."""
    assert asking(Application(lifespan=False), request()) == (200, b"!")


async def raise_at_once(scope, receive, send):
    raise ValueError("bug")


async def say_nothing(scope, receive, send):
    return


async def answer_twice(scope, receive, send):
    await send({"type": "http.response.body", "body": b"no start"})


@pytest.mark.parametrize("answer", [raise_at_once, say_nothing, answer_twice])
def test_where_the_application_does_not_answer_a_server_answers_500(asking, answer):
    """An exception, no answer, an answer without its start."""
    assert asking(Application(answer), request()) == (500, b"Internal Server Error")


async def stop_within(scope, receive, send):
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": b"a", "more_body": True})


async def raise_within(scope, receive, send):
    await stop_within(scope, receive, send)
    raise ValueError("bug")


@pytest.mark.parametrize("answer", [stop_within, raise_within])
def test_an_answer_without_end_is_none(asking, answer):
    """A server would close the connection."""
    with pytest.raises(AnswerCutShortError):
        asking(Application(answer), request())


def test_an_endless_answer_is_cut_off(asking):
    """16 MiB are the most; the application is told that nobody listens any more."""
    told = []

    async def endless(scope, receive, send):
        await receive()
        await send({"type": "http.response.start", "status": 200})
        for _ in range(LARGEST_BODY // 2**20 + 1):
            await send({"type": "http.response.body", "body": b"a" * 2**20, "more_body": True})
        told.append(await receive())

    with pytest.raises(AnswerTooLargeError):
        asking(Application(endless), request())
    assert told == [{"type": "http.disconnect"}]


def test_what_happens_after_the_answer_is_the_applications_own_business(asking):
    """Background work may go on and may fail: the answer stands."""

    async def background(scope, receive, send):
        await Application().echo(scope, receive, send)
        await send({"type": "http.response.body", "body": b"too much"})
        raise ValueError("bug")

    assert asking(Application(background), request()) == (200, b"!")


def test_an_aborted_request_hears_nothing_more(virtual_loop):
    """The application is told by a disconnect; what it still sends goes nowhere."""
    told = []

    async def waiting(scope, receive, send):
        await receive()
        told.append(await receive())
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"late"})

    async def main():
        async with open_application(Application(waiting)) as lane:
            heard = Heard()
            sending = lane.send(request(), heard)
            await asyncio.sleep(1)
            sending.abort()
            await asyncio.sleep(1)
            return heard.future.done()

    assert virtual_loop.run_until_complete(main()) is False
    assert told == [{"type": "http.disconnect"}]


def test_closing_cancels_what_is_under_way(virtual_loop):
    """Nothing is left running, and nobody hears of it."""
    cancelled = []

    async def hanging(scope, receive, send):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    async def main():
        async with open_application(Application(hanging)) as lane:
            heard = Heard()
            lane.send(request(), heard)
            await asyncio.sleep(1)
        return heard.future.done(), lane.under_way

    assert virtual_loop.run_until_complete(main()) == (False, set())
    assert cancelled == [True]


def test_the_safety_limit_is_the_generators_fault(virtual_loop):
    """Beyond it a request is refused with an error of its own kind."""

    async def main():
        async with open_application(Application(), safety_limit=1) as lane:
            lane.send(request(), Heard())
            with pytest.raises(OutOfConnectionsError):
                lane.send(request(), Heard())

    virtual_loop.run_until_complete(main())


class Failing(Application):
    """Fails at an order of its lifespan."""

    def __init__(self, order, message):
        super().__init__()
        self.order = order
        self.message = message

    async def live(self, scope, receive, send):
        while True:
            order = (await receive())["type"].removeprefix("lifespan.")
            if order == self.order and self.message is None:
                await asyncio.Event().wait()
            failed = {"type": f"lifespan.{order}.failed", "message": self.message}
            await send(failed if order == self.order else {"type": f"lifespan.{order}.complete"})


@pytest.mark.parametrize(
    ("order", "message", "words"),
    [
        (
            "startup",
            "Traceback:\n  File x\nValueError: no database\n",
            "did not start: ValueError: no database",
        ),
        ("startup", "", "did not start: it does not say why"),
        ("startup", None, f"did not start within {PATIENCE_S:g} s"),
        ("shutdown", "busy", "did not stop: busy"),
        ("shutdown", None, f"did not stop within {PATIENCE_S:g} s"),
    ],
)
def test_an_application_that_fails_its_lifespan_is_named(asking, order, message, words):
    """One line, and no waiting for ever."""
    with pytest.raises(GatewrightError) as refusal:
        asking(Failing(order, message), request())
    assert str(refusal.value) == f"the application {words}"
