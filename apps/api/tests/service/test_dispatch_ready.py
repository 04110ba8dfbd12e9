"""Dispatch: the first task that may go now, once."""

import pytest

from multyagents_api.service.runners import SubmissionResult

pytestmark = pytest.mark.anyio


async def test_a_chain_is_dispatched_step_by_step(api):
    """Each step waits for the one before; the run follows from created over running to success."""
    run = await api.start_run({"step_id": "a"}, {"step_id": "b", "depends_on": ["a"]})
    assert run["status"] == "created"
    first = await api.dispatch(run["id"])
    assert (first["dispatched"], first["task_id"], first["attempt"]) == (True, run["task_ids"][0], 1)
    assert first["dispatch"]["outcome"] == "queued"
    waiting = await api.dispatch(run["id"])
    assert (waiting["dispatched"], waiting["reason"]) == (False, "dependencies not satisfied")
    assert waiting["dispatch"] is None
    await api.report(first["task_id"], 1, "success")
    second = await api.dispatch(run["id"])
    await api.report(second["task_id"], 1, "success")
    assert (await api.dispatch(run["id"]))["reason"] == "no ready tasks"
    assert (await api.get(f"/workflow-runs/{run['id']}"))["status"] == "success"


async def test_a_gated_task_does_not_block_a_free_one_behind_it(api):
    """The free task goes; alone, the gated one is answered with `approval required`."""
    run = await api.start_run({"step_id": "gated", "requires_approval": True}, {"step_id": "free"})
    assert (await api.dispatch(run["id"]))["task_id"] == run["task_ids"][1]
    answer = await api.dispatch(run["id"])
    assert (answer["dispatched"], answer["reason"]) == (False, "approval required")


async def test_a_missing_approval_outranks_missing_dependencies(api):
    """The reason with the higher precedence is the one that is told."""
    run = await api.start_run(
        {"step_id": "late", "depends_on": ["gated"]}, {"step_id": "gated", "requires_approval": True}
    )
    assert (await api.dispatch(run["id"]))["reason"] == "approval required"


async def test_running_into_an_approval_is_told_once(api):
    """However often a client polls, one event is written, and the run's version stands still."""
    run = await api.start_run({"step_id": "gated", "requires_approval": True})
    await api.dispatch(run["id"])
    version = (await api.get(f"/workflow-runs/{run['id']}"))["version"]
    await api.dispatch(run["id"])
    assert (await api.event_types(run["id"])).count("task.dispatch_blocked_by_approval") == 1
    assert (await api.get(f"/workflow-runs/{run['id']}"))["version"] == version


async def test_a_held_run_dispatches_nothing(api):
    """Paused and aborted runs answer 409, each with its own code."""
    run = await api.start_run({"step_id": "a"})
    await api.post(f"/workflow-runs/{run['id']}/pause")
    assert (await api.dispatch(run["id"], status=409))["code"] == "run_paused"
    await api.post(f"/workflow-runs/{run['id']}/abort")
    assert (await api.dispatch(run["id"], status=409))["code"] == "run_aborted"


async def test_the_runner_gets_what_the_step_says(api, runner):
    """The submission carries the step, its role, title and prompt, under its attempt."""
    run = await api.start_run({"step_id": "a", "title": "Write", "prompt": "Write it well."})
    await api.dispatch(run["id"])
    [submission] = runner.submitted
    assert (submission.step_id, submission.title, submission.prompt) == ("a", "Write", "Write it well.")
    assert (str(submission.task_id), submission.attempt) == (run["task_ids"][0], 1)


