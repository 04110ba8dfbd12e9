"""Dispatch of a named task: the same checks as for the first ready one, each refused with a code of its own."""

import pytest

pytestmark = pytest.mark.anyio

PLAN = {"from_step": "plan", "type": "text", "name": "plan.md"}


async def dispatch_task(api, task_id, *, status=None):
    return await api.post(f"/tasks/{task_id}/dispatch", status=status)


async def unchanged(api, run):
    """What must be the same before and after a refusal that has nothing to tell."""
    return await api.get(f"/workflow-runs/{run['id']}"), await api.events(run["id"])


async def refused(api, run, task_id):
    """The code of a 409 that changed nothing."""
    before = await unchanged(api, run)
    code = (await dispatch_task(api, task_id, status=409))["code"]
    assert await unchanged(api, run) == before
    return code


async def test_any_ready_task_may_be_dispatched(api, runner):
    """Whatever stands before it; the answer is that of the other way to dispatch."""
    run = await api.start_run({"step_id": "a"}, {"step_id": "b"})
    [_, task_id] = run["task_ids"]
    assert await dispatch_task(api, task_id) == {
        "run_id": run["id"],
        "dispatched": True,
        "task_id": task_id,
        "attempt": 1,
        "reason": None,
        "dispatch": {
            "task_id": task_id,
            "attempt": 1,
            "step_id": "b",
            "role_id": run["tasks"][1]["role_id"],
            "outcome": "queued",
        },
    }
    assert [submission.step_id for submission in runner.submitted] == ["b"]
    stands = await api.get(f"/workflow-runs/{run['id']}")
    assert (stands["status"], [task["status"] for task in stands["tasks"]]) == (
        "running",
        ["created", "queued"],
    )
    assert (await api.event_types(run["id"]))[-3:] == [
        "task.dispatched",
        "workflow_run.running",
        "task.runner_queued",
    ]


async def test_a_refused_submission_may_be_dispatched_again(api, runner):
    """The refusal is no 409: the attempt was opened, and the next dispatch opens the next one."""
    run = await api.start_run({"step_id": "a"})
    [task_id] = run["task_ids"]
    runner.accepts = False
    answer = await dispatch_task(api, task_id)
    assert (answer["dispatched"], answer["reason"]) == (False, "submit failed")
    assert (answer["attempt"], answer["dispatch"]["outcome"]) == (1, "submit-failed")
    runner.accepts = True
    answer = await dispatch_task(api, task_id)
    assert (answer["dispatched"], answer["attempt"]) == (True, 2)


async def test_a_runner_out_of_reach_leaves_the_dispatch_pending(api, runner):
    """The task is dispatched all the same, and the outbox goes on delivering it."""
    run = await api.start_run({"step_id": "a"})

    async def unreachable(_submission):
        raise ConnectionRefusedError

    runner.submit = unreachable
    answer = await dispatch_task(api, run["task_ids"][0])
    assert (answer["dispatched"], answer["reason"], answer["dispatch"]["outcome"]) == (True, None, "pending")


async def test_a_task_of_a_paused_run_waits(api):
    """The run is told before anything about the task."""
    run = await api.start_run({"step_id": "a"}, {"step_id": "b", "depends_on": ["a"]})
    await api.post(f"/workflow-runs/{run['id']}/pause")
    assert await refused(api, run, run["task_ids"][0]) == "run_paused"
    assert await refused(api, run, run["task_ids"][1]) == "run_paused"


async def test_a_task_of_an_aborted_run_never_goes(api, runner):
    """Neither a canceled one, nor one whose submission failed and which the abort left as it was."""
    run = await api.start_run({"step_id": "a"}, {"step_id": "b"})
    runner.accepts = False
    await dispatch_task(api, run["task_ids"][0])
    await api.post(f"/workflow-runs/{run['id']}/abort")
    statuses = [task["status"] for task in (await api.get(f"/workflow-runs/{run['id']}"))["tasks"]]
    assert statuses == ["submit-failed", "canceled"]
    for task_id in run["task_ids"]:
        assert await refused(api, run, task_id) == "run_aborted"


@pytest.mark.parametrize("status", ["queued", "running", "cancel-requested"])
async def test_an_active_task_is_not_dispatched_again(api, runner, status):
    """Whatever its attempt is doing."""
    run = await api.start_run({"step_id": "a"})
    [task_id] = run["task_ids"]
    await dispatch_task(api, task_id)
    if status == "running":
        await api.report(task_id, 1, "running")
    elif status == "cancel-requested":
        await api.post(f"/tasks/{task_id}/cancel")
    assert (await api.get(f"/tasks/{task_id}"))["status"] == status
    assert await refused(api, run, task_id) == "illegal_transition"
    assert len(runner.submitted) == 1


async def test_a_dispatch_that_is_pending_is_not_dispatched_again(api, runner):
    """The outbox delivers it; a second attempt would be a second dispatch."""
    run = await api.start_run({"step_id": "a"})

    async def unreachable(_submission):
        raise ConnectionRefusedError

    runner.submit = unreachable
    await dispatch_task(api, run["task_ids"][0])
    assert await refused(api, run, run["task_ids"][0]) == "illegal_transition"


