"""The outbox: a committed dispatch reaches the runner, whatever happens in between."""

import asyncio
import itertools
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from multyagents_api.bootstrap import AuthKind, Settings, create_app
from multyagents_api.service.outbox import OVERDUE_AFTER, sweep
from multyagents_api.service.runners import SubmissionResult

pytestmark = pytest.mark.anyio


class DyingRunner:
    """A runner whose process takes the service down with it, in mid-submission."""

    async def submit(self, submission):
        raise KeyboardInterrupt

    async def cancel(self, task_id, attempt):
        raise NotImplementedError


class HangingRunner:
    """A runner that never answers."""

    async def submit(self, submission):
        await asyncio.Event().wait()

    async def cancel(self, task_id, attempt):
        await asyncio.Event().wait()


class Tomorrow:
    """A clock ahead of the others of these tests, which goes on by one second at every look."""

    def __init__(self) -> None:
        self._seconds = itertools.count()

    def now(self):
        return datetime(2026, 1, 2, tzinfo=UTC) + timedelta(seconds=next(self._seconds))


@pytest.fixture
async def outbox(database, runner):
    """The outbox of another process, a day later."""
    app = create_app(Settings(database, auth=AuthKind.OFF), clock=Tomorrow(), runner=runner)
    yield app.state.services.outbox
    await app.state.services.storage.aclose()


@pytest.fixture
def unreachable(runner):
    """Makes the runner unreachable; gives what makes it reachable again."""
    submit = runner.submit

    async def refuse(_submission):
        raise ConnectionRefusedError

    def back() -> None:
        runner.submit = submit

    runner.submit = refuse
    return back


async def test_what_a_dead_process_left_is_delivered_at_the_next_start(api, database, runner):
    """The dispatch was committed before its submission; the next process submits it, once, and records the outcome."""
    run = await api.start_run({"step_id": "a"})
    dying = create_app(Settings(database, auth=AuthKind.OFF), runner=DyingRunner())
    with pytest.raises(KeyboardInterrupt):
        await dying.state.services.dispatching.dispatch_ready(int(run["id"]))
    await dying.state.services.storage.aclose()
    assert (await api.get(f"/workflow-runs/{run['id']}"))["tasks"][0]["status"] == "dispatched"

    restarted = create_app(Settings(database, auth=AuthKind.OFF), runner=runner)
    async with restarted.router.lifespan_context(restarted):
        transport = httpx.ASGITransport(restarted)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            task = (await client.get(f"/tasks/{run['task_ids'][0]}")).json()
    assert (task["status"], task["attempt"]) == ("queued", 1)
    assert [submission.attempt for submission in runner.submitted] == [1]


async def test_a_delivered_outbox_is_empty(outbox, api, runner):
    """Nothing is submitted twice when nothing was left behind."""
    run = await api.start_run({"step_id": "a"})
    await api.dispatch(run["id"])
    assert await outbox.deliver_overdue() == 0
    assert len(runner.submitted) == 1


async def test_a_runner_out_of_reach_leaves_a_dispatch_pending(outbox, api, runner, unreachable):
    """The dispatch is acknowledged as pending; the next delivery tells the rest."""
    run = await api.start_run({"step_id": "a"})
    answer = await api.dispatch(run["id"])
    assert (answer["dispatched"], answer["reason"], answer["dispatch"]["outcome"]) == (True, None, "pending")
    assert await outbox.deliver_overdue() == 0
    unreachable()
    assert await outbox.deliver_overdue() == 1
    assert (await api.get(f"/tasks/{run['task_ids'][0]}"))["status"] == "queued"
    assert (await api.event_types(run["id"]))[-1] == "task.runner_queued"


async def test_a_runner_without_end_costs_a_budget(api, database):
    """Past the budget the answer is pending, and a cancel is told to have failed."""
    run = await api.start_run({"step_id": "a"})
    app = create_app(Settings(database, runner_budget_s=0, auth=AuthKind.OFF), runner=HangingRunner())
    services = app.state.services
    answer = await services.dispatching.dispatch_ready(int(run["id"]))
    assert (answer.dispatched, answer.state) == (True, "pending")
    await services.tasks.cancel(int(run["task_ids"][0]))
    assert (await api.event_types(run["id"]))[-1] == "task.runner_cancel_failed"
    await services.storage.aclose()


async def test_what_is_under_way_is_not_taken_on(outbox, api, runner, unreachable):
    """Only what has been pending for a while is delivered again, so that no sweep races a request."""
    run = await api.start_run({"step_id": "a"})
    await api.dispatch(run["id"])
    unreachable()
    assert await outbox.deliver_overdue(after=timedelta(days=2)) == 0
    assert runner.submitted == []


