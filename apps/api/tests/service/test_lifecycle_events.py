"""Events: everything that happens is told, in order, in the transaction of its change."""

import pytest

from multyagents_api.domain.events import EventType
from multyagents_api.storage.writes import SqlWriter

pytestmark = pytest.mark.anyio

CONTRACT = {
    *("workflow_run.created", "workflow_run.running", "workflow_run.succeeded", "workflow_run.failed"),
    *("workflow_run.paused", "workflow_run.resumed", "workflow_run.aborted"),
    *("workflow_run.partial_rerun_requested", "task.created", "task.dispatched"),
    *("task.runner_queued", "task.runner_submit_failed", "task.runner_status_updated"),
    *("task.runner_cancel_requested", "task.runner_cancel_failed", "task.retry_scheduled"),
    *("task.partial_rerun_reset", "task.locks_released", "task.handoff_published"),
    *("task.dispatch_blocked_by_approval", "task.dispatch_blocked_missing_handoff_artifacts"),
    *("approval.pending", "approval.approved", "approval.rejected", "artifact.created"),
}
"""The types of the contract, in its own words: whoever follows events relies on them."""


def test_the_types_are_those_of_the_contract():
    """None is missing, and none is there that the contract does not name."""
    assert {kind.value for kind in EventType} == CONTRACT


async def test_every_type_is_told(api, runner):
    """Two short runs, one to its success and one that is aborted, tell all of them, each event in one form."""
    shared = {"execution_mode": "shared-workspace", "lock_paths": ["src"]}
    wanted = [{"from_step": "plan", "type": "text"}]
    run = await api.start_run(
        {"step_id": "plan", **shared},
        {"step_id": "build", "depends_on": ["plan"], "required_artifacts": wanted, "requires_approval": True},
        project_id=await api.project("/projects/shop"),
        retry_policy={"max_retries": 1, "retry_on": ["flaky"]},
    )
    path, [plan, build] = f"/workflow-runs/{run['id']}", run["task_ids"]
    runner.accepts = False
    await api.dispatch(run["id"])
    runner.accepts = True
    for attempt, category in ((2, "flaky"), (3, None)):
        await api.dispatch(run["id"])
        await api.report(plan, attempt, "failed", failure_category=category)
    await api.rerun(run["id"], step_ids=["plan"])
    await api.report(plan, 4, "success", handoff={"summary": "Planned."})
    await api.dispatch(run["id"])
    await api.post("/artifacts", {"task_id": plan, "type": "text", "name": "plan.md", "content": "Do it."})
    await api.dispatch(run["id"])
    await api.post(f"/approvals/{run['tasks'][1]['approval_id']}/approve", {"actor": "leo"})
    await api.post(f"{path}/pause")
    await api.post(f"{path}/resume")
    await api.dispatch(run["id"])
    await api.report(build, 1, "success")

    async def unreachable(task_id: int, attempt: int) -> None:
        raise ConnectionRefusedError

    other = await api.post("/workflow-runs", {"workflow_template_id": run["workflow_template_id"]})
    await api.post(f"/approvals/{other['tasks'][1]['approval_id']}/reject", {"actor": "leo"})
    await api.dispatch(other["id"])
    runner.cancel = unreachable
    await api.post(f"/workflow-runs/{other['id']}/abort")

    events = (await api.get("/events?limit=500"))["items"]
    assert {event["type"] for event in events} == CONTRACT
    fields = {"id", "sequence", "contract_version", "type", "run_id", "task_id", "attempt", "producer_role"}
    assert all(set(event) == fields | {"payload", "time"} for event in events)
    assert {event["contract_version"] for event in events} == {1}
    about_tasks = [event for event in events if not event["type"].startswith("workflow_run.")]
    assert all(event["task_id"] and event["producer_role"] for event in about_tasks)


