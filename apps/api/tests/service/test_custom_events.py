"""Clients' own events: in their namespace, in the run's sequence, without secrets."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

pytestmark = pytest.mark.anyio


async def tell(api, run_id: str, *, status: int | None = None, **more: object) -> dict:
    return await api.post("/events", {"run_id": run_id, "type": "custom.deploy", **more}, status=status)


async def test_an_event_of_a_client_takes_the_next_number(api):
    """It comes back as it is listed, and the run stays as it is but for its version."""
    run = await api.start_run({"step_id": "a"})
    before = await api.get(f"/workflow-runs/{run['id']}")
    payload = {"url": "https://h/", "n": -(2**53), "ok": True, "none": None, "list": ["a", ""], "empty": ""}
    told = await tell(api, run["id"], payload=payload)
    assert (told["sequence"], told["type"], told["payload"]) == (3, "custom.deploy", payload)
    assert (told["run_id"], told["task_id"], told["attempt"], told["producer_role"]) == (
        run["id"],
        None,
        None,
        None,
    )
    assert (await api.events(run["id"]))[-1] == told
    after = await api.get(f"/workflow-runs/{run['id']}")
    assert (after["status"], after["version"]) == (before["status"], before["version"] + 1)
    only = await api.get(f"/events?run_id={run['id']}&type=custom.deploy")
    assert only["items"] == [told]


async def test_an_event_may_be_about_an_attempt_of_a_task(api):
    """One of the run's tasks, and an attempt that it has or had."""
    run, other = [await api.start_run({"step_id": "a"}) for _ in range(2)]
    [task_id] = run["task_ids"]
    await api.fail_next(run["id"])
    await api.rerun(run["id"], task_ids=[task_id])
    told = await tell(api, run["id"], task_id=task_id, attempt=1)
    assert (told["task_id"], told["attempt"], told["producer_role"]) == (
        task_id,
        1,
        run["tasks"][0]["role_id"],
    )
    assert (await tell(api, run["id"], task_id=task_id))["attempt"] is None
    refused = await tell(api, run["id"], task_id=task_id, attempt=3, status=409)
    assert refused["code"] == "unknown_attempt"
    for alien in (*other["task_ids"], "99", "nope"):
        assert (await tell(api, run["id"], task_id=alien, status=422))["code"] == "unknown_selection"
    assert (await tell(api, "77", status=404))["code"] == "not_found"


@pytest.mark.parametrize(
    "kind", ["task.dispatched", "workflow_run.created", "artifact.created", "deploy", "custom", "custom.A"]
)
async def test_the_events_of_the_service_can_not_be_forged(api, kind):
    """Nor anything else outside the namespace of clients."""
    run = await api.start_run({"step_id": "a"})
    before = await api.events(run["id"])
    assert (await tell(api, run["id"], type=kind, status=422))["code"] == "reserved_event_type"
    assert await api.events(run["id"]) == before


async def test_numbers_have_no_gap_whoever_tells(api):
    """Clients and the service share one sequence."""
    run = await api.start_run({"step_id": "a"}, {"step_id": "b"})
    await asyncio.gather(
        *(tell(api, run["id"], payload={"n": index}) for index in range(10)),
        *(api.dispatch(run["id"]) for _ in range(2)),
    )
    sequences = [event["sequence"] for event in await api.events(run["id"])]
    assert sequences == list(range(1, len(sequences) + 1))


async def test_a_run_that_is_over_can_still_be_told_about(api):
    """It stays over."""
    run = await api.start_run({"step_id": "a"})
    await api.post(f"/workflow-runs/{run['id']}/abort")
    await tell(api, run["id"])
    assert (await api.get(f"/workflow-runs/{run['id']}"))["status"] == "aborted"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_secrets_in_a_payload_are_kept_nowhere(api, database):
    """By their shape or by the name of their key."""
    run = await api.start_run({"step_id": "a"})
    payload = {"log": "TOKEN=hunter2", "password": "hunter2", "lines": ["pwd: hunter2"], "tokens": 512}
    told = await tell(api, run["id"], payload=payload)
    assert told["payload"] == {
        "log": "TOKEN=[redacted]",
        "password": "[redacted]",
        "lines": ["pwd: [redacted]"],
        "tokens": 512,
    }
    with closing(sqlite3.connect(database)) as store:
        assert "hunter2" not in "".join(store.iterdump())
