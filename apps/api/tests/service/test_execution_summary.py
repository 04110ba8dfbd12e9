"""The summary of a run: how far it is, how long it took, what holds tasks back."""

import pytest

from multyagents_api.domain.artifacts import ArtifactType, RequiredArtifact
from multyagents_api.domain.templates import Step

pytestmark = pytest.mark.anyio


async def summary_of(api, run: dict) -> dict:
    return await api.get(f"/workflow-runs/{run['id']}/execution-summary")


async def reasons(api, run: dict) -> list[str | None]:
    return [task["blocked_reason"] for task in (await summary_of(api, run))["tasks"]]


async def test_a_run_is_summed_up_from_its_beginning_to_its_end(api):
    """Counts, progress and times follow the tasks."""
    run = await api.start_run({"step_id": "a"}, {"step_id": "b", "depends_on": ["a"]})
    fresh = await summary_of(api, run)
    assert (fresh["run_id"], fresh["status"], fresh["rerun_count"]) == (run["id"], "created", 0)
    assert fresh["counts"] == {**dict.fromkeys(fresh["counts"], 0), "created": 2}
    assert fresh["progress"] == {"finished": 0, "total": 2, "percent": 0}
    assert fresh["timings"] == {
        "created_at": run["created_at"],
        "first_dispatched_at": None,
        "finished_at": None,
        "duration_s": None,
    }

    await api.fail_next(run["id"])
    failed = await summary_of(api, run)
    assert (failed["status"], failed["progress"]["percent"]) == ("failed", 50)
    await api.rerun(run["id"], step_ids=["a"])
    a, b = run["task_ids"]
    await api.report(a, 2, "success")
    half = await summary_of(api, run)
    assert (half["progress"]["finished"], half["timings"]["finished_at"]) == (1, None)
    await api.dispatch(run["id"])
    await api.report(b, 1, "success")

    done = await summary_of(api, run)
    assert (done["status"], done["rerun_count"]) == ("success", 1)
    assert done["progress"] == {"finished": 2, "total": 2, "percent": 100}
    assert done["counts"]["success"] == 2
    events = await api.events(run["id"])
    dispatched = [event["time"] for event in events if event["type"] == "task.dispatched"]
    ended = [event["time"] for event in events if event["type"] == "task.runner_status_updated"]
    assert [(task["attempts"], task["dispatched_at"], task["ended_at"]) for task in done["tasks"]] == [
        (2, dispatched[1], ended[1]),
        (1, dispatched[2], ended[2]),
    ]
    timings = done["timings"]
    assert (timings["first_dispatched_at"], timings["finished_at"]) == (dispatched[0], ended[2])
    assert timings["duration_s"] > 0
    await api.post("/events", {"run_id": run["id"], "type": "custom.late"})
    assert (await summary_of(api, run))["timings"] == timings


async def test_reasons_follow_what_happens(api):
    """A task that may go, is under way or is over has none."""
    run = await api.start_run(
        {"step_id": "a"},
        {"step_id": "b", "depends_on": ["a"], "requires_approval": True},
        {"step_id": "c", "requires_approval": True},
    )
    path = f"/workflow-runs/{run['id']}"
    assert await reasons(api, run) == [None, "dependencies-not-satisfied", "approval-required"]
    await api.post(f"/approvals/{run['tasks'][2]['approval_id']}/approve", {"actor": "leo"})
    assert await reasons(api, run) == [None, "dependencies-not-satisfied", None]
    await api.dispatch(run["id"])
    await api.report(run["task_ids"][0], 1, "success")
    assert await reasons(api, run) == [None, "approval-required", None]
    await api.post(f"{path}/pause")
    assert await reasons(api, run) == [None, "run-paused", "run-paused"]
    await api.post(f"{path}/resume")
    await api.post(f"{path}/abort")
    assert await reasons(api, run) == [None, None, None]


async def test_a_submit_failed_task_of_an_aborted_run_is_held_back_by_that(api, runner):
    """It could be dispatched again, were the run not over."""
    run = await api.start_run({"step_id": "a"}, {"step_id": "b"})
    runner.accepts = False
    await api.dispatch(run["id"])
    await api.post(f"/workflow-runs/{run['id']}/abort")
    assert await reasons(api, run) == ["run-aborted", None]


async def test_required_artifacts_are_looked_for(api, services):
    """Only those of the latest attempt count."""
    role_id = int((await api.post("/roles", {"name": "dev"}))["id"])
    wanted = RequiredArtifact("plan", ArtifactType.TEXT, "plan.md")
    steps = [
        Step("plan", role_id, "Plan", "", (), requires_approval=False),
        Step("build", role_id, "Build", "", ("plan",), requires_approval=False, required_artifacts=(wanted,)),
    ]
    async with services.storage.write() as writer:
        template = await writer.insert_template("two", steps, services.runs.clock.now())
    run = await api.post("/workflow-runs", {"workflow_template_id": str(template.id)})
    plan, _ = run["task_ids"]
    body = {"task_id": plan, "type": "text", "name": "plan.md", "content": "x"}
    await api.dispatch(run["id"])
    await api.post("/artifacts", body)
    await api.report(plan, 1, "failed")
    await api.rerun(run["id"], step_ids=["plan"])
    await api.report(plan, 2, "success")
    assert await reasons(api, run) == [None, "required-handoff-artifacts-missing"]
    await api.post("/artifacts", {**body, "name": "notes.md"})
    assert await reasons(api, run) == [None, "required-handoff-artifacts-missing"]
    await api.post("/artifacts", body)
    assert await reasons(api, run) == [None, None]
