"""Two processes on one catalogue: what is used in one of them is deleted, replaced or taken in the other."""

import asyncio
from dataclasses import replace

import pytest

from multyagents_api.domain.errors import (
    InUse,
    InvalidTask,
    InvalidTemplate,
    NameTaken,
    NotFound,
    TaskTaken,
    UnknownSkillPack,
)
from multyagents_api.domain.roles import NewRole, RetryPolicy
from multyagents_api.domain.templates import Step
from multyagents_api.scenarios.planted.planting import weakened

pytestmark = pytest.mark.anyio

STEP = Step("a", 1, "A", "", (), requires_approval=False)


async def two_tasks(api) -> list[int]:
    """Two tasks that belong to no run, of a role with the id 1."""
    await api.post("/roles", {"name": "dev"})
    bodies = [{"step_id": name, "role_id": "1", "title": name} for name in "ab"]
    return [int((await api.post("/tasks", body))["id"]) for body in bodies]


async def test_one_of_two_runs_gets_a_task(api, interrupted):
    """The loser is told who is taken, and neither it nor its other task is left behind."""
    shared, other = await two_tasks(api)
    interrupted.storage.rival = lambda: api.post("/workflow-runs", {"task_ids": [str(shared)]})
    with pytest.raises(TaskTaken) as refused:
        await interrupted.runs.create_of_tasks([other, shared])
    assert refused.value.task_id == shared
    [run] = (await api.get("/workflow-runs"))["items"]
    assert (await api.get(f"/tasks/{shared}"))["run_id"] == run["id"]
    assert (await api.get(f"/tasks/{other}"))["run_id"] is None


async def test_two_runs_of_the_same_tasks_never_wait_for_each_other(api, connect, database):
    """Asked for at once and in opposite orders, one of them gets all tasks, and the other is told so."""
    async with connect(database) as (rival, _):
        await api.post("/roles", {"name": "dev"})
        for _ in range(5):
            steps = [{"step_id": name, "role_id": "1", "title": name} for name in "abcdef"]
            task_ids = [(await api.post("/tasks", step))["id"] for step in steps]
            answers = await asyncio.gather(
                api.http.post("/workflow-runs", json={"task_ids": task_ids}),
                rival.http.post("/workflow-runs", json={"task_ids": task_ids[::-1]}),
            )
            won, lost = sorted(answers, key=lambda answer: answer.status_code)
            assert (won.status_code, lost.status_code) == (201, 409), (won.text, lost.text)
            assert lost.json()["code"] == "task_taken"
            owners = {(await api.get(f"/tasks/{task_id}"))["run_id"] for task_id in task_ids}
            assert owners == {won.json()["id"]}


async def test_what_is_deleted_and_used_at_once_is_one_of_both(api, connect, database):
    """Either the role is gone and the template refused, or the template is there and the role stays."""
    async with connect(database) as (rival, _):
        for index in range(5):
            role = await api.post("/roles", {"name": f"role {index}"})
            body = {"name": "t", "steps": [{"step_id": "a", "role_id": role["id"], "title": "A"}]}
            used, deleted = await asyncio.gather(
                api.http.post("/workflow-templates", json=body), rival.http.delete(f"/roles/{role['id']}")
            )
            outcome = (used.status_code, deleted.status_code)
            assert outcome in {(201, 409), (422, 204)}, (used.text, deleted.text)


async def test_without_its_guard_a_task_gets_into_two_runs(api, interrupted):
    """The planted fault: taking a task up no longer asks whether it is free."""
    [shared, _] = await two_tasks(api)
    interrupted.storage.rival = lambda: api.post("/workflow-runs", {"task_ids": [str(shared)]})
    with weakened("TAKE_TASK", "run_id"):
        await interrupted.runs.create_of_tasks([shared])
    created = (await api.get("/events?type=task.created"))["items"]
    assert [event["task_id"] for event in created] == [str(shared)] * 2


