"""Every input is hostile: refused with a 4xx problem, never a 500, and nothing is stored."""

import json

import pytest

from multyagents_api.http.limits import MOST_BODY_BYTES

pytestmark = pytest.mark.anyio

JSON = {"content-type": "application/json"}


async def refused(api, path: str, body: object, *, code: str = "invalid_request") -> dict:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = await api.http.post(path, content=content, headers=JSON)
    assert 400 <= response.status_code < 500, response.text
    assert response.json()["code"] == code, response.text
    return response.json()


@pytest.mark.parametrize(
    "body",
    [
        {"name": ""},
        {"name": "   "},
        {"name": "\u2003\u00a0"},
        {"name": "a\x00b"},
        {"name": "x" * 201},
        {"name": 7},
        {"name": None},
        {"name": ["x"]},
        {"name": "x", "id": "7"},
        {"name": "x", "context7_enabled": "yes"},
        {"name": "x", "context7_enabled": 1},
        {"name": "x", "retry_policy": {"max_retries": 11}},
        {"name": "x", "retry_policy": {"max_retries": True}},
        {"name": "x", "retry_policy": {"max_retries": 1.0}},
        {"name": "x", "retry_policy": {"max_retries": 10**40}},
        {"name": "x", "retry_policy": {"max_retries": -1}},
        {"name": "x", "allowed_tools": ["t"] * 101},
        {"name": "x", "allowed_tools": "git"},
        [],
        "x",
        None,
        b'{"name": "\\ud800"}',
        b'{"name": "x", "\\ud800": 1}',
        b'{"name": NaN}',
        b"\xff\xfe{}",
        b'{"name": "x", "retry_policy": {"max_retries": Infinity}}',
    ],
)
async def test_roles_take_clean_strict_and_bounded_input(api, body):
    """Blank, NUL, lone surrogates, wrong types, too long, too many, unknown fields."""
    code = "invalid_json" if isinstance(body, bytes) and b"\xff" in body else "invalid_request"
    await refused(api, "/roles", body, code=code)
    assert (await api.get("/roles"))["items"] == []


@pytest.mark.parametrize("depth", [1_000, 500_000])
async def test_nesting_is_no_way_to_bring_the_service_down(api, depth):
    """However deep a body is nested, the answer is a refusal."""
    response = await api.http.post("/roles", content=b"[" * depth + b"]" * depth, headers=JSON)
    assert 400 <= response.status_code < 500


async def test_bodies_are_bounded_while_they_arrive(api):
    """Announced or not, what is larger than the limit is 413."""

    async def endless():
        for _ in range(MOST_BODY_BYTES // 65_536 + 2):
            yield b" " * 65_536

    announced = await api.http.post("/roles", content=b" " * (MOST_BODY_BYTES + 1), headers=JSON)
    boasting = await api.http.post("/roles", content=b"", headers={**JSON, "content-length": "9" * 5_000})
    streamed = await api.http.post("/roles", content=endless(), headers=JSON)
    for response in (announced, boasting, streamed):
        assert response.status_code == 413, response.text
        assert response.json()["code"] == "body_too_large"


NAME_OF_50_MEGABYTES = b'{"name": "' + b"x" * 50_000_000 + b'"}'


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_no_operation_takes_a_name_of_50_megabytes(api):
    """Whatever takes a body refuses this one, and goes on serving."""
    paths = (await api.get("/openapi.json"))["paths"]
    asked = [
        (method.upper(), path.replace("{", "").replace("}", ""))
        for path, operations in paths.items()
        for method, operation in operations.items()
        if "requestBody" in operation
    ]
    assert len(asked) > 20
    for method, path in asked:
        response = await api.http.request(method, path, content=NAME_OF_50_MEGABYTES, headers=JSON)
        assert (response.status_code, response.json()["code"]) == (413, "body_too_large"), path
    assert (await api.get("/readyz"))["status"] == "ok"


async def test_the_largest_template_allowed_fits(api):
    """A hundred steps with the longest prompts stay under the body limit, and one more step is refused."""
    await api.post("/roles", {"name": "dev"})
    step = {"role_id": "1", "title": "T" * 200, "prompt": "p" * 20_000}
    steps = [{"step_id": f"s{index}", **step} for index in range(100)]
    created = await api.post("/workflow-templates", {"name": "large", "steps": steps})
    run = await api.post("/workflow-runs", {"workflow_template_id": created["id"]})
    assert len(run["tasks"]) == 100
    await refused(api, "/workflow-templates", {"name": "t", "steps": [*steps, {"step_id": "more", **step}]})
    await refused(api, "/workflow-templates", {"name": "t", "steps": []})


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/workflow-runs", {"workflow_template_id": 1}),
        ("/workflow-runs", {"workflow_template_id": "1", "initiated_by": ""}),
        ("/runner/tasks/1/status", {"attempt": "1", "status": "success"}),
        ("/runner/tasks/1/status", {"attempt": 0, "status": "success"}),
        ("/runner/tasks/1/status", {"attempt": 1, "status": "dispatched"}),
        ("/runner/tasks/1/status", {"attempt": 1, "status": "created"}),
        ("/runner/tasks/1/status", {"attempt": 1, "status": "success", "message": "\x00"}),
        ("/runner/tasks/1/status", {"attempt": 2**70, "status": "success"}),
        ("/approvals/1/approve", {}),
        ("/approvals/1/approve", {"actor": " "}),
        ("/approvals/1/approve", {"actor": "leo", "decided_at": "now"}),
        ("/workflow-runs/1/partial-rerun", {"step_ids": ["a"], "requested_by": "mia"}),
        ("/workflow-runs/1/partial-rerun", {"step_ids": ["a"], "requested_by": "mia", "reason": " "}),
        (
            "/workflow-runs/1/partial-rerun",
            {"step_ids": ["a"], "requested_by": "mia", "reason": "r", "max_dispatch": 101},
        ),
        ("/workflow-runs/1/pause", {"actor": 7}),
    ],
)
async def test_other_bodies_are_as_strict(api, path, body):
    """Each operation refuses what it does not know, before it looks at the run."""
    await refused(api, path, body)


async def test_an_id_that_can_not_be_one_names_nothing(api):
    """Ids are opaque: any text is a possible id, and one that is unknown is not found."""
    for template_id in ("nope", "", "1e3", "01", "9" * 40, "-1", "1 OR 1=1"):
        await refused(api, "/workflow-runs", {"workflow_template_id": template_id}, code="not_found")


async def test_text_comes_back_as_it_was_sent(api):
    """Quotes, markup and any script are data."""
    name = "Robert'); DROP TABLE roles;-- <b>日本語</b> 🎉 {run_id}"
    created = await api.post("/roles", {"name": name})
    assert (await api.get(f"/roles/{created['id']}"))["name"] == name
    assert name in (await api.post("/roles", {"name": name}, status=409))["detail"]


async def test_a_role_that_can_not_be_one_is_told_with_its_place(api):
    """Unknown or impossible, the role of a step is what is wrong with a template."""
    step = {"step_id": "a", "title": "A"}
    for role_id in ("7", "nobody", ""):
        steps = [{**step, "role_id": role_id}]
        problem = await refused(
            api, "/workflow-templates", {"name": "t", "steps": steps}, code="invalid_template"
        )
        assert problem["errors"][0]["place"] == "body/steps/0/role_id"
