"""Approvals: one decision, which everybody can look up later."""

import pytest

pytestmark = pytest.mark.anyio


async def test_an_approval_lets_the_task_go_and_stays_in_the_audit(api):
    """The audit of the dispatched attempt names who approved it, when and why."""
    run = await api.start_run({"step_id": "a", "requires_approval": True})
    [task] = run["tasks"]
    pending = await api.get(f"/tasks/{task['id']}/approval")
    assert (pending["id"], pending["status"], pending["attempt"]) == (task["approval_id"], "pending", 1)
    decided = await api.post(
        f"/approvals/{pending['id']}/approve", {"actor": "leo", "comment": "looks right"}
    )
    await api.dispatch(run["id"])
    await api.report(task["id"], 1, "failed", message="no network")
    audit = await api.get(f"/tasks/{task['id']}/audit")
    [attempt] = audit["items"]
    assert attempt["approval"] == decided
    assert (decided["actor"], decided["comment"]) == ("leo", "looks right")
    assert (attempt["outcome"], attempt["ended"], attempt["message"]) == ("queued", "failed", "no network")


async def test_a_decision_is_made_once(api):
    """The same again is idempotent; another actor or decision is 409 `already_decided`."""
    run = await api.start_run({"step_id": "a", "requires_approval": True})
    approval = f"/approvals/{run['tasks'][0]['approval_id']}"
    first = await api.post(f"{approval}/approve", {"actor": "leo"})
    before = await api.events(run["id"])
    assert await api.post(f"{approval}/approve", {"actor": "leo"}) == first
    for path, actor in (("approve", "mia"), ("reject", "leo"), ("reject", "mia")):
        refused = await api.post(f"{approval}/{path}", {"actor": actor}, status=409)
        assert refused["code"] == "already_decided"
    assert await api.events(run["id"]) == before


async def test_a_rejection_cancels_the_task_and_fails_the_run(api):
    """The reason is told, and whatever depends on the task can't go on."""
    run = await api.start_run(
        {"step_id": "a", "requires_approval": True}, {"step_id": "b", "depends_on": ["a"]}
    )
    await api.post(f"/approvals/{run['tasks'][0]['approval_id']}/reject", {"actor": "leo"})
    stands = await api.get(f"/workflow-runs/{run['id']}")
    assert stands["status"] == "failed"
    assert (stands["tasks"][0]["status"], stands["tasks"][0]["reason"]) == ("canceled", "approval rejected")
    assert (await api.dispatch(run["id"]))["reason"] == "dependencies not satisfied"
    assert (await api.event_types(run["id"]))[-2:] == ["approval.rejected", "workflow_run.failed"]


async def test_an_aborted_run_takes_no_decision(api):
    """Nobody decides about a task that was canceled with its run."""
    run = await api.start_run({"step_id": "a", "requires_approval": True})
    await api.post(f"/workflow-runs/{run['id']}/abort")
    path = f"/approvals/{run['tasks'][0]['approval_id']}/approve"
    assert (await api.post(path, {"actor": "leo"}, status=409))["code"] == "run_aborted"


async def test_a_paused_run_takes_decisions(api):
    """Deciding is not dispatching."""
    run = await api.start_run({"step_id": "a", "requires_approval": True})
    await api.post(f"/workflow-runs/{run['id']}/pause")
    path = f"/approvals/{run['tasks'][0]['approval_id']}/reject"
    assert (await api.post(path, {"actor": "leo"}))["status"] == "rejected"
    assert (await api.get(f"/workflow-runs/{run['id']}"))["status"] == "paused"
    assert (await api.post(f"/workflow-runs/{run['id']}/resume"))["status"] == "failed"


async def test_what_needs_no_approval_has_none(api):
    """A task without a gate has no approval to look at, and unknown ones are not found."""
    run = await api.start_run({"step_id": "a"})
    assert (await api.get(f"/tasks/{run['task_ids'][0]}/approval", status=404))["code"] == "not_found"
    assert (await api.get("/tasks/99/approval", status=404))["code"] == "not_found"
    assert (await api.get("/approvals/99", status=404))["code"] == "not_found"
