"""Every input is hostile, here about projects, skill packs, roles, templates and tasks by themselves."""

import json

import pytest

from multyagents_api.http.limits import MOST_BODY_BYTES

pytestmark = pytest.mark.anyio

JSON = {"content-type": "application/json"}
HUGE = b"1" + b"0" * 400
STEP = {"step_id": "a", "role_id": "1", "title": "A"}


async def refused(api, method: str, path: str, body: object, *, code: str = "invalid_request") -> dict:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = await api.http.request(method, path, content=content, headers=JSON)
    assert 400 <= response.status_code < 500, (body, response.text)
    assert response.json()["code"] == code, (body, response.text)
    return response.json()


@pytest.fixture
async def existing(api) -> None:
    """One of each, all with the id 1."""
    await api.post("/projects", {"name": "known", "root_path": "/srv"})
    await api.post("/skill-packs", {"name": "known"})
    await api.post("/roles", {"name": "known", "skill_packs": ["1"]})
    await api.post("/workflow-templates", {"name": "known", "steps": [STEP]})
    await api.post("/tasks", STEP)


PROJECTS = [
    {},
    {"name": "x"},
    {"root_path": "/srv"},
    {"name": " ", "root_path": "/srv"},
    {"name": "x", "root_path": ""},
    {"name": "x", "root_path": "  "},
    {"name": "x", "root_path": 7},
    {"name": "x", "root_path": True},
    {"name": "x", "root_path": ["/srv"]},
    {"name": "x", "root_path": "/srv\x00"},
    {"name": "x", "root_path": "/srv\n/etc"},
    {"name": "x", "root_path": "/srv\r"},
    {"name": "x", "root_path": "/srv\x1b[2J"},
    {"name": "x", "root_path": "/srv\x85"},
    {"name": "x", "root_path": "/" + "a" * 4_096},
    {"name": "x", "root_path": "/srv", "allowed_paths": "src"},
    {"name": "x", "root_path": "/srv", "allowed_paths": [""]},
    {"name": "x", "root_path": "/srv", "allowed_paths": [None]},
    {"name": "x", "root_path": "/srv", "allowed_paths": ["a\x00b"]},
    {"name": "x", "root_path": "/srv", "allowed_paths": ["a\nb"]},
    {"name": "x", "root_path": "/srv", "allowed_paths": ["a"] * 101},
    {"name": "x", "root_path": "/srv", "allowed_paths": {"a": "b"}},
    {"name": "x", "root_path": "/srv", "owner": "mia"},
    b'{"name": "x", "root_path": "/\\ud800"}',
    b'{"name": "x", "root_path": "/srv", "allowed_paths": ["\\udfff"]}',
    b'{"name": "x", "root_path": ' + HUGE + b"}",
    b'{"name": ' + HUGE + b', "root_path": "/srv"}',
]

SKILL_PACKS = [
    {},
    {"name": "\u2003"},
    {"name": "x" * 201},
    {"name": "x", "description": None},
    {"name": "x", "description": "\x00"},
    {"name": "x", "description": "d" * 20_001},
    {"name": "x", "skills": "one"},
    {"name": "x", "skills": [""]},
    {"name": "x", "skills": [1]},
    {"name": "x", "skills": [False]},
    {"name": "x", "skills": ["s" * 201]},
    {"name": "x", "skills": ["s"] * 101},
    {"name": "x", "id": "1"},
    b'{"name": "\\ud800"}',
    b'{"name": "x", "skills": [' + HUGE + b"]}",
]

ROLES = [
    {"name": "x", "system_prompt": None},
    {"name": "x", "system_prompt": 1},
    {"name": "x", "system_prompt": "a\x00"},
    {"name": "x", "system_prompt": "p" * 20_001},
    {"name": "x", "skill_packs": "1"},
    {"name": "x", "skill_packs": [1]},
    {"name": "x", "skill_packs": [True]},
    {"name": "x", "skill_packs": ["1", "1"]},
    {"name": "x", "skill_packs": [str(index) for index in range(101)]},
    {"name": "x", "skill_packs": ["1" * 41]},
    {"name": "x", "skill_packs": ["\x00"]},
    b'{"name": "x", "skill_packs": ["\\ud800"]}',
    b'{"name": "x", "skill_packs": [' + HUGE + b"]}",
]

