"""Two processes on one store, at the worst moment: the rival acts between the reading and the writing.

Whatever a use case read is old when it writes. Only the guard of its write stands between that and a wrong answer,
so each test also shows that the rule falls when the guard is taken out.
"""

from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from sqlalchemy import literal, update

from multyagents_api.bootstrap import Settings, create_app
from multyagents_api.domain.approvals import ApprovalStatus
from multyagents_api.domain.errors import (
    AlreadyDecided,
    AlreadyReset,
    DependencyNotSelected,
    IllegalTransition,
    InUse,
    InvalidTask,
    InvalidTemplate,
    NameTaken,
    NotFound,
    RunPaused,
    StaleAttempt,
    TaskTaken,
    UnknownSkillPack,
)
from multyagents_api.domain.reruns import RerunRequest
from multyagents_api.domain.roles import NewRole, RetryPolicy
from multyagents_api.domain.tasks import TaskStatus
from multyagents_api.domain.templates import Step
from multyagents_api.service.approvals import Decision
from multyagents_api.service.callbacks import Report
from multyagents_api.service.dispatching import NotDispatched
from multyagents_api.storage import guards
from multyagents_api.storage.sqlite import SqliteStorage
from multyagents_api.storage.tables import tasks

pytestmark = pytest.mark.anyio


class Interrupted(SqliteStorage):
    """A store whose write transactions let a rival act first."""

    rival: Callable[[], Awaitable[object]] | None = None

    @asynccontextmanager
    async def write(self):
        if self.rival is not None:
            act, self.rival = self.rival, None
            await act()
        async with super().write() as writer:
            yield writer


@pytest.fixture
def interrupted(database, monkeypatch):
    """The use cases of a second process; `storage.rival` acts before its next write."""
    monkeypatch.setattr("multyagents_api.bootstrap.SqliteStorage", Interrupted)
    app = create_app(Settings(database))
    yield app.state.services
    app.state.services.storage.close()


async def test_one_of_two_dispatchers_wins(api, interrupted):
    """The loser reads again and finds nothing left to dispatch."""
    run = await api.start_run({"step_id": "a"})
    interrupted.storage.rival = lambda: api.dispatch(run["id"])
    answer = await interrupted.dispatching.dispatch_ready(int(run["id"]))
    assert answer.reason is NotDispatched.NO_READY_TASKS
    assert (await api.event_types(run["id"])).count("task.dispatched") == 1


async def test_without_its_status_guard_a_task_is_dispatched_twice(api, interrupted, monkeypatch):
    """The planted fault: the claim no longer asks whether the task is still dispatchable."""
    blind = (
        update(tasks)
        .where(tasks.c.id == guards.bindparam("the_task"))
        .values(status="dispatched", attempt=tasks.c.attempt + 1)
    )
    blind = blind.returning(
        tasks.c.attempt, tasks.c.prompt, tasks.c.approval_id, literal(value=False).label("role_context7")
    )
    run = await api.start_run({"step_id": "a"})
    interrupted.storage.rival = lambda: api.dispatch(run["id"])
    monkeypatch.setattr(guards, "CLAIM_TASK", blind)
    await interrupted.dispatching.dispatch_ready(int(run["id"]))
    assert (await api.event_types(run["id"])).count("task.dispatched") == 2


async def test_a_pause_in_between_stops_the_dispatch(api, interrupted):
    """The claim looks at the run itself; deciding again gives the honest refusal."""
    run = await api.start_run({"step_id": "a"})
    interrupted.storage.rival = lambda: api.post(f"/workflow-runs/{run['id']}/pause")
    with pytest.raises(RunPaused):
        await interrupted.dispatching.dispatch_ready(int(run["id"]))
    assert "task.dispatched" not in await api.event_types(run["id"])


async def test_a_rejection_in_between_stops_the_dispatch(api, interrupted):
    """The claim looks at the approval itself; the task was canceled meanwhile."""
    run = await api.start_run({"step_id": "a", "requires_approval": True})
    reject = f"/approvals/{run['tasks'][0]['approval_id']}/reject"
    interrupted.storage.rival = lambda: api.post(reject, {"actor": "leo"})
    answer = await interrupted.dispatching.dispatch_ready(int(run["id"]))
    assert answer.reason is NotDispatched.NO_READY_TASKS


async def test_an_approval_in_between_lets_the_dispatch_go(api, interrupted):
    """What is approved at commit may go, although it was pending when the request began."""
    run = await api.start_run({"step_id": "a", "requires_approval": True})
    approve = f"/approvals/{run['tasks'][0]['approval_id']}/approve"
    interrupted.storage.rival = lambda: api.post(approve, {"actor": "leo"})
    assert (await interrupted.dispatching.dispatch_ready(int(run["id"]))).dispatched


async def test_one_of_two_reruns_wins(api, interrupted):
    """The loser gets a conflict, and the failure is counted once."""
    run = await api.start_run({"step_id": "a"})
    await api.fail_next(run["id"])
    interrupted.storage.rival = lambda: api.rerun(run["id"], step_ids=["a"], auto_dispatch=False)
    request = RerunRequest(int(run["id"]), (), ("a",), "leo", "again")
    with pytest.raises(AlreadyReset):
        await interrupted.reruns.rerun(request, max_dispatch=0)
    assert (await api.get(f"/workflow-runs/{run['id']}"))["rerun_count"] == 1


