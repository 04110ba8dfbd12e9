"""Every request has a name: in its answer, in its problem, in the log, and for the runner."""

import json
import re

import httpx
import pytest
from starlette.responses import StreamingResponse

from multyagents_api.bootstrap import AuthKind, RunnerKind, Settings, create_app
from multyagents_api.service.runs import Runs

pytestmark = pytest.mark.anyio

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.mark.parametrize("name", ["a", "Az.0_-9", "x" * 64])
async def test_a_name_comes_back(api, name):
    """As it was given."""
    response = await api.http.get("/healthz", headers={"x-request-id": name})
    assert response.headers.get_list("x-request-id") == [name]


@pytest.mark.parametrize("name", ["", "x" * 65, "a b", "a\x1b[2J", "ä".encode(), "a,b", 'a"b', "a/b"])
async def test_what_is_no_name_is_replaced(api, name):
    """By one of ours, another for each request."""
    asked = [await api.http.get("/healthz", headers={"x-request-id": name}) for _ in range(2)]
    made = {response.headers["x-request-id"] for response in asked}
    assert len(made) == 2
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in made)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("PUT", "/roles", 405),
        ("GET", "/roles/7", 404),
        ("POST", "/roles", 422),
    ],
)
async def test_problems_are_named(api, method, path, status):
    """In the header and in the body, whoever refuses."""
    response = await api.http.request(method, path, headers={"x-request-id": "mine"})
    assert response.status_code == status
    assert response.headers["x-request-id"] == response.json()["request_id"] == "mine"


async def test_a_name_that_looks_like_a_secret_is_none(api):
    """It would stand in every log line of the request."""
    secret = "ghp_" + "x" * 36
    response = await api.http.get("/roles/7", headers={"x-request-id": secret})
    assert re.fullmatch("[0-9a-f]{32}", response.json()["request_id"])
    assert secret not in response.text + str(response.headers)


async def test_what_is_too_large_is_named(api):
    """Refused before any route is looked for."""
    headers = {"x-request-id": "mine", "content-length": "999999999"}
    response = await api.http.post("/roles", content=b"{}", headers=headers)
    assert (response.status_code, response.json()["request_id"]) == (413, "mine")


async def fail(*_):
    raise RuntimeError("password=hunter2\nforged")


async def test_a_defect_is_named_in_the_log(api, lines, monkeypatch):
    """Once, with the run that it is about; the answer tells the name and nothing else of it."""
    monkeypatch.setattr(Runs, "get", fail)
    headers = {"x-request-id": "mine", "traceparent": PARENT}
    response = await api.http.get("/workflow-runs/12", headers=headers)
    assert (response.status_code, response.headers["x-request-id"]) == (500, "mine")
    assert response.json()["request_id"] == "mine"
    [told] = [line for line in lines() if line["level"] == "error"]
    assert (told["request_id"], told["run_id"], told["trace_id"]) == ("mine", "12", TRACE)
    assert told["exception"]["type"] == "builtins.RuntimeError"
    assert "hunter2" not in json.dumps(told) + response.text


async def test_an_answer_that_fails_midway_is_cut(api, lines, monkeypatch):
    """Nobody takes it for a whole one."""
    app = api.http._transport.app

    async def half():
        yield b"half"
        await fail()

    app.add_api_route("/half", lambda: StreamingResponse(half()))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        with pytest.raises(RuntimeError):
            await client.get("/half")
    assert [line["message"] for line in lines() if line["level"] == "error"] == ["a request failed"]


async def test_the_access_log_names_requests(api, lines):
    """One line each, with the route and how long it took; what stands in the path does not end the line."""
    await api.http.get("/roles/7%0a8", headers={"x-request-id": "mine"})
    [line] = [line for line in lines() if line["logger"] == "multyagents_api.access"]
    assert line["message"] == "GET /roles/7\\n8 404"
    facts = ("request_id", "method", "route", "status")
    assert [line[name] for name in facts] == ["mine", "GET", "/roles/{role_id}", 404]
    assert line["duration_ms"] > 0


async def test_without_an_access_log_there_is_none(api, logged):
    """At whatever level."""
    read = logged(level="debug")
    await api.get("/healthz")
    assert "multyagents_api.access" not in read()


@pytest.mark.parametrize(
    ("parent", "state", "expected"),
    [
        (PARENT, "a=1", {"traceparent": PARENT, "tracestate": "a=1"}),
        (PARENT, None, {"traceparent": PARENT}),
        (PARENT, "a=1\x7f", {"traceparent": PARENT}),
        (None, "a=1", {}),
        ("00-" + "0" * 32 + "-b7ad6b7169203331-01", "a=1", {}),
        ("ff" + PARENT[2:], None, {}),
        (PARENT.upper(), None, {}),
        (PARENT + "\r\nx-forged: 1", None, {}),
    ],
)
async def test_a_trace_is_passed_on(database, monkeypatch, parent, state, expected):
    """To the runner, as it came, where it is one."""
    sent = []

    class Answered:
        status_code = 200

        def __init__(self, *_, **given):
            sent.append(given["headers"])

        async def __aenter__(self):
            return self

        async def __aexit__(self, *_):
            return None

        async def aiter_raw(self):
            yield b"{}"

    settings = Settings(
        database, auth=AuthKind.OFF, runner=RunnerKind.HTTP, runner_url="http://127.0.0.1:1/base"
    )
    app = create_app(settings)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        role = (await client.post("/roles", json={"name": "dev"})).json()
        steps = [{"step_id": "a", "role_id": role["id"], "title": "A"}]
        template = (await client.post("/workflow-templates", json={"name": "t", "steps": steps})).json()
        run = (await client.post("/workflow-runs", json={"workflow_template_id": template["id"]})).json()
        trace = {"traceparent": parent, "tracestate": state}
        headers = {name: value for name, value in trace.items() if value is not None}
        stream_of_httpx = httpx.AsyncClient.stream
        monkeypatch.setattr(httpx.AsyncClient, "stream", Answered)
        answer = await client.post(f"/workflow-runs/{run['id']}/dispatch-ready", headers=headers)
        monkeypatch.setattr(httpx.AsyncClient, "stream", stream_of_httpx)
    await app.state.services.resources.aclose()
    await app.state.services.storage.aclose()
    assert answer.json()["dispatched"] is True
    [headers] = sent
    assert {name: value for name, value in headers.items() if name.startswith("trace")} == expected
