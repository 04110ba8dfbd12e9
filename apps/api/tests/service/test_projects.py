"""Projects: a root, and the paths under it that work may touch, as the file system really is."""

import os
from pathlib import Path

import pytest

pytestmark = pytest.mark.anyio


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The root of a project on the server, with a folder inside, and a stranger's folder beside it."""
    real = tmp_path.resolve() / "app"
    (real / "src").mkdir(parents=True)
    (real.parent / "stranger").mkdir()
    return real


async def refused(api, body: dict, *, place: str) -> None:
    problem = await api.post("/projects", {"name": "p", **body}, status=422)
    assert problem["code"] == "invalid_path"
    assert problem["errors"][0]["place"] == place
    assert (await api.get("/projects"))["items"] == []


async def test_a_project_comes_back_as_it_is_stored(api, root):
    """Its paths absolute and each once, and all of the root allowed where nothing else is said."""
    allowed = ["src", f"{root}/docs", "./src/", "."]
    body = {"name": "app", "root_path": f"{root}/", "allowed_paths": allowed}
    created = await api.post("/projects", body)
    assert created["root_path"] == str(root)
    assert created["allowed_paths"] == [f"{root}/src", f"{root}/docs", str(root)]
    assert await api.get(f"/projects/{created['id']}") == created
    whole = await api.post("/projects", {"name": "whole", "root_path": str(root)})
    assert whole["allowed_paths"] == [str(root)]
    assert (await api.get("/projects"))["items"] == [created, whole]


async def test_describing_a_project_creates_nothing(api, root):
    """A root and allowed paths that do not exist are taken, and still do not exist afterwards."""
    before = sorted(root.parent.rglob("*"))
    missing = {"root_path": f"{root}/not/there", "allowed_paths": ["a", "b/c"]}
    created = await api.post("/projects", {"name": "later", **missing})
    await api.put(f"/projects/{created['id']}", {"name": "later", **missing, "allowed_paths": ["d"]})
    assert sorted(root.parent.rglob("*")) == before


async def test_symlinks_count_for_where_they_lead(api, root):
    """Into the root is fine, also through a second name of the root; out of it is refused."""
    (root / "inside").symlink_to("src")
    (root.parent / "alias").symlink_to(root)
    alias = f"{root.parent}/alias"
    body = {"root_path": alias, "allowed_paths": ["inside/x", f"{alias}/src", f"{root}/docs"]}
    created = await api.post("/projects", {"name": "p", **body})
    assert created["root_path"] == str(root)
    assert created["allowed_paths"] == [f"{root}/src/x", f"{root}/src", f"{root}/docs"]


async def test_a_symlink_is_no_way_out(api, root):
    """Neither to what exists, nor to what may exist one day, nor in a circle."""
    (root / "escape").symlink_to("../stranger")
    (root / "one day").symlink_to(root.parent / "later")
    (root / "circle").symlink_to("circle")
    (root / "file").touch()
    (root / "bytes").symlink_to(os.fsdecode(b"\xff"))
    for path in ("escape", "escape/deeper", "one day", "circle", "circle/x", "file/x", "bytes"):
        body = {"root_path": str(root), "allowed_paths": ["src", path]}
        await refused(api, body, place="body/allowed_paths/1")
    for path in ("circle", "file/x", "bytes"):
        await refused(api, {"root_path": f"{root}/{path}"}, place="body/root_path")


async def test_paths_are_refused_for_their_wording(api, root):
    """A root that is not absolute, ways up, and neighbours whose name only begins like the root's."""
    for path in ("app", "./app", f"{root}/../app", f"{root}/..", "/a" * 101, "/" + "n" * 256):
        await refused(api, {"root_path": path}, place="body/root_path")
    for path in ("..", "src/../src", f"{root}2", "/", "/etc/passwd", str(root.parent)):
        body = {"root_path": str(root), "allowed_paths": [path]}
        await refused(api, body, place="body/allowed_paths/0")


async def test_names_are_unique(api, root):
    """At creation and later; a project may keep its own."""
    first = await api.post("/projects", {"name": "first", "root_path": str(root)})
    second = await api.post("/projects", {"name": "second", "root_path": str(root)})
    taken = {"name": "first", "root_path": str(root)}
    assert (await api.post("/projects", taken, status=409))["code"] == "name_taken"
    assert (await api.put(f"/projects/{second['id']}", taken, status=409))["code"] == "name_taken"
    assert await api.put(f"/projects/{first['id']}", taken) == first


async def test_a_project_is_replaced_as_a_whole(api, root):
    """What is left out goes back to its default; the rest of it stays the same project."""
    body = {"name": "p", "root_path": str(root), "allowed_paths": ["src"]}
    created = await api.post("/projects", body)
    replaced = await api.put(f"/projects/{created['id']}", {"name": "q", "root_path": f"{root}/src"})
    assert replaced == {
        **created,
        "name": "q",
        "root_path": f"{root}/src",
        "allowed_paths": [f"{root}/src"],
    }
    refusal = await api.put(f"/projects/{created['id']}", {**body, "root_path": "src"}, status=422)
    assert refusal["code"] == "invalid_path"
    assert await api.get(f"/projects/{created['id']}") == replaced


async def test_only_what_exists_is_replaced_or_deleted(api, root):
    """An unknown project is not found, whatever is said about it."""
    for project_id in ("7", "seven"):
        await api.put(f"/projects/{project_id}", {"name": "p", "root_path": "x"}, status=404)
        await api.delete(f"/projects/{project_id}", status=404)


async def test_a_project_in_use_stays(api, root):
    """Templates and tasks each keep it; without them it goes, and its id is never given out again."""
    project = await api.post("/projects", {"name": "p", "root_path": str(root)})
    path = f"/projects/{project['id']}"
    role = await api.post("/roles", {"name": "dev"})
    step = {"step_id": "a", "role_id": role["id"], "title": "A"}
    body = {"name": "t", "project_id": project["id"], "steps": [step]}
    template = await api.post("/workflow-templates", body)
    assert (await api.delete(path, status=409))["code"] == "in_use"
    await api.put(f"/workflow-templates/{template['id']}", {**body, "project_id": None})
    await api.delete(path)
    await api.get(path, status=404)
    second = await api.post("/projects", {"name": "p", "root_path": str(root)})
    assert int(second["id"]) > int(project["id"])
    await api.post("/tasks", {**step, "project_id": second["id"]})
    assert (await api.delete(f"/projects/{second['id']}", status=409))["code"] == "in_use"
    assert await api.get(f"/projects/{second['id']}") == second
