"""Whatever goes wrong is answered with problem details (RFC 9457)."""

import inspect
from urllib.parse import quote

import httpx
import pytest

from multyagents_api.bootstrap import AuthKind, Settings, create_app
from multyagents_api.domain import errors
from multyagents_api.http.problems import STATUS_AND_CODE

pytestmark = pytest.mark.anyio


def is_problem(response: httpx.Response, status: int, code: str) -> bool:
    problem = response.json()
    assert response.headers["content-type"] == "application/problem+json", response.text
    assert problem["type"] == f"urn:multyagents:problem:{code}", response.text
    assert problem["status"] == response.status_code == status
    assert problem["title"]
    assert problem["detail"]
    return problem["code"] == code


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing/here", 404, "unknown_route"),
        ("GET", "/roles/", 404, "unknown_route"),
        ("PUT", "/roles", 405, "method_not_allowed"),
        ("DELETE", "/workflow-runs/1", 405, "method_not_allowed"),
        ("GET", "/roles/1", 404, "not_found"),
        ("GET", "/roles/one", 404, "not_found"),
        ("GET", "/roles/0", 404, "not_found"),
        ("GET", "/roles/-1", 404, "not_found"),
        ("GET", "/roles/٣", 404, "not_found"),
        ("GET", "/roles/" + "9" * 400, 404, "not_found"),
        ("GET", "/workflow-templates/5", 404, "not_found"),
        ("GET", "/workflow-runs/5", 404, "not_found"),
        ("GET", "/tasks/5", 404, "not_found"),
        ("GET", "/tasks/5/audit", 404, "not_found"),
        ("GET", "/events?run_id=5", 404, "not_found"),
        ("GET", "/workflow-runs?status=resting", 422, "invalid_request"),
        ("GET", "/workflow-runs?limit=0", 422, "invalid_request"),
        ("GET", "/workflow-runs?limit=501", 422, "invalid_request"),
        ("GET", "/workflow-runs?cursor=x", 422, "invalid_request"),
        ("GET", "/workflow-runs?status=%00", 422, "invalid_request"),
        ("GET", "/workflow-runs?cursor=1" + "0" * 18, 422, "invalid_request"),
        ("GET", "/events?after=-1", 422, "invalid_request"),
        ("GET", "/events?type=a%00b", 422, "invalid_request"),
        ("GET", "/events?type=" + "x" * 101, 422, "invalid_request"),
        ("PUT", "/events", 405, "method_not_allowed"),
        ("GET", "/workflow-runs/5/execution-summary", 404, "not_found"),
        ("GET", "/artifacts/5", 404, "not_found"),
        ("GET", "/artifacts/one", 404, "not_found"),
        ("GET", "/artifacts?run_id=5", 404, "not_found"),
        ("GET", "/artifacts?task_id=5", 404, "not_found"),
        ("GET", "/artifacts?run_id=x", 404, "not_found"),
        ("GET", "/artifacts?type=text", 422, "invalid_request"),
        ("GET", "/artifacts?type=song&run_id=5", 422, "invalid_request"),
        ("GET", "/artifacts?limit=501", 422, "invalid_request"),
        ("GET", "/handoffs?run_id=5", 404, "not_found"),
        ("GET", "/handoffs?task_id=5", 404, "not_found"),
        ("GET", "/handoffs?cursor=-1", 422, "invalid_request"),
        ("GET", "/tasks/5/handoff", 404, "not_found"),
    ],
)
async def test_every_refusal_is_a_problem(api, method, path, status, code):
    """Unknown routes, methods, ids and parameters alike."""
    assert is_problem(await api.http.request(method, path), status, code)


async def test_an_invalid_body_is_told_with_its_places(api):
    """Each offence has a place and a detail."""
    steps = [{"step_id": "a", "role_id": 1, "title": " "}]
    response = await api.http.post("/workflow-templates", json={"name": "t", "steps": steps, "color": "red"})
    assert is_problem(response, 422, "invalid_request")
    places = {offence["place"] for offence in response.json()["errors"]}
    assert places == {"body/steps/0/role_id", "body/steps/0/title", "body/color"}


async def test_a_bad_graph_is_told_with_its_place(api):
    """What the domain refuses in a template has a place as well."""
    await api.post("/roles", {"name": "dev"})
    steps = [{"step_id": "a", "role_id": "1", "title": "A", "depends_on": ["z"]}]
    response = await api.http.post("/workflow-templates", json={"name": "t", "steps": steps})
    assert is_problem(response, 422, "invalid_template")
    assert response.json()["errors"][0]["place"] == "body/steps/0/depends_on/0"


