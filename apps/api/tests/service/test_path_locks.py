"""Path locks: an attempt in a shared workspace has its paths to itself, from its dispatch to its end."""

from hashlib import sha256

import pytest

from multyagents_api.service.runners import SubmissionResult

pytestmark = pytest.mark.anyio

ROOT = "/projects/shop"


def shared(step_id, *paths, **more):
    return {"step_id": step_id, "execution_mode": "shared-workspace", "lock_paths": list(paths), **more}


async def start(api, *steps, **role):
    """A run in a project of its own name, with the root of all of them."""
    known = await api.get("/projects?limit=500")
    project_id = await api.project(ROOT, f"project {len(known['items']) + 1}")
    return await api.start_run(*steps, project_id=project_id, **role)


async def released(api, run):
    """What each end of an attempt gave back."""
    return [
        (event["task_id"], event["attempt"], event["payload"]["paths"])
        for event in await api.events(run["id"])
        if event["type"] == "task.locks_released"
    ]


OVERLAPPING = [
    (["src"], ["src/"]),
    (["src/a"], ["src"]),
    (["src"], ["src/a/b.py"]),
    (["docs", "src"], ["tests", "src/a"]),
    (["."], ["src"]),
]
APART = [
    (["a/b"], ["a/bc"]),
    (["a", "c"], ["b", "d"]),
]


@pytest.mark.parametrize(("held", "wanted"), OVERLAPPING)
async def test_a_path_belongs_to_one_attempt(api, held, wanted):
    """As do all paths inside of it and around it."""
    run = await start(api, shared("a", *held), shared("b", *wanted))
    assert (await api.dispatch(run["id"]))["task_id"] == run["task_ids"][0]
    answer = await api.dispatch(run["id"])
    assert (answer["dispatched"], answer["reason"]) == (False, "paths locked")


@pytest.mark.parametrize(("held", "wanted"), APART)
async def test_a_path_beside_another_is_free(api, held, wanted):
    """Also where one's name begins with the other's."""
    run = await start(api, shared("a", *held), shared("b", *wanted))
    for task_id in run["task_ids"]:
        assert (await api.dispatch(run["id"]))["task_id"] == task_id


async def test_a_step_may_lock_paths_inside_of_each_other(api):
    """They are its own."""
    run = await start(api, shared("a", "src", "src/a", "src"))
    assert (await api.dispatch(run["id"]))["dispatched"]
    await api.report(run["task_ids"][0], 1, "success")
    [(_, _, paths)] = await released(api, run)
    assert paths == [f"{ROOT}/src", f"{ROOT}/src/a"]


async def test_the_longest_path_is_locked_like_any_other(api):
    """As long as the system takes one, and nothing in it that could be packed."""
    parts = [sha256(str(number).encode()).hexdigest() for number in range(60)]
    path = "/".join(parts)[:4_000]
    run = await start(api, shared("a", path), shared("b", path))
    assert (await api.dispatch(run["id"]))["dispatched"]
    assert (await api.dispatch(run["id"]))["reason"] == "paths locked"
    await api.report(run["task_ids"][0], 1, "success")
    assert await released(api, run) == [(run["task_ids"][0], 1, [f"{ROOT}/{path}"])]


async def test_projects_that_share_a_place_share_its_locks(api):
    """A path is a place on the server, whoever names it."""
    first, second = await start(api, shared("a", "src")), await start(api, shared("a", "src/a"))
    assert (await api.dispatch(first["id"]))["dispatched"]
    assert (await api.dispatch(second["id"]))["reason"] == "paths locked"
    await api.report(first["task_ids"][0], 1, "failed")
    assert (await api.dispatch(second["id"]))["dispatched"]


async def test_projects_apart_share_nothing(api):
    """The same relative path is another place in another project."""
    first = await start(api, shared("a", "src"))
    elsewhere = await api.project("/projects/other", "elsewhere")
    second = await api.start_run(shared("a", "src"), project_id=elsewhere)
    assert (await api.dispatch(first["id"]))["dispatched"]
    assert (await api.dispatch(second["id"]))["dispatched"]


@pytest.mark.parametrize(
    "mode",
    [
        {"execution_mode": "isolated-worktree"},
        {"execution_mode": "docker-sandbox", "sandbox": {"image": "alpine"}},
        {},
    ],
)
async def test_only_shared_workspaces_lock(api, mode):
    """Whoever works elsewhere waits for nobody, and gives nothing back."""
    run = await start(api, shared("a", "src"), {"step_id": "b", **mode}, {"step_id": "c", **mode})
    for task_id in run["task_ids"]:
        assert (await api.dispatch(run["id"]))["task_id"] == task_id
        await api.report(task_id, 1, "running")
    await api.report(run["task_ids"][1], 1, "success")
    assert await released(api, run) == []


