"""Turns of the control loop: what could go, what goes, what is held back and why, and where the run stands then."""

from contextlib import asynccontextmanager

import pytest

from multyagents_api.domain.errors import StoreBusy

pytestmark = pytest.mark.anyio

PLAN = {"from_step": "plan", "type": "text"}


async def turn(api, run_id, body=None, *, status=None):
    return await api.post(f"/workflow-runs/{run_id}/control-loop", body, status=status)


def blocked(answer):
    return {task["step_id"]: task["reason"] for task in answer["plan"]["blocked"]}


def ready(answer):
    return [task["step_id"] for task in answer["plan"]["ready"]]


async def test_a_turn_dispatches_what_is_ready(api, runner):
    """All of it, in template order; the answer tells the plan, each dispatch, and where the run stands after them."""
    run = await api.start_run({"step_id": "a"}, {"step_id": "b", "depends_on": ["a"]}, {"step_id": "c"})
    first, second, third = run["task_ids"]
    role_id = run["tasks"][0]["role_id"]
    answer = await turn(api, run["id"])
    assert answer == {
        "run_id": run["id"],
        "plan": {
            "ready": [{"task_id": first, "step_id": "a"}, {"task_id": third, "step_id": "c"}],
            "blocked": [{"task_id": second, "step_id": "b", "reason": "dependencies-not-satisfied"}],
        },
        "spawn": [
            {"task_id": first, "attempt": 1, "step_id": "a", "role_id": role_id, "outcome": "queued"},
            {"task_id": third, "attempt": 1, "step_id": "c", "role_id": role_id, "outcome": "queued"},
        ],
        "aggregate": {
            "run_status": "running",
            "counts": {"queued": 2, "created": 1},
            "total": 3,
            "finished": 0,
            "spawned": 2,
        },
        "reason": None,
    }
    assert [submission.step_id for submission in runner.submitted] == ["a", "c"]


async def test_turns_bring_a_run_to_its_end(api):
    """What ended is counted; when nothing waits any more, a turn plans nothing and changes nothing."""
    run = await api.start_run({"step_id": "a"}, {"step_id": "b", "depends_on": ["a"]})
    for task_id in run["task_ids"]:
        [spawned] = (await turn(api, run["id"]))["spawn"]
        assert spawned["task_id"] == task_id
        await api.report(task_id, 1, "success")
    before = await api.events(run["id"])
    answer = await turn(api, run["id"])
    assert (answer["plan"], answer["spawn"]) == ({"ready": [], "blocked": []}, [])
    assert answer["aggregate"] == {
        "run_status": "success",
        "counts": {"success": 2},
        "total": 2,
        "finished": 2,
        "spawned": 0,
    }
    assert await api.events(run["id"]) == before


async def test_every_task_tells_what_holds_it_back(api):
    """Dependencies, artifacts and approvals; what is active or finished is no part of the plan."""
    run = await api.start_run(
        {"step_id": "plan"},
        {"step_id": "active"},
        {"step_id": "late", "depends_on": ["active"], "requires_approval": True},
        {"step_id": "build", "depends_on": ["plan"], "required_artifacts": [PLAN], "requires_approval": True},
        {"step_id": "gated", "requires_approval": True},
        {"step_id": "free"},
    )
    plan, active, *_ = run["task_ids"]
    await api.post(f"/tasks/{active}/dispatch")
    await api.post(f"/tasks/{plan}/dispatch")
    await api.report(plan, 1, "success")
    answer = await turn(api, run["id"])
    assert ready(answer) == ["free"]
    assert blocked(answer) == {
        "late": "dependencies-not-satisfied",
        "build": "required-handoff-artifacts-missing",
        "gated": "approval-required",
    }
    await api.post("/artifacts", {"task_id": plan, "type": "text", "name": "any", "content": "x"})
    assert blocked(await turn(api, run["id"]))["build"] == "approval-required"


