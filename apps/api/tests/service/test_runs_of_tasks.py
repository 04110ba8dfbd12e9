"""Tasks that are made by themselves, and the runs that take them up."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.anyio


async def make(api, *steps: dict[str, object], **more: object) -> list[dict]:
    """A task for each step, of one role."""
    known = await api.get("/roles?limit=500")
    role = await api.post("/roles", {"name": f"role {len(known['items']) + 1}"})
    whole = [{"role_id": role["id"], "title": "Do it", **step, **more} for step in steps]
    return [await api.post("/tasks", body) for body in whole]


async def refused(api, body: dict, *, code: str = "invalid_selection", place: str | None = None) -> None:
    before = await api.get("/workflow-runs")
    problem = await api.post("/workflow-runs", body, status=409 if code == "task_taken" else 422)
    assert problem["code"] == code
    if place is not None:
        assert problem["errors"][0]["place"] == place
    assert await api.get("/workflow-runs") == before


async def test_a_task_by_itself_waits_for_a_run(api):
    """It is created, belongs to no run, and tells nothing."""
    [task] = await make(api, {"step_id": "a", "prompt": "Go on.", "requires_approval": True})
    assert (task["run_id"], task["project_id"], task["status"], task["attempt"]) == (None, None, "created", 0)
    assert (task["approval_id"], task["reason"], task["execution_mode"]) == (None, None, "no-workspace")
    assert await api.get(f"/tasks/{task['id']}") == task
    assert (await api.get("/events"))["items"] == []
    assert (await api.get("/workflow-runs"))["items"] == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/tasks/1/cancel", None),
        ("GET", "/tasks/1/approval", None),
        ("GET", "/tasks/1/audit", None),
        ("POST", "/runner/tasks/1/status", {"attempt": 1, "status": "success"}),
        ("POST", "/runner/tasks/1/status", {"attempt": 1, "status": "failed", "idempotency_key": "k"}),
    ],
)
async def test_nothing_else_is_done_with_a_task_of_no_run(api, method, path, body):
    """Every other operation says so, and changes nothing."""
    [task] = await make(api, {"step_id": "a", "requires_approval": True})
    assert task["id"] == "1"
    response = await api.http.request(method, path, json=body)
    assert (response.status_code, response.json()["code"]) == (409, "not_in_run")
    assert await api.get("/tasks/1") == task


async def test_a_run_takes_tasks_up_in_the_given_order(api, runner):
    """It begins as one of a template does: the same events and approvals, and the same way to its end."""
    late, early = await make(
        api,
        {"step_id": "late", "depends_on": ["early"], "requires_approval": True, "prompt": "Then this."},
        {"step_id": "early", "prompt": "First this."},
    )
    body = {"task_ids": [late["id"], early["id"]], "initiated_by": "mia"}
    run = await api.post("/workflow-runs", body)
    assert (run["workflow_template_id"], run["initiated_by"], run["status"]) == (None, "mia", "created")
    assert run["task_ids"] == [late["id"], early["id"]]
    assert await api.get(f"/workflow-runs/{run['id']}") == run
    [listed] = (await api.get("/workflow-runs"))["items"]
    assert listed["workflow_template_id"] is None
    taken = run["tasks"][0]
    assert taken == {
        **late,
        "run_id": run["id"],
        "approval_id": taken["approval_id"],
        "updated_at": taken["updated_at"],
    }
    events = await api.events(run["id"])
    types = ["workflow_run.created", "task.created", "task.created", "approval.pending"]
    assert [event["type"] for event in events] == types
    assert [event["sequence"] for event in events] == [1, 2, 3, 4]
    assert [event["task_id"] for event in events] == [None, late["id"], early["id"], late["id"]]
    assert events[0]["payload"] == {"task_ids": [late["id"], early["id"]]}
    assert (await api.dispatch(run["id"]))["task_id"] == early["id"]
    await api.report(early["id"], 1, "success")
    assert (await api.dispatch(run["id"]))["reason"] == "approval required"
    await api.post(f"/approvals/{taken['approval_id']}/approve", {"actor": "leo"})
    assert (await api.dispatch(run["id"]))["task_id"] == late["id"]
    await api.report(late["id"], 1, "success")
    assert (await api.get(f"/workflow-runs/{run['id']}"))["status"] == "success"
    assert [submission.prompt for submission in runner.submitted] == ["First this.", "Then this."]
    assert len((await api.get(f"/tasks/{late['id']}/audit"))["items"]) == 1


async def test_the_order_asked_for_decides_about_the_order_of_dispatch(api):
    """Whatever the order in which the tasks were made."""
    first, second, third = [task["id"] for task in await make(api, *({"step_id": s} for s in "abc"))]
    run = await api.post("/workflow-runs", {"task_ids": [third, first, second]})
    assert [(await api.dispatch(run["id"]))["task_id"] for _ in range(3)] == [third, first, second]


async def test_a_task_belongs_to_one_run(api):
    """Taken by a run of tasks or made by a template, it is refused to another, which is not created."""
    first, second = [task["id"] for task in await make(api, {"step_id": "a"}, {"step_id": "b"})]
    await api.post("/workflow-runs", {"task_ids": [first]})
    await refused(api, {"task_ids": [second, first]}, code="task_taken")
    assert (await api.get(f"/tasks/{second}"))["run_id"] is None
    of_template = await api.start_run({"step_id": "x"})
    await refused(api, {"task_ids": of_template["task_ids"]}, code="task_taken")
    await api.post("/workflow-runs", {"task_ids": [second]})


async def test_a_selection_that_can_not_run_is_told_with_its_place(api):
    """Named twice, unknown, impossible, left out, a step_id used twice, a circle."""
    tasks = await make(
        api,
        {"step_id": "a"},
        {"step_id": "b", "depends_on": ["a"]},
        {"step_id": "a"},
        {"step_id": "x", "depends_on": ["y"]},
        {"step_id": "y", "depends_on": ["x"]},
    )
    a, b, again, x, y = [task["id"] for task in tasks]
    await refused(api, {"task_ids": [a, b, a]}, place="body/task_ids/2")
    await refused(api, {"task_ids": [a, "99"]}, place="body/task_ids/1")
    await refused(api, {"task_ids": ["nope"]}, place="body/task_ids/0")
    await refused(api, {"task_ids": ["01"]}, place="body/task_ids/0")
    await refused(api, {"task_ids": [b]}, place="body/task_ids/0")
    await refused(api, {"task_ids": [a, again]}, place="body/task_ids/1")
    await refused(api, {"task_ids": [x, y]}, place="body/task_ids")
    for task in tasks:
        assert await api.get(f"/tasks/{task['id']}") == task


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"initiated_by": "mia"},
        {"workflow_template_id": None},
        {"workflow_template_id": "1", "task_ids": ["1"]},
        {"task_ids": []},
        {"task_ids": None},
        {"task_ids": [1]},
        {"task_ids": [True]},
        {"task_ids": "1"},
        {"task_ids": {"1": "1"}},
        {"task_ids": ["1"] * 101},
        {"task_ids": ["1" * 41]},
        {"task_ids": ["1"], "overrides": {"a": {"title": "A"}}},
    ],
)
async def test_a_run_is_of_a_template_or_of_tasks(api, body):
    """One of both, and overrides only for the steps of a template."""
    await make(api, {"step_id": "a"})
    await refused(api, body, code="invalid_request")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path.resolve()


async def test_a_task_by_itself_is_checked_like_a_step(api, root):
    """Its role, its project, its wishes and its lock paths, each told with its place."""
    (root / "escape").symlink_to("/etc")
    project = await api.post("/projects", {"name": "p", "root_path": str(root)})
    role = await api.post("/roles", {"name": "dev"})
    shared = {"execution_mode": "shared-workspace", "project_id": project["id"]}
    step = {"step_id": "a", "role_id": role["id"], "title": "A"}
    for wishes, code, place in (
        ({"role_id": "99"}, "invalid_task", "body/role_id"),
        ({"role_id": "nobody"}, "invalid_task", "body/role_id"),
        ({"project_id": "99"}, "invalid_task", "body/project_id"),
        ({"project_id": "none"}, "invalid_task", "body/project_id"),
        ({"depends_on": ["a"]}, "invalid_task", "body/depends_on/0"),
        ({"depends_on": ["b", "b"]}, "invalid_task", "body/depends_on/1"),
        ({"execution_mode": "isolated-worktree"}, "invalid_task", "body/execution_mode"),
        (shared, "invalid_task", "body/lock_paths"),
        ({**shared, "lock_paths": ["x", "escape"]}, "invalid_path", "body/lock_paths/1"),
    ):
        problem = await api.post("/tasks", {**step, **wishes}, status=422)
        assert (problem["code"], problem["errors"][0]["place"]) == (code, place)
    created = await api.post("/tasks", {**step, **shared, "lock_paths": ["x"]})
    assert (created["id"], created["lock_paths"]) == ("1", [f"{root}/x"])
    assert created["project_id"] == project["id"]


async def test_a_run_of_tasks_is_paused_aborted_and_rerun_like_any_other(api):
    """Operators and partial reruns don't ask where a run comes from."""
    task_ids = [task["id"] for task in await make(api, {"step_id": "a"}, {"step_id": "b"})]
    run = await api.post("/workflow-runs", {"task_ids": task_ids})
    paused = await api.post(f"/workflow-runs/{run['id']}/pause")
    assert (paused["status"], paused["workflow_template_id"]) == ("paused", None)
    await api.post(f"/workflow-runs/{run['id']}/resume")
    failed = await api.fail_next(run["id"])
    answer = await api.rerun(run["id"], task_ids=[failed])
    assert answer["reset_task_ids"] == [failed]
    assert (await api.post(f"/workflow-runs/{run['id']}/abort"))["status"] == "aborted"