async def test_a_refused_submission_may_be_dispatched_again(api, runner):
    """The refusal ends its attempt and fails the run; the next dispatch opens the next attempt."""
    run = await api.start_run({"step_id": "a"})
    runner.accepts = False
    refused = await api.dispatch(run["id"])
    assert (refused["dispatched"], refused["reason"]) == (False, "submit failed")
    assert refused["dispatch"]["outcome"] == "submit-failed"
    stands = await api.get(f"/workflow-runs/{run['id']}")
    assert (stands["status"], stands["tasks"][0]["status"]) == ("failed", "submit-failed")
    assert stands["tasks"][0]["reason"] == "runner is full"
    runner.accepts = True
    again = await api.dispatch(run["id"])
    assert (again["dispatched"], again["attempt"]) == (True, 2)
    assert (await api.get(f"/workflow-runs/{run['id']}"))["status"] == "running"
    assert (await api.event_types(run["id"]))[-4:] == [
        "workflow_run.failed",
        "task.dispatched",
        "workflow_run.running",
        "task.runner_queued",
    ]


async def test_an_unknown_run_is_not_found(api):
    """Nothing is dispatched of what does not exist."""
    assert (await api.dispatch("77", status=404))["code"] == "not_found"


async def test_a_run_may_override_its_steps(api, runner):
    """Title, prompt and time of a step change for this run only; an approval can be added; the rest is refused."""
    first = await api.start_run({"step_id": "a", "prompt": "As usual."})
    demand = {"workflow_template_id": first["workflow_template_id"]}
    path = "/workflow-runs"
    changed = {"a": {"title": "Else", "prompt": "Otherwise.", "requires_approval": True, "timeout_s": 9}}
    run = await api.post(path, {**demand, "overrides": changed})
    assert (run["tasks"][0]["title"], run["tasks"][0]["requires_approval"]) == ("Else", True)
    assert (await api.dispatch(run["id"]))["reason"] == "approval required"
    await api.post(f"/approvals/{run['tasks'][0]['approval_id']}/approve", {"actor": "leo"})
    await api.dispatch(run["id"])
    await api.dispatch(first["id"])
    handed = [(submission.prompt, submission.timeout_s) for submission in runner.submitted]
    assert handed == [("Otherwise.", 9), ("As usual.", None)]
    refused = await api.post(path, {**demand, "overrides": {"z": {"title": "Z"}}}, status=422)
    assert refused["code"] == "unknown_step"
    for worse in ({"requires_approval": False}, {"command": ["make"]}):
        body = {**demand, "overrides": {"a": worse}}
        assert (await api.post(path, body, status=422))["code"] == "invalid_request"


async def test_secrets_in_the_answer_of_the_runner_are_left_out(api, runner):
    """Why a submission was refused is kept without them."""
    run = await api.start_run({"step_id": "a"})

    async def refuse(_submission) -> SubmissionResult:
        return SubmissionResult(accepted=False, message="401 for Authorization: Bearer hunter2")

    runner.submit = refuse
    await api.dispatch(run["id"])
    stands = await api.get(f"/workflow-runs/{run['id']}")
    assert stands["tasks"][0]["reason"] == "401 for Authorization: [redacted]"


@pytest.mark.parametrize(
    ("wanted", "resolved"),
    [
        ((True, None, None), True),
        ((False, "inherit", None), False),
        ((False, "force_on", None), True),
        ((True, "force_off", None), False),
        ((True, "force_off", "inherit"), True),
        ((True, None, "force_off"), False),
    ],
)
async def test_context7_is_resolved_at_dispatch(api, runner, wanted, resolved):
    """The role's default, unless the step or the run's override forces it; the runner gets it, the audit keeps it."""
    by_role, by_step, by_run = wanted
    step = {} if by_step is None else {"context7": by_step}
    first = await api.start_run({"step_id": "a", **step}, context7_enabled=by_role)
    template = await api.get(f"/workflow-templates/{first['workflow_template_id']}")
    assert template["steps"][0]["context7"] == (by_step or "inherit")
    demand = {"workflow_template_id": template["id"], "overrides": {"a": {"context7": by_run}}}
    run = await api.post("/workflow-runs", demand)
    assert run["tasks"][0]["context7"] == (by_run or by_step or "inherit")
    await api.dispatch(run["id"])
    assert [submission.context7_enabled for submission in runner.submitted] == [resolved]
    [attempt] = (await api.get(f"/tasks/{run['task_ids'][0]}/audit"))["items"]
    assert attempt["context7_enabled"] is resolved
