"""What operators do to runs and tasks."""

import pytest

pytestmark = pytest.mark.anyio


async def test_pause_and_resume(api):
    """A paused run keeps its status whatever its tasks do; released, it follows from them again."""
    run = await api.start_run({"step_id": "a"})
    await api.dispatch(run["id"])
    paused = await api.post(f"/workflow-runs/{run['id']}/pause", {"actor": "leo"})
    assert paused["status"] == "paused"
    await api.report(run["task_ids"][0], 1, "success")
    assert (await api.get(f"/workflow-runs/{run['id']}"))["status"] == "paused"
    assert (await api.post(f"/workflow-runs/{run['id']}/resume"))["status"] == "success"
    events = await api.events(run["id"])
    assert [event["type"] for event in events][-2:] == ["workflow_run.resumed", "workflow_run.succeeded"]
    [told] = [event for event in events if event["type"] == "workflow_run.paused"]
    assert told["payload"] == {"actor": "leo"}


async def test_a_run_paused_before_its_start_is_created_again(api):
    """Resuming derives the status, it does not invent progress."""
    run = await api.start_run({"step_id": "a"})
    await api.post(f"/workflow-runs/{run['id']}/pause")
    assert (await api.post(f"/workflow-runs/{run['id']}/resume"))["status"] == "created"


async def test_abort_cancels_what_waits_and_stops_what_runs(api, runner):
    """Created tasks are canceled, the runner is asked to stop active ones, and their real end still counts."""
    run = await api.start_run({"step_id": "a"}, {"step_id": "b"}, {"step_id": "c", "depends_on": ["a"]})
    first, *waiting = run["task_ids"]
    await api.dispatch(run["id"])
    aborted = await api.post(f"/workflow-runs/{run['id']}/abort", {"actor": "leo"})
    assert aborted["status"] == "aborted"
    assert [task["status"] for task in aborted["tasks"]] == ["cancel-requested", "canceled", "canceled"]
    assert runner.canceled == [(int(first), 1)]
    [told] = [event for event in await api.events(run["id"]) if event["type"] == "workflow_run.aborted"]
    assert told["payload"] == {"actor": "leo", "canceled_task_ids": waiting}
    assert (await api.report(first, 1, "success"))["status"] == "success"
    assert (await api.get(f"/workflow-runs/{run['id']}"))["status"] == "aborted"


@pytest.mark.parametrize("move", ["pause", "resume", "abort"])
async def test_a_finished_run_is_left_alone(api, move):
    """Nothing is paused, resumed or aborted after its end."""
    run = await api.start_run({"step_id": "a"})
    await api.dispatch(run["id"])
    await api.report(run["task_ids"][0], 1, "success")
    refused = await api.post(f"/workflow-runs/{run['id']}/{move}", status=409)
    assert refused["code"] == "illegal_transition"


async def test_a_task_is_canceled_through_its_runner(api, runner):
    """A cancel is told once, and the runner's word ends the attempt."""
    run = await api.start_run({"step_id": "a"})
    [task_id] = run["task_ids"]
    assert (await api.post(f"/tasks/{task_id}/cancel", status=409))["code"] == "illegal_transition"
    await api.dispatch(run["id"])
    assert (await api.post(f"/tasks/{task_id}/cancel"))["status"] == "cancel-requested"
    assert (await api.post(f"/tasks/{task_id}/cancel"))["status"] == "cancel-requested"
    assert set(runner.canceled) == {(int(task_id), 1)}
    await api.report(task_id, 1, "canceled")
    assert (await api.get(f"/workflow-runs/{run['id']}"))["status"] == "failed"
    assert (await api.event_types(run["id"])).count("task.runner_cancel_requested") == 1


@pytest.mark.parametrize("stop", ["/workflow-runs/{run}/abort", "/tasks/{task}/cancel"])
async def test_a_runner_that_can_not_be_reached_is_told_and_asked_again(api, runner, stop):
    """What was decided stays, the failure is an event without secrets, and another cancel reaches the runner."""
    run = await api.start_run({"step_id": "a"})
    [task_id] = run["task_ids"]
    await api.dispatch(run["id"])
    cancel = runner.cancel

    async def unreachable(task_id: int, attempt: int) -> None:
        raise ConnectionRefusedError("https://mia:hunter2@runner refused")

    runner.cancel = unreachable
    await api.post(stop.format(run=run["id"], task=task_id))
    assert (await api.get(f"/tasks/{task_id}"))["status"] == "cancel-requested"
    failure = (await api.events(run["id"]))[-1]
    assert (failure["type"], failure["task_id"], failure["attempt"]) == (
        "task.runner_cancel_failed",
        task_id,
        1,
    )
    assert failure["payload"] == {"step_id": "a", "message": "https://[redacted]@runner refused"}
    runner.cancel = cancel
    await api.post(f"/tasks/{task_id}/cancel")
    assert runner.canceled == [(int(task_id), 1)]
