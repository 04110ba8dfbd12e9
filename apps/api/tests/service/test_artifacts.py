"""Artifacts: kept for the attempt that produced them, told once, found by run, task and type."""

import hashlib
import sqlite3
from contextlib import closing

import pytest

pytestmark = pytest.mark.anyio

SHA = "0123456789abcdef" * 4


async def started(api) -> tuple[dict, str]:
    """A run whose only task is in its first attempt."""
    run = await api.start_run({"step_id": "a"})
    await api.dispatch(run["id"])
    return run, run["task_ids"][0]


async def add(api, task_id: str, *, status: int | None = None, **more: object) -> dict:
    body = {"task_id": task_id, "type": "text", "name": "notes.md", "content": "all is well", **more}
    return await api.post(
        "/artifacts", {key: value for key, value in body.items() if value is not None}, status=status
    )


async def test_an_artifact_is_kept_and_told(api):
    """It belongs to the run and the latest attempt of its task; one event tells it, and the run goes on."""
    run, task_id = await started(api)
    before = await api.get(f"/workflow-runs/{run['id']}")
    artifact = await add(api, task_id, content="日本語")
    assert artifact == {
        "id": artifact["id"],
        "run_id": run["id"],
        "task_id": task_id,
        "attempt": 1,
        "type": "text",
        "name": "notes.md",
        "location": None,
        "sha256": hashlib.sha256("日本語".encode()).hexdigest(),
        "size": 9,
        "created_at": artifact["created_at"],
        "content": "日本語",
    }
    assert await api.get(f"/artifacts/{artifact['id']}") == artifact
    told = (await api.events(run["id"]))[-1]
    assert (told["type"], told["task_id"], told["attempt"]) == ("artifact.created", task_id, 1)
    assert told["producer_role"] == run["tasks"][0]["role_id"]
    assert told["payload"] == {
        "step_id": "a",
        "artifact_id": artifact["id"],
        "type": "text",
        "name": "notes.md",
        "sha256": artifact["sha256"],
    }
    after = await api.get(f"/workflow-runs/{run['id']}")
    assert (after["status"], after["version"]) == (before["status"], before["version"] + 1)


async def test_files_and_commits_say_where_they_are(api):
    """The service keeps the client's word for a file, and counts nothing."""
    _, task_id = await started(api)
    where = {"location": "out/build.zip", "sha256": SHA, "size": 2**53, "content": None}
    file = await add(api, task_id, type="file", **where)
    assert (file["location"], file["sha256"], file["size"], file["content"]) == (
        "out/build.zip",
        SHA,
        2**53,
        None,
    )
    commit = await add(api, task_id, type="commit", location="a" * 40)
    assert (commit["location"], commit["content"]) == ("a" * 40, "all is well")


async def test_attempts_are_told_apart(api):
    """Never dispatched, not yet opened, over and reset have their codes, and leave nothing behind."""
    run = await api.start_run({"step_id": "a"})
    [task_id] = run["task_ids"]
    assert (await add(api, task_id, status=409))["code"] == "never_dispatched"
    assert (await add(api, task_id, attempt=1, status=409))["code"] == "never_dispatched"
    await api.fail_next(run["id"])
    late = await add(api, task_id, attempt=1)
    assert (await add(api, task_id, attempt=2, status=409))["code"] == "unknown_attempt"
    await api.rerun(run["id"], task_ids=[task_id], auto_dispatch=False)
    assert (await add(api, task_id, status=409))["code"] == "stale_attempt"
    await api.dispatch(run["id"])
    assert (await add(api, task_id, attempt=1, status=409))["code"] == "stale_attempt"
    assert (await add(api, task_id))["attempt"] == 2
    assert (await add(api, "77", status=404))["code"] == "not_found"
    assert (await api.event_types(run["id"])).count("artifact.created") == 2
    assert (await api.get("/artifacts"))["items"][0]["id"] == late["id"]


async def test_artifacts_are_found_by_run_task_and_type(api):
    """Listings have no content; a task of another run has nothing in this one; pages follow a cursor."""
    run, task_id = await started(api)
    other, other_task = await started_again(api)
    ids = [(await add(api, task_id, type=kind))["id"] for kind in ("text", "diff", "text", "report")]
    alien = (await add(api, other_task))["id"]

    async def found(query: str) -> list[str]:
        return [item["id"] for item in (await api.get(f"/artifacts?{query}"))["items"]]

    assert await found("") == [*ids, alien]
    assert await found(f"run_id={run['id']}") == ids
    assert await found(f"task_id={other_task}") == [alien]
    assert await found(f"run_id={run['id']}&type=text") == [ids[0], ids[2]]
    assert await found(f"task_id={task_id}&type=report") == [ids[3]]
    assert await found(f"task_id={task_id}&run_id={run['id']}&type=diff") == [ids[1]]
    assert await found(f"task_id={task_id}&run_id={other['id']}") == []
    first = await api.get(f"/artifacts?run_id={run['id']}&limit=3")
    assert [item["id"] for item in first["items"]] == ids[:3]
    assert "content" not in first["items"][0]
    rest = await api.get(f"/artifacts?run_id={run['id']}&limit=3&cursor={first['next_cursor']}")
    assert ([item["id"] for item in rest["items"]], rest["next_cursor"]) == (ids[3:], None)


async def started_again(api) -> tuple[dict, str]:
    run = await api.start_run({"step_id": "b"})
    await api.dispatch(run["id"])
    return run, run["task_ids"][0]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_secrets_in_a_content_are_kept_nowhere(api, database):
    """Neither in the artifact nor in the store; digest and size are those of what was kept."""
    _, task_id = await started(api)
    kept = await add(api, task_id, type="diff", content="+ API_KEY=hunter2\n- x")
    assert kept["content"] == "+ API_KEY=[redacted]\n- x"
    assert kept["sha256"] == hashlib.sha256(kept["content"].encode()).hexdigest()
    assert kept["size"] == len(kept["content"])
    await add(api, task_id, type="commit", location="a" * 40, content="use https://mia:hunter2@h/")
    with closing(sqlite3.connect(database)) as store:
        assert "hunter2" not in "".join(store.iterdump())


async def test_the_largest_content_comes_back_whole(api):
    """As many characters as allowed, each of four bytes."""
    _, task_id = await started(api)
    kept = await add(api, task_id, content="🎉" * 200_000)
    assert kept["size"] == 800_000
    assert (await api.get(f"/artifacts/{kept['id']}"))["content"] == "🎉" * 200_000