STEPS = [
    {"execution_mode": "SHARED-WORKSPACE"},
    {"execution_mode": "host"},
    {"execution_mode": None},
    {"execution_mode": 1},
    {"lock_paths": "src"},
    {"lock_paths": [""]},
    {"lock_paths": ["a\x00"]},
    {"lock_paths": ["a\nb"]},
    {"lock_paths": ["a" * 4_097]},
    {"lock_paths": ["a"] * 21},
    {"lock_paths": [True]},
    {"sandbox": {}},
    {"sandbox": "python:3.12"},
    {"sandbox": {"image": ""}},
    {"sandbox": {"image": "i" * 201}},
    {"sandbox": {"image": "i", "command": "make"}},
    {"sandbox": {"image": "i", "command": ["\x00"]}},
    {"sandbox": {"image": "i", "command": ["c" * 2_001]}},
    {"sandbox": {"image": "i", "command": ["c"] * 101}},
    {"sandbox": {"image": "i", "privileged": True}},
    {"required_artifacts": {}},
    {"required_artifacts": [{"from_step": "b"}]},
    {"required_artifacts": [{"from_step": "b", "type": "binary"}]},
    {"required_artifacts": [{"from_step": " ", "type": "diff"}]},
    {"required_artifacts": [{"from_step": "b", "type": "diff", "name": ""}]},
    {"required_artifacts": [{"from_step": "b", "type": "diff", "optional": True}]},
    {"required_artifacts": [{"from_step": "b", "type": "diff"}] * 21},
    {"quality_gates": "lint"},
    {"quality_gates": [""]},
    {"quality_gates": [1]},
    {"quality_gates": [str(index) for index in range(21)]},
    {"quality_gates": ["g" * 201]},
    {"command": "make all"},
    {"command": []},
    {"command": [""]},
    {"command": [" ", "x"]},
    {"command": ["make", "\x00"]},
    {"command": ["make", "\ud800"]},
    {"command": ["make", 1]},
    {"command": ["c" * 2_001]},
    {"command": ["c"] * 101},
    {"timeout_s": 0},
    {"timeout_s": 86_401},
    {"timeout_s": 1.5},
    {"timeout_s": "60"},
    {"timeout_s": True},
    {"status": "success"},
    {"run_id": "1"},
]


TEMPLATES = [
    *({"name": "x", "steps": [{**STEP, **wishes}]} for wishes in STEPS),
    {"name": "x", "project_id": 1, "steps": [STEP]},
    {"name": "x", "project_id": "1" * 41, "steps": [STEP]},
]

TASKS = [
    {},
    *({**STEP, **wishes} for wishes in STEPS),
    {**STEP, "project_id": 1},
    {**STEP, "project_id": True},
    {**STEP, "step_id": ""},
    {**STEP, "role_id": 1},
    [STEP],
    b'{"step_id": "\\ud800", "role_id": "1", "title": "A"}',
    b'{"step_id": "a", "role_id": ' + HUGE + b', "title": "A"}',
]


@pytest.mark.usefixtures("existing")
@pytest.mark.parametrize(
    ("path", "bodies"),
    [
        ("/projects", PROJECTS),
        ("/skill-packs", SKILL_PACKS),
        ("/roles", ROLES),
        ("/workflow-templates", TEMPLATES),
    ],
    ids=["projects", "skill packs", "roles", "templates"],
)
async def test_the_catalogue_takes_clean_strict_and_bounded_input(api, path, bodies):
    """At creation and in a replacement; what was there before stays as it was."""
    before = await api.get(f"{path}/1")
    for body in bodies:
        await refused(api, "POST", path, body)
        await refused(api, "PUT", f"{path}/1", body)
        assert (await api.get(path))["items"] == [before], body


