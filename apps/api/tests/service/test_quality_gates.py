"""Quality gates: a success has passed them, and what became of them is told."""

import pytest

from multyagents_api.domain.templates import Step

pytestmark = pytest.mark.anyio


@pytest.fixture
async def gated(api, services, anyio_backend):
    """A run whose only task has two quality gates and is in its first attempt."""
    role = await api.post("/roles", {"name": "dev"})
    step = Step(
        "a", int(role["id"]), "Do it", "", (), requires_approval=False, quality_gates=("lint", "tests")
    )
    async with services.storage.write() as writer:
        template = await writer.insert_template("gated", [step], services.runs.clock.now())
    run = await api.post("/workflow-runs", {"workflow_template_id": str(template.id)})
    await api.dispatch(run["id"])
    return run


@pytest.mark.parametrize(
    ("results", "missing"),
    [
        (None, "['lint', 'tests']"),
        ({"lint": "passed"}, "['tests']"),
        ({"lint": "passed", "tests": "failed"}, "['tests']"),
    ],
)
async def test_a_success_that_passed_too_little_is_refused(api, gated, results, missing):
    """The refusal names what is missing or failed; the attempt goes on, and may still succeed or fail."""
    [task_id] = gated["task_ids"]
    before = await api.events(gated["id"])
    more = {} if results is None else {"quality_gates": results}
    refused = await api.report(task_id, 1, "success", expect=422, **more)
    assert refused["code"] == "quality_gates_not_passed"
    assert missing in refused["detail"]
    assert await api.events(gated["id"]) == before
    passed = {"tests": "passed", "lint": "passed"}
    assert (await api.report(task_id, 1, "success", quality_gates=passed))["status"] == "success"


async def test_results_are_told(api, gated):
    """With the status that they came with, also before the end; a callback without any tells none."""
    [task_id] = gated["task_ids"]
    await api.report(task_id, 1, "running", quality_gates={"lint": "passed"})
    await api.report(task_id, 1, "failed", quality_gates={"tests": "failed", "lint": "passed"})
    running, failed = [
        event["payload"]
        for event in await api.events(gated["id"])
        if event["type"] == "task.runner_status_updated"
    ]
    assert (running["quality_gates_passed"], running["quality_gates_failed"]) == (["lint"], [])
    assert (failed["quality_gates_passed"], failed["quality_gates_failed"]) == (["lint"], ["tests"])


async def test_what_passed_in_an_earlier_callback_does_not_count(api, gated):
    """A success tells all of its gates itself."""
    [task_id] = gated["task_ids"]
    await api.report(task_id, 1, "running", quality_gates={"lint": "passed", "tests": "passed"})
    assert (await api.report(task_id, 1, "success", expect=422))["code"] == "quality_gates_not_passed"


async def test_an_unknown_gate_is_refused(api, gated):
    """Whatever it comes with."""
    [task_id] = gated["task_ids"]
    for status in ("running", "failed", "success"):
        results = {"lint": "passed", "tests": "passed", "taste": "passed"}
        refused = await api.report(task_id, 1, status, expect=422, quality_gates=results)
        assert refused["code"] == "unknown_quality_gate"
    plain = await api.start_run({"step_id": "a"})
    await api.dispatch(plain["id"])
    refused = await api.report(plain["task_ids"][0], 1, "success", expect=422, quality_gates={"a": "passed"})
    assert refused["code"] == "unknown_quality_gate"


async def test_repeating_a_success_needs_no_gates(api, gated):
    """It changes nothing any more."""
    [task_id] = gated["task_ids"]
    passed = {"tests": "passed", "lint": "passed"}
    done = await api.report(task_id, 1, "success", quality_gates=passed)
    assert await api.report(task_id, 1, "success") == done