async def test_a_whole_life_is_told(api, runner):
    """Each event that this part of the service knows, in its place, with its task, attempt and role."""
    policy = {"max_retries": 1, "retry_on": ["flaky"]}
    run = await api.start_run(
        {"step_id": "a"},
        {"step_id": "b", "depends_on": ["a"], "requires_approval": True},
        retry_policy=policy,
    )
    path, [a, b] = f"/workflow-runs/{run['id']}", run["task_ids"]
    runner.accepts = False
    await api.dispatch(run["id"])
    runner.accepts = True
    await api.dispatch(run["id"])
    await api.report(a, 2, "failed", failure_category="flaky")
    await api.dispatch(run["id"])
    await api.report(a, 3, "success")
    await api.dispatch(run["id"])
    await api.post(f"/approvals/{run['tasks'][1]['approval_id']}/approve", {"actor": "leo"})
    await api.post(f"{path}/pause")
    await api.post(f"{path}/resume")
    await api.dispatch(run["id"])
    await api.post(f"/tasks/{b}/cancel")
    await api.report(b, 1, "canceled")
    await api.rerun(run["id"], step_ids=["b"])
    renewed = (await api.get(f"/tasks/{b}"))["approval_id"]
    await api.post(f"/approvals/{renewed}/reject", {"actor": "mia"})
    await api.rerun(run["id"], step_ids=["b"], auto_dispatch=False)
    await api.post(f"{path}/abort")

    events = await api.events(run["id"])
    assert [(event["type"], event["task_id"], event["attempt"]) for event in events] == [
        ("workflow_run.created", None, None),
        ("task.created", a, 0),
        ("task.created", b, 0),
        ("approval.pending", b, 1),
        ("task.dispatched", a, 1),
        ("workflow_run.running", None, None),
        ("task.runner_submit_failed", a, 1),
        ("workflow_run.failed", None, None),
        ("task.dispatched", a, 2),
        ("workflow_run.running", None, None),
        ("task.runner_queued", a, 2),
        ("task.runner_status_updated", a, 2),
        ("task.retry_scheduled", a, 2),
        ("task.dispatched", a, 3),
        ("task.runner_queued", a, 3),
        ("task.runner_status_updated", a, 3),
        ("task.dispatch_blocked_by_approval", b, 1),
        ("approval.approved", b, 1),
        ("workflow_run.paused", None, None),
        ("workflow_run.resumed", None, None),
        ("task.dispatched", b, 1),
        ("task.runner_queued", b, 1),
        ("task.runner_cancel_requested", b, 1),
        ("task.runner_status_updated", b, 1),
        ("workflow_run.failed", None, None),
        ("workflow_run.partial_rerun_requested", None, None),
        ("task.partial_rerun_reset", b, 1),
        ("approval.pending", b, 2),
        ("workflow_run.running", None, None),
        ("task.dispatch_blocked_by_approval", b, 2),
        ("approval.rejected", b, 2),
        ("workflow_run.failed", None, None),
        ("workflow_run.partial_rerun_requested", None, None),
        ("task.partial_rerun_reset", b, 1),
        ("approval.pending", b, 2),
        ("workflow_run.running", None, None),
        ("workflow_run.aborted", None, None),
    ]
    role = run["tasks"][0]["role_id"]
    assert {event["producer_role"] for event in events if event["task_id"]} == {role}


@pytest.mark.parametrize(
    "act",
    ["create", "dispatch-ready", "pause", "abort", "report", "approve", "partial-rerun"],
)
async def test_what_can_not_be_told_does_not_happen(api, monkeypatch, act):
    """A change and its events are one transaction: when the events can't be written, nothing has changed."""
    run = await api.start_run({"step_id": "a"}, {"step_id": "b"}, {"step_id": "c", "requires_approval": True})
    failed = await api.fail_next(run["id"])
    active = failed
    if act == "report":
        active = (await api.dispatch(run["id"]))["task_id"]
    path = f"/workflow-runs/{run['id']}"
    requests = {
        "create": ("/workflow-runs", {"workflow_template_id": run["workflow_template_id"]}),
        "report": (f"/runner/tasks/{active}/status", {"attempt": 1, "status": "success"}),
        "approve": (f"/approvals/{run['tasks'][2]['approval_id']}/approve", {"actor": "leo"}),
        "partial-rerun": (
            f"{path}/partial-rerun",
            {"task_ids": [failed], "requested_by": "leo", "reason": "flaky"},
        ),
    }

    async def everything():
        runs = (await api.get("/workflow-runs"))["items"]
        approvals = [await api.get(f"/tasks/{run['task_ids'][2]}/approval")]
        return runs, approvals, await api.get(path), await api.events(run["id"])

    async def untold(*_):
        raise OSError("disk full")

    before = await everything()
    where, body = requests.get(act, (f"{path}/{act}", None))
    with monkeypatch.context() as patched:
        patched.setattr(SqlWriter, "append_events", untold)
        await api.post(where, body, status=500)
    assert await everything() == before
    assert (await api.post(where, body)) is not None


async def test_the_audit_keeps_every_attempt(api, runner):
    """Refused, failed and retried, successful: each with its approval by name, time and comment, and its end."""
    run = await api.start_run(
        {"step_id": "a", "requires_approval": True}, retry_policy={"max_retries": 1, "retry_on": ["flaky"]}
    )
    [task] = run["tasks"]
    approval = f"/approvals/{task['approval_id']}/approve"
    approved = await api.post(approval, {"actor": "leo", "comment": "looks right"})
    runner.accepts = False
    await api.dispatch(run["id"])
    runner.accepts = True
    for attempt, status in ((2, "failed"), (3, "success")):
        await api.dispatch(run["id"])
        await api.report(task["id"], attempt, status, message=f"so {status}", failure_category="flaky")
    audit = (await api.get(f"/tasks/{task['id']}/audit"))["items"]
    assert [
        (attempt["attempt"], attempt["outcome"], attempt["ended"], attempt["message"]) for attempt in audit
    ] == [
        (1, "submit-failed", "submit-failed", "runner is full"),
        (2, "queued", "failed", "so failed"),
        (3, "queued", "success", "so success"),
    ]
    assert all(attempt["approval"] == approved for attempt in audit)
    assert (approved["actor"], approved["comment"]) == ("leo", "looks right")
    assert all(approved["decided_at"] < attempt["dispatched_at"] for attempt in audit)
