"""Callbacks of runners: forward only, once, for the attempt that they name."""

import sqlite3
from contextlib import closing

import pytest

from multyagents_api.domain.tasks import TaskStatus
from multyagents_api.service.callbacks import Report
from multyagents_api.service.runners import SubmissionResult

pytestmark = pytest.mark.anyio


async def test_a_repetition_changes_nothing(api):
    """The same status again is answered with the task as it stands, without a version or an event."""
    run = await api.start_run({"step_id": "a"})
    await api.dispatch(run["id"])
    once = await api.report(run["task_ids"][0], 1, "running")
    before = await api.get(f"/workflow-runs/{run['id']}")
    assert await api.report(run["task_ids"][0], 1, "running") == once
    assert await api.get(f"/workflow-runs/{run['id']}") == before


async def test_a_success_stays_a_success(api):
    """Going back is 409 `illegal_transition`."""
    run = await api.start_run({"step_id": "a"})
    await api.dispatch(run["id"])
    await api.report(run["task_ids"][0], 1, "success")
    for status in ("queued", "running", "failed", "canceled"):
        refused = await api.report(run["task_ids"][0], 1, status, expect=409)
        assert refused["code"] == "illegal_transition"


async def test_attempts_are_told_apart(api):
    """Never dispatched, not yet opened and over have a code each, and change nothing."""
    run = await api.start_run({"step_id": "a"})
    [task_id] = run["task_ids"]
    assert (await api.report(task_id, 1, "success", expect=409))["code"] == "never_dispatched"
    await api.fail_next(run["id"])
    assert (await api.report(task_id, 2, "success", expect=409))["code"] == "unknown_attempt"
    await api.rerun(run["id"], task_ids=[task_id])
    assert (await api.report(task_id, 1, "success", expect=409))["code"] == "stale_attempt"
    assert (await api.get(f"/tasks/{task_id}"))["status"] == "queued"


async def test_a_key_makes_a_report_repeatable_for_ever(api):
    """Under its key a callback is answered again even when its attempt is over; another use of the key is refused."""
    run = await api.start_run({"step_id": "a"})
    [task_id] = run["task_ids"]
    await api.dispatch(run["id"])
    await api.report(task_id, 1, "failed", idempotency_key="k1")
    await api.rerun(run["id"], task_ids=[task_id])
    before = await api.events(run["id"])
    assert (await api.report(task_id, 1, "failed", idempotency_key="k1"))["attempt"] == 2
    refused = await api.report(task_id, 2, "failed", expect=409, idempotency_key="k1")
    assert refused["code"] == "key_reused"
    assert await api.events(run["id"]) == before


async def test_a_role_may_retry_by_itself(api):
    """A failure of a listed category puts the task back, as often as the role allows."""
    run = await api.start_run({"step_id": "a"}, retry_policy={"max_retries": 1, "retry_on": ["flaky"]})
    [task_id] = run["task_ids"]
    await api.dispatch(run["id"])
    retried = await api.report(task_id, 1, "failed", failure_category="flaky")
    assert retried["status"] == "created"
    assert (await api.get(f"/workflow-runs/{run['id']}"))["status"] == "running"
    assert (await api.dispatch(run["id"]))["attempt"] == 2
    assert (await api.report(task_id, 2, "failed", failure_category="flaky"))["status"] == "failed"
    assert (await api.event_types(run["id"])).count("task.retry_scheduled") == 1


async def test_an_aborted_run_retries_nothing(api):
    """What fails after an abort stays failed or canceled."""
    run = await api.start_run({"step_id": "a"}, retry_policy={"max_retries": 5, "retry_on": ["flaky"]})
    [task_id] = run["task_ids"]
    await api.dispatch(run["id"])
    await api.post(f"/workflow-runs/{run['id']}/abort")
    assert (await api.report(task_id, 1, "failed", failure_category="flaky"))["status"] == "failed"


async def test_a_callback_before_the_answer_of_the_submission_wins(services, runner, api):
    """The runner calls back while it still answers the submission: its late answer overwrites nothing."""
    run = await api.start_run({"step_id": "a"})
    submit = runner.submit

    async def report_then_answer(submission) -> SubmissionResult:
        await services.callbacks.apply(Report(submission.task_id, submission.attempt, TaskStatus.SUCCESS))
        return await submit(submission)

    runner.submit = report_then_answer
    assert (await api.dispatch(run["id"]))["dispatch"]["outcome"] == "queued"
    stands = await api.get(f"/workflow-runs/{run['id']}")
    assert (stands["status"], stands["tasks"][0]["status"]) == ("success", "success")
    assert "task.runner_queued" not in await api.event_types(run["id"])


async def test_an_unknown_task_is_not_found(api):
    """Nobody reports on what does not exist."""
    assert (await api.report("12", 1, "success", expect=404))["code"] == "not_found"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_secrets_in_a_message_are_kept_nowhere(api, database):
    """Answers, events, audit and the store have the message without them; a repetition is still one."""
    run = await api.start_run({"step_id": "a"})
    [task_id] = run["task_ids"]
    await api.dispatch(run["id"])
    message = "git push https://mia:hunter2@git.example/r.git failed, TOKEN=hunter2"
    failed = await api.report(task_id, 1, "failed", message=message, idempotency_key="k token=hunter2")
    assert failed["reason"] == "git push https://[redacted]@git.example/r.git failed, TOKEN=[redacted]"
    [attempt] = (await api.get(f"/tasks/{task_id}/audit"))["items"]
    assert attempt["message"] == failed["reason"]
    assert (await api.events(run["id"]))[-2]["payload"]["message"] == failed["reason"]
    refused = await api.report(task_id, 1, "success", expect=409, idempotency_key="k token=hunter2")
    assert "hunter2" not in refused["detail"]
    assert await api.report(task_id, 1, "failed", message=message) == failed
    with closing(sqlite3.connect(database)) as store:
        kept = "".join(line for line in store.iterdump() if "callback_keys" not in line)
    assert "hunter2" not in kept
