"""Canceling a task: which attempt is meant, and who wants it."""

import pytest

pytestmark = pytest.mark.anyio


async def second_attempt(api):
    """A run whose only task failed once, and is in its second attempt."""
    run = await api.start_run({"step_id": "a"})
    await api.fail_next(run["id"])
    await api.rerun(run["id"], step_ids=["a"])
    return run, run["task_ids"][0]


async def cancel(api, task_id, *, status=None, **body):
    return await api.post(f"/tasks/{task_id}/cancel", body or None, status=status)


async def test_the_attempt_that_is_named_is_stopped(api, runner):
    """While it is the current one."""
    _, task_id = await second_attempt(api)
    assert (await cancel(api, task_id, attempt=2))["status"] == "cancel-requested"
    assert (await cancel(api, task_id, attempt=2))["status"] == "cancel-requested"
    assert set(runner.canceled) == {(int(task_id), 2)}


@pytest.mark.parametrize(("attempt", "code"), [(1, "stale_attempt"), (3, "unknown_attempt")])
async def test_any_other_attempt_is_refused(api, runner, attempt, code):
    """One that is over, and one that nobody opened: nothing changes, and no runner is asked."""
    run, task_id = await second_attempt(api)
    before = await api.get(f"/tasks/{task_id}"), await api.events(run["id"])
    assert (await cancel(api, task_id, status=409, attempt=attempt))["code"] == code
    assert (await api.get(f"/tasks/{task_id}"), await api.events(run["id"])) == before
    assert runner.canceled == []


async def test_an_attempt_of_a_task_that_was_reset_is_over(api):
    """Although it was the last one."""
    run = await api.start_run({"step_id": "a"})
    task_id = await api.fail_next(run["id"])
    assert (await cancel(api, task_id, status=409, attempt=1))["code"] == "illegal_transition"
    await api.rerun(run["id"], step_ids=["a"], auto_dispatch=False)
    assert (await cancel(api, task_id, status=409, attempt=1))["code"] == "stale_attempt"
    assert (await cancel(api, task_id, status=409))["code"] == "illegal_transition"


async def test_a_task_that_was_never_dispatched_has_no_attempt(api):
    """Whichever is named."""
    run = await api.start_run({"step_id": "a"})
    refused = await cancel(api, run["task_ids"][0], status=409, attempt=1)
    assert refused["code"] == "never_dispatched"


@pytest.mark.parametrize(("body", "told"), [({"actor": "leo"}, "leo"), ({"attempt": 2}, None), ({}, None)])
async def test_who_wants_it_is_told(api, body, told):
    """By the event, once: whoever asks again changes nothing."""
    run, task_id = await second_attempt(api)
    await cancel(api, task_id, **body)
    await cancel(api, task_id, actor="mia")
    [event] = [
        event for event in await api.events(run["id"]) if event["type"] == "task.runner_cancel_requested"
    ]
    assert (event["task_id"], event["attempt"]) == (task_id, 2)
    assert event["payload"] == {"step_id": "a", "actor": told}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "body", [{"attempt": 0}, {"attempt": "1"}, {"attempt": True}, {"actor": " "}, {"reason": "x"}, []]
)
async def test_a_wish_of_another_shape_is_refused(api, body):
    """Attempts are whole numbers from 1, actors are not blank, and other fields are unknown."""
    _, task_id = await second_attempt(api)
    assert (await api.post(f"/tasks/{task_id}/cancel", body, status=422))["code"] == "invalid_request"
    assert (await api.get(f"/tasks/{task_id}"))["status"] == "queued"


async def test_a_task_without_a_run_is_not_canceled(api):
    """Nobody works on it."""
    role = await api.post("/roles", {"name": "dev"})
    task = await api.post("/tasks", {"step_id": "a", "role_id": role["id"], "title": "A"})
    assert (await cancel(api, task["id"], status=409))["code"] == "not_in_run"
    assert (await cancel(api, "77", status=404))["code"] == "not_found"
