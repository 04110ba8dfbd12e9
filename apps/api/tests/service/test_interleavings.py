"""Two processes on one store, at the worst moment: the rival acts between the reading and the writing.

Whatever a use case read is old when it writes. Only the guard of its write stands between that and a wrong answer,
so each test also shows that the rule falls when the guard is taken out.
"""

import pytest
from sqlalchemy import bindparam, insert, select

from multyagents_api.domain.approvals import ApprovalStatus
from multyagents_api.domain.artifacts import ArtifactDraft, ArtifactType
from multyagents_api.domain.errors import (
    AlreadyDecided,
    AlreadyReset,
    DependencyNotSelected,
    IllegalTransition,
    PathsLocked,
    RunAborted,
    RunPaused,
    StaleAttempt,
)
from multyagents_api.domain.handoffs import NewHandoff
from multyagents_api.domain.reruns import RerunRequest
from multyagents_api.domain.tasks import TaskStatus
from multyagents_api.scenarios.planted.dispatches import double_dispatch
from multyagents_api.service.approvals import Decision
from multyagents_api.service.callbacks import Report
from multyagents_api.service.dispatching import NotDispatched
from multyagents_api.service.events import OwnEvent
from multyagents_api.storage import path_locks, results, tables
from multyagents_api.storage.tables import artifacts, tasks

pytestmark = pytest.mark.anyio


async def test_one_of_two_dispatchers_wins(api, interrupted):
    """The loser reads again and finds nothing left to dispatch."""
    run = await api.start_run({"step_id": "a"})
    interrupted.storage.rival = lambda: api.dispatch(run["id"])
    answer = await interrupted.dispatching.dispatch_ready(int(run["id"]))
    assert answer.reason is NotDispatched.NO_READY_TASKS
    assert (await api.event_types(run["id"])).count("task.dispatched") == 1


async def test_without_its_status_guard_a_task_is_dispatched_twice(api, interrupted):
    """The planted fault: the claim no longer asks whether the task is still dispatchable."""
    run = await api.start_run({"step_id": "a"})
    interrupted.storage.rival = lambda: api.dispatch(run["id"])
    with double_dispatch():
        await interrupted.dispatching.dispatch_ready(int(run["id"]))
    assert (await api.event_types(run["id"])).count("task.dispatched") == 2


async def test_what_became_ready_first_goes_first(api, interrupted):
    """A step that a rerun reset in between comes before a later one that was ready all the time."""
    run = await api.start_run({"step_id": "build"}, {"step_id": "lint"})
    failed = await api.fail_next(run["id"])
    interrupted.storage.rival = lambda: api.rerun(run["id"], task_ids=[failed], auto_dispatch=False)
    answer = await interrupted.dispatching.dispatch_ready(int(run["id"]))
    assert answer.submission.step_id == "build"


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


DRAFT = ArtifactDraft(ArtifactType.TEXT, "notes.md", content="x")


async def test_an_artifact_overtaken_by_a_rerun_is_stale(api, interrupted):
    """Failed and reset in between: whatever comes now belongs to an attempt that is over."""
    run = await api.start_run({"step_id": "a"})
    await api.dispatch(run["id"])
    [task_id] = run["task_ids"]

    async def fail_and_reset() -> None:
        await api.report(task_id, 1, "failed")
        await api.rerun(run["id"], step_ids=["a"], auto_dispatch=False)

    interrupted.storage.rival = fail_and_reset
    with pytest.raises(StaleAttempt):
        await interrupted.artifacts.create(int(task_id), None, DRAFT)
    assert (await api.get("/artifacts"))["items"] == []
    assert "artifact.created" not in await api.event_types(run["id"])