async def test_a_template_deleted_in_between_starts_no_run(api, interrupted):
    """Deciding again finds that it is gone; were the run first, the deletion would be refused."""
    run = await api.start_run({"step_id": "a"})
    [used] = (await api.get("/workflow-templates"))["items"]
    other = await api.post("/workflow-templates", {"name": "t", "steps": used["steps"]})
    path = f"/workflow-templates/{other['id']}"
    interrupted.storage.rival = lambda: api.delete(path)
    with pytest.raises(NotFound):
        await interrupted.runs.create(int(other["id"]))
    assert [kept["id"] for kept in (await api.get("/workflow-runs"))["items"]] == [run["id"]]
    third = await api.post("/workflow-templates", {"name": "t", "steps": used["steps"]})
    start = {"workflow_template_id": third["id"]}
    interrupted.storage.rival = lambda: api.post("/workflow-runs", start)
    with pytest.raises(InUse):
        await interrupted.templates.delete(int(third["id"]))


async def test_a_role_that_goes_in_between_is_not_used(api, interrupted):
    """Neither by a run whose template let go of it, nor by a new template, nor by a task."""
    await api.start_run({"step_id": "a"})
    other = await api.post("/roles", {"name": "other"})
    step = {"step_id": "a", "role_id": other["id"], "title": "A"}
    template = await api.post("/workflow-templates", {"name": "t", "steps": [step]})

    async def replace_and_delete() -> None:
        steps = [{**step, "step_id": "new", "role_id": "1"}]
        await api.put(f"/workflow-templates/{template['id']}", {"name": "t", "steps": steps})
        await api.delete(f"/roles/{other['id']}")

    interrupted.storage.rival = replace_and_delete
    view = await interrupted.runs.create(int(template["id"]))
    assert [(task.step_id, task.role_id) for task in view.tasks] == [("new", 1)]
    for use, refusal in (
        (lambda made: interrupted.templates.create("t", [made]), InvalidTemplate),
        (lambda made: interrupted.templates.replace(int(template["id"]), "t", [made]), InvalidTemplate),
        (lambda made: interrupted.tasks.create(made, None), InvalidTask),
    ):
        passing = await api.post("/roles", {"name": "passing"})
        interrupted.storage.rival = lambda key=passing["id"]: api.delete(f"/roles/{key}")
        with pytest.raises(refusal):
            await use(replace(STEP, role_id=int(passing["id"])))


async def test_a_skill_pack_that_goes_in_between_is_not_used(api, interrupted):
    """By a new role or by a changed one; a name that was taken meanwhile is told as that."""
    role = await api.post("/roles", {"name": "dev"})
    new = NewRole("new", False, (), RetryPolicy())  # noqa: FBT003 - a field
    for use in (interrupted.roles.create, lambda given: interrupted.roles.replace(int(role["id"]), given)):
        pack = await api.post("/skill-packs", {"name": "passing"})
        interrupted.storage.rival = lambda key=pack["id"]: api.delete(f"/skill-packs/{key}")
        with pytest.raises(UnknownSkillPack):
            await use(replace(new, skill_pack_ids=(int(pack["id"]),)))
    interrupted.storage.rival = lambda: api.post("/roles", {"name": "new"})
    with pytest.raises(NameTaken):
        await interrupted.roles.create(new)
    assert await api.get(f"/roles/{role['id']}") == role


async def test_what_goes_in_between_is_not_replaced(api, interrupted):
    """The second of two changes finds nothing any more."""
    new = NewRole("new", False, (), RetryPolicy())  # noqa: FBT003 - a field
    role = await api.post("/roles", {"name": "dev"})
    interrupted.storage.rival = lambda: api.delete(f"/roles/{role['id']}")
    with pytest.raises(NotFound):
        await interrupted.roles.replace(int(role["id"]), new)
    await api.post("/roles", {"name": "dev"})
    steps = [{"step_id": "a", "role_id": "2", "title": "A"}]
    template = await api.post("/workflow-templates", {"name": "t", "steps": steps})
    interrupted.storage.rival = lambda: api.delete(f"/workflow-templates/{template['id']}")
    with pytest.raises(NotFound):
        await interrupted.templates.replace(int(template["id"]), "t", [replace(STEP, role_id=2)])
