"""Random operations, valid and not, on one run: the invariants hold after each of them."""

import asyncio
import shutil
import sqlite3
from collections import Counter
from contextlib import closing

from hypothesis import given, settings
from hypothesis import strategies as st

ROOT = "/projects/shop"
STEPS = [
    {"step_id": "a", "execution_mode": "shared-workspace", "lock_paths": ["src", "docs"]},
    {"step_id": "b", "requires_approval": True, "depends_on": ["a"]},
    {
        "step_id": "c",
        "requires_approval": True,
        "approval_on_rerun": "carry_over",
        "execution_mode": "shared-workspace",
        "lock_paths": ["src/api"],
    },
    {"step_id": "d", "depends_on": ["b", "c"], "execution_mode": "shared-workspace", "lock_paths": ["src"]},
]
ACTIVE = {"dispatched", "queued", "running", "cancel-requested"}
ENDS = {"success", "failed", "canceled"}

task_index = st.tuples(st.integers(0, len(STEPS) - 1), st.sampled_from([True, True, True, False]))
"""Which task, and whether to pick it among those for which the operation makes sense."""

kinds = {
    "dispatch": (4, st.tuples(st.sampled_from([True, True, True, False]))),
    "dispatch one": (2, st.tuples(st.sampled_from([True, True, True, False]), task_index)),
    "turn": (1, st.tuples(st.sampled_from([True, True, True, False]))),
    "report": (
        8,
        st.tuples(
            task_index,
            st.sampled_from([0, 0, 0, 0, 0, -1, 1]),
            st.sampled_from(
                ["running", "success", "success", "failed", "failed", "failed", "canceled", "queued"]
            ),
            st.sampled_from([None, None, "flaky"]),
        ),
    ),
    "decide": (
        3,
        st.tuples(
            task_index,
            st.sampled_from(["approve", "approve", "approve", "reject"]),
            st.sampled_from(["mia", "leo"]),
        ),
    ),
    "rerun": (4, st.tuples(st.sets(task_index, min_size=1, max_size=2), st.booleans())),
    "move": (2, st.tuples(st.sampled_from(["pause", "resume", "resume", "resume", "resume", "abort"]))),
    "cancel": (1, st.tuples(task_index)),
}
operations = st.sampled_from([kind for kind, (weight, _) in kinds.items() for _ in range(weight)]).flatmap(
    lambda kind: st.tuples(st.just(kind), kinds[kind][1])
)


@settings(derandomize=True, max_examples=15, deadline=None)
@given(st.lists(operations, min_size=20, max_size=40))
def test_the_invariants_hold_after_every_operation(connect, migrated, tmp_path_factory, walk):
    """No walk leads to a double dispatch, a status after the end, a gap in the events, a wrong run status or a lock too many."""
    database = tmp_path_factory.mktemp("walk") / "runs.db"
    shutil.copyfile(migrated, database)
    with closing(sqlite3.connect(database)) as store:
        asyncio.run(_walk(connect(database), store, walk))


async def _walk(connection, store, walk):
    async with connection as (api, runner):
        policy = {"max_retries": 1, "retry_on": ["flaky"]}
        run = await api.start_run(*STEPS, project_id=await api.project(ROOT), retry_policy=policy)
        dispatched = Counter()
        events: list[dict[str, object]] = []
        for operation in walk:
            answer = await _apply(api, runner, run, operation)
            run = await api.get(f"/workflow-runs/{run['id']}")
            if answer.get("dispatched") is True:
                dispatched[answer["task_id"], answer["attempt"]] += 1
            several = answer.get("spawn") or answer.get("dispatched")
            for dispatch in several if isinstance(several, list) else []:
                dispatched[dispatch["task_id"], dispatch["attempt"]] += 1
            after = events[-1]["id"] if events else "0"
            events += (await api.get(f"/events?run_id={run['id']}&after={after}"))["items"]
            check(run, events, dispatched)
            check_locks(
                run["tasks"], store.execute("SELECT task_id, attempt, path FROM path_locks").fetchall()
            )
            check_releases(run["tasks"], events)


async def _apply(api, runner, run, operation):
    kind, what = operation
    run_path = f"/workflow-runs/{run['id']}"
    stands = run["tasks"]
    if kind in {"dispatch", "turn"}:
        runner.accepts = what[0]
        body, path = None, f"{run_path}/{'dispatch-ready' if kind == 'dispatch' else 'control-loop'}"
    elif kind == "dispatch one":
        runner.accepts, chosen = what
        body, path = None, f"/tasks/{_pick(stands, chosen, {'created', 'submit-failed'})['id']}/dispatch"
    elif kind == "report":
        chosen, shift, status, category = what
        task = _pick(stands, chosen, ACTIVE)
        body = {"attempt": max(1, task["attempt"] + shift), "status": status, "failure_category": category}
        path = f"/runner/tasks/{task['id']}/status"
    elif kind == "decide":
        chosen, decision, actor = what
        gated = [task for task in stands if task["requires_approval"]]
        body, path = (
            {"actor": actor},
            f"/approvals/{_pick(gated, chosen, {'created'})['approval_id']}/{decision}",
        )
    elif kind == "rerun":
        selected, auto = what
        chosen = {_pick(stands, choice, {"failed", "canceled", "submit-failed"})["id"] for choice in selected}
        body = {"task_ids": sorted(chosen), "auto_dispatch": auto}
        body |= {"requested_by": "mia", "reason": "walk"}
        path = f"{run_path}/partial-rerun"
    else:
        path = (
            f"{run_path}/{what[0]}"
            if kind == "move"
            else f"/tasks/{_pick(stands, what[0], ACTIVE)['id']}/cancel"
        )
        body = None
    response = await api.http.post(path, json=body) if body is not None else await api.http.post(path)
    assert response.status_code in {200, 404, 409, 422}, response.text
    return response.json() if response.status_code == 200 else {}


