"""Doing an attempt: what the API is told of it, against the API itself."""

import asyncio
import os
import sys
import time
from dataclasses import replace

import httpx
import pytest

from multyagents_api.bootstrap import AuthKind, RunnerKind, Settings, create_app
from multyagents_api.runner.attempts import Attempts, Why
from multyagents_api.runner.heartbeats import Heartbeats
from multyagents_api.runner.local_runner import working
from multyagents_api.runner.reporting import ApiClient
from multyagents_api.runner.submitted import Submitted
from multyagents_api.runner.work import Worker
from multyagents_api.service.runners import SubmissionResult

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.end_to_end,
    pytest.mark.skipif(sys.platform != "linux", reason="the runner confines commands by /proc"),
]

PATIENCE_S = 60.0


class Taking:
    """A runner without a network: submissions go to the attempts at once, and cancels are lost."""

    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts
        self.handed: list[Submitted] = []

    async def submit(self, submission):
        whole = {
            "run_id": str(submission.run_id),
            "task_id": str(submission.task_id),
            "attempt": submission.attempt,
            "step_id": submission.step_id,
            "prompt": submission.prompt,
            "workspace": {"mode": submission.workspace.mode.value},
            "project_root": submission.project_root,
            "command": None if submission.command is None else list(submission.command),
            "timeout_s": submission.timeout_s,
        }
        self.handed.append(Submitted.model_validate(whole))
        self._attempts.take(self.handed[-1])
        return SubmissionResult(accepted=True)

    async def cancel(self, task_id, attempt):
        raise ConnectionError("nobody is told")


@pytest.fixture
def settings(local_settings):
    return replace(local_settings, token="token-of-ours", environment=("MODEL_KEY",))


@pytest.fixture
def attempts(settings):
    return Attempts(settings)


@pytest.fixture
def database(sqlite_file):
    """One kind: what is asked here is the same on both."""
    return sqlite_file


@pytest.fixture
def app(database, attempts):
    settings = Settings(database, runner=RunnerKind.HTTP, auth=AuthKind.OFF)
    app = create_app(settings, runner=Taking(attempts))
    yield app
    app.state.services.storage.close()


@pytest.fixture
async def api(app, api):
    """The usual client, over an app whose runner is the one under test."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        yield replace(api, http=client)


@pytest.fixture
async def reporting(app):
    async with ApiClient("http://service", "", transport=httpx.ASGITransport(app)) as client:
        yield client


@pytest.fixture
def worker(settings, reporting, attempts):
    own = {"PATH": os.environ["PATH"], "MODEL_KEY": "key-of-a-model", "MULTYAGENTS_TOKEN": "token-of-ours"}
    return Worker(settings, reporting, attempts, own)


async def dispatched(api, *command, **wishes):
    """A task that is with the runner."""
    step = {"step_id": "build", "command": list(command) or None, **wishes}
    project = wishes.pop("project", None)
    step.pop("project", None)
    run = await api.start_run(step, project_id=project)
    assert (await api.dispatch(run["id"]))["dispatched"]
    return run["task_ids"][0]


async def done(api, worker, task_id):
    """The task after its attempt was done, and its output."""
    await worker.do(worker.attempts.queue.get_nowait())
    task = await api.get(f"/tasks/{task_id}")
    artifacts = (await api.get(f"/artifacts?task_id={task_id}"))["items"]
    contents = [(await api.get(f"/artifacts/{each['id']}"))["content"] for each in artifacts]
    assert [(each["name"], each["type"]) for each in artifacts] == [("output", "text")] * len(artifacts)
    assert worker.attempts.held == []
    assert list(worker.settings.state.iterdir()) == []
    return task, contents


async def category(api, task):
    [event] = [each for each in await api.events(task["run_id"]) if "failure_category" in each["payload"]]
    return event["payload"]["failure_category"]


async def test_a_success_is_told_with_its_output(api, worker):
    """Running first, then the output as an artifact, then the end."""
    task_id = await dispatched(api, "cat", prompt="Well.")
    task, contents = await done(api, worker, task_id)
    assert (task["status"], task["reason"], contents) == ("success", None, ["Well."])
    events = await api.events(task["run_id"])
    told = [event["payload"].get("status", event["type"]) for event in events[-4:]]
    assert told == ["running", "artifact.created", "success", "workflow_run.succeeded"]


@pytest.mark.parametrize(
    ("command", "reason", "kind"),
    [
        (("sh", "-c", "exit 3"), "the command ended with exit code 3", "exit-code"),
        (("sh", "-c", "kill -9 $$"), "the command was ended by SIGKILL", "signal"),
        (("no-such-program",), "the command has no result: No such file or directory", "not-started"),
        (("sh", "-c", "echo x > $MULTYAGENTS_RESULT"), "its result is no JSON", "invalid-result"),
    ],
)
async def test_a_failure_has_its_reason_and_its_category(api, worker, command, reason, kind):
    """In words, and as a word that a role's `retry_on` may name."""
    task, _ = await done(api, worker, await dispatched(api, *command))
    assert (task["status"], task["reason"]) == ("failed", reason)
    assert await category(api, task) == kind


