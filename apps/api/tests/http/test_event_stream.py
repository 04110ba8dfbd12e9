"""Event streams: what pages of events tell, in the same order, to clients who stay."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from multyagents_api.bootstrap import AuthKind, Settings, create_app
from multyagents_api.domain.events import EventType, NewEvent
from multyagents_api.domain.roles import NewRole, RetryPolicy
from multyagents_api.scenarios.event_source import EventSourceParser
from multyagents_api.service import event_streams
from multyagents_api.service.events import OwnEvent
from multyagents_api.storage import postgres_follow

pytestmark = pytest.mark.anyio

PATIENCE_S = 30.0


class Listener:
    """A client of a stream, which takes nothing more after `most` events until `takes` is set."""

    def __init__(self, app, query="", *, most=None, **headers):
        self.parser = EventSourceParser(headers.get("last_event_id", ""))
        self.events, self.body = [], b""
        self.status, self.headers = None, {}
        self.takes, self._left, self._news = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._most = most
        self._asked = False
        raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": "/events/stream",
            "raw_path": b"/events/stream",
            "query_string": query.encode(),
            "headers": raw,
            "server": ("service", 80),
            "client": ("127.0.0.1", 1),
            "root_path": "",
        }
        self.answered = asyncio.create_task(app(scope, self._receive, self._send))

    async def _receive(self):
        if self._asked:
            await self._left.wait()
            return {"type": "http.disconnect"}
        self._asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def _send(self, message):
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            if self._most is not None and len(self.events) >= self._most:
                await self.takes.wait()
            self.body += message["body"]
            if self.status == 200:
                self.events += self.parser.feed(message["body"])
        self._news.set()

    async def until(self, is_so):
        """Wait until something is so of what arrived."""
        async with asyncio.timeout(PATIENCE_S):
            while not is_so():
                self._news.clear()
                await self._news.wait()

    async def ids(self, count):
        """The ids of the first so many events, and of no others."""
        await self.until(lambda: len(self.events) >= count)
        return [event.id for event in self.events]

    async def opened(self):
        await self.until(lambda: self.body or self.answered.done())
        return self

    async def leave(self):
        self._left.set()
        await self.end()

    async def end(self):
        async with asyncio.timeout(PATIENCE_S):
            await self.answered


@pytest.fixture
async def app(database, runner):
    """The service as one process, which announces what it commits."""
    async with serving(database, runner) as app:
        yield app


@asynccontextmanager
async def serving(database, runner, **settings) -> AsyncIterator:
    app = create_app(Settings(database, auth=AuthKind.OFF, **settings), runner=runner)
    storage = app.state.services.storage
    announcing = asyncio.create_task(storage.announce())
    yield app
    app.state.services.streams.close()
    announcing.cancel()
    await asyncio.gather(announcing, return_exceptions=True)
    await storage.aclose()


@pytest.fixture
async def listen(app):
    """Opens streams, which are left at the end of the test."""
    listeners = []

    async def opened(query="", *, to=None, **headers):
        listeners.append(Listener(app if to is None else to, query, **headers))
        return await listeners[-1].opened()

    yield opened
    for listener in listeners:
        await listener.leave()


async def test_a_stream_tells_what_pages_tell_and_goes_on(api, listen):
    """The stored events first, then each new one, with the id, the type and the JSON of its page."""
    run = await api.start_run({"step_id": "a"})
    stream = await listen()
    await stream.until(lambda: len(stream.events) == 2)
    await api.dispatch(run["id"])
    page = await api.get("/events?limit=500")
    await stream.ids(len(page["items"]))
    assert [json.loads(event.data) for event in stream.events] == page["items"]
    assert [(event.id, event.type) for event in stream.events] == [
        (item["id"], item["type"]) for item in page["items"]
    ]
    assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert stream.headers["cache-control"] == "no-store"
    assert stream.parser.retry_ms == 1_000


async def test_another_process_is_heard(api, listen):
    """What any process commits arrives, though the stream is open at another one."""
    run = await api.start_run({"step_id": "a"})
    stream = await listen(f"run_id={run['id']}")
    await api.dispatch(run["id"])
    expected = [event["id"] for event in await api.events(run["id"])]
    assert await stream.ids(len(expected)) == expected


@pytest.mark.postgresql
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
async def test_processes_notify_each_other(database, runner, listen, monkeypatch):
    """A process need not look by itself where the other one lives to tell."""
    monkeypatch.setattr(postgres_follow, "LOOK_EVERY_S", 600.0)
    async with serving(database, runner) as other:
        services = other.state.services
        run = await stored_run(services.storage, services.events.clock.now())
        stream = await listen(f"run_id={run.id}")
        for count in (1, 2):
            await services.events.create(OwnEvent(run.id, "custom.news"))
            await stream.ids(count)


async def test_a_client_resumes_after_the_last_event_that_it_got(api, listen):
    """`Last-Event-ID` outranks `after`; nothing comes twice and nothing is left out."""
    run = await api.start_run({"step_id": "a"})
    await api.dispatch(run["id"])
    ids = [event["id"] for event in await api.events(run["id"])]
    stream = await listen(f"run_id={run['id']}&after=0", last_event_id=ids[1])
    await api.report(run["task_ids"][0], 1, "success")
    ids = [event["id"] for event in await api.events(run["id"])]
    assert await stream.ids(len(ids) - 2) == ids[2:]


async def test_an_empty_last_event_id_is_none(api, listen):
    """The standard's clients send no empty one; where somebody does, `after` counts."""
    run = await api.start_run({"step_id": "a"})
    ids = [event["id"] for event in await api.events(run["id"])]
    stream = await listen(f"run_id={run['id']}&after={ids[0]}", last_event_id="")
    assert await stream.ids(1) == ids[1:]


