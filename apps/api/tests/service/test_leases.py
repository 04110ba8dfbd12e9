"""Leases: a runner that is silent for too long loses its attempt, and the task is done again."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from multyagents_api.bootstrap import AuthKind, RunnerKind, Settings, create_app
from multyagents_api.domain.errors import StoreUnreachable
from multyagents_api.service.leases import sweep_leases

pytestmark = pytest.mark.anyio

LEASE_S = 30


class HandClock:
    """A clock that a test moves on."""

    def __init__(self) -> None:
        self._now = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self._now

    def pass_by(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def app(database, runner, clock) -> AsyncIterator:
    settings = Settings(database, auth=AuthKind.OFF, runner=RunnerKind.HTTP, lease_s=LEASE_S)
    made = create_app(settings, clock=clock, runner=runner)
    yield made
    await made.state.services.storage.aclose()


@pytest.fixture
def leases(app):
    return app.state.services.leases


@pytest.fixture
async def api(app, api):
    """The usual client, over an app with leases."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        yield replace(api, http=client)


async def beat(api, task_id, attempt=1, *, status=200):
    return await api.post(f"/runner/tasks/{task_id}/heartbeat", {"attempt": attempt}, status=status)


async def dispatched(api, *steps, **role):
    """The ids of a new run and of its first task, which is with the runner."""
    run = await api.start_run(*(steps or ({"step_id": "build"},)), **role)
    answer = await api.dispatch(run["id"])
    assert answer["dispatched"], answer
    return run["id"], answer["task_id"]


async def test_a_silent_runner_loses_its_attempt(api, leases, clock):
    """The attempt fails as lost, the task returns, and the next dispatch opens attempt 2."""
    run_id, task_id = await dispatched(api)
    clock.pass_by(LEASE_S - 1)
    assert await leases.end_lost() == 0
    clock.pass_by(1)
    assert await leases.end_lost() == 1
    assert await leases.end_lost() == 0
    task = await api.get(f"/tasks/{task_id}")
    assert (task["status"], task["attempt"], task["reason"]) == ("created", 1, "runner lost")
    assert (await api.get(f"/workflow-runs/{run_id}"))["status"] == "running"
    events = await api.events(run_id)
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    ended, returned = events[-2:]
    assert (ended["type"], ended["attempt"]) == ("task.runner_status_updated", 1)
    told = {"status": "failed", "previous": "queued", "message": "runner lost"}
    assert ended["payload"] == {"step_id": "build", **told, "failure_category": "runner-lost"}
    assert (returned["type"], returned["payload"]["retries_used"]) == ("task.retry_scheduled", 1)
    assert (await api.dispatch(run_id))["attempt"] == 2


async def test_late_words_about_a_lost_attempt_change_nothing(api, leases, clock):
    """Callback, heartbeat and artifact of the lost attempt are stale, before and after the next dispatch."""
    run_id, task_id = await dispatched(api)
    clock.pass_by(LEASE_S)
    await leases.end_lost()
    for _ in range(2):
        before = await api.get(f"/tasks/{task_id}"), await api.event_types(run_id)
        refused = await api.report(task_id, 1, "success", expect=409)
        assert refused["code"] == "stale_attempt"
        assert (await beat(api, task_id, status=409))["code"] == "stale_attempt"
        assert (await api.get(f"/tasks/{task_id}"), await api.event_types(run_id)) == before
        await api.dispatch(run_id)


async def test_every_word_of_a_runner_keeps_its_attempt(api, leases, clock):
    """Heartbeats, callbacks and repeated callbacks each extend the lease, by its whole length."""
    _, task_id = await dispatched(api)
    words = (
        lambda: beat(api, task_id),
        lambda: api.report(task_id, 1, "running", idempotency_key="k"),
        lambda: api.report(task_id, 1, "running", idempotency_key="k"),
        lambda: api.report(task_id, 1, "running"),
        lambda: beat(api, task_id),
    )
    for say in words:
        clock.pass_by(LEASE_S - 1)
        await say()
    assert await leases.end_lost() == 0
    clock.pass_by(LEASE_S)
    assert await leases.end_lost() == 1