async def test_without_its_guard_an_old_attempt_produces_artifacts(api, interrupted, monkeypatch):
    """The planted fault: the write no longer looks at the task, and an attempt that is over goes on producing."""
    columns = [column for column in artifacts.c if column.name != "id"]
    values = select(
        tasks.c.run_id,
        tasks.c.id,
        bindparam("expected_attempt"),
        *(bindparam(f"the_{name}") for name in ("type", "name", "location", "sha256", "size")),
        bindparam("now"),
        bindparam("the_content"),
    ).where(tasks.c.id == bindparam("the_task"))
    blind = insert(artifacts).from_select(columns, values).returning(*artifacts.c)
    run = await api.start_run({"step_id": "a"})
    await api.dispatch(run["id"])
    [task_id] = run["task_ids"]

    async def fail_and_rerun() -> None:
        await api.report(task_id, 1, "failed")
        await api.rerun(run["id"], step_ids=["a"])

    interrupted.storage.rival = fail_and_rerun
    monkeypatch.setattr(results, "INSERT_ARTIFACT", blind)
    assert (await interrupted.artifacts.create(int(task_id), 1, DRAFT)).attempt == 1


async def test_an_artifact_of_nobody_named_belongs_to_the_attempt_of_its_write(api, interrupted):
    """Rerun and dispatched in between: without an attempt named, the latest one is meant; named, it is refused."""
    run = await api.start_run({"step_id": "a"})
    await api.dispatch(run["id"])
    [task_id] = run["task_ids"]

    async def fail_and_rerun() -> None:
        await api.report(task_id, (await api.get(f"/tasks/{task_id}"))["attempt"], "failed")
        await api.rerun(run["id"], step_ids=["a"])

    interrupted.storage.rival = fail_and_rerun
    assert (await interrupted.artifacts.create(int(task_id), None, DRAFT)).attempt == 2
    interrupted.storage.rival = fail_and_rerun
    with pytest.raises(StaleAttempt):
        await interrupted.artifacts.create(int(task_id), 2, DRAFT)


async def test_one_of_two_hand_offs_is_published(api, interrupted):
    """The same end reported twice at once: the second finds it there, and leaves the first one's hand-off."""
    run = await api.start_run({"step_id": "a"})
    await api.dispatch(run["id"])
    [task_id] = run["task_ids"]
    interrupted.storage.rival = lambda: api.report(task_id, 1, "success", handoff={"summary": "first"})
    report = Report(int(task_id), 1, TaskStatus.SUCCESS, handoff=NewHandoff("second"))
    assert (await interrupted.callbacks.apply(report)).status is TaskStatus.SUCCESS
    assert [found["summary"] for found in (await api.get("/handoffs"))["items"]] == ["first"]
    assert (await api.event_types(run["id"])).count("task.handoff_published") == 1


async def test_a_hand_off_of_the_end_that_lost_is_not_published(api, interrupted):
    """Success and failure at once: nothing is left of the second."""
    run = await api.start_run({"step_id": "a"})
    await api.dispatch(run["id"])
    [task_id] = run["task_ids"]
    interrupted.storage.rival = lambda: api.report(task_id, 1, "success")
    with pytest.raises(IllegalTransition):
        await interrupted.callbacks.apply(
            Report(int(task_id), 1, TaskStatus.FAILED, handoff=NewHandoff("failed"))
        )
    assert (await api.get("/handoffs"))["items"] == []


async def test_a_client_s_event_takes_its_number_at_its_write(api, interrupted):
    """What is told in between comes first."""
    run = await api.start_run({"step_id": "a"})
    interrupted.storage.rival = lambda: api.dispatch(run["id"])
    told = await interrupted.events.create(OwnEvent(int(run["id"]), "custom.deploy"))
    events = await api.events(run["id"])
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert (events[-1]["id"], events[-1]["type"]) == (str(told.id), "custom.deploy")


PLAN = {"from_step": "plan", "type": "text"}


async def planned(api):
    """A run whose second step waits for an artifact of the first one, which succeeded without."""
    run = await api.start_run(
        {"step_id": "plan"}, {"step_id": "build", "depends_on": ["plan"], "required_artifacts": [PLAN]}
    )
    await api.dispatch(run["id"])
    await api.report(run["task_ids"][0], 1, "success")
    return run


async def test_an_artifact_in_between_lets_the_dispatch_go(api, interrupted):
    """What is there at the claim counts, and nothing is told as missing after it came."""
    run = await planned(api)
    artifact = {"task_id": run["task_ids"][0], "type": "text", "name": "plan.md", "content": "Do it."}
    interrupted.storage.rival = lambda: api.post("/artifacts", artifact)
    assert (await interrupted.dispatching.dispatch_ready(int(run["id"]))).dispatched
    assert "task.dispatch_blocked_missing_handoff_artifacts" not in await api.event_types(run["id"])


