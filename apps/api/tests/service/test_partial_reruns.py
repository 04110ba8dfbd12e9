"""Partial reruns: all or nothing, counted once."""

import itertools

import pytest

from multyagents_api.domain.errors import StoreBusy
from multyagents_api.domain.reruns import RerunRequest

pytestmark = pytest.mark.anyio


async def test_a_failed_branch_runs_again(api):
    """The failed step is reset and dispatched again; the successful one stays; everything is counted once."""
    run = await api.start_run({"step_id": "a"}, {"step_id": "b"})
    good = await api.dispatch(run["id"])
    await api.report(good["task_id"], 1, "success")
    bad = await api.fail_next(run["id"])
    answer = await api.rerun(run["id"], step_ids=["b"])
    assert answer["reset_task_ids"] == [bad]
    assert answer["rerun_count"] == 1
    assert [dispatch["attempt"] for dispatch in answer["dispatched"]] == [2]
    stands = await api.get(f"/workflow-runs/{run['id']}")
    assert [(task["status"], task["attempt"]) for task in stands["tasks"]] == [("success", 1), ("queued", 2)]
    types = await api.event_types(run["id"])
    assert types.count("workflow_run.partial_rerun_requested") == types.count("task.partial_rerun_reset") == 1


@pytest.mark.parametrize("end", ["failed", "canceled", "submit-failed"])
async def test_every_end_but_success_runs_again(api, runner, end):
    """Failed, canceled or never accepted: the next attempt is opened, and the first one stays in the audit."""
    run = await api.start_run({"step_id": "a"})
    [task_id] = run["task_ids"]
    runner.accepts = end != "submit-failed"
    await api.dispatch(run["id"])
    runner.accepts = True
    if end != "submit-failed":
        await api.report(task_id, 1, end)
    assert (await api.get(f"/tasks/{task_id}"))["status"] == end
    answer = await api.rerun(run["id"], task_ids=[task_id])
    assert [dispatch["attempt"] for dispatch in answer["dispatched"]] == [2]
    [reset] = [event for event in await api.events(run["id"]) if event["type"] == "task.partial_rerun_reset"]
    assert reset["payload"] == {"step_id": "a", "previous": end}
    audit = (await api.get(f"/tasks/{task_id}/audit"))["items"]
    assert [attempt["ended"] for attempt in audit] == [end, None]


async def test_the_version_that_the_client_saw_is_accepted(api):
    """Nobody changed the run since; with the same version again, somebody did."""
    run = await api.start_run({"step_id": "a"})
    task_id = await api.fail_next(run["id"])
    version = (await api.get(f"/workflow-runs/{run['id']}"))["version"]
    wish = {"task_ids": [task_id], "expected_version": version}
    assert (await api.rerun(run["id"], **wish))["rerun_count"] == 1
    await api.report(task_id, 2, "failed")
    assert (await api.rerun(run["id"], status=409, **wish))["code"] == "version_conflict"


async def test_without_auto_dispatch_tasks_wait(api):
    """A reset task waits as created; resetting it a second time is refused."""
    run = await api.start_run({"step_id": "a"})
    task_id = await api.fail_next(run["id"])
    answer = await api.rerun(run["id"], task_ids=[task_id], auto_dispatch=False)
    assert (answer["status"], answer["dispatched"]) == ("running", [])
    refused = await api.rerun(run["id"], status=409, task_ids=[task_id], auto_dispatch=False)
    assert refused["code"] == "already_reset"
    assert (await api.get(f"/workflow-runs/{run['id']}"))["rerun_count"] == 1


async def test_dispatch_after_a_rerun_is_bounded(api):
    """At most `max_dispatch` tasks go at once; the rest waits for the next dispatch."""
    run = await api.start_run(*({"step_id": f"s{index}"} for index in range(4)))
    for _ in range(4):
        await api.fail_next(run["id"])
    answer = await api.rerun(run["id"], task_ids=run["task_ids"], max_dispatch=3)
    assert (len(answer["dispatched"]), answer["reason"]) == (3, None)


async def test_a_rerun_asks_for_a_new_approval(api):
    """The approval of the failed attempt does not cover the next one."""
    run = await api.start_run({"step_id": "a", "requires_approval": True})
    old = run["tasks"][0]["approval_id"]
    await api.post(f"/approvals/{old}/approve", {"actor": "leo"})
    task_id = await api.fail_next(run["id"])
    answer = await api.rerun(run["id"], task_ids=[task_id])
    assert answer["reason"] == "approval required"
    renewed = await api.get(f"/tasks/{task_id}/approval")
    assert renewed["id"] != old
    assert (renewed["status"], renewed["attempt"]) == ("pending", 2)
    await api.post(f"/approvals/{renewed['id']}/approve", {"actor": "leo"})
    assert (await api.dispatch(run["id"]))["attempt"] == 2


