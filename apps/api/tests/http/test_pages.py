"""Listings are paged by a cursor and cost the same whatever is stored."""

import pytest

from multyagents_api.domain.runs import RunStatus
from multyagents_api.service.events import EventQuery

pytestmark = pytest.mark.anyio


async def test_runs_are_paged_to_the_end(api):
    """Following the cursor gives every run once, in order, also by status."""
    run = await api.start_run({"step_id": "a"})
    template = {"workflow_template_id": run["workflow_template_id"], "initiated_by": "mia"}
    ids = [run["id"], *[(await api.post("/workflow-runs", template))["id"] for _ in range(4)]]
    await api.dispatch(ids[2])
    seen, cursor = [], "0"
    while cursor is not None:
        page = await api.get(f"/workflow-runs?limit=2&cursor={cursor}")
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == ids
    running = await api.get("/workflow-runs?status=running")
    assert [item["id"] for item in running["items"]] == [ids[2]]
    assert "tasks" not in running["items"][0]


async def test_events_are_followed_to_their_end_and_beyond(api):
    """The cursor of an empty page is where to look next time."""
    run = await api.start_run({"step_id": "a"})
    page = await api.get(f"/events?run_id={run['id']}&limit=1")
    assert [event["type"] for event in page["items"]] == ["workflow_run.created"]
    rest = await api.get(f"/events?run_id={run['id']}&after={page['next_after']}")
    assert [event["sequence"] for event in rest["items"]] == [2]
    end = await api.get(f"/events?run_id={run['id']}&after={rest['next_after']}")
    assert (end["items"], end["next_after"]) == ([], rest["next_after"])
    await api.dispatch(run["id"])
    more = await api.get(f"/events?after={end['next_after']}&type=task.dispatched")
    [told] = more["items"]
    assert (told["run_id"], told["task_id"], told["attempt"]) == (run["id"], run["task_ids"][0], 1)
    assert told["producer_role"] == run["tasks"][0]["role_id"]
    assert told["contract_version"] == 1


async def test_a_rare_type_is_looked_for_window_by_window(api, monkeypatch):
    """A page may be empty and yet move on; followed to the end, it finds every event of the type."""
    monkeypatch.setattr("multyagents_api.service.events.WINDOW", 3)
    run = await api.start_run(*({"step_id": f"s{index}"} for index in range(5)))
    await api.dispatch(run["id"])
    found, after = [], "0"
    for _ in range(20):
        page = await api.get(f"/events?type=task.dispatched&after={after}")
        found += page["items"]
        if page["next_after"] == after:
            break
        after = page["next_after"]
    assert [event["run_id"] for event in found] == [run["id"]]
    assert after == (await api.events(run["id"]))[-1]["id"]


async def test_roles_and_templates_are_paged(api):
    """The same cursors everywhere."""
    for index in range(3):
        await api.start_run({"step_id": "a"}, name=f"role number {index}")
    roles = await api.get("/roles?limit=2")
    assert len(roles["items"]) == 2
    assert len((await api.get(f"/roles?cursor={roles['next_cursor']}"))["items"]) == 1
    templates = await api.get("/workflow-templates?limit=3")
    assert (len(templates["items"]), templates["next_cursor"]) == (3, None)
    assert await api.get(f"/workflow-templates/{templates['items'][1]['id']}") == templates["items"][1]


@pytest.mark.parametrize(
    ("path", "body"), [("/projects", {"root_path": "/srv"}), ("/skill-packs", {"skills": ["s"]})]
)
async def test_projects_and_skill_packs_are_paged(api, path, body):
    """What was deleted leaves a gap, and no page ends at it."""
    created = [await api.post(path, {"name": f"n{index}", **body}) for index in range(5)]
    await api.delete(f"{path}/{created[2]['id']}")
    first = await api.get(f"{path}?limit=2")
    assert first["items"] == created[:2]
    last = await api.get(f"{path}?limit=2&cursor={first['next_cursor']}")
    assert (last["items"], last["next_cursor"]) == (created[3:], None)


async def test_an_audit_is_paged_by_attempts(api):
    """Every attempt of a task is there, in order."""
    run = await api.start_run({"step_id": "a"})
    [task_id] = run["task_ids"]
    await api.fail_next(run["id"])
    for attempt in (2, 3):
        await api.rerun(run["id"], task_ids=[task_id])
        await api.report(task_id, attempt, "failed", message=f"attempt {attempt}")
    first = await api.get(f"/tasks/{task_id}/audit?limit=2")
    assert [item["attempt"] for item in first["items"]] == [1, 2]
    last = await api.get(f"/tasks/{task_id}/audit?after={first['next_after']}")
    assert [(item["attempt"], item["message"]) for item in last["items"]] == [(3, "attempt 3")]
    assert last["next_after"] is None


BEYOND = "9" * 18
"""The largest cursor that is taken; nothing stands behind it."""


@pytest.mark.parametrize(
    "path",
    [
        "/roles?",
        "/skill-packs?",
        "/projects?",
        "/workflow-templates?",
        "/workflow-runs?",
        "/workflow-runs?status=created&",
        "/artifacts?",
        "/artifacts?run_id=1&",
        "/artifacts?task_id=1&",
        "/handoffs?",
        "/handoffs?run_id=1&",
        "/handoffs?task_id=1&",
        "/events?",
        "/events?run_id=1&",
        "/events?type=task.created&",
        "/tasks/1/audit?",
    ],
)
async def test_behind_the_last_cursor_there_is_nothing(api, path):
    """A cursor that no item has yet is one all the same."""
    run = await api.start_run({"step_id": "a"})
    await api.dispatch(run["id"])
    name = "after" if "/events" in path or "/audit" in path else "cursor"
    page = await api.get(f"{path}{name}={BEYOND}")
    assert page["items"] == []
    assert page.get("next_cursor") is None
    assert page.get("next_after") == (BEYOND if "/events" in path else None)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_listing_costs_the_same_whatever_is_stored(services, api, database):
    """The query plans of the listings search an index, and sort and scan nothing."""
    run = await api.start_run({"step_id": "a"})
    executed: list[str] = []
    driver = services.storage._connection.connection.driver_connection
    driver.set_trace_callback(executed.append)
    await services.runs.get(int(run["id"]))
    await services.runs.page(after=0, status=None, limit=5)
    await services.runs.page(after=0, status=RunStatus.CREATED, limit=5)
    await services.events.page(EventQuery(0, 5, run_id=int(run["id"])))
    await services.events.page(EventQuery(0, 5, kind="task.created"))
    driver.set_trace_callback(None)
    plans = [row[3] for query in executed for row in driver.execute(f"EXPLAIN QUERY PLAN {query}")]
    assert plans
    assert not [plan for plan in plans if plan.startswith("SCAN") or "TEMP B-TREE" in plan], plans