@pytest.mark.parametrize("move", ["pause", "abort"])
async def test_nothing_is_told_of_a_run_that_is_held_in_between(api, interrupted, move):
    """A task that waits for artifacts would not go anyway; the client is told of the run."""
    run = await planned(api)
    interrupted.storage.rival = lambda: api.post(f"/workflow-runs/{run['id']}/{move}")
    with pytest.raises((RunPaused, RunAborted)):
        await interrupted.dispatching.dispatch_ready(int(run["id"]))
    assert "task.dispatch_blocked_missing_handoff_artifacts" not in await api.event_types(run["id"])


async def test_one_of_two_dispatchers_of_a_task_wins(api, interrupted):
    """The loser is told what the task is doing."""
    run = await api.start_run({"step_id": "a"})
    [task_id] = run["task_ids"]
    interrupted.storage.rival = lambda: api.post(f"/tasks/{task_id}/dispatch")
    with pytest.raises(IllegalTransition):
        await interrupted.dispatching.dispatch_task(int(task_id))
    assert (await api.event_types(run["id"])).count("task.dispatched") == 1


SHARED = {"execution_mode": "shared-workspace", "lock_paths": ["src"]}


async def two_in_one_place(api):
    """Two runs of the same project, each with one task in the same path."""
    project_id = await api.project("/projects/shop")
    return [await api.start_run({"step_id": "a", **SHARED}, project_id=project_id) for _ in range(2)]


async def test_one_of_two_takers_of_a_path_wins(api, interrupted):
    """Also where both belong to different runs, which lock no row together."""
    first, second = await two_in_one_place(api)
    interrupted.storage.rival = lambda: api.dispatch(first["id"])
    answer = await interrupted.dispatching.dispatch_ready(int(second["id"]))
    assert answer.reason is NotDispatched.PATHS_LOCKED
    interrupted.storage.rival = lambda: api.report(first["task_ids"][0], 1, "failed")
    assert (await interrupted.dispatching.dispatch_ready(int(second["id"]))).dispatched


async def test_one_of_two_takers_of_a_task_and_its_path_wins(api, interrupted):
    """The path is taken by an attempt of the same task: the loser reads again."""
    run, other = await two_in_one_place(api)
    interrupted.storage.rival = lambda: api.dispatch(run["id"])
    answer = await interrupted.dispatching.dispatch_ready(int(run["id"]))
    assert answer.reason is NotDispatched.NO_READY_TASKS
    with pytest.raises(PathsLocked):
        await interrupted.dispatching.dispatch_task(int(other["task_ids"][0]))


async def test_an_attempt_that_ends_in_between_keeps_no_path(api, interrupted, runner):
    """Dispatched and refused by the runner in between: the next attempt takes the path anew, and has it once."""
    [run, _] = await two_in_one_place(api)
    runner.accepts = False
    interrupted.storage.rival = lambda: api.dispatch(run["id"])
    answer = await interrupted.dispatching.dispatch_ready(int(run["id"]))
    assert (answer.dispatched, answer.submission.attempt) == (True, 2)
    await api.report(run["task_ids"][0], 2, "success")
    told = [event for event in await api.events(run["id"]) if event["type"] == "task.locks_released"]
    assert [event["attempt"] for event in told] == [1, 2]


async def test_without_its_guard_two_attempts_have_one_path(api, interrupted, monkeypatch):
    """The planted fault: who takes a path no longer looks whether another attempt has it."""
    first, second = await two_in_one_place(api)
    interrupted.storage.rival = lambda: api.dispatch(first["id"])
    values = {
        "task_id": bindparam("the_task"),
        "position": bindparam("the_position"),
        "path": bindparam("the_path"),
        "attempt": bindparam("the_attempt"),
    }
    monkeypatch.setattr(path_locks, "TAKE_PATH", insert(tables.path_locks).values(values))
    assert (await interrupted.dispatching.dispatch_ready(int(second["id"]))).dispatched