async def test_a_heartbeat_tells_the_lease_and_a_wanted_cancel(api, clock):
    """The answer names the end of the lease, its length, and whether the attempt is to be stopped."""
    _, task_id = await dispatched(api)
    until = (clock.now() + timedelta(seconds=LEASE_S)).isoformat().replace("+00:00", "Z")
    told = {"lease_until": until, "lease_s": LEASE_S, "cancel_requested": False}
    assert await beat(api, task_id) == told
    await api.post(f"/tasks/{task_id}/cancel")
    assert await beat(api, task_id) == {**told, "cancel_requested": True}


async def test_heartbeats_of_what_is_not_under_way_are_refused(api):
    """Unknown, never dispatched, not yet opened and finished: each in its own words."""
    assert (await beat(api, "99", status=404))["code"] == "not_found"
    run = await api.start_run({"step_id": "build"})
    task_id = run["task_ids"][0]
    assert (await beat(api, task_id, status=409))["code"] == "never_dispatched"
    await api.dispatch(run["id"])
    assert (await beat(api, task_id, 2, status=409))["code"] == "unknown_attempt"
    await api.report(task_id, 1, "success")
    assert (await beat(api, task_id, status=409))["code"] == "stale_attempt"
    await api.post(f"/runner/tasks/{task_id}/heartbeat", {"attempt": "1"}, status=422)


async def test_a_lease_that_is_over_is_kept_by_whoever_is_heard_first(api, leases, clock, app):
    """A heartbeat between the sweep's look and its write wins; nothing is ended, nothing is told."""
    run_id, task_id = await dispatched(api)
    clock.pass_by(LEASE_S)
    before = await api.event_types(run_id)
    storage = app.state.services.storage
    write = storage.write

    async def rival():
        storage.write = write
        await beat(api, task_id)

    class Interrupted:
        def read(self):
            return storage.read()

        def write(self):
            return late(rival, write)

    assert await replace(leases, storage=Interrupted()).end_lost() == 0
    assert (await api.get(f"/tasks/{task_id}"))["status"] == "queued"
    assert await api.event_types(run_id) == before


def late(rival, write):
    """A write transaction that somebody else's request comes before."""

    class Late:
        async def __aenter__(self):
            await rival()
            self._genuine = write()
            return await self._genuine.__aenter__()

        async def __aexit__(self, *failure):
            return await self._genuine.__aexit__(*failure)

    return Late()


async def test_losses_are_bounded(api, leases, clock):
    """A step that loses its runner four times has failed; a generous role allows more."""
    for most, allowed in ((0, 3), (5, 5)):
        policy = {"max_retries": most, "retry_on": ["flaky"]}
        run_id, task_id = await dispatched(api, retry_policy=policy)
        for used in range(allowed + 1):
            if used:
                await api.dispatch(run_id)
            clock.pass_by(LEASE_S)
            assert await leases.end_lost() == 1
        assert (await api.get(f"/tasks/{task_id}"))["status"] == "failed"
        assert (await api.get(f"/workflow-runs/{run_id}"))["status"] == "failed"
        assert (await api.event_types(run_id)).count("task.retry_scheduled") == allowed


async def test_a_lost_attempt_that_was_to_be_stopped_is_canceled(api, leases, clock):
    """It does not return; the same goes for the tasks of an aborted run."""
    for stop in ("cancel", "abort"):
        run_id, task_id = await dispatched(api)
        path = f"/tasks/{task_id}/cancel" if stop == "cancel" else f"/workflow-runs/{run_id}/abort"
        await api.post(path)
        clock.pass_by(LEASE_S)
        assert await leases.end_lost() == 1
        task = await api.get(f"/tasks/{task_id}")
        assert (task["status"], task["reason"]) == ("canceled", "runner lost")
        assert "task.retry_scheduled" not in await api.event_types(run_id)


async def test_a_lost_attempt_gives_its_paths_back(api, leases, clock, tmp_path):
    """Once, in the same transaction; then another task may have them."""
    project_id = await api.project(str(tmp_path))
    step = {"step_id": "build", "execution_mode": "shared-workspace", "lock_paths": ["src"]}
    run = await api.start_run(step, project_id=project_id)
    other = await api.post("/workflow-runs", {"workflow_template_id": run["workflow_template_id"]})
    await api.dispatch(run["id"])
    assert (await api.dispatch(other["id"]))["reason"] == "paths locked"
    clock.pass_by(LEASE_S)
    await leases.end_lost()
    assert (await api.event_types(run["id"]))[-3:] == [
        "task.runner_status_updated",
        "task.locks_released",
        "task.retry_scheduled",
    ]
    assert (await api.dispatch(other["id"]))["dispatched"]


