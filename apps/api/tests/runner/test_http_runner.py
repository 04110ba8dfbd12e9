"""The runner over HTTP, against servers that answer whatever a test wants."""

import asyncio
import json
import logging
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from multyagents_api.bootstrap import InvalidSettings, RunnerKind, Settings, create_app
from multyagents_api.runner.http_runner import HttpRunner
from multyagents_api.service.runners import Submission

pytestmark = pytest.mark.anyio

SUBMISSION = Submission(1, 22, 3, "a", 4, "Ä title", "Do it.", context7_enabled=True)
LONG_S = 30.0


def answer(status: int, body: object = None, *headers: str) -> bytes:
    """A whole HTTP answer."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = (f"HTTP/1.1 {status} Something", f"content-length: {len(content)}", *headers, "", "")
    return "\r\n".join(lines).encode() + content


@dataclass
class Remote:
    """A server that answers every request alike; an empty answer is none at all, until the client leaves."""

    answers: bytes = answer(200, {})
    goes_on_with: bytes = b""
    port: int = 0
    connections: int = 0
    left: asyncio.Event = field(default_factory=asyncio.Event)
    requests: list[tuple[str, dict[str, str], object]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/base"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                await self.serve_one(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.left.set()
        finally:
            writer.close()

    async def serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line, *head = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        fields = (field.split(": ", 1) for field in head)
        headers = {name.lower(): value for name, value in fields}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.requests.append((line, headers, json.loads(body)))
        writer.write(self.answers)
        await writer.drain()
        while self.goes_on_with:
            writer.write(self.goes_on_with)
            await writer.drain()


@pytest.fixture
async def remote() -> AsyncIterator[Remote]:
    remote = Remote()
    server = await asyncio.start_server(remote.serve, "127.0.0.1", 0)
    remote.port = server.sockets[0].getsockname()[1]
    yield remote
    server.close()
    await server.wait_closed()


@pytest.fixture
async def http_runner(remote: Remote) -> AsyncIterator[HttpRunner]:
    runner = HttpRunner(remote.url, timeout_s=LONG_S)
    yield runner
    await runner.aclose()


async def test_an_attempt_is_handed_over_with_its_key(remote, http_runner):
    """Ids are strings for the runner, as for everybody; the key tells a repetition."""
    assert (await http_runner.submit(SUBMISSION)).accepted
    [(line, headers, body)] = remote.requests
    assert line == "POST /base/tasks/submit HTTP/1.1"
    assert (headers["idempotency-key"], headers["content-type"]) == ("22-3", "application/json")
    assert headers["accept-encoding"] == "identity"
    assert {name: body[name] for name in ("run_id", "task_id", "attempt", "step_id", "role_id")} == {
        "run_id": "1",
        "task_id": "22",
        "attempt": 3,
        "step_id": "a",
        "role_id": "4",
    }
    assert (body["title"], body["prompt"], body["context7_enabled"]) == ("Ä title", "Do it.", True)
    assert body["workspace"] == {"mode": "no-workspace", "lock_paths": [], "sandbox": None}


@pytest.mark.parametrize("body", [{}, {"detail": "fine"}, b"", b"not JSON"])
async def test_every_2xx_accepts(remote, http_runner, body):
    """Whatever its body says."""
    remote.answers = answer(202, body)
    result = await http_runner.submit(SUBMISSION)
    assert (result.accepted, result.message) == (True, None)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"detail": "no such tool"}, "no such tool"),
        ({"message": "full"}, "full"),
        ({"detail": "", "message": "full"}, "full"),
        ({"detail": [{"loc": ["body"]}]}, "the runner answered 422"),
        ({"detail": "a\x00b\n\ud800 c"}, "a b c"),
        ({"detail": "\x00"}, "the runner answered 422"),
        ({"detail": "x" * 501}, "x" * 500),
        (["detail"], "the runner answered 422"),
        (b"\xff\xfe\x00", "the runner answered 422"),
        (b"[" * 60_000, "the runner answered 422"),
        (b"1" * 10_000, "the runner answered 422"),
    ],
)
async def test_a_refusal_says_why(remote, http_runner, body, message):
    """In one bounded line that any database can keep."""
    remote.answers = answer(422, body)
    result = await http_runner.submit(SUBMISSION)
    assert (result.accepted, result.message) == (False, message)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503, 599, 304])
async def test_what_may_change_is_no_answer(remote, http_runner, status):
    """The outbox comes again."""
    remote.answers = answer(status, {"detail": "later"})
    with pytest.raises(OSError, match=f"the runner answered {status}"):
        await http_runner.submit(SUBMISSION)


async def test_a_redirect_is_not_followed(remote, http_runner):
    """An attempt goes where the settings say, and nowhere else."""
    remote.answers = answer(307, {}, "location: /elsewhere")
    with pytest.raises(OSError, match="the runner answered 307"):
        await http_runner.submit(SUBMISSION)
    assert len(remote.requests) == 1


@pytest.mark.parametrize(
    "answers",
    [b"no HTTP at all\r\n\r\n", b"HTTP/1.1 two hundred\r\n\r\n", b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n"],
)
async def test_garbage_is_no_answer(remote, http_runner, answers):
    """The outbox comes again."""
    remote.answers = answers
    with pytest.raises(OSError, match="the runner can't be reached"):
        await http_runner.submit(SUBMISSION)


async def test_an_answer_without_end_is_cut(remote, http_runner):
    """So much is read and no more: the status has told what there is to know."""
    remote.answers = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    remote.goes_on_with = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
    assert (await http_runner.submit(SUBMISSION)).accepted
    await remote.left.wait()
    remote.answers = remote.answers.replace(b"200", b"400")
    result = await http_runner.submit(SUBMISSION)
    assert (result.accepted, result.message) == (False, "the runner answered 400")


async def test_a_runner_that_hangs_costs_the_timeout(remote):
    """It is a `TimeoutError`, and the connection is given up."""
    remote.answers = b""
    runner = HttpRunner(remote.url, timeout_s=0.05)
    with pytest.raises(TimeoutError, match="the runner took too long"):
        await runner.submit(SUBMISSION)
    await remote.left.wait()
    await runner.aclose()


async def test_nobody_there_is_no_answer(remote, http_runner):
    """An `OSError`, for submissions and cancels."""
    gone = await asyncio.start_server(remote.serve, "127.0.0.1", 0)
    port = gone.sockets[0].getsockname()[1]
    gone.close()
    await gone.wait_closed()
    runner = HttpRunner(f"http://127.0.0.1:{port}", timeout_s=LONG_S)
    with pytest.raises(OSError, match="the runner can't be reached"):
        await runner.submit(SUBMISSION)
    with pytest.raises(OSError, match="the runner can't be reached"):
        await runner.cancel(1, 1)
    await runner.aclose()


async def test_connections_are_used_again(remote, http_runner):
    """Twenty submissions in a row, refusals among them, share one; closing lets go of it."""
    for number in range(20):
        remote.answers = answer(409 if number % 3 else 200, {"detail": "no"})
        await http_runner.submit(SUBMISSION)
    assert (len(remote.requests), remote.connections) == (20, 1)
    await http_runner.aclose()
    await remote.left.wait()


async def test_a_connection_that_is_reset_at_once_is_no_answer(remote, http_runner, monkeypatch):
    """The libraries below then ask a connection that is gone for its peer, and fail in a way of their own."""

    async def reset(*_arguments):
        raise AttributeError("'NoneType' object has no attribute 'getpeername'")

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", reset)
    with pytest.raises(OSError, match="the runner can't be reached"):
        await http_runner.submit(SUBMISSION)


async def test_a_cancel_names_the_attempt(remote, http_runner):
    """Whatever is not a yes is told by an `OSError`."""
    await http_runner.cancel(22, 3)
    line, _, body = remote.requests[0]
    assert (line, body) == ("POST /base/tasks/22/cancel HTTP/1.1", {"attempt": 3})
    remote.answers = answer(404, {"detail": "no such task"})
    with pytest.raises(OSError, match="the runner answered 404"):
        await http_runner.cancel(22, 3)


@pytest.mark.parametrize("answers", [answer(503), b"garbage\r\n\r\n"])
async def test_a_password_is_sent_and_told_nobody(remote, caplog, answers):
    """Neither in errors nor in anybody's log."""
    caplog.set_level(logging.DEBUG)
    remote.answers = answers
    runner = HttpRunner(remote.url.replace("127", "mia:s3%20cret@127"), timeout_s=LONG_S)
    with pytest.raises(OSError, match="the runner") as told:
        await runner.submit(SUBMISSION)
    await runner.aclose()
    scheme, _, credentials = remote.requests[0][1]["authorization"].partition(" ")
    assert (scheme, b64decode(credentials)) == ("Basic", b"mia:s3 cret")
    assert "cret" not in f"{told.value!r} {told.value.__cause__!r} {runner!r} {caplog.text}"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "runner",
        "ftp://u:s3cret@runner",
        "http://",
        "http://runner:99999",
        "http://r/?a=s3cret",
        "https://r/#a",
        "http://a b",
        "http://a..b",
        "http://[::1",
        "http://a/\x00",
    ],
)
def test_a_url_that_can_not_be_used_is_refused(tmp_path, url):
    """In one line that names the setting and does not quote what may hold a password."""
    settings = Settings(tmp_path / "runs.db", runner=RunnerKind.HTTP, runner_url=url)
    with pytest.raises(InvalidSettings, match=r"^MULTYAGENTS_RUNNER_URL must be a URL .*$") as refusal:
        create_app(settings)
    assert "s3cret" not in f"{refusal.value} {settings!r}"