@pytest.mark.parametrize("status", ["success", "failed", "canceled"])
async def test_a_finished_task_is_not_dispatched_again(api, status):
    """Only a rerun or a retry opens another attempt."""
    run = await api.start_run({"step_id": "a"}, {"step_id": "b"})
    await dispatch_task(api, run["task_ids"][0])
    await api.report(run["task_ids"][0], 1, status)
    assert await refused(api, run, run["task_ids"][0]) == "illegal_transition"


async def test_a_task_waits_for_the_steps_that_it_depends_on(api):
    """The refusal names those that did not end well yet."""
    run = await api.start_run(
        {"step_id": "a"},
        {"step_id": "b"},
        {"step_id": "c", "depends_on": ["a", "b"], "requires_approval": True},
    )
    first, _, last = run["task_ids"]
    await dispatch_task(api, first)
    await api.report(first, 1, "success")
    assert await refused(api, run, last) == "dependencies_not_satisfied"
    answer = await dispatch_task(api, last, status=409)
    assert answer["detail"] == f"Task {last} waits for: ['b']."


async def test_a_task_waits_for_the_artifacts_that_it_requires(api):
    """The refusal names them, and one event tells it; with the artifact there, the task goes."""
    run = await api.start_run(
        {"step_id": "plan"}, {"step_id": "build", "depends_on": ["plan"], "required_artifacts": [PLAN]}
    )
    plan, build = run["task_ids"]
    await dispatch_task(api, plan)
    await api.report(plan, 1, "success")
    answer = await dispatch_task(api, build, status=409)
    assert answer["code"] == "required_handoff_artifacts_missing"
    assert answer["detail"] == f"Task {build} waits for artifacts: ['plan: text plan.md']."
    told = (await api.events(run["id"]))[-1]
    assert (told["type"], told["task_id"], told["attempt"]) == (
        "task.dispatch_blocked_missing_handoff_artifacts",
        build,
        1,
    )
    assert told["payload"] == {"step_id": "build", "missing": ["plan: text plan.md"]}
    assert await refused(api, run, build) == "required_handoff_artifacts_missing"
    await api.post("/artifacts", {"task_id": plan, "type": "text", "name": "plan.md", "content": "Do it."})
    assert (await dispatch_task(api, build))["dispatched"]


async def test_a_task_waits_for_its_approval(api):
    """One event tells it, whichever way the dispatch was asked for; approved, the task goes."""
    run = await api.start_run({"step_id": "a", "requires_approval": True})
    [task] = run["tasks"]
    assert (await dispatch_task(api, task["id"], status=409))["code"] == "approval_required"
    told = (await api.events(run["id"]))[-1]
    assert (told["type"], told["attempt"]) == ("task.dispatch_blocked_by_approval", 1)
    assert told["payload"] == {"step_id": "a", "approval_id": task["approval_id"]}
    assert await refused(api, run, task["id"]) == "approval_required"
    await api.dispatch(run["id"])
    assert (await api.event_types(run["id"])).count("task.dispatch_blocked_by_approval") == 1
    await api.post(f"/approvals/{task['approval_id']}/approve", {"actor": "leo"})
    assert (await dispatch_task(api, task["id"]))["dispatched"]


async def test_a_rejected_task_is_not_dispatched(api):
    """It is canceled by then."""
    run = await api.start_run({"step_id": "a", "requires_approval": True})
    await api.post(f"/approvals/{run['tasks'][0]['approval_id']}/reject", {"actor": "leo"})
    assert await refused(api, run, run["task_ids"][0]) == "illegal_transition"


async def test_a_task_waits_for_its_paths(api):
    """Another attempt has them; nothing is told, since nothing of the run changed."""
    shared = {"execution_mode": "shared-workspace", "lock_paths": ["src"]}
    project_id = await api.project("/projects/shop")
    run = await api.start_run({"step_id": "a", **shared}, {"step_id": "b", **shared}, project_id=project_id)
    first, second = run["task_ids"]
    await dispatch_task(api, first)
    assert await refused(api, run, second) == "paths_locked"
    await api.report(first, 1, "success")
    assert (await dispatch_task(api, second))["dispatched"]


async def test_a_task_without_a_run_is_not_dispatched(api):
    """It was made by itself, and no run took it up yet."""
    role = await api.post("/roles", {"name": "dev"})
    task = await api.post("/tasks", {"step_id": "a", "role_id": role["id"], "title": "A"})
    assert (await dispatch_task(api, task["id"], status=409))["code"] == "not_in_run"
    run = await api.post("/workflow-runs", {"task_ids": [task["id"]]})
    assert (await dispatch_task(api, task["id"]))["run_id"] == run["id"]


@pytest.mark.parametrize("task_id", ["77", "0", "no-such", "9" * 30])
async def test_an_unknown_task_is_not_found(api, task_id):
    """Whatever the id looks like."""
    assert (await dispatch_task(api, task_id, status=404))["code"] == "not_found"
