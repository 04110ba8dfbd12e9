"""Artifacts, hand-offs and clients' events take clean, strict and bounded input, and keep nothing of the rest."""

import json

import pytest

pytestmark = pytest.mark.anyio

SHA = "0123456789abcdef" * 4
TEXT = {"type": "text", "name": "n", "content": "x"}
FILE = {"type": "file", "name": "n", "location": "a/b", "sha256": SHA, "size": 1}
COMMIT = {"type": "commit", "name": "n", "location": "a" * 40}
LONE_SURROGATE = "\ud800"
JSON = {"content-type": "application/json"}


@pytest.fixture
async def running(api):
    """A run whose only task is in its first attempt."""
    run = await api.start_run({"step_id": "a"})
    await api.dispatch(run["id"])
    return run


async def refused(api, path: str, body: object, code: str = "invalid_request") -> dict:
    """What the API answers to a body that goes out as ASCII, so that it may hold lone surrogates."""
    response = await api.http.post(path, content=json.dumps(body).encode(), headers=JSON)
    assert response.status_code == 422, response.text
    assert response.json()["code"] == code, response.text
    return response.json()


def places(problem: dict) -> list[str]:
    return [error["place"] for error in problem["errors"]]


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({**TEXT, "name": " "}, "name"),
        ({**TEXT, "name": "x" * 201}, "name"),
        ({**TEXT, "name": "a\x00"}, "name"),
        ({**TEXT, "name": LONE_SURROGATE}, "name"),
        ({**TEXT, "content": "a\x00"}, "content"),
        ({**TEXT, "content": LONE_SURROGATE}, "content"),
        ({**TEXT, "content": "x" * 200_001}, "content"),
        ({**TEXT, "content": ["x"]}, "content"),
        ({**TEXT, "type": "song"}, "type"),
        ({**TEXT, "type": None}, "type"),
        ({**TEXT, "attempt": 0}, "attempt"),
        ({**TEXT, "attempt": "1"}, "attempt"),
        ({**TEXT, "attempt": True}, "attempt"),
        ({**TEXT, "attempt": 10**40}, "attempt"),
        ({**TEXT, "run_id": "1"}, "run_id"),
        ({**FILE, "size": -1}, "size"),
        ({**FILE, "size": 2**53 + 1}, "size"),
        ({**FILE, "size": 10**40}, "size"),
        ({**FILE, "size": 1.0}, "size"),
        ({**FILE, "sha256": "0" * 63}, "sha256"),
        ({**FILE, "sha256": SHA.upper()}, "sha256"),
        ({**FILE, "sha256": SHA + "\n"}, "sha256"),
        ({**FILE, "location": "a\x00b"}, "location"),
        ({**FILE, "location": LONE_SURROGATE}, "location"),
        ({**FILE, "location": "a" * 4_097}, "location"),
    ],
)
async def test_artifacts_are_strict(api, running, wrong, place):
    """Each offence is told with its place, and nothing is stored."""
    problem = await refused(api, "/artifacts", {"task_id": running["task_ids"][0], **wrong})
    assert places(problem) == [f"body/{place}"]
    assert (await api.get("/artifacts"))["items"] == []


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({**TEXT, "content": None}, "content"),
        ({**TEXT, "location": "a"}, "location"),
        ({**TEXT, "sha256": SHA}, "sha256"),
        ({**TEXT, "size": 1}, "size"),
        ({**FILE, "content": "x"}, "content"),
        ({**FILE, "size": None}, "size"),
        ({**FILE, "sha256": None}, "sha256"),
        ({**FILE, "location": None}, "location"),
        ({**FILE, "location": "/etc/passwd"}, "location"),
        ({**FILE, "location": "../x"}, "location"),
        ({**FILE, "location": "a\\..\\x"}, "location"),
        ({**COMMIT, "location": "HEAD"}, "location"),
        ({**COMMIT, "sha256": SHA}, "sha256"),
    ],
)
async def test_what_does_not_go_with_the_type_is_told(api, running, wrong, place):
    """With its place, whatever the task."""
    for task_id in (running["task_ids"][0], "99"):
        problem = await refused(api, "/artifacts", {"task_id": task_id, **wrong}, "invalid_artifact")
        assert places(problem) == [f"body/{place}"]
    assert (await api.get("/artifacts"))["items"] == []


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"quality_gates": {"lint": "skipped"}}, "quality_gates/lint"),
        ({"quality_gates": {"lint": True}}, "quality_gates/lint"),
        ({"quality_gates": ["lint"]}, "quality_gates"),
        ({"quality_gates": {f"g{index}": "passed" for index in range(21)}}, "quality_gates"),
        ({"handoff": {}}, "handoff/summary"),
        ({"handoff": "done"}, "handoff"),
        ({"handoff": {"summary": " "}}, "handoff/summary"),
        ({"handoff": {"summary": "x" * 2_001}}, "handoff/summary"),
        ({"handoff": {"summary": "a\x00"}}, "handoff/summary"),
        ({"handoff": {"summary": LONE_SURROGATE}}, "handoff/summary"),
        ({"handoff": {"summary": "x", "details": "x" * 20_001}}, "handoff/details"),
        ({"handoff": {"summary": "x", "details": None}}, "handoff/details"),
        ({"handoff": {"summary": "x", "next_actions": ["x"] * 21}}, "handoff/next_actions"),
        ({"handoff": {"summary": "x", "next_actions": [" "]}}, "handoff/next_actions/0"),
        ({"handoff": {"summary": "x", "open_questions": "why"}}, "handoff/open_questions"),
        ({"handoff": {"summary": "x", "artifact_ids": ["1"] * 101}}, "handoff/artifact_ids"),
        ({"handoff": {"summary": "x", "artifact_ids": [1]}}, "handoff/artifact_ids/0"),
        ({"handoff": {"summary": "x", "attempt": 1}}, "handoff/attempt"),
    ],
)
async def test_hand_offs_and_gates_are_strict(api, running, wrong, place):
    """A callback with an offence changes nothing."""
    [task_id] = running["task_ids"]
    body = {"attempt": 1, "status": "success", **wrong}
    problem = await refused(api, f"/runner/tasks/{task_id}/status", body)
    assert places(problem) == [f"body/{place}"]
    assert (await api.get(f"/tasks/{task_id}"))["status"] == "queued"


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"type": "custom." + "x" * 60}, "type"),
        ({"type": 7}, "type"),
        ({"id": "7"}, "id"),
        ({"sequence": 1}, "sequence"),
        ({"attempt": 1}, ""),
        ({"attempt": 10**40, "task_id": "1"}, "attempt"),
        ({"payload": []}, "payload"),
        ({"payload": {f"k{index}": 1 for index in range(51)}}, "payload"),
        ({"payload": {f"k{index}": "x" * 2_000 for index in range(11)}}, "payload"),
        ({"payload": {"k": ["x" * 2_000] * 11}}, "payload"),
        ({"payload": {"": 1}}, "payload//[key]"),
        ({"payload": {"k" * 201: 1}}, f"payload/{'k' * 100}/[key]"),
    ],
)
async def test_events_of_clients_are_strict(api, running, wrong, place):
    """Nothing of what is refused is told."""
    before = await api.events(running["id"])
    problem = await refused(api, "/events", {"run_id": running["id"], "type": "custom.x", **wrong})
    assert places(problem) == [f"body/{place}".rstrip("/")]
    assert await api.events(running["id"]) == before


@pytest.mark.parametrize(
    "value",
    [
        {"a": 1},
        [["a"]],
        [1],
        ["a"] * 51,
        ["x" * 2_001],
        "x" * 2_001,
        "a\x00",
        LONE_SURROGATE,
        [LONE_SURROGATE],
        1.5,
        2**53 + 1,
        -(2**53) - 1,
        10**400,
    ],
)
async def test_a_payload_is_flat_and_bounded(api, running, value):
    """Text, whole numbers that every language has exactly, booleans, null, and lists of text."""
    before = await api.events(running["id"])
    problem = await refused(
        api, "/events", {"run_id": running["id"], "type": "custom.x", "payload": {"k": value}}
    )
    assert all(place.startswith("body/payload/k") for place in places(problem))
    assert await api.events(running["id"]) == before


@pytest.mark.parametrize("path", ["/artifacts", "/handoffs", "/events"])
async def test_a_page_of_what_is_not_there_is_not_found(api, running, path):
    """Ids are opaque: any text is a possible id."""
    for run_id in ("nope", "99", "1e3", "9" * 40):
        assert (await api.get(f"{path}?run_id={run_id}", status=404))["code"] == "not_found"