@pytest.mark.usefixtures("existing")
async def test_tasks_by_themselves_take_the_same_input(api):
    """No task is made of what is refused."""
    for body in TASKS:
        await refused(api, "POST", "/tasks", body)
    await api.get("/tasks/2", status=404)


@pytest.mark.parametrize(
    "path", ["/projects", "/skill-packs", "/workflow-templates", "/tasks", "/workflow-runs"]
)
async def test_nesting_and_size_bring_nothing_down(api, path):
    """Deep or large beyond reason, the answer is a refusal."""
    deep = await api.http.post(path, content=b'{"name":' * 100_000, headers=JSON)
    assert 400 <= deep.status_code < 500
    name = b'{"name": "' + b"x" * MOST_BODY_BYTES + b'"}'
    large = await api.http.post(path, content=name, headers=JSON)
    assert (large.status_code, large.json()["code"]) == (413, "body_too_large")


@pytest.mark.usefixtures("existing")
@pytest.mark.parametrize("kind", ["projects", "skill-packs", "roles", "workflow-templates"])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_an_id_that_can_not_be_one_names_nothing(api, kind, method):
    """Nothing is replaced or deleted under another spelling of its id."""
    bodies = {
        "projects": {"name": "x", "root_path": "/srv"},
        "workflow-templates": {"name": "x", "steps": [STEP]},
    }
    body = bodies.get(kind, {"name": "x"}) if method == "PUT" else None
    for key in ("01", "1.0", "+1", "%201", "1%00", "٣", "9" * 40, "-1"):
        response = await api.http.request(method, f"/{kind}/{key}", json=body)
        assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert len((await api.get(f"/{kind}"))["items"]) == 1


async def test_text_comes_back_as_it_was_sent(api):
    """Quotes, markup, braces and any script are data, in names, paths and refusals."""
    name = "Robert'); DROP TABLE projects;-- <b>日本語 🎉 {kind} %s"
    body = {"name": name, "root_path": f"/{name}", "allowed_paths": ["{0}", "日本語"]}
    created = await api.post("/projects", body)
    assert (created["name"], created["root_path"]) == (name, body["root_path"])
    assert created["allowed_paths"] == [f"/{name}/{{0}}", f"/{name}/日本語"]
    assert name in (await api.post("/projects", body, status=409))["detail"]
    body["allowed_paths"] = ["/{place} 🎉"]
    assert "/{place} 🎉" in (await api.post("/projects", body, status=422))["detail"]


async def test_the_longest_input_allowed_is_taken(api):
    """Every limit, reached and not passed."""
    paths = [f"{index}/{'p' * 200}" for index in range(100)]
    long_root = "/" + "/".join(["r" * 200] * 19)
    body = {"name": "n" * 200, "root_path": long_root, "allowed_paths": paths}
    project = await api.post("/projects", body)
    assert len(project["allowed_paths"]) == 100
    skills = ["s" * 200] * 100
    packs = [await api.post("/skill-packs", {"name": f"{index}", "skills": skills}) for index in range(100)]
    ids = [pack["id"] for pack in packs]
    role = await api.post("/roles", {"name": "x", "system_prompt": "p" * 20_000, "skill_packs": ids})
    assert role["skill_packs"] == ids
    dependencies = [f"s{index}" for index in range(100)]
    wishes = {
        "project_id": project["id"],
        "execution_mode": "docker-sandbox",
        "sandbox": {"image": "i" * 200, "command": ["c" * 2_000] * 100},
        "depends_on": dependencies,
        "required_artifacts": [
            {"from_step": name, "type": "text", "name": None} for name in dependencies[:20]
        ],
        "quality_gates": [str(index) for index in range(20)],
    }
    task = await api.post("/tasks", {**STEP, "role_id": role["id"], **wishes})
    assert {name: task[name] for name in wishes} == wishes
