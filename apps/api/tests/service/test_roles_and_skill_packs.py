"""Roles and the skill packs that they are given."""

import pytest

pytestmark = pytest.mark.anyio


async def skill_packs(api, count: int) -> list[str]:
    names = [f"pack {index}" for index in range(count)]
    return [(await api.post("/skill-packs", {"name": name}))["id"] for name in names]


async def test_a_skill_pack_is_kept_replaced_and_deleted(api):
    """As a whole each time; its name is unique, and its id is never given out again."""
    body = {"name": "review", "description": "How we read.", "skills": ["diffs", "diffs", "日本語"]}
    created = await api.post("/skill-packs", body)
    path = f"/skill-packs/{created['id']}"
    assert {name: created[name] for name in body} == body
    assert await api.get(path) == created
    replaced = await api.put(path, {"name": "reading"})
    assert replaced == {**created, "name": "reading", "description": "", "skills": []}
    other = await api.post("/skill-packs", {"name": "review"})
    assert (await api.post("/skill-packs", {"name": "review"}, status=409))["code"] == "name_taken"
    assert (await api.put(path, {"name": "review"}, status=409))["code"] == "name_taken"
    assert await api.put(path, {"name": "reading"}) == replaced
    await api.delete(f"/skill-packs/{other['id']}")
    assert (await api.get("/skill-packs"))["items"] == [replaced]
    assert (await api.post("/skill-packs", {"name": "review"}))["id"] not in {created["id"], other["id"]}


@pytest.mark.parametrize("path", ["/skill-packs/7", "/skill-packs/x", "/roles/7", "/roles/x"])
async def test_only_what_exists_is_replaced_or_deleted(api, path):
    """Unknown is not found."""
    await api.get(path, status=404)
    await api.put(path, {"name": "n"}, status=404)
    await api.delete(path, status=404)


async def test_a_role_is_replaced_as_a_whole(api):
    """Its skill packs keep their order; what is left out goes back to its default."""
    first, second, third = await skill_packs(api, 3)
    body = {
        "name": "dev",
        "system_prompt": "You write code.",
        "context7_enabled": True,
        "allowed_tools": ["git"],
        "skill_packs": [third, first],
        "retry_policy": {"max_retries": 2, "retry_on": ["flaky"]},
    }
    created = await api.post("/roles", body)
    path = f"/roles/{created['id']}"
    assert {name: created[name] for name in body} == body
    assert await api.get(path) == created
    changed = {**body, "skill_packs": [second, third]}
    assert await api.put(path, changed) == {**created, **changed}
    bare = await api.put(path, {"name": "dev"})
    assert (bare["skill_packs"], bare["system_prompt"], bare["context7_enabled"]) == ([], "", False)
    assert bare["retry_policy"] == {"max_retries": 0, "retry_on": []}
    assert await api.get(path) == bare


async def test_a_role_keeps_its_name_to_itself(api):
    """Another role can neither be created with it nor take it over."""
    first = await api.post("/roles", {"name": "dev"})
    second = await api.post("/roles", {"name": "ops"})
    assert (await api.put(f"/roles/{second['id']}", {"name": "dev"}, status=409))["code"] == "name_taken"
    assert await api.get(f"/roles/{second['id']}") == second
    assert await api.put(f"/roles/{first['id']}", {"name": "dev"}) == first


async def test_an_unknown_skill_pack_is_told_with_its_place(api):
    """Unknown or impossible, at creation and later; one named twice is refused as well."""
    [known] = await skill_packs(api, 1)
    role = await api.post("/roles", {"name": "dev", "skill_packs": [known]})
    for unknown in ("99", "nope", "", "01"):
        body = {"name": "other", "skill_packs": [known, unknown]}
        for send, path in ((api.post, "/roles"), (api.put, f"/roles/{role['id']}")):
            problem = await send(path, body, status=422)
            assert problem["code"] == "unknown_skill_pack"
            assert problem["errors"] == [
                {"place": "body/skill_packs/1", "detail": f"There is no skill pack {unknown!r}."}
            ]
    twice = await api.post("/roles", {"name": "other", "skill_packs": [known, known]}, status=422)
    assert twice["errors"][0]["place"] == "body/skill_packs"
    assert (await api.get("/roles"))["items"] == [role]


async def test_a_skill_pack_in_use_stays(api):
    """Until the last role lets go of it: by being replaced, or by being deleted."""
    [pack] = await skill_packs(api, 1)
    path = f"/skill-packs/{pack}"
    roles = [await api.post("/roles", {"name": name, "skill_packs": [pack]}) for name in ("dev", "ops")]
    assert (await api.delete(path, status=409))["code"] == "in_use"
    await api.put(f"/roles/{roles[0]['id']}", {"name": "dev"})
    assert (await api.delete(path, status=409))["code"] == "in_use"
    assert (await api.get(f"/roles/{roles[1]['id']}"))["skill_packs"] == [pack]
    await api.delete(f"/roles/{roles[1]['id']}")
    await api.delete(path)
    await api.get(path, status=404)


async def test_a_role_in_use_stays(api):
    """Templates keep it, and so do tasks, which outlive what their template says."""
    dev, ops, idle = [(await api.post("/roles", {"name": name}))["id"] for name in ("dev", "ops", "idle")]
    step = {"step_id": "a", "role_id": dev, "title": "A"}
    template = await api.post("/workflow-templates", {"name": "t", "steps": [step]})
    path = f"/workflow-templates/{template['id']}"
    assert (await api.delete(f"/roles/{dev}", status=409))["code"] == "in_use"
    await api.post("/tasks", {**step, "role_id": ops})
    assert (await api.delete(f"/roles/{ops}", status=409))["code"] == "in_use"
    await api.put(path, {"name": "t", "steps": [{**step, "role_id": ops}]})
    await api.delete(f"/roles/{dev}")
    await api.delete(f"/roles/{idle}")
    assert [role["id"] for role in (await api.get("/roles"))["items"]] == [ops]
    assert int((await api.post("/roles", {"name": "dev"}))["id"]) > int(idle)


async def test_a_role_replaced_under_a_task_holds_from_its_next_attempt(api, runner):
    """The retry policy and the Context7 default are the role's as it is then."""
    run = await api.start_run({"step_id": "a"}, context7_enabled=False)
    task = run["tasks"][0]
    role = await api.get(f"/roles/{task['role_id']}")
    changed = {"context7_enabled": True, "retry_policy": {"max_retries": 1, "retry_on": ["flaky"]}}
    await api.put(f"/roles/{role['id']}", {"name": role["name"], **changed})
    await api.dispatch(run["id"])
    assert runner.submitted[0].context7_enabled is True
    failed = await api.report(task["id"], 1, "failed", failure_category="flaky")
    assert failed["status"] == "created"