async def test_a_command_out_of_time_has_failed(api, worker):
    """What it printed before is kept."""
    task_id = await dispatched(api, "sh", "-c", "echo begun; exec sleep 600", timeout_s=1)
    task, [content] = await done(api, worker, task_id)
    assert (task["status"], task["reason"]) == ("failed", "the command was stopped after 1 s")
    assert content in {"", "begun\n"}  # a busy machine may need the second to start it
    assert await category(api, task) == "timeout"


async def test_the_environment_is_what_was_said_and_no_more(api, worker):
    """The attempt's own names, private places, what the operator named; secrets are redacted where printed."""
    task_id = await dispatched(api, "sh", "-c", "env | grep -v '^_=\\|PWD=\\|SHLVL='; echo $MODEL_KEY; ls -A")
    _, [content] = await done(api, worker, task_id)
    *told, printed = content.splitlines()
    names = {line.partition("=")[0] for line in told} - {"LC_CTYPE"}  # Python may set it (PEP 538)
    own = {
        f"MULTYAGENTS_{name}" for name in ("RUN_ID", "TASK_ID", "STEP_ID", "ATTEMPT", "SUBMISSION", "RESULT")
    }
    assert names == {"PATH", "HOME", "TMPDIR", "MODEL_KEY", *own}
    assert {"MULTYAGENTS_STEP_ID=build", "MULTYAGENTS_ATTEMPT=1", f"MULTYAGENTS_TASK_ID={task_id}"} <= set(
        told
    )
    assert printed == "[redacted]"
    assert "key-of-a-model" not in content


async def test_work_happens_in_the_project(api, worker, root):
    """And a project that was exchanged for a symlink to elsewhere is not worked in."""
    (root / "shop").mkdir()
    project = await api.project(str(root / "shop"))
    first = await dispatched(api, "pwd", project=project)
    assert (await done(api, worker, first))[1] == [f"{root}/shop\n"]
    second = await dispatched(api, "pwd", project=project)
    (root / "shop").rmdir()
    (root / "shop").symlink_to("/")
    task, contents = await done(api, worker, second)
    assert (task["status"], contents) == ("failed", [])
    assert "lies outside of the roots of this runner" in task["reason"]
    assert await category(api, task) == "not-started"