async def test_streams_are_narrowed_to_a_run_and_a_type(api, listen):
    """Only what was asked for arrives, however much else happens."""
    first = await api.start_run({"step_id": "a"})
    second = await api.start_run({"step_id": "a"})
    stream = await listen(f"run_id={second['id']}&type=task.dispatched")
    everywhere = await listen("type=task.dispatched")
    await api.dispatch(first["id"])
    await api.dispatch(second["id"])
    await stream.ids(1)
    await everywhere.ids(2)
    assert [json.loads(event.data)["run_id"] for event in stream.events] == [second["id"]]
    assert [json.loads(event.data)["run_id"] for event in everywhere.events] == [first["id"], second["id"]]


async def test_a_stream_of_a_rare_type_resumes_where_it_looked(api, listen):
    """An id without data is no event, but a client comes back with it, and not to what was looked at."""
    run = await api.start_run({"step_id": "a"})
    stream = await listen("type=custom.never")
    newest = (await api.events(run["id"]))[-1]["id"]
    await stream.until(lambda: stream.parser.last_event_id == newest)
    assert stream.events == []


async def test_a_quiet_stream_shows_that_it_lives(listen, monkeypatch):
    """Comments keep proxies from closing what is idle, and tell a dead client from a quiet one."""
    monkeypatch.setattr(event_streams, "QUIET_S", 0.01)
    stream = await listen()
    await stream.until(lambda: stream.parser.comments >= 2)
    assert stream.events == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("query", "headers", "status", "code"),
    [
        ("run_id=404", {}, 404, "not_found"),
        ("run_id=x", {}, 404, "not_found"),
        ("after=-1", {}, 422, "invalid_request"),
        ("type=%00", {}, 422, "invalid_request"),
        ("", {"last_event_id": "1 OR 1=1"}, 422, "invalid_request"),
        ("", {"last_event_id": "9" * 19}, 422, "invalid_request"),
        ("", {"last_event_id": "\u00e9"}, 422, "invalid_request"),
        ("run_id=404", {"last_event_id": "1"}, 404, "not_found"),
    ],
)
async def test_what_can_t_be_streamed_is_refused_at_once(listen, query, headers, status, code):
    """A refusal is a problem like any other, and no stream begins."""
    stream = await listen(query, **headers)
    await stream.end()
    problem = json.loads(stream.body)
    assert (stream.status, problem["code"]) == (status, code)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_streams_are_bounded_and_a_place_is_given_back(database, runner, listen):
    """One too many is told so; when a client leaves, another may come, and after the last one nobody follows."""
    async with serving(database, runner, streams=1) as app:
        first = await listen(to=app)
        second = await listen(to=app)
        await second.end()
        assert (second.status, json.loads(second.body)["code"]) == (503, "too_many_streams")
        assert "multyagents_event_streams_open 1.0" in app.state.services.metrics.exposition().decode()
        await first.leave()
        third = await listen(to=app)
        assert third.status == 200
        await third.leave()
        assert app.state.services.streams._following is None


