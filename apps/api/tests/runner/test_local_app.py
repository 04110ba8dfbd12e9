"""What the API posts to a local runner, sent by the very client that the API has."""

import base64

import httpx
import pytest

from multyagents_api.runner.attempts import Attempts, Why
from multyagents_api.runner.http_runner import HttpRunner
from multyagents_api.runner.local_app import build_local_app
from multyagents_api.service.runners import Submission, SubmissionResult

pytestmark = pytest.mark.anyio

SUBMISSION = Submission(1, 7, 1, "build", 1, "Build", "ü", context7_enabled=False, command=("make", "all"))


@pytest.fixture
def attempts(local_settings) -> Attempts:
    return Attempts(local_settings)


@pytest.fixture
def reached(attempts):
    """Clients that reach the app: the API's own, and a plain one."""
    opened = []

    def reach(secret="", url="http://runner"):
        transport = httpx.ASGITransport(build_local_app(attempts, secret), raise_app_exceptions=False)
        plain = httpx.AsyncClient(transport=transport, base_url="http://runner")
        runner = HttpRunner(url, timeout_s=9)
        runner._opened = httpx.AsyncClient(transport=transport, base_url="http://runner", auth=runner._auth)
        opened.append(plain)
        return runner, plain

    return reach


async def test_a_submission_arrives_whole(reached, attempts):
    """Ids as text, the command word by word; again, and it is still one."""
    runner, _ = reached()
    for _ in range(2):
        assert await runner.submit(SUBMISSION) == SubmissionResult(accepted=True)
    [held] = attempts.held
    work = held.work
    assert (work.run_id, work.task_id, work.attempt, work.step_id) == ("1", "7", 1, "build")
    assert (work.prompt, work.command, work.timeout_s, work.project_root) == (
        "ü",
        ["make", "all"],
        None,
        None,
    )
    assert work.model_extra["title"] == "Build"


async def test_what_can_never_be_executed_fails_with_its_reason(reached):
    """The API keeps the sentence as the task's."""
    runner, _ = reached()
    refused = await runner.submit(Submission(1, 7, 1, "build", 1, "Build", "", context7_enabled=False))
    assert not refused.accepted
    assert refused.message == "the step has no command, and this runner has no agent command"


async def test_a_full_runner_is_asked_again(reached, attempts):
    """No yes and no: the outbox comes again."""
    attempts.stopping = True
    runner, plain = reached()
    with pytest.raises(ConnectionError, match="503"):
        await runner.submit(SUBMISSION)
    ready = await plain.get("/readyz")
    assert (ready.status_code, ready.json()) == (503, {"status": "stopping", "held": 0})


async def test_a_cancel_arrives(reached, attempts):
    """Twice, and after the end; what was never here is told."""
    runner, _ = reached()
    await runner.submit(SUBMISSION)
    [held] = attempts.held
    for _ in range(2):
        await runner.cancel(7, 1)
    assert held.why is Why.CANCELED
    attempts.forget(held)
    await runner.cancel(7, 1)
    with pytest.raises(ConnectionError, match="404"):
        await runner.cancel(8, 1)


async def test_strangers_are_refused(reached, attempts):
    """Without, with wrong and with malformed credentials; whether it is ready may be asked by anybody."""
    runner, plain = reached("api:pässword", "http://api:p%C3%A4ssword@runner")
    assert (await runner.submit(SUBMISSION)).accepted

    def basic(text: str) -> str:
        return f"Basic {base64.b64encode(text.encode()).decode()}"

    wrong = (
        "",
        "Basic",
        "Basic %%%",
        basic("api:"),
        basic("api:wrong"),
        f"Bearer {basic('api:pässword')[6:]}",
    )
    for authorization in wrong:
        for path in ("/tasks/submit", "/tasks/7/cancel"):
            answer = await plain.post(path, json={"attempt": 1}, headers={"authorization": authorization})
            assert answer.status_code == 401, authorization
            assert answer.headers["www-authenticate"].startswith("Basic ")
    assert [held.why for held in attempts.held] == [None]
    for path in ("/healthz", "/readyz"):
        assert (await plain.get(path)).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"[" * 100_000,
        b'{"run_id": "1"}',
        b'{"run_id":"1","task_id":"../x","attempt":1,"step_id":"s","prompt":"","command":["true"]}',
        b'{"run_id":"1","task_id":"7","attempt":0,"step_id":"s","prompt":"","command":["true"]}',
        b'{"run_id":"1","task_id":"7","attempt":1,"step_id":"s","prompt":"","command":[]}',
        b'{"run_id":"1","task_id":"7","attempt":1,"step_id":"s","prompt":"","command":"true"}',
        b'{"run_id":"1","task_id":"7","attempt":1,"step_id":"s","prompt":"' + b"x" * 9_000_000,
    ],
)
async def test_nonsense_is_refused_in_one_line(reached, attempts, body):
    """With a place, and without quoting it."""
    _, plain = reached()
    answer = await plain.post("/tasks/submit", content=body)
    assert answer.status_code == 422
    assert len(answer.json()["detail"]) < 400
    assert attempts.held == []