@pytest.mark.parametrize("body", [b"{", b"", b"nope", b'{"name": "x"', b'{"name": "x"}}'])
async def test_broken_json_is_a_problem(api, body):
    """A body that is not JSON is 400, an absent one 422."""
    response = await api.http.post("/roles", content=body, headers={"content-type": "application/json"})
    assert is_problem(response, 400, "invalid_json") if body else is_problem(response, 422, "invalid_request")


async def test_a_defect_is_a_problem_without_its_secrets(database, monkeypatch):
    """An unforeseen failure is 500, and what failed stays in the log."""

    async def fail(*_):
        raise RuntimeError("password=hunter2")

    app = create_app(Settings(database, auth=AuthKind.OFF))
    monkeypatch.setattr("multyagents_api.service.runs.Runs.get", fail)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        response = await client.get("/workflow-runs/1")
    await app.state.services.storage.aclose()
    assert is_problem(response, 500, "internal_error")
    assert "hunter2" not in response.text


SECRETS = [
    ("ghp_" + "x" * 36, "x" * 36),
    ("postgresql://app:hunter2@db/shop", "hunter2"),
    ("Authorization: Bearer hunter2", "hunter2"),
    ("--password hunter2", "hunter2"),
    ("mya_1_" + "0" * 64, "0" * 64),
]


@pytest.mark.parametrize(("text", "secret"), SECRETS, ids=[text[:12] for text, _ in SECRETS])
async def test_a_problem_repeats_no_secret(api, text, secret):
    """Neither as a value, nor as the name of a field or of an id; what it is about is still told."""
    role = await api.post("/roles", {"name": "dev"})
    step = {"step_id": "a", "role_id": role["id"], "title": "A"}
    asked = [
        await api.http.get(f"/roles/{quote(text.replace('/', ''), safe='')}"),
        await api.http.post("/roles", json={"name": "ops", text: 1}),
        await api.http.post(
            "/projects", json={"name": "p", "root_path": "/srv", "allowed_paths": [f"/{text}"]}
        ),
        await api.http.post(
            "/workflow-templates", json={"name": "t", "steps": [{**step, "depends_on": [text]}]}
        ),
        await api.http.post("/tasks", json={**step, "role_id": text[:40]}),
    ]
    assert [response.status_code for response in asked] == [404, 422, 422, 422, 422]
    for response in asked[1:]:
        assert secret not in response.text
        assert "[redacted]" in response.text
    assert secret not in asked[0].text or "://" in text  # no path can hold a URL


async def test_what_a_long_id_gives_away_is_not_cut_off(api):
    """A problem quotes the beginning of an id, also of one that was a secret only as a whole."""
    response = await api.http.get(f"/roles/eyJ{'s' * 60}.{'t' * 60}")
    assert is_problem(response, 404, "not_found")
    assert "sss" not in response.text


@pytest.mark.parametrize("path", ["/tasks/{task_id}/approval", "/tasks/{task_id}/audit"])
async def test_reads_of_a_task_of_no_run_are_documented_to_conflict(api, path):
    """The task is there, and has neither before a run takes it up."""
    role = await api.post("/roles", {"name": "dev"})
    task = await api.post("/tasks", {"step_id": "a", "role_id": role["id"], "title": "A"})
    response = await api.http.get(path.format(task_id=task["id"]))
    assert is_problem(response, 409, "not_in_run")
    assert "409" in (await api.get("/openapi.json"))["paths"][path]["get"]["responses"]


@pytest.mark.parametrize("name", ["database", "runner_url"])
def test_settings_show_no_password(name):
    """A URL may hold one."""
    assert "hunter2" not in repr(Settings(**{name: "postgresql://app:hunter2@db/shop"}))


def test_the_table_knows_every_refusal():
    """A new refusal without a status is found here, not by a client."""
    refusals = {
        cls
        for _, cls in inspect.getmembers(errors, inspect.isclass)
        if issubclass(cls, errors.Refusal) and cls is not errors.Refusal
    }
    assert set(STATUS_AND_CODE) == refusals
    codes = [code for _, code in STATUS_AND_CODE.values()]
    assert len(codes) == len(set(codes))