async def test_a_slow_client_costs_one_page(api, app, monkeypatch):
    """While a client does not take what was read, nothing more is read for it; it misses nothing by that."""
    monkeypatch.setattr("multyagents_api.http.event_stream.PAGE", 2)
    page, looks = type(app.state.services.events).page, []

    async def counted(events, query):
        looks.append(query.after)
        return await page(events, query)

    monkeypatch.setattr(type(app.state.services.events), "page", counted)
    run = await api.start_run(*({"step_id": f"s{number}"} for number in range(9)))
    ids = [event["id"] for event in await api.events(run["id"])]
    looks.clear()
    stream = await Listener(app, most=2).opened()
    assert await stream.ids(2) == ids[:2]
    await api.dispatch(run["id"])
    assert looks in ([0], [0, int(ids[1])])
    stream.takes.set()
    ids = [event["id"] for event in await api.events(run["id"])]
    assert await stream.ids(len(ids)) == ids
    await stream.leave()


async def test_streams_end_when_the_process_stops(app, listen):
    """Whoever waits is let go at once, with the whole of what was sent."""
    stream = await listen()
    app.state.services.streams.close()
    await stream.end()
    assert stream.status == 200


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_stream_ends_now_and_then(listen, monkeypatch):
    """So that its client is asked again who it is."""
    monkeypatch.setattr(event_streams, "QUIET_S", 0.01)
    monkeypatch.setattr(event_streams, "LIFE_S", 0.02)
    await (await listen()).end()


async def stored_run(storage, moment):
    """A run without events, straight in the store."""
    async with storage.write() as writer:
        await writer.insert_role(NewRole("dev", False, (), RetryPolicy(0, ())), moment)  # noqa: FBT003 - a field
        return await writer.insert_run(None, None, events=0, now=moment)


@pytest.mark.postgresql
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
async def test_what_an_older_transaction_holds_back_arrives_when_it_ends(services, listen):
    """Nobody notifies of the end of a transaction that told nothing; the stream learns of it all the same."""
    moment = services.events.clock.now()
    run = await stored_run(services.storage, moment)
    stream = await listen()
    async with services.storage.write() as older:
        await older.insert_role(NewRole("ops", False, (), RetryPolicy(0, ())), moment)  # noqa: FBT003 - a field
        async with services.storage.write() as writer:
            await writer.append_events(run.id, 1, [NewEvent(EventType.RUN_RUNNING)], moment)
        async with services.storage.read() as reader:
            assert await reader.events_after(0, run_id=None, kind=None, limit=9) == []
    assert len(await stream.ids(1)) == 1


@pytest.mark.postgresql
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
async def test_a_stream_outlives_its_database(api, listen, database):
    """When every connection was cut, the process listens again, and what came meanwhile arrives."""
    run = await api.start_run({"step_id": "a"})
    stream = await listen(f"run_id={run['id']}")
    await stream.ids(2)
    other = await asyncpg.connect(database)
    await other.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await other.close()
    await until_answered(api, run)
    expected = [event["id"] for event in await api.events(run["id"])]
    assert len(expected) > 2
    assert await stream.ids(len(expected)) == expected


async def until_answered(api, run):
    """Dispatch, as soon as the service has found its database again."""
    async with asyncio.timeout(PATIENCE_S):
        while (await api.http.post(f"/workflow-runs/{run['id']}/dispatch-ready")).status_code == 503:  # noqa: ASYNC110 - another server is awaited
            await asyncio.sleep(0)
