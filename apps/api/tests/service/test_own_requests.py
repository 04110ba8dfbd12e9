"""Nobody decides what they asked for themselves, and nobody acts in the name of another."""

from contextlib import AsyncExitStack

import httpx
import pytest

from multyagents_api.bootstrap import Settings, create_app
from multyagents_api.domain.access import AccessRole

pytestmark = pytest.mark.anyio

GATED = {"step_id": "a", "requires_approval": True}


@pytest.fixture
async def people(database, runner):
    """Clients of one service, each with all roles under a name of its own."""
    app = create_app(Settings(database), runner=runner)
    async with AsyncExitStack() as stack:
        clients = {}
        for name in ("mia", "ben", "eve"):
            token = (await app.state.services.tokens.create(name, AccessRole)).text
            clients[name] = await stack.enter_async_context(
                httpx.AsyncClient(
                    transport=httpx.ASGITransport(app),
                    base_url="http://service",
                    headers={"authorization": f"Bearer {token}"},
                )
            )
        yield clients
    await app.state.services.storage.aclose()


async def post(client, path, body=None, *, status=200):
    response = await client.post(path, json=body if body is not None else {})
    assert response.status_code == status, response.text
    return response.json()


async def get(client, path):
    response = await client.get(path)
    assert response.status_code == 200, response.text
    return response.json()


async def template(client, **step):
    role = await post(client, "/roles", {"name": "dev"}, status=201)
    steps = [{"role_id": role["id"], "title": "Do it", **step}]
    return (await post(client, "/workflow-templates", {"name": "t", "steps": steps}, status=201))["id"]


async def start(client, **step):
    demand = {"workflow_template_id": await template(client, **step)}
    return await post(client, "/workflow-runs", demand, status=201)


async def approval_of(client, run):
    return await get(client, f"/tasks/{run['task_ids'][0]}/approval")


@pytest.mark.parametrize("verb", ["approve", "reject"])
async def test_who_started_a_run_does_not_decide_its_approval(people, verb):
    """403 own_request, and the approval waits; somebody else decides, and is named without saying so."""
    run = await start(people["mia"], **GATED)
    approval = await approval_of(people["mia"], run)
    assert (run["initiated_by"], approval["requested_by"]) == ("mia", "mia")
    decide = f"/approvals/{approval['id']}/{verb}"
    refused = await post(people["mia"], decide, status=403)
    assert refused["code"] == "own_request"
    assert "'mia' asked for approval" in refused["detail"]
    assert (await approval_of(people["mia"], run))["status"] == "pending"
    decided = await post(people["ben"], decide, {"comment": "as agreed"})
    assert (decided["actor"], decided["requested_by"]) == ("ben", "mia")
    assert (await post(people["mia"], decide, status=403))["code"] == "own_request"


async def test_the_event_tells_who_asked(people):
    """`approval.pending` names the subject."""
    run = await start(people["mia"], **GATED)
    events = (await get(people["ben"], f"/events?run_id={run['id']}&type=approval.pending"))["items"]
    assert [event["payload"]["requested_by"] for event in events] == ["mia"]


async def test_tasks_made_by_another_ask_for_whoever_starts_them(people):
    """The run of tasks is what asks."""
    role = await post(people["ben"], "/roles", {"name": "dev"}, status=201)
    task = await post(people["ben"], "/tasks", {**GATED, "role_id": role["id"], "title": "A"}, status=201)
    run = await post(people["mia"], "/workflow-runs", {"task_ids": [task["id"]]}, status=201)
    approval = await approval_of(people["ben"], run)
    assert approval["requested_by"] == "mia"
    await post(people["ben"], f"/approvals/{approval['id']}/approve")


async def failed(people, **step):
    """A run of mia's that ben approved, and that failed."""
    run = await start(people["mia"], **GATED, **step)
    approval = await approval_of(people["mia"], run)
    await post(people["ben"], f"/approvals/{approval['id']}/approve")
    dispatch = await post(people["mia"], f"/workflow-runs/{run['id']}/dispatch-ready")
    report = {"attempt": dispatch["attempt"], "status": "failed"}
    await post(people["mia"], f"/runner/tasks/{dispatch['task_id']}/status", report)
    return run


