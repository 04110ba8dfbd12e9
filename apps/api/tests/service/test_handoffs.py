"""Hand-offs: published with the end of an attempt, once, checked before anything is applied."""

import sqlite3
from contextlib import closing

import pytest

pytestmark = pytest.mark.anyio

HANDOFF = {
    "summary": "The plan is made.",
    "details": "Three parts.",
    "next_actions": ["build it", "test it"],
    "open_questions": ["which colour?"],
}


async def started(api, **role: object) -> tuple[dict, str]:
    """A run whose only task is in its first attempt."""
    run = await api.start_run({"step_id": "a"}, **role)
    await api.dispatch(run["id"])
    return run, run["task_ids"][0]


async def artifact_of(api, task_id: str) -> str:
    body = {"task_id": task_id, "type": "text", "name": "plan", "content": "x"}
    return (await api.post("/artifacts", body))["id"]


@pytest.mark.parametrize("status", ["success", "failed", "canceled"])
async def test_a_hand_off_is_published_with_the_end(api, status):
    """It is there with the task's end, told right after it, and names artifacts of the run."""
    run, task_id = await started(api)
    artifact_id = await artifact_of(api, task_id)
    await api.report(task_id, 1, status, handoff={**HANDOFF, "artifact_ids": [artifact_id, artifact_id]})
    handoff = await api.get(f"/tasks/{task_id}/handoff")
    assert handoff == {
        **HANDOFF,
        "id": handoff["id"],
        "run_id": run["id"],
        "task_id": task_id,
        "attempt": 1,
        "artifact_ids": [artifact_id],
        "created_at": handoff["created_at"],
    }
    *_, updated, published, ended = await api.events(run["id"])
    assert [updated["type"], published["type"]] == ["task.runner_status_updated", "task.handoff_published"]
    assert ended["type"].startswith("workflow_run.")
    assert published["payload"] == {
        "step_id": "a",
        "handoff_id": handoff["id"],
        "summary": HANDOFF["summary"],
        "artifact_ids": [artifact_id],
    }
    assert [event["sequence"] for event in await api.events(run["id"])] == list(
        range(1, ended["sequence"] + 1)
    )


async def test_a_summary_is_enough(api):
    """The rest is empty then."""
    _, task_id = await started(api)
    await api.report(task_id, 1, "success", handoff={"summary": "done"})
    handoff = await api.get(f"/tasks/{task_id}/handoff")
    assert (handoff["details"], handoff["next_actions"], handoff["artifact_ids"]) == ("", [], [])


@pytest.mark.parametrize("status", ["queued", "running"])
async def test_a_hand_off_before_the_end_is_refused(api, status):
    """Nothing is applied of such a callback, also where it repeats what is known."""
    run, task_id = await started(api)
    before = await api.events(run["id"])
    refused = await api.report(task_id, 1, status, expect=422, handoff=HANDOFF)
    assert refused["code"] == "handoff_too_early"
    assert await api.events(run["id"]) == before
    await api.get(f"/tasks/{task_id}/handoff", status=404)


async def test_artifacts_of_others_are_refused(api):
    """Unknown, of another run, or no id at all: 422, and the attempt goes on."""
    run, task_id = await started(api)
    _, other_task = await started(api)
    own, alien = await artifact_of(api, task_id), await artifact_of(api, other_task)
    before = await api.events(run["id"])
    for artifact_id in (alien, "999", "nope", "0", "9" * 40):
        handoff = {**HANDOFF, "artifact_ids": [own, artifact_id]}
        refused = await api.report(task_id, 1, "success", expect=422, handoff=handoff)
        assert refused["code"] == "unknown_artifact"
    assert await api.events(run["id"]) == before
    assert (await api.get(f"/tasks/{task_id}"))["status"] == "queued"
    assert (await api.get("/handoffs"))["items"] == []


async def test_a_repetition_publishes_nothing_twice(api):
    """Neither by its key nor without one, whatever it carries this time."""
    run, task_id = await started(api)
    await api.report(task_id, 1, "success", handoff=HANDOFF, idempotency_key="k")
    before, kept = await api.events(run["id"]), await api.get(f"/tasks/{task_id}/handoff")
    await api.report(task_id, 1, "success", handoff=HANDOFF, idempotency_key="k")
    await api.report(task_id, 1, "success", handoff={"summary": "another"})
    assert await api.events(run["id"]) == before
    assert (await api.get("/handoffs"))["items"] == [kept]


async def test_each_attempt_may_leave_one_and_the_latest_is_found(api):
    """A retry, and an attempt without one, keep the one before."""
    run, task_id = await started(api, retry_policy={"max_retries": 1, "retry_on": ["flaky"]})
    await api.get(f"/tasks/{task_id}/handoff", status=404)
    retried = await api.report(
        task_id, 1, "failed", failure_category="flaky", handoff={"summary": "first try"}
    )
    assert retried["status"] == "created"
    assert (await api.event_types(run["id"]))[-2:] == ["task.handoff_published", "task.retry_scheduled"]
    await api.dispatch(run["id"])
    assert (await api.get(f"/tasks/{task_id}/handoff"))["attempt"] == 1
    await api.report(task_id, 2, "failed", handoff={"summary": "second try"})
    assert (await api.get(f"/tasks/{task_id}/handoff"))["summary"] == "second try"
    await api.rerun(run["id"], step_ids=["a"])
    await api.report(task_id, 3, "success")
    assert (await api.get(f"/tasks/{task_id}/handoff"))["attempt"] == 2


async def test_hand_offs_are_found_by_run_and_task(api):
    """Pages follow a cursor; a task of another run has nothing in this one."""
    runs = [await started(api) for _ in range(2)]
    for run, task_id in runs:
        await api.report(task_id, 1, "failed", handoff={"summary": f"run {run['id']}"})
        await api.rerun(run["id"], step_ids=["a"])
        await api.report(task_id, 2, "success", handoff={"summary": f"run {run['id']} again"})
    [(first, first_task), (second, second_task)] = runs

    async def found(query: str) -> list[str]:
        return [item["summary"] for item in (await api.get(f"/handoffs?{query}"))["items"]]

    of_first = [f"run {first['id']}", f"run {first['id']} again"]
    of_second = [f"run {second['id']}", f"run {second['id']} again"]
    assert await found("") == of_first + of_second
    assert await found(f"run_id={second['id']}") == of_second
    assert await found(f"task_id={first_task}") == of_first
    assert await found(f"task_id={first_task}&run_id={first['id']}") == of_first
    assert await found(f"task_id={second_task}&run_id={first['id']}") == []
    page = await api.get(f"/handoffs?task_id={second_task}&limit=1")
    assert await found(f"task_id={second_task}&cursor={page['next_cursor']}") == of_second[1:]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_secrets_in_a_hand_off_are_kept_nowhere(api, database):
    """In none of its texts, neither in the store nor in the event."""
    run, task_id = await started(api)
    secret = "TOKEN=hunter2"
    handoff = {
        "summary": f"used {secret}",
        "details": f"export {secret}",
        "next_actions": [f"rotate {secret}"],
        "open_questions": [f"why {secret} ?"],
    }
    await api.report(task_id, 1, "success", handoff=handoff)
    kept = await api.get(f"/tasks/{task_id}/handoff")
    assert (kept["summary"], kept["next_actions"]) == ("used TOKEN=[redacted]", ["rotate TOKEN=[redacted]"])
    assert "hunter2" not in str(await api.events(run["id"]))
    with closing(sqlite3.connect(database)) as store:
        assert "hunter2" not in "".join(store.iterdump())