async def test_a_locked_task_does_not_block_a_free_one_behind_it(api):
    """The first one that may go goes; when the path is free, the locked one is the first again."""
    run = await start(api, shared("a", "src"), shared("b", "src"), shared("c", "docs"))
    first, locked, free = run["task_ids"]
    assert (await api.dispatch(run["id"]))["task_id"] == first
    assert (await api.dispatch(run["id"]))["task_id"] == free
    await api.report(first, 1, "success")
    assert (await api.dispatch(run["id"]))["task_id"] == locked


async def test_all_paths_or_none(api):
    """A task that waits for one of its paths keeps nobody from the others."""
    run = await start(api, shared("a", "src"), shared("b", "docs", "src"), shared("c", "docs"))
    first, _, third = run["task_ids"]
    assert (await api.dispatch(run["id"]))["task_id"] == first
    assert (await api.dispatch(run["id"]))["task_id"] == third


async def test_a_gated_task_waits_without_its_paths(api):
    """Until it is approved, others work there; and its approval is what it is told to wait for, locked or not."""
    run = await start(api, shared("a", "src", requires_approval=True), shared("b", "src"))
    gated, free = run["tasks"]
    assert (await api.dispatch(run["id"]))["task_id"] == free["id"]
    assert (await api.dispatch(run["id"]))["reason"] == "approval required"
    assert (await api.post(f"/tasks/{gated['id']}/dispatch", status=409))["code"] == "approval_required"
    await api.post(f"/approvals/{gated['approval_id']}/approve", {"actor": "leo"})
    assert (await api.dispatch(run["id"]))["reason"] == "paths locked"
    await api.report(free["id"], 1, "success")
    assert (await api.dispatch(run["id"]))["task_id"] == gated["id"]


async def test_missing_artifacts_take_no_paths(api):
    """Nor does a step whose dependencies did not end yet."""
    wants = {"depends_on": ["a"], "required_artifacts": [{"from_step": "a", "type": "text"}]}
    run = await start(api, shared("a", "src"), shared("b", "src", **wants), shared("c", "src"))
    first, _, third = run["task_ids"]
    await api.dispatch(run["id"])
    await api.report(first, 1, "success")
    assert (await api.dispatch(run["id"]))["task_id"] == third


@pytest.mark.parametrize("end", ["success", "failed", "canceled"])
async def test_the_end_of_an_attempt_gives_its_paths_back_once(api, end):
    """Told in the same breath, in order, as absolute paths; repeating the end tells nothing more."""
    run = await start(api, shared("a", "src", "docs/x"), shared("b", "src"))
    first, second = run["task_ids"]
    await api.dispatch(run["id"])
    for status in ("queued", "running"):
        await api.report(first, 1, status)
        assert await released(api, run) == []
        assert (await api.dispatch(run["id"]))["reason"] == "paths locked"
    await api.report(first, 1, end)
    assert await released(api, run) == [(first, 1, [f"{ROOT}/docs/x", f"{ROOT}/src"])]
    ended, told = (await api.events(run["id"]))[-2:]
    assert (ended["type"], ended["payload"]["status"]) == ("task.runner_status_updated", end)
    assert (told["producer_role"], told["payload"]["step_id"]) == (run["tasks"][0]["role_id"], "a")
    await api.report(first, 1, end)
    assert len(await released(api, run)) == 1
    assert (await api.dispatch(run["id"]))["task_id"] == second


async def test_a_refused_submission_gives_its_paths_back(api, runner):
    """Nobody works there; the next attempt takes them anew."""
    run = await start(api, shared("a", "src"), shared("b", "src"))
    first, second = run["task_ids"]
    runner.accepts = False
    await api.dispatch(run["id"])
    assert await released(api, run) == [(first, 1, [f"{ROOT}/src"])]
    runner.accepts = True
    await api.post(f"/tasks/{second}/dispatch")
    assert (await api.dispatch(run["id"]))["reason"] == "paths locked"
    await api.report(second, 1, "success")
    assert (await api.dispatch(run["id"]))["attempt"] == 2


async def test_an_attempt_that_is_to_be_stopped_keeps_its_paths(api):
    """It works on until the runner tells its end, whichever that is."""
    run = await start(api, shared("a", "src"), shared("b", "src"))
    first, second = run["task_ids"]
    await api.dispatch(run["id"])
    await api.post(f"/tasks/{first}/cancel")
    assert (await api.dispatch(run["id"]))["reason"] == "paths locked"
    assert await released(api, run) == []
    await api.report(first, 1, "success")
    assert len(await released(api, run)) == 1
    assert (await api.dispatch(run["id"]))["task_id"] == second