async def test_one_that_can_not_be_delivered_holds_up_no_other(outbox, api, runner):
    """Whoever fails goes to the end of the queue."""
    run = await api.start_run({"step_id": "a"}, {"step_id": "b"})
    submit, bad = runner.submit, run["task_ids"][0]

    async def refuse(submission):
        if str(submission.task_id) == bad or not everything_back:
            raise ConnectionResetError
        return await submit(submission)

    runner.submit, everything_back = refuse, False
    await api.dispatch(run["id"])
    await api.dispatch(run["id"])
    everything_back = True
    assert await outbox.deliver_overdue() == 0
    assert await outbox.deliver_overdue() == 1
    stands = await api.get(f"/workflow-runs/{run['id']}")
    assert [task["status"] for task in stands["tasks"]] == ["dispatched", "queued"]


async def test_the_outcome_that_was_recorded_first_stands(outbox, api, runner):
    """Two deliveries of one dispatch: the later answer changes nothing, and its client is told the recorded one."""
    run = await api.start_run({"step_id": "a"})

    async def deliver_twice(submission):
        runner.submit = accept
        await outbox.deliver_overdue()
        return SubmissionResult(accepted=False, message="I have it already")

    accept, runner.submit = runner.submit, deliver_twice
    answer = await api.dispatch(run["id"])
    assert (answer["dispatched"], answer["dispatch"]["outcome"]) == (True, "queued")
    assert (await api.get(f"/tasks/{run['task_ids'][0]}"))["status"] == "queued"
    assert (await api.event_types(run["id"])).count("task.runner_queued") == 1


async def test_a_refusal_after_a_callback_is_none(api, runner):
    """The runner reported on the attempt, so it has it, whatever it answers later."""
    run = await api.start_run({"step_id": "a"})
    [task_id] = run["task_ids"]

    async def report_then_refuse(submission):
        await api.report(task_id, 1, "success")
        return SubmissionResult(accepted=False)

    runner.submit = report_then_refuse
    answer = await api.dispatch(run["id"])
    assert (answer["dispatched"], answer["dispatch"]["outcome"]) == (True, "queued")
    [attempt] = (await api.get(f"/tasks/{task_id}/audit"))["items"]
    assert (attempt["outcome"], attempt["ended"]) == ("queued", "success")


@pytest.mark.parametrize("accepts", [True, False])
async def test_a_cancel_overtakes_its_submission(api, runner, accepts):
    """Stopped before the runner had it: an accepting runner is asked again, a refusing one ends the attempt."""
    run = await api.start_run({"step_id": "a"})
    [task_id] = run["task_ids"]
    submit = runner.submit

    async def abort_then_answer(submission):
        await api.post(f"/workflow-runs/{run['id']}/abort")
        runner.canceled.clear()
        return await submit(submission)

    runner.submit, runner.accepts = abort_then_answer, accepts
    await api.dispatch(run["id"])
    task = await api.get(f"/tasks/{task_id}")
    [attempt] = (await api.get(f"/tasks/{task_id}/audit"))["items"]
    if accepts:
        assert (task["status"], attempt["outcome"]) == ("cancel-requested", "queued")
        assert runner.canceled == [(int(task_id), 1)]
    else:
        assert (task["status"], task["reason"]) == ("canceled", "runner is full")
        assert (attempt["outcome"], attempt["ended"]) == ("submit-failed", "canceled")
        assert runner.canceled == []


async def test_sweeping_goes_on_after_a_failure(caplog):
    """A sweep that fails is logged; the next one comes after the next pause; being cancelled ends it."""
    sweeps = []

    class FailingOutbox:
        overdue_after = OVERDUE_AFTER

        async def deliver_overdue(self, *, after):
            sweeps.append(after)
            raise ZeroDivisionError

    async def pause() -> None:
        if len(sweeps) == 2:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await sweep(FailingOutbox(), pause)
    assert sweeps == [OVERDUE_AFTER] * 2
    assert caplog.text.count("the outbox could not be swept") == 2


async def test_a_dispatch_is_delivered_though_the_clock_was_set_back(database):
    """It was recorded an hour later than it is now; who takes it on does not wait for that hour."""

    class Clock:
        time = datetime(2026, 1, 1, tzinfo=UTC)

        def now(self):
            return self.time

    class Runner:
        is_there = False

        async def submit(self, _submission):
            if not self.is_there:
                raise ConnectionError
            return SubmissionResult(accepted=True)

    clock, runner = Clock(), Runner()
    app = create_app(Settings(database, auth=AuthKind.OFF), clock=clock, runner=runner)
    services = app.state.services
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        role = (await client.post("/roles", json={"name": "dev"})).json()
        steps = [{"step_id": "a", "role_id": role["id"], "title": "A"}]
        template = (await client.post("/workflow-templates", json={"name": "t", "steps": steps})).json()
        run = (await client.post("/workflow-runs", json={"workflow_template_id": template["id"]})).json()
        dispatch = (await client.post(f"/workflow-runs/{run['id']}/dispatch-ready")).json()
    assert dispatch["dispatch"]["outcome"] == "pending"
    runner.is_there = True
    assert await services.outbox.deliver_overdue(after=OVERDUE_AFTER) == 0
    clock.time -= timedelta(hours=1)
    assert await services.outbox.deliver_overdue(after=OVERDUE_AFTER) == 1
    await services.storage.aclose()
