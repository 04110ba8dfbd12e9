"""Workflow templates: checked with the project that they work in, replaced and deleted as a whole."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.anyio

BOX = {"image": "python:3.12", "command": ["make", "", "test"]}


@pytest.fixture
async def role(api) -> str:
    return (await api.post("/roles", {"name": "dev"}))["id"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    real = tmp_path.resolve() / "app"
    (real / "src").mkdir(parents=True)
    return real


@pytest.fixture
async def project(api, root) -> str:
    """A project that allows its sources and its documents."""
    body = {"name": "app", "root_path": str(root), "allowed_paths": ["src", "docs"]}
    return (await api.post("/projects", body))["id"]


def step(role: str, step_id: str = "a", **more: object) -> dict[str, object]:
    return {"step_id": step_id, "role_id": role, "title": step_id, **more}


async def refused(api, body: dict, *, code: str, place: str) -> None:
    problem = await api.post("/workflow-templates", {"name": "t", **body}, status=422)
    assert (problem["code"], problem["errors"][0]["place"]) == (code, place)
    assert (await api.get("/workflow-templates"))["items"] == []


async def test_a_template_comes_back_as_it_is_stored(api, role, project, root):
    """With every wish of its steps, and its lock paths absolute and each once."""
    required = [
        {"from_step": "a", "type": "diff", "name": "patch"},
        {"from_step": "a", "type": "report", "name": None},
    ]
    locks = ["src/x", f"{root}/docs", "src//x/"]
    wishes = [
        step(role, "a", execution_mode="shared-workspace", lock_paths=locks),
        step(
            role,
            "b",
            depends_on=["a"],
            execution_mode="isolated-worktree",
            required_artifacts=required,
            command=["make", ""],
            timeout_s=1,
        ),
        step(role, "c", execution_mode="docker-sandbox", sandbox=BOX, quality_gates=["lint", "tests"]),
        step(role, "d"),
    ]
    created = await api.post("/workflow-templates", {"name": "t", "project_id": project, "steps": wishes})
    first, second, third, last = created["steps"]
    assert created["project_id"] == project
    assert first["lock_paths"] == [f"{root}/src/x", f"{root}/docs"]
    assert second["required_artifacts"] == required
    assert (second["command"], second["timeout_s"]) == (["make", ""], 1)
    assert (third["command"], third["timeout_s"]) == (None, None)
    assert (third["sandbox"], third["quality_gates"]) == (BOX, ["lint", "tests"])
    assert (last["execution_mode"], last["lock_paths"], last["sandbox"]) == ("no-workspace", [], None)
    assert (last["required_artifacts"], last["quality_gates"]) == ([], [])
    assert await api.get(f"/workflow-templates/{created['id']}") == created


async def test_a_run_hands_its_tasks_what_the_template_says(api, role, project, root):
    """Tasks show their project and all wishes of their steps."""
    steps = [
        step(role, "a", execution_mode="shared-workspace", lock_paths=["src"]),
        step(
            role,
            "b",
            depends_on=["a"],
            execution_mode="docker-sandbox",
            sandbox=BOX,
            required_artifacts=[{"from_step": "a", "type": "diff"}],
            quality_gates=["tests"],
        ),
    ]
    body = {"name": "t", "project_id": project, "steps": steps}
    template = await api.post("/workflow-templates", body)
    run = await api.post("/workflow-runs", {"workflow_template_id": template["id"]})
    wishes = ("execution_mode", "lock_paths", "sandbox", "required_artifacts", "quality_gates")
    for task, of_template in zip(run["tasks"], template["steps"], strict=True):
        assert {name: task[name] for name in wishes} == {name: of_template[name] for name in wishes}
        assert task["project_id"] == project
        assert await api.get(f"/tasks/{task['id']}") == task
    assert (await api.get(f"/workflow-runs/{run['id']}"))["tasks"] == run["tasks"]


async def test_an_unknown_project_is_told_with_its_place(api, role):
    """Unknown or impossible alike."""
    for project_id in ("7", "nope", ""):
        body = {"project_id": project_id, "steps": [step(role)]}
        await refused(api, body, code="invalid_template", place="body/project_id")


@pytest.mark.parametrize(
    ("wishes", "field"),
    [
        ({"execution_mode": "shared-workspace"}, "lock_paths"),
        ({"execution_mode": "isolated-worktree", "lock_paths": ["src"]}, "lock_paths"),
        ({"lock_paths": ["src"]}, "lock_paths"),
        ({"execution_mode": "docker-sandbox"}, "sandbox"),
        ({"sandbox": BOX}, "sandbox"),
        ({"required_artifacts": [{"from_step": "b", "type": "diff"}]}, "required_artifacts/0/from_step"),
        ({"quality_gates": ["lint", "lint"]}, "quality_gates/1"),
    ],
)
async def test_wishes_that_do_not_fit_are_told_with_their_place(api, role, project, wishes, field):
    """The second step is wrong, and nothing is stored."""
    steps = [step(role, "b"), step(role, "a", **wishes)]
    body = {"project_id": project, "steps": steps}
    await refused(api, body, code="invalid_template", place=f"body/steps/1/{field}")


@pytest.mark.parametrize(
    "wishes",
    [
        {"execution_mode": "shared-workspace", "lock_paths": ["src"]},
        {"execution_mode": "isolated-worktree"},
        {"execution_mode": "docker-sandbox", "sandbox": BOX},
    ],
)
async def test_work_on_files_needs_a_project(api, role, wishes):
    """Without one there is no place to work in."""
    body = {"steps": [step(role, **wishes)]}
    await refused(api, body, code="invalid_template", place="body/steps/0/execution_mode")


async def test_locks_stay_within_what_the_project_allows(api, role, project, root):
    """After following symlinks: neither beside the allowed paths, nor out of the root, nor in a circle."""
    (root / "src" / "escape").symlink_to("/etc")
    (root / "src" / "beside").symlink_to("../build")
    (root / "src" / "circle").symlink_to("circle")
    (root / "into").symlink_to("src")
    astray = (".", "build", "srcs", str(root), "/", "src/escape", "src/beside", "src/circle/x", "src/../src")
    for path in astray:
        wishes = {"execution_mode": "shared-workspace", "lock_paths": ["src", path]}
        body = {"project_id": project, "steps": [step(role), step(role, "b", **wishes)]}
        await refused(api, body, code="invalid_path", place="body/steps/1/lock_paths/1")
    wishes = {"execution_mode": "shared-workspace", "lock_paths": ["into/x"]}
    body = {"name": "t", "project_id": project, "steps": [step(role, **wishes)]}
    created = await api.post("/workflow-templates", body)
    assert created["steps"][0]["lock_paths"] == [f"{root}/src/x"]


async def test_a_template_is_replaced_as_a_whole_and_its_runs_stay(api, role):
    """A run keeps what its tasks were made from; the next one is made from what the template says then."""
    body = {"name": "t", "steps": [step(role, "a", prompt="old"), step(role, "b")]}
    template = await api.post("/workflow-templates", body)
    path = f"/workflow-templates/{template['id']}"
    before = await api.post("/workflow-runs", {"workflow_template_id": template["id"]})
    replaced = await api.put(path, {"name": "u", "steps": [step(role, "c")]})
    assert (replaced["name"], [kept["step_id"] for kept in replaced["steps"]]) == ("u", ["c"])
    assert (replaced["id"], replaced["created_at"]) == (template["id"], template["created_at"])
    assert await api.get(path) == replaced
    assert await api.get(f"/workflow-runs/{before['id']}") == before
    after = await api.post("/workflow-runs", {"workflow_template_id": template["id"]})
    assert [task["step_id"] for task in after["tasks"]] == ["c"]


async def test_a_bad_replacement_changes_nothing(api, role):
    """It is checked as a new template is; what does not exist is not found, before anything else."""
    template = await api.post("/workflow-templates", {"name": "t", "steps": [step(role)]})
    path = f"/workflow-templates/{template['id']}"
    bad = {"name": "u", "steps": [step(role, depends_on=["z"])]}
    assert (await api.put(path, bad, status=422))["code"] == "invalid_template"
    assert await api.get(path) == template
    assert (await api.put("/workflow-templates/99", bad, status=404))["code"] == "not_found"


async def test_a_template_with_runs_stays(api, role):
    """Without any it goes, and its id is never given out again."""
    ids = []
    for _ in range(2):
        created = await api.post("/workflow-templates", {"name": "t", "steps": [step(role)]})
        ids.append(created["id"])
    await api.post("/workflow-runs", {"workflow_template_id": ids[0]})
    assert (await api.delete(f"/workflow-templates/{ids[0]}", status=409))["code"] == "in_use"
    await api.delete(f"/workflow-templates/{ids[1]}")
    await api.delete(f"/workflow-templates/{ids[1]}", status=404)
    await api.post("/workflow-runs", {"workflow_template_id": ids[1]}, status=404)
    third = await api.post("/workflow-templates", {"name": "t", "steps": [step(role)]})
    assert int(third["id"]) > int(ids[1])


async def test_locks_that_a_project_no_longer_allows_start_no_run(api, role, project, root):
    """A project that was narrowed holds for work that begins afterwards; what was taken up before goes on."""
    wishes = {"execution_mode": "shared-workspace", "lock_paths": ["docs"]}
    body = {"name": "t", "project_id": project, "steps": [step(role, **wishes)]}
    template = await api.post("/workflow-templates", body)
    task = await api.post("/tasks", {**step(role, **wishes), "project_id": project})
    run = await api.post("/workflow-runs", {"workflow_template_id": template["id"]})
    narrowed = {"name": "app", "root_path": str(root), "allowed_paths": ["src"]}
    await api.put(f"/projects/{project}", narrowed)
    for wanted, place in (
        ({"workflow_template_id": template["id"]}, "body/workflow_template_id"),
        ({"task_ids": [task["id"]]}, "body/task_ids/0"),
    ):
        problem = await api.post("/workflow-runs", wanted, status=422)
        assert (problem["code"], problem["errors"][0]["place"]) == ("invalid_path", place)
    assert (await api.dispatch(run["id"]))["dispatched"] is True