async def test_a_dispatch_on_its_way_has_no_lease(api, leases, clock, runner, app):
    """The outbox goes on with it, however long that takes; the lease begins when the runner has it."""

    async def out_of_reach(_submission):
        raise ConnectionError

    accept, runner.submit = runner.submit, out_of_reach
    run = await api.start_run({"step_id": "build"})
    assert (await api.dispatch(run["id"]))["dispatch"]["outcome"] == "pending"
    clock.pass_by(10 * LEASE_S)
    assert await leases.end_lost() == 0
    runner.submit = accept
    assert await app.state.services.outbox.deliver_overdue() == 1
    clock.pass_by(LEASE_S - 1)
    assert await leases.end_lost() == 0
    clock.pass_by(1)
    assert await leases.end_lost() == 1


async def test_what_was_canceled_on_its_way_gets_a_lease_from_its_runner(api, leases, clock, runner, app):
    """A runner that accepts what was to be stopped, and is lost, does not leave the task hanging."""

    async def out_of_reach(_submission):
        raise ConnectionError

    accept, runner.submit = runner.submit, out_of_reach
    run_id, task_id = await dispatched(api)
    await api.post(f"/tasks/{task_id}/cancel")
    runner.submit = accept
    await app.state.services.outbox.deliver_overdue()
    clock.pass_by(LEASE_S)
    assert await leases.end_lost() == 1
    assert (await api.get(f"/tasks/{task_id}"))["status"] == "canceled"
    assert (await api.get(f"/workflow-runs/{run_id}"))["status"] == "failed"


async def test_a_lost_attempt_is_delivered_no_more(api, leases, clock, runner, app):
    """A runner that was heard and lost before its answer was recorded is not handed the attempt again."""

    async def answers_too_late(submission):
        await beat(api, str(submission.task_id))
        raise ConnectionError

    runner.submit = answers_too_late
    await dispatched(api)
    clock.pass_by(LEASE_S)
    assert await leases.end_lost() == 1
    assert await app.state.services.outbox.deliver_overdue() == 0


async def test_a_lease_ends_though_the_clock_was_set_back(api, leases, clock):
    """A runner that was lost before that is not waited for until the old time comes again."""
    _, task_id = await dispatched(api)
    clock.pass_by(-3600)
    assert await leases.end_lost() == 1
    assert (await api.get(f"/tasks/{task_id}"))["status"] == "created"


async def test_nobody_is_called_silent_by_who_did_not_listen(api, leases, clock):
    """A sweep waits for a lease after its start, a standstill, a clock set back, and a store out of reach."""

    async def swept(*steps, failing=()):
        looks, left = [], list(steps)

        class Counting:
            policy, clock = leases.policy, leases.clock

            async def end_lost(self):
                looks.append(self.clock.now())
                if len(looks) in failing:
                    raise StoreUnreachable

        async def pause():
            if not left:
                raise asyncio.CancelledError
            clock.pass_by(left.pop(0))

        start = clock.now()
        with pytest.raises(asyncio.CancelledError):
            await sweep_leases(Counting(), pause)
        return [(look - start).total_seconds() for look in looks]

    assert await swept(10, 10, 10, 10) == [30, 40]
    assert await swept(10, 10, 10, 100, 10, 10, 10) == [30, 160]
    assert await swept(10, 10, 10, -3600, 10, 10, 10) == [30, -3540]
    assert await swept(10, 10, 10, 10, 10, 10, failing=(1,)) == [30, 60]


async def test_a_built_in_runner_has_no_leases(database, runner, clock):
    """Its attempts stand for as long as it takes, and heartbeats say so."""
    app = create_app(Settings(database, auth=AuthKind.OFF), clock=clock, runner=runner)
    services = app.state.services
    assert services.leases.policy.duration is None
    assert create_app_leases(Settings(database, auth=AuthKind.OFF, runner=RunnerKind.HTTP, lease_s=0)) is None
    await services.storage.aclose()


def create_app_leases(settings):
    return settings.leases.duration