async def test_a_paused_run_is_planned_only(api, runner):
    """Everything that waits is held back by the run, whatever else there is."""
    run = await api.start_run({"step_id": "a"}, {"step_id": "b", "depends_on": ["a"]})
    await api.post(f"/workflow-runs/{run['id']}/pause")
    before = await api.events(run["id"])
    answer = await turn(api, run["id"])
    assert (ready(answer), blocked(answer)) == ([], {"a": "run-paused", "b": "run-paused"})
    assert (answer["spawn"], answer["reason"]) == ([], None)
    assert (answer["aggregate"]["run_status"], answer["aggregate"]["spawned"]) == ("paused", 0)
    assert (runner.submitted, await api.events(run["id"])) == ([], before)


async def test_an_aborted_run_is_planned_only(api, runner):
    """What could be dispatched again, and never will."""
    run = await api.start_run({"step_id": "a"}, {"step_id": "b"})
    runner.accepts = False
    await api.dispatch(run["id"])
    await api.post(f"/workflow-runs/{run['id']}/abort")
    answer = await turn(api, run["id"])
    assert (ready(answer), blocked(answer)) == ([], {"a": "run-aborted"})
    assert answer["aggregate"]["counts"] == {"submit-failed": 1, "canceled": 1}
    assert answer["aggregate"]["run_status"] == "aborted"
    assert answer["spawn"] == []


async def test_a_turn_dispatches_no_more_than_it_may(api):
    """What is ready beyond the limit is blocked by it, and goes in the next turn."""
    run = await api.start_run(*({"step_id": step} for step in "abc"))
    answer = await turn(api, run["id"], {"max_dispatch": 2})
    assert ready(answer) == ["a", "b", "c"]
    assert blocked(answer) == {"c": "dispatch-limit-reached"}
    assert [spawned["step_id"] for spawned in answer["spawn"]] == ["a", "b"]
    assert answer["reason"] is None
    answer = await turn(api, run["id"], {"max_dispatch": 2})
    assert ([spawned["step_id"] for spawned in answer["spawn"]], blocked(answer)) == (["c"], {})


async def test_ten_tasks_go_in_a_turn_unless_told_otherwise(api):
    """Without a body, and with an empty one."""
    run = await api.start_run(*({"step_id": f"s{number}"} for number in range(21)))
    for body, spawned in ((None, 10), ({}, 10), ({"max_dispatch": 100}, 1)):
        assert (await turn(api, run["id"], body))["aggregate"]["spawned"] == spawned


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("most", [0, -1, 101, 10**30, True, "1", 1.0, 1.5, None, [1]])
async def test_a_limit_that_is_none_is_refused(api, most):
    """From 1 to 100, as a whole number; nothing is dispatched."""
    run = await api.start_run({"step_id": "a"})
    refused = await turn(api, run["id"], {"max_dispatch": most}, status=422)
    assert refused["code"] == "invalid_request"
    assert refused["errors"][0]["place"] == "body/max_dispatch"
    assert "task.dispatched" not in await api.event_types(run["id"])


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("most", [1, 100])
async def test_the_limits_themselves_are_allowed(api, most):
    """One and a hundred."""
    run = await api.start_run({"step_id": "a"})
    assert (await turn(api, run["id"], {"max_dispatch": most}))["aggregate"]["spawned"] == 1


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("body", [{"max_dispatch": 1, "force": True}, {"dispatch": 1}, [], "1", 5])
async def test_a_body_of_another_shape_is_refused(api, body):
    """Unknown fields, and what is no object."""
    run = await api.start_run({"step_id": "a"})
    assert (await turn(api, run["id"], body, status=422))["code"] == "invalid_request"
    assert "task.dispatched" not in await api.event_types(run["id"])


@pytest.mark.parametrize("run_id", ["77", "no-such"])
async def test_an_unknown_run_is_not_found(api, run_id):
    """There is nothing to plan."""
    assert (await turn(api, run_id, status=404))["code"] == "not_found"