async def test_a_step_may_carry_its_approval_over(api):
    """With `carry_over` an approval covers reruns as well, but a rejection does not."""
    gated = {"requires_approval": True, "approval_on_rerun": "carry_over"}
    run = await api.start_run({"step_id": "a", **gated}, {"step_id": "b", **gated})
    approved, rejected = (task["approval_id"] for task in run["tasks"])
    await api.post(f"/approvals/{approved}/approve", {"actor": "leo"})
    await api.post(f"/approvals/{rejected}/reject", {"actor": "leo"})
    await api.fail_next(run["id"])
    await api.rerun(run["id"], task_ids=run["task_ids"])
    stands = await api.get(f"/workflow-runs/{run['id']}")
    assert [task["status"] for task in stands["tasks"]] == ["queued", "created"]
    assert stands["tasks"][0]["approval_id"] == approved
    assert stands["tasks"][1]["approval_id"] != rejected


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"step_ids": ["b"]}, 422, "dependency_not_selected"),
        ({"step_ids": ["z"]}, 422, "unknown_selection"),
        ({"task_ids": ["no such id"]}, 422, "unknown_selection"),
        ({"step_ids": ["c"]}, 422, "not_rerunnable"),
        ({"step_ids": ["a", "b"], "expected_version": 1}, 409, "version_conflict"),
        ({}, 422, "invalid_request"),
    ],
)
async def test_a_selection_that_can_not_go_changes_nothing(api, body, status, code):
    """Refused whole: no task is reset, nothing is counted, no event is written."""
    run = await api.start_run(
        {"step_id": "a"},
        {"step_id": "b", "requires_approval": True, "depends_on": ["a"]},
        {"step_id": "c", "depends_on": ["b"]},
    )
    await api.fail_next(run["id"])
    await api.post(f"/approvals/{run['tasks'][1]['approval_id']}/reject", {"actor": "leo"})
    before = await api.get(f"/workflow-runs/{run['id']}"), await api.events(run["id"])
    assert (await api.rerun(run["id"], status=status, **body))["code"] == code
    assert (await api.get(f"/workflow-runs/{run['id']}"), await api.events(run["id"])) == before


async def test_active_and_held_runs_are_left_alone(api):
    """Somebody works on it, or an operator holds it: 409 with a code each."""
    run = await api.start_run({"step_id": "a"}, {"step_id": "b"})
    failed = await api.fail_next(run["id"])
    active = await api.dispatch(run["id"])
    assert (await api.rerun(run["id"], status=409, task_ids=[failed]))["code"] == "tasks_active"
    await api.post(f"/workflow-runs/{run['id']}/pause")
    assert (await api.rerun(run["id"], status=409, task_ids=[failed]))["code"] == "run_paused"
    await api.post(f"/workflow-runs/{run['id']}/abort")
    assert (await api.rerun(run["id"], status=409, task_ids=[failed]))["code"] == "run_aborted"
    assert (await api.get(f"/tasks/{active['task_id']}"))["status"] == "cancel-requested"


async def test_a_runner_out_of_reach_stops_the_dispatches_of_a_rerun(api, runner):
    """The rerun is accepted, the first dispatch is pending, and no further one waits for the runner."""
    run = await api.start_run({"step_id": "a"}, {"step_id": "b"})
    for _ in range(2):
        await api.fail_next(run["id"])

    async def refuse(_submission):
        raise ConnectionRefusedError

    runner.submit = refuse
    answer = await api.rerun(run["id"], task_ids=run["task_ids"])
    assert [dispatch["outcome"] for dispatch in answer["dispatched"]] == ["pending"]
    assert (answer["rerun_count"], answer["reason"]) == (1, "the runner is out of reach")


async def test_a_store_held_by_another_does_not_deny_an_accepted_rerun(api, services, monkeypatch):
    """What was committed is told as such, although nothing could be dispatched afterwards."""
    run = await api.start_run({"step_id": "a"})
    await api.fail_next(run["id"])
    write, transactions = services.storage.write, itertools.count(1)

    def busy_later():
        if next(transactions) > 1:
            raise StoreBusy
        return write()

    monkeypatch.setattr(services.storage, "write", busy_later)
    request = RerunRequest(int(run["id"]), (), ("a",), "mia", "flaky")
    outcome = await services.reruns.rerun(request, max_dispatch=1)
    assert (outcome.run.rerun_count, outcome.dispatched) == (1, [])
    assert outcome.stopped_by.startswith("The store was locked")