def _pick(tasks, choice, sensible):
    index, sensibly = choice
    fitting = [task for task in tasks if task["status"] in sensible] if sensibly else tasks
    return (fitting or tasks)[index % len(fitting or tasks)]


def check(run, events, dispatched):
    """The invariants of the API, computed from what a client can see."""
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    told = Counter(
        (event["task_id"], event["attempt"]) for event in events if event["type"] == "task.dispatched"
    )
    assert set(told.values()) <= {1}
    refused = {
        (event["task_id"], event["attempt"])
        for event in events
        if event["type"] == "task.runner_submit_failed"
    }
    assert set(told) - refused == set(dispatched)
    assert set(dispatched.values()) <= {1}
    types = Counter(event["type"] for event in events)
    assert types["workflow_run.partial_rerun_requested"] == run["rerun_count"]
    resets = [event for event in events if event["type"] == "workflow_run.partial_rerun_requested"]
    assert types["task.partial_rerun_reset"] == sum(len(event["payload"]["task_ids"]) for event in resets)
    assert max(types["approval.approved"] + types["approval.rejected"] - types["approval.pending"], 0) == 0
    check_attempts(events)
    check_approvals(events)
    if run["status"] not in {"paused", "aborted"}:
        assert run["status"] == expected_status(run["tasks"])


def check_attempts(events):
    """Attempts grow one by one, one is active at a time, each ends once, and nothing follows its end."""
    latest: Counter[str] = Counter()
    ended: set[tuple[str, int]] = set()
    for event in events:
        key = event["task_id"], event["attempt"]
        if event["type"] == "task.dispatched":
            assert event["attempt"] == latest[event["task_id"]] + 1
            assert event["attempt"] == 1 or (event["task_id"], event["attempt"] - 1) in ended
            latest[event["task_id"]] = event["attempt"]
        elif event["type"] in {
            "task.runner_queued",
            "task.runner_status_updated",
            "task.runner_submit_failed",
        }:
            assert key not in ended
            assert event["attempt"] == latest[event["task_id"]]
            if event["type"] == "task.runner_submit_failed" or event["payload"].get("status") in ENDS:
                ended.add(key)


def check_approvals(events):
    """No gated task goes without an approval that was asked for after its last reset, and each is decided once."""
    decisions: dict[str, str] = {}
    current: dict[str, str] = {}
    held = False
    for event in events:
        approval = event["payload"].get("approval_id")
        if event["type"] == "approval.pending":
            current[event["task_id"]] = approval
        elif event["type"] in {"approval.approved", "approval.rejected"}:
            assert approval not in decisions
            decisions[approval] = event["type"]
        elif event["type"] in {"workflow_run.paused", "workflow_run.aborted"}:
            held = True
        elif event["type"] == "workflow_run.resumed":
            held = False
        elif event["type"] == "task.dispatched":
            assert not held
            if event["task_id"] in current:
                assert decisions.get(current[event["task_id"]]) == "approval.approved"


def check_locks(tasks, held):
    """The paths held are those of the active tasks in shared workspaces, and no two of them overlap."""
    expected = {
        (int(task["id"]), task["attempt"], f"{path}/")
        for task in tasks
        if task["status"] in ACTIVE
        for path in task["lock_paths"]
    }
    assert set(held) == expected
    for task_id, _, path in held:
        assert not any(path.startswith(other) for holder, _, other in held if holder != task_id)


def check_releases(tasks, events):
    """The end of an attempt with paths, and nothing else, gives them back, once."""
    paths = {task["id"]: sorted(task["lock_paths"]) for task in tasks if task["lock_paths"]}
    ended = {
        (event["task_id"], event["attempt"])
        for event in events
        if event["type"] == "task.runner_submit_failed" or event["payload"].get("status") in ENDS
    }
    told = [
        (event["task_id"], event["attempt"]) for event in events if event["type"] == "task.locks_released"
    ]
    assert sorted(told) == sorted(end for end in ended if end[0] in paths)
    for event in events:
        if event["type"] == "task.locks_released":
            assert event["payload"]["paths"] == paths[event["task_id"]]


def expected_status(tasks):
    """The run's status in the words of the specification."""
    by_step = {task["step_id"]: task["status"] for task in tasks}
    if set(by_step.values()) == {"success"}:
        return "success"
    if ACTIVE & set(by_step.values()):
        return "running"
    waiting = [task for task in tasks if task["status"] == "created"]
    if any(all(by_step[name] == "success" for name in task["depends_on"]) for task in waiting):
        return "running" if any(task["attempt"] for task in tasks) else "created"
    return "failed"
