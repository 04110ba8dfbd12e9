"""Required artifacts: a step waits for what its dependencies must have left, and is told once for what it waits."""

import pytest

pytestmark = pytest.mark.anyio

BLOCKED = "task.dispatch_blocked_missing_handoff_artifacts"
MISSING = "required handoff artifacts missing"


def build(*required, **more):
    """A step that wants artifacts of the step `plan`."""
    wanted = [{"from_step": "plan", **each} for each in required]
    return {"step_id": "build", "depends_on": ["plan"], "required_artifacts": wanted, **more}


async def planned(api, *steps, **role):
    """A run whose first step, `plan`, succeeded at its first attempt and left nothing."""
    run = await api.start_run({"step_id": "plan"}, *steps, **role)
    plan = run["task_ids"][0]
    await api.post(f"/tasks/{plan}/dispatch")
    await api.report(plan, 1, "success")
    return run


async def leave(api, task_id, kind="text", name="plan.md"):
    content = {"location": "a" * 40} if kind == "commit" else {"content": "x"}
    return await api.post("/artifacts", {"task_id": task_id, "type": kind, "name": name, **content})


async def test_a_step_waits_for_what_it_requires(api):
    """Its dependency succeeded, and yet it is not ready."""
    run = await planned(api, build({"type": "text"}))
    answer = await api.dispatch(run["id"])
    assert (answer["dispatched"], answer["reason"], answer["dispatch"]) == (False, MISSING, None)
    await leave(api, run["task_ids"][0])
    assert (await api.dispatch(run["id"]))["task_id"] == run["task_ids"][1]


@pytest.mark.parametrize(
    ("required", "kind", "name", "is_enough"),
    [
        ({"type": "text"}, "text", "any name", True),
        ({"type": "text", "name": "plan.md"}, "text", "plan.md", True),
        ({"type": "text", "name": "plan.md"}, "text", "PLAN.md", False),
        ({"type": "text", "name": "plan.md"}, "diff", "plan.md", False),
        ({"type": "commit"}, "text", "plan.md", False),
        ({"type": "commit"}, "commit", "plan.md", True),
    ],
)
async def test_type_and_name_must_fit(api, required, kind, name, is_enough):
    """The name only where one is asked for."""
    run = await planned(api, build(required))
    await leave(api, run["task_ids"][0], kind, name)
    assert (await api.dispatch(run["id"]))["dispatched"] is is_enough


async def test_all_of_them_must_be_there(api):
    """One missing is enough to wait, and is the only one that is told."""
    run = await planned(api, build({"type": "text"}, {"type": "diff", "name": "fix"}))
    await leave(api, run["task_ids"][0])
    assert (await api.dispatch(run["id"]))["reason"] == MISSING
    told = (await api.events(run["id"]))[-1]
    assert (told["type"], told["payload"]) == (BLOCKED, {"step_id": "build", "missing": ["plan: diff fix"]})


async def test_what_another_step_left_does_not_count(api):
    """Neither of a step beside it, nor of its own earlier attempt."""
    run = await planned(api, build({"type": "text"}), {"step_id": "other"})
    _, task_id, other = run["task_ids"]
    await api.post(f"/tasks/{other}/dispatch")
    await leave(api, other)
    assert (await api.post(f"/tasks/{task_id}/dispatch", status=409))["code"] == (
        "required_handoff_artifacts_missing"
    )


async def test_what_an_old_attempt_left_does_not_count(api):
    """The step failed and ran again: only what its latest attempt produced is there."""
    run = await api.start_run({"step_id": "plan"}, build({"type": "text"}))
    plan, _ = run["task_ids"]
    await api.dispatch(run["id"])
    await leave(api, plan)
    await api.report(plan, 1, "failed")
    await api.rerun(run["id"], step_ids=["plan"])
    await api.report(plan, 2, "success")
    assert (await api.dispatch(run["id"]))["reason"] == MISSING
    await leave(api, plan)
    assert (await api.dispatch(run["id"]))["dispatched"]


async def test_what_is_missing_is_told_once_for_an_attempt(api):
    """However often a client polls, one event is written, and the run's version stands still."""
    run = await planned(api, build({"type": "text"}))
    await api.dispatch(run["id"])
    version = (await api.get(f"/workflow-runs/{run['id']}"))["version"]
    for _ in range(3):
        await api.dispatch(run["id"])
        await api.post(f"/tasks/{run['task_ids'][1]}/dispatch", status=409)
    told = [event for event in await api.events(run["id"]) if event["type"] == BLOCKED]
    assert [(event["task_id"], event["attempt"]) for event in told] == [(run["task_ids"][1], 1)]
    assert told[0]["producer_role"] == run["tasks"][1]["role_id"]
    assert (await api.get(f"/workflow-runs/{run['id']}"))["version"] == version


async def test_a_step_that_waits_does_not_block_a_free_one_behind_it(api):
    """The free one goes, and what holds the other back is told in the same transaction."""
    run = await planned(api, build({"type": "text"}), {"step_id": "free"})
    assert (await api.dispatch(run["id"]))["task_id"] == run["task_ids"][2]
    events = await api.events(run["id"])
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    told = [event["type"] for event in events if event["type"] in {BLOCKED, "task.dispatched"}]
    assert told == ["task.dispatched", BLOCKED, "task.dispatched"]


SHARED = {"execution_mode": "shared-workspace", "lock_paths": ["src"]}
STATES = {
    "approval required": {"step_id": "gated", "requires_approval": True},
    "dependencies not satisfied": {"step_id": "late", "depends_on": ["active"]},
    MISSING: build({"type": "text"}),
    "paths locked": {"step_id": "locked", **SHARED},
}
"""A task for each reason, in the order in which one reason is told before another."""


@pytest.mark.parametrize("first", range(len(STATES) + 1))
async def test_one_reason_is_told_before_another(api, first):
    """Whatever the order of the tasks in the template; without any task that waits, none is ready."""
    waiting = list(STATES.items())[first:]
    project_id = await api.project("/projects/shop")
    steps = [{"step_id": "active", **SHARED}, *(step for _, step in reversed(waiting))]
    run = await planned(api, *steps, project_id=project_id)
    await api.post(f"/tasks/{run['task_ids'][1]}/dispatch")
    reason = waiting[0][0] if waiting else "no ready tasks"
    for _ in range(2):
        answer = await api.dispatch(run["id"])
        assert (answer["dispatched"], answer["reason"]) == (False, reason)


async def test_one_task_has_one_reason(api):
    """What a plan would say first: its dependencies, then its artifacts, then its approval."""
    run = await planned(api, build({"type": "text"}, requires_approval=True))
    assert (await api.dispatch(run["id"]))["reason"] == MISSING
    assert "task.dispatch_blocked_by_approval" not in await api.event_types(run["id"])
    await leave(api, run["task_ids"][0])
    assert (await api.dispatch(run["id"]))["reason"] == "approval required"