async def test_an_aborted_run_gives_its_paths_back_as_its_attempts_end(api):
    """Others wait for the real end; what was only waiting held nothing."""
    run, other = await start(api, shared("a", "src"), shared("b", "docs")), await start(api, shared("a", "."))
    await api.dispatch(run["id"])
    await api.post(f"/workflow-runs/{run['id']}/abort")
    assert (await api.dispatch(other["id"]))["reason"] == "paths locked"
    await api.report(run["task_ids"][0], 1, "canceled")
    assert await released(api, run) == [(run["task_ids"][0], 1, [f"{ROOT}/src"])]
    assert (await api.dispatch(other["id"]))["dispatched"]


async def test_a_cancel_before_a_refused_submission_gives_the_paths_back(api, runner):
    """Nobody will report on that attempt any more."""
    run, other = await start(api, shared("a", "src")), await start(api, shared("a", "src"))
    [task_id] = run["task_ids"]

    async def cancel_then_refuse(_submission):
        runner.submit = submit
        await api.post(f"/tasks/{task_id}/cancel")
        assert await released(api, run) == []
        return SubmissionResult(accepted=False)

    submit, runner.submit = runner.submit, cancel_then_refuse
    await api.dispatch(run["id"])
    assert (await api.get(f"/tasks/{task_id}"))["status"] == "canceled"
    assert await released(api, run) == [(task_id, 1, [f"{ROOT}/src"])]
    assert (await api.dispatch(other["id"]))["dispatched"]


async def test_an_end_before_the_answer_to_the_submission_gives_the_paths_back_once(api, runner):
    """The callback wins, and the late answer finds nothing to give back."""
    run = await start(api, shared("a", "src"))
    [task_id] = run["task_ids"]

    async def report_then_refuse(_submission):
        await api.report(task_id, 1, "failed")
        return SubmissionResult(accepted=False)

    runner.submit = report_then_refuse
    await api.dispatch(run["id"])
    assert len(await released(api, run)) == 1


async def test_a_retry_takes_its_paths_anew(api):
    """Between two attempts they are anybody's."""
    policy = {"max_retries": 2, "retry_on": ["flaky"]}
    run = await start(api, shared("a", "src"), shared("b", "src"), retry_policy=policy)
    first, second = run["task_ids"]
    await api.dispatch(run["id"])
    assert (await api.report(first, 1, "failed", failure_category="flaky"))["status"] == "created"
    await api.post(f"/tasks/{second}/dispatch")
    assert (await api.post(f"/tasks/{first}/dispatch", status=409))["code"] == "paths_locked"
    await api.report(second, 1, "success")
    assert (await api.dispatch(run["id"]))["attempt"] == 2
    await api.report(first, 2, "success")
    assert [(task_id, attempt) for task_id, attempt, _ in await released(api, run)] == [
        (first, 1),
        (second, 1),
        (first, 2),
    ]


async def test_a_rerun_takes_its_paths_anew(api):
    """Two tasks in one place, both reset: the dispatches that follow let one of them go."""
    run = await start(api, shared("a", "src"), shared("b", "src"))
    for _ in range(2):
        await api.fail_next(run["id"])
    answer = await api.rerun(run["id"], step_ids=["a", "b"])
    assert [(spawned["step_id"], spawned["attempt"]) for spawned in answer["dispatched"]] == [("a", 2)]
    assert answer["reason"] == "paths locked"


async def test_tasks_made_by_themselves_lock_as_well(api):
    """In the run that takes them up."""
    project_id = await api.project(ROOT)
    role = await api.post("/roles", {"name": "dev"})
    more = {"role_id": role["id"], "title": "Do it", "project_id": project_id}
    tasks = [await api.post("/tasks", {**shared(step, "src"), **more}) for step in ("a", "b")]
    run = await api.post("/workflow-runs", {"task_ids": [task["id"] for task in tasks]})
    assert (await api.dispatch(run["id"]))["dispatched"]
    assert (await api.dispatch(run["id"]))["reason"] == "paths locked"
    summary = await api.get(f"/workflow-runs/{run['id']}/execution-summary")
    assert "paths-locked" in str(summary)


async def test_locks_are_kept_by_the_store(database, connect, api):
    """A path that one process let an attempt have is nobody's in another process."""
    first, second = await start(api, shared("a", "src")), await start(api, shared("a", "src"))
    await api.dispatch(first["id"])
    async with connect(database) as (elsewhere, _):
        assert (await elsewhere.dispatch(second["id"]))["reason"] == "paths locked"
        await elsewhere.report(first["task_ids"][0], 1, "success")
    assert (await api.dispatch(second["id"]))["dispatched"]