async def test_a_rerun_asks_anew_for_whoever_wants_it(people):
    """The new approval is ben's request, who can't decide it; mia, whose run it is, can."""
    run = await failed(people)
    rerun = {"step_ids": ["a"], "reason": "flaky"}
    await post(people["ben"], f"/workflow-runs/{run['id']}/partial-rerun", rerun)
    approval = await approval_of(people["ben"], run)
    assert (approval["status"], approval["requested_by"]) == ("pending", "ben")
    assert (await post(people["ben"], f"/approvals/{approval['id']}/approve", status=403))[
        "code"
    ] == "own_request"
    await post(people["mia"], f"/approvals/{approval['id']}/approve")
    told = await get(people["eve"], f"/events?run_id={run['id']}&type=workflow_run.partial_rerun_requested")
    assert told["items"][0]["payload"]["requested_by"] == "ben"


async def test_an_approval_that_is_carried_over_stays_whose_it_was(people):
    """Ben's rerun goes under the approval that mia's run had."""
    run = await failed(people, approval_on_rerun="carry_over")
    rerun = {"step_ids": ["a"], "reason": "flaky", "auto_dispatch": False}
    await post(people["ben"], f"/workflow-runs/{run['id']}/partial-rerun", rerun)
    approval = await approval_of(people["ben"], run)
    assert (approval["status"], approval["requested_by"]) == ("approved", "mia")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/workflow-runs", {"workflow_template_id": "1", "initiated_by": "ben"}, "initiated_by"),
        ("/workflow-runs/1/pause", {"actor": "ben"}, "actor"),
        ("/workflow-runs/1/resume", {"actor": "ben"}, "actor"),
        ("/workflow-runs/1/abort", {"actor": "ben"}, "actor"),
        ("/tasks/1/cancel", {"actor": "ben"}, "actor"),
        ("/approvals/1/approve", {"actor": "ben"}, "actor"),
        ("/approvals/1/reject", {"actor": "ben"}, "actor"),
        (
            "/workflow-runs/1/partial-rerun",
            {"step_ids": ["a"], "reason": "x", "requested_by": "ben"},
            "requested_by",
        ),
    ],
)
async def test_nobody_speaks_for_another(people, path, body, field):
    """403 not_yourself names the field; the subject itself may be named, as clients did before."""
    await start(people["eve"], **GATED)
    refused = await post(people["mia"], path, body, status=403)
    assert refused["code"] == "not_yourself"
    assert field in refused["detail"]
    response = await people["mia"].post(path, json={**body, field: "mia"})
    assert response.json().get("code") != "not_yourself"
    assert response.status_code in {200, 201, 409, 422}


async def test_whoever_pauses_is_named_by_the_token(people):
    """Without a word in the body."""
    run = await start(people["mia"], **GATED)
    await post(people["ben"], f"/workflow-runs/{run['id']}/pause")
    events = (await get(people["mia"], f"/events?run_id={run['id']}&type=workflow_run.paused"))["items"]
    assert [event["payload"]["actor"] for event in events] == ["ben"]


async def test_without_tokens_bodies_are_believed(api):
    """Nobody is asked who they are: no approval is anybody's own, and a decision needs its actor."""
    run = await api.start_run(GATED)
    approval = await api.get(f"/tasks/{run['task_ids'][0]}/approval")
    assert approval["requested_by"] is None
    missing = await api.post(f"/approvals/{approval['id']}/approve", {}, status=422)
    assert missing["errors"] == [{"place": "body/actor", "detail": "Field required"}]
    rerun = {"step_ids": ["a"], "reason": "x"}
    missing = await api.post(f"/workflow-runs/{run['id']}/partial-rerun", rerun, status=422)
    assert missing["errors"] == [{"place": "body/requested_by", "detail": "Field required"}]
    assert (await api.post(f"/approvals/{approval['id']}/approve", {"actor": "mia"}))["actor"] == "mia"