@asynccontextmanager
async def served(database, remote: Remote) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an app whose settings name the runner."""
    environment = {"MULTYAGENTS_RUNNER": "http", "MULTYAGENTS_RUNNER_URL": remote.url}
    environment |= {"MULTYAGENTS_DATABASE": str(database), "MULTYAGENTS_AUTH": "off"}
    app = create_app(Settings.from_environment(environment))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client,
    ):
        yield client


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        (answer(200, {}), (True, None, "queued")),
        (answer(422, {"detail": "no"}), (False, "submit failed", "submit-failed")),
        (answer(503, {}), (True, None, "pending")),
    ],
)
async def test_a_dispatch_tells_what_became_of_it(remote, sqlite_file, answers, told):
    """The app hands over to the runner of its settings, and lets go of it at its end."""
    remote.answers = answers
    async with served(sqlite_file, remote) as client:
        role = (await client.post("/roles", json={"name": "dev"})).json()
        steps = [{"step_id": "a", "role_id": role["id"], "title": "A"}]
        template = (await client.post("/workflow-templates", json={"name": "t", "steps": steps})).json()
        run = (await client.post("/workflow-runs", json={"workflow_template_id": template["id"]})).json()
        dispatch = (await client.post(f"/workflow-runs/{run['id']}/dispatch-ready")).json()
    assert (dispatch["dispatched"], dispatch["reason"], dispatch["dispatch"]["outcome"]) == told
    assert remote.requests[0][2]["task_id"] == run["task_ids"][0]
    await remote.left.wait()