async def test_a_runner_out_of_reach_ends_the_turn(api, runner):
    """The first dispatch stays pending, and the others don't wait for the same runner one after the other."""
    run = await api.start_run({"step_id": "a"}, {"step_id": "b"})

    async def unreachable(_submission):
        raise ConnectionRefusedError

    runner.submit = unreachable
    answer = await turn(api, run["id"])
    assert ready(answer) == ["a", "b"]
    assert [spawned["outcome"] for spawned in answer["spawn"]] == ["pending"]
    assert answer["reason"] == "the runner is out of reach"
    assert answer["aggregate"]["counts"] == {"dispatched": 1, "created": 1}


async def test_a_runner_that_refuses_ends_the_turn(api, runner):
    """The refused task would be the first one again; the next turn tries its next attempt."""
    run = await api.start_run({"step_id": "a"}, {"step_id": "b"})
    runner.accepts = False
    answer = await turn(api, run["id"])
    assert (answer["spawn"], answer["reason"]) == ([], "submit failed")
    assert answer["aggregate"]["counts"] == {"submit-failed": 1, "created": 1}
    assert len(runner.submitted) == 1
    runner.accepts = True
    answer = await turn(api, run["id"])
    assert [(spawned["step_id"], spawned["attempt"]) for spawned in answer["spawn"]] == [("a", 2), ("b", 1)]


async def test_what_a_turn_locks_holds_back_what_it_planned(api):
    """Two ready tasks in one place: the first one goes, the other is told to wait, and a free one still goes."""
    shared = {"execution_mode": "shared-workspace", "lock_paths": ["src"]}
    project_id = await api.project("/projects/shop")
    run = await api.start_run(
        {"step_id": "a", **shared}, {"step_id": "b", **shared}, {"step_id": "c"}, project_id=project_id
    )
    answer = await turn(api, run["id"])
    assert (ready(answer), blocked(answer)) == (["a", "b", "c"], {})
    assert [spawned["step_id"] for spawned in answer["spawn"]] == ["a", "c"]
    assert answer["reason"] == "paths locked"
    answer = await turn(api, run["id"])
    assert (ready(answer), blocked(answer), answer["reason"]) == ([], {"b": "paths-locked"}, None)


@pytest.fixture
def before_write(services, monkeypatch):
    """Lets something happen before a write of the services, by its number."""

    def plant(number, act):
        write, count = services.storage.write, iter(range(1, 100))

        @asynccontextmanager
        async def interrupted():
            if next(count) == number:
                await act()
            async with write() as writer:
                yield writer

        monkeypatch.setattr(services.storage, "write", interrupted)

    return plant


async def test_a_pause_ends_the_turn(api, services, before_write):
    """What was dispatched before stays and is told, with the reason why there is no more."""
    run = await api.start_run({"step_id": "a"}, {"step_id": "b"})
    before_write(3, lambda: api.post(f"/workflow-runs/{run['id']}/pause"))
    ended = await services.control_loop.turn(int(run["id"]), max_dispatch=10)
    assert [answer.submission.step_id for answer in ended.spawned] == ["a"]
    assert ended.stopped_by == f"Run {run['id']} is paused."
    assert ended.run.status == "paused"


async def test_a_busy_store_ends_the_turn(api, services, before_write):
    """An acknowledged dispatch is never denied by an error that comes after it."""
    run = await api.start_run({"step_id": "a"}, {"step_id": "b"})

    async def busy():
        raise StoreBusy

    before_write(3, busy)
    ended = await services.control_loop.turn(int(run["id"]), max_dispatch=10)
    assert [answer.submission.step_id for answer in ended.spawned] == ["a"]
    assert ended.stopped_by.startswith("The store was locked")


async def test_two_turns_at_once_dispatch_each_task_once(api, services, before_write):
    """Whatever the other one took by then is left to it."""
    run = await api.start_run({"step_id": "a"}, {"step_id": "b"})
    before_write(1, lambda: turn(api, run["id"]))
    ended = await services.control_loop.turn(int(run["id"]), max_dispatch=10)
    assert (list(ended.spawned), ended.stopped_by) == ([], "no ready tasks")
    assert (await api.event_types(run["id"])).count("task.dispatched") == 2
