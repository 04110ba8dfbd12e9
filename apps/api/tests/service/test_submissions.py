"""What a runner is handed: all that the step, its role and its project say, as it stands at the dispatch."""

from dataclasses import replace

import pytest

from multyagents_api.bootstrap import AuthKind, Settings, create_app
from multyagents_api.domain.workspaces import NO_WORKSPACE, ExecutionMode, Sandbox, Workspace
from multyagents_api.service.runners import Submission

pytestmark = pytest.mark.anyio

ROOT = "/projects/shop"
COMMAND = ["make", "", "ä b"]
SHARED = {"execution_mode": "shared-workspace", "lock_paths": ["src", "docs/ä"], "command": COMMAND}
MODES = {
    "shared": (SHARED, Workspace(ExecutionMode.SHARED_WORKSPACE, (f"{ROOT}/src", f"{ROOT}/docs/ä"))),
    "isolated": ({"execution_mode": "isolated-worktree"}, Workspace(ExecutionMode.ISOLATED_WORKTREE)),
    "sandbox": (
        {"execution_mode": "docker-sandbox", "sandbox": {"image": "alpine:3", "command": ["sh", "-c", ""]}},
        Workspace(ExecutionMode.DOCKER_SANDBOX, (), Sandbox("alpine:3", ("sh", "-c", ""))),
    ),
    "nowhere": ({}, NO_WORKSPACE),
}


class DyingRunner:
    """A runner whose process takes the service down with it, in mid-submission."""

    async def submit(self, submission):
        raise KeyboardInterrupt

    async def cancel(self, task_id, attempt):
        raise NotImplementedError


async def whole_run(api, mode):
    """A run of one step that says something everywhere, and the submission that it makes."""
    body, workspace = MODES[mode]
    packs = [
        await api.post("/skill-packs", {"name": name, "skills": skills})
        for name, skills in (("web", ["html", "css ü"]), ("empty", []), ("ops", ["html", "bash"]))
    ]
    run = await api.start_run(
        {
            "step_id": "build",
            "title": "Build it",
            "prompt": "Well.\n日本語 🎉",
            "quality_gates": ["tests", "lint"],
            "context7": "force_on",
            "timeout_s": 60,
            **body,
        },
        project_id=await api.project(ROOT),
        system_prompt="You build.",
        allowed_tools=["git", "make"],
        skill_packs=[pack["id"] for pack in packs],
    )
    [task] = run["tasks"]
    submission = Submission(
        run_id=int(run["id"]),
        task_id=int(task["id"]),
        attempt=1,
        step_id="build",
        role_id=int(task["role_id"]),
        title="Build it",
        prompt="Well.\n日本語 🎉",
        context7_enabled=True,
        role_name="role 1",
        system_prompt="You build.",
        allowed_tools=("git", "make"),
        skills=("html", "css ü", "bash"),
        quality_gates=("tests", "lint"),
        workspace=workspace,
        project_root=ROOT,
        command=body.get("command") and tuple(body["command"]),
        timeout_s=60,
    )
    return run, submission


@pytest.mark.parametrize("mode", MODES)
async def test_the_runner_gets_all_of_it(api, runner, mode):
    """Role, skills, gates, workspace and project beside the step itself."""
    run, submission = await whole_run(api, mode)
    await api.dispatch(run["id"])
    assert runner.submitted == [submission]


@pytest.mark.parametrize("mode", MODES)
async def test_what_a_dead_process_left_is_delivered_whole(api, database, runner, mode):
    """The outbox gives back what it got, to the last word, from another process."""
    _, submission = await whole_run(api, mode)
    dying = create_app(Settings(database, auth=AuthKind.OFF), runner=DyingRunner())
    with pytest.raises(KeyboardInterrupt):
        await dying.state.services.dispatching.dispatch_task(submission.task_id)
    await dying.state.services.storage.aclose()
    restarted = create_app(Settings(database, auth=AuthKind.OFF), runner=runner)
    assert await restarted.state.services.outbox.deliver_overdue() == 1
    await restarted.state.services.storage.aclose()
    assert runner.submitted == [submission]
    assert (await api.get(f"/tasks/{submission.task_id}"))["status"] == "queued"


async def test_a_step_that_says_little_is_handed_over_as_such(api, database, runner):
    """What nobody described is empty, before and after the outbox."""
    run = await api.start_run({"step_id": "a"})
    [task] = run["tasks"]
    dying = create_app(Settings(database, auth=AuthKind.OFF), runner=DyingRunner())
    with pytest.raises(KeyboardInterrupt):
        await dying.state.services.dispatching.dispatch_ready(int(run["id"]))
    await dying.state.services.storage.aclose()
    restarted = create_app(Settings(database, auth=AuthKind.OFF), runner=runner)
    await restarted.state.services.outbox.deliver_overdue()
    await restarted.state.services.storage.aclose()
    bare = Submission(
        run_id=int(run["id"]),
        task_id=int(task["id"]),
        attempt=1,
        step_id="a",
        role_id=int(task["role_id"]),
        title="Do it",
        prompt="",
        context7_enabled=False,
        role_name="role 1",
    )
    assert runner.submitted == [bare]


async def test_the_role_counts_as_it_stands_at_the_dispatch(api, runner):
    """Described anew in between, it is the new one; an attempt under way keeps what it was given."""
    run, submission = await whole_run(api, "nowhere")
    pack = await api.post("/skill-packs", {"name": "new", "skills": ["sql"]})
    changed = {
        "name": "builder",
        "system_prompt": "Build!",
        "allowed_tools": [],
        "skill_packs": [pack["id"]],
    }
    response = await api.http.put(f"/roles/{submission.role_id}", json=changed)
    assert response.status_code == 200
    await api.dispatch(run["id"])
    assert runner.submitted == [
        replace(submission, role_name="builder", system_prompt="Build!", allowed_tools=(), skills=("sql",))
    ]


async def test_every_attempt_is_handed_over_under_its_number(api, runner):
    """Otherwise it is the same work."""
    run, submission = await whole_run(api, "shared")
    await api.fail_next(run["id"])
    await api.rerun(run["id"], step_ids=["build"])
    assert runner.submitted == [submission, replace(submission, attempt=2)]