async def test_a_command_tells_gates_and_hand_off(api, worker):
    """By a file; a success without the gates that its step has is none."""
    said = '{"quality_gates": {"lint": "passed"}, "handoff": {"summary": "all well"}, "message": "fine"}'
    script = f"echo '{said}' > $MULTYAGENTS_RESULT"
    task, _ = await done(api, worker, await dispatched(api, "sh", "-c", script, quality_gates=["lint"]))
    assert (task["status"], task["reason"]) == ("success", "fine")
    assert (await api.get(f"/tasks/{task['id']}/handoff"))["summary"] == "all well"
    task, _ = await done(api, worker, await dispatched(api, "true", quality_gates=["lint"]))
    assert task["status"] == "failed"
    assert "quality gates" in task["reason"]
    assert await category(api, task) == "invalid-result"


async def test_a_cancel_that_never_arrived_comes_with_a_heartbeat(api, worker, reporting, attempts, root):
    """The command is stopped, and the attempt ends as canceled."""
    project = await api.project(str(root))
    task_id = await dispatched(api, "sh", "-c", "echo > ready; exec sleep 600", project=project)
    doing = asyncio.create_task(done(api, worker, task_id))
    await appears(root / "ready")
    await api.post(f"/tasks/{task_id}/cancel")
    await Heartbeats(reporting, attempts).beat_all()
    task, _ = await doing
    assert (task["status"], task["attempt"]) == ("canceled", 1)


async def test_what_was_canceled_while_it_waited_is_not_begun(api, worker):
    """Its `running` is refused, hence its end is told, and no command was executed."""
    task_id = await dispatched(api, "sh", "-c", "echo executed")
    await api.post(f"/tasks/{task_id}/cancel")
    task, contents = await done(api, worker, task_id)
    assert (task["status"], contents) == ("canceled", [])


async def test_a_stale_attempt_is_killed_and_not_told(api, worker, reporting, attempts, root):
    """Whoever took the attempt away has the word: a heartbeat is refused, the command is gone."""
    project = await api.project(str(root))
    task_id = await dispatched(api, "sh", "-c", "echo > ready; exec sleep 600", project=project)
    doing = asyncio.create_task(done(api, worker, task_id))
    await appears(root / "ready")
    await api.report(task_id, 1, "failed")
    [held] = attempts.held
    await Heartbeats(reporting, attempts).beat_all()
    task, contents = await doing
    assert held.why is Why.LOST
    assert (task["status"], contents) == ("failed", [])


async def test_a_callback_is_told_until_it_is_heard(app, api, worker):
    """An API that is away, answers nonsense or refuses the token for a while loses no report."""
    fails = iter([httpx.ConnectError("no"), 503, 401, httpx.ReadTimeout("no"), 500])

    class Flaky(httpx.ASGITransport):
        async def handle_async_request(self, request):
            failure = next(fails, None)
            if isinstance(failure, int):
                return httpx.Response(failure)
            if failure is not None:
                raise failure
            return await super().handle_async_request(request)

    task_id = await dispatched(api, "true")
    async with ApiClient("http://service", "t", transport=Flaky(app)) as flaky:
        task, _ = await done(api, replace(worker, api=flaky), task_id)
    assert task["status"] == "success"


async def test_a_runner_that_stops_hands_back_what_it_has(api, reporting, worker, root):
    """What waits is not begun, what runs is stopped after a grace; both are told as failed, for that reason."""
    project = await api.project(str(root))
    attempts, quick = worker.attempts, replace(worker.settings, grace_s=0)
    async with working(quick, attempts, reporting, worker.own):
        running = await dispatched(api, "sh", "-c", "echo > ready; exec sleep 600", project=project)
        await appears(root / "ready")
        waiting = await dispatched(api, "touch", "executed", project=project)
    assert attempts.held == []
    for task_id in (running, waiting):
        task = await api.get(f"/tasks/{task_id}")
        assert (task["status"], task["reason"]) == ("failed", "the runner was stopped")
        assert await category(api, task) == "runner-stopping"
    assert not (root / "executed").exists()


async def appears(file):
    deadline = time.monotonic() + PATIENCE_S
    while not file.exists():
        assert time.monotonic() < deadline, f"{file.name} never appeared"
        await asyncio.sleep(0.01)