async def test_one_of_two_deciders_wins(api, interrupted):
    """Approved and rejected at once: the first one stays."""
    run = await api.start_run({"step_id": "a", "requires_approval": True})
    approval_id = run["tasks"][0]["approval_id"]
    interrupted.storage.rival = lambda: api.post(f"/approvals/{approval_id}/approve", {"actor": "mia"})
    with pytest.raises(AlreadyDecided):
        await interrupted.approvals.decide(Decision(int(approval_id), ApprovalStatus.REJECTED, "leo"))


async def test_one_of_two_ends_wins(api, interrupted):
    """Success and failure reported at once: the second is illegal by then."""
    run = await api.start_run({"step_id": "a"})
    await api.dispatch(run["id"])
    [task_id] = run["task_ids"]
    interrupted.storage.rival = lambda: api.report(task_id, 1, "success")
    with pytest.raises(IllegalTransition):
        await interrupted.callbacks.apply(Report(int(task_id), 1, TaskStatus.FAILED))


async def test_a_report_overtaken_by_a_new_attempt_is_stale(api, interrupted):
    """Failed, rerun and dispatched in between: the report belongs to an attempt that is over."""
    run = await api.start_run({"step_id": "a"})
    await api.dispatch(run["id"])
    [task_id] = run["task_ids"]

    async def fail_and_rerun() -> None:
        await api.report(task_id, 1, "failed")
        await api.rerun(run["id"], step_ids=["a"])

    interrupted.storage.rival = fail_and_rerun
    with pytest.raises(StaleAttempt):
        await interrupted.callbacks.apply(Report(int(task_id), 1, TaskStatus.SUCCESS))
    assert (await api.get(f"/tasks/{task_id}"))["status"] == "queued"


async def test_one_key_is_used_once_by_two_processes(api, interrupted):
    """The same callback delivered twice at once is applied once, and both get the same answer."""
    run = await api.start_run({"step_id": "a"})
    await api.dispatch(run["id"])
    [task_id] = run["task_ids"]
    interrupted.storage.rival = lambda: api.report(task_id, 1, "running", idempotency_key="k")
    report = Report(int(task_id), 1, TaskStatus.RUNNING, idempotency_key="k")
    assert (await interrupted.callbacks.apply(report)).status is TaskStatus.RUNNING
    assert (await api.event_types(run["id"])).count("task.runner_status_updated") == 1


async def test_a_dependency_that_fails_in_between_is_seen(api, interrupted):
    """The step that it depends on was waiting when the rerun was decided upon, and has failed when it is written."""
    run = await api.start_run(
        {"step_id": "a"}, {"step_id": "b", "depends_on": ["a"], "requires_approval": True}
    )
    await api.post(f"/approvals/{run['tasks'][1]['approval_id']}/reject", {"actor": "leo"})
    interrupted.storage.rival = lambda: api.fail_next(run["id"])
    with pytest.raises(DependencyNotSelected):
        await interrupted.reruns.rerun(RerunRequest(int(run["id"]), (), ("b",), "mia", "r"), max_dispatch=0)
    stands = await api.get(f"/workflow-runs/{run['id']}")
    assert ([task["status"] for task in stands["tasks"]], stands["rerun_count"]) == (
        ["failed", "canceled"],
        0,
    )


async def test_an_attempt_that_fails_in_between_is_the_one_that_is_reset(api, interrupted, runner):
    """The rerun tells, and asks approval for, the attempt that really was the last one."""
    run = await api.start_run({"step_id": "a", "requires_approval": True})
    await api.post(f"/approvals/{run['tasks'][0]['approval_id']}/approve", {"actor": "leo"})
    runner.accepts = False
    await api.dispatch(run["id"])
    runner.accepts = True
    interrupted.storage.rival = lambda: api.fail_next(run["id"])
    await interrupted.reruns.rerun(RerunRequest(int(run["id"]), (), ("a",), "mia", "r"), max_dispatch=0)
    events = {event["type"]: event for event in await api.events(run["id"])}
    reset, asked = events["task.partial_rerun_reset"], events["approval.pending"]
    assert (reset["attempt"], reset["payload"]["previous"], asked["attempt"]) == (2, "failed", 3)


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
        await interrupted.runs.create_of_tasks([other, shared], None)
    assert refused.value.task_id == shared
    [run] = (await api.get("/workflow-runs"))["items"]
    assert (await api.get(f"/tasks/{shared}"))["run_id"] == run["id"]
    assert (await api.get(f"/tasks/{other}"))["run_id"] is None


async def test_without_its_guard_a_task_gets_into_two_runs(api, interrupted, monkeypatch):
    """The planted fault: taking a task up no longer asks whether it is free."""
    blind = (
        update(tasks)
        .where(tasks.c.id == guards.bindparam("the_task"))
        .values(run_id=guards.bindparam("the_run"), position=guards.bindparam("place"))
        .returning(*guards.TASK_COLUMNS)
    )
    [shared, _] = await two_tasks(api)
    interrupted.storage.rival = lambda: api.post("/workflow-runs", {"task_ids": [str(shared)]})
    monkeypatch.setattr(guards, "TAKE_TASK", blind)
    await interrupted.runs.create_of_tasks([shared], None)
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
        await interrupted.runs.create(int(other["id"]), None)
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
    view = await interrupted.runs.create(int(template["id"]), None)
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
