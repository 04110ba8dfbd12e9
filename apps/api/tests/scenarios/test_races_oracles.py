"""The oracles of the races, on histories made by hand: silent over what is right, one sentence for each wrong."""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from gatewright.race import History, Operation, Response
from multyagents_api.scenarios.oracles import runs as oracles
from multyagents_api.scenarios.oracles.run_state import Event, RunState, Task

RUN = "/workflow-runs/1"


def event(
    sequence: int, kind: str, attempt: int | None = None, *, task: str | None = "1", **payload: Any
) -> Event:
    return Event(str(sequence), sequence, kind, task, attempt, payload)


def task(
    status: str, attempt: int = 1, *, gated: bool = False, after: Sequence[str] = (), id_: str = "1"
) -> Task:
    return Task(id_, f"step-{id_}", tuple(after), gated, "7" if gated else None, status, attempt)


def state(
    events: Sequence[Event],
    tasks: Sequence[Task] = (task("queued"),),
    *,
    status: str = "running",
    reruns: int = 0,
    approvals: dict[str, str] | None = None,
) -> RunState:
    return RunState(status, reruns, tuple(tasks), tuple(events), approvals or {}, 0)


def history(*answers: tuple[str, int, Any]) -> History:
    operations = [
        Operation(f"client-{number}", "POST", path, None, Response(status, body), 0, 1)
        for number, (path, status, body) in enumerate(answers)
    ]
    return History(operations)


def said(sentences: Iterable[str]) -> list[str]:
    return list(sentences)


DISPATCHED = event(1, "task.dispatched", 1)
QUEUED = event(2, "task.runner_queued", 1)
ACKNOWLEDGED = (f"{RUN}/dispatch-ready", 200, {"dispatched": True, "task_id": "1", "attempt": 1})
RERUN = (f"{RUN}/partial-rerun", 200, {"reset_task_ids": ["1"], "dispatched": []})


def test_a_right_dispatch_is_passed_over_by_all() -> None:
    """One dispatch, one answer, one queued task."""
    right, told = state([DISPATCHED, QUEUED]), history(ACKNOWLEDGED)
    assert said(oracles.single_dispatches(right)) == []
    assert said(oracles.acknowledged_dispatches(told, right)) == []
    assert said(oracles.dispatched_by_the_rules(right)) == []
    assert said(oracles.attempts_are_exclusive(right)) == []
    assert said(oracles.counted_reruns(told, right)) == []
    assert said(oracles.ended_once(right)) == []
    assert said(oracles.run_follows_from_tasks(right)) == []
    assert said(oracles.sequences_are_gapless(right)) == []
    assert said(oracles.decided_once(told, right)) == []


def test_an_attempt_dispatched_twice_is_told() -> None:
    """Invariant 1, in the events and in the task's own count."""
    twice = state([DISPATCHED, event(2, "task.dispatched", 1)])
    assert said(oracles.single_dispatches(twice)) == [
        "task 1 attempt 1 was dispatched 2 times",
        "task 1 is at attempt 1 after 2 dispatches",
    ]


@pytest.mark.parametrize(
    ("answers", "events", "told", "happened"),
    [
        ([ACKNOWLEDGED, ACKNOWLEDGED], [DISPATCHED], 2, 1),
        ([], [DISPATCHED], 0, 1),
        ([ACKNOWLEDGED], [], 1, 0),
    ],
)
def test_dispatches_and_acknowledgements_must_match(
    answers: list[Any], events: list[Event], told: int, happened: int
) -> None:
    """Invariant 1: nobody is told of a dispatch that was not, and no dispatch goes untold."""
    (sentence,) = oracles.acknowledged_dispatches(history(*answers), state(events))
    assert sentence == f"task 1 attempt 1 was acknowledged {told} times and dispatched {happened} times"


def test_a_rerun_acknowledges_what_it_dispatched() -> None:
    """Its answer lists them."""
    body = {"reset_task_ids": ["1"], "dispatched": [{"task_id": "1", "attempt": 1}]}
    told = history((f"{RUN}/partial-rerun", 200, body))
    assert said(oracles.acknowledged_dispatches(told, state([DISPATCHED]))) == []


GATED = [task("queued", gated=True)]


@pytest.mark.parametrize(
    ("before", "sentence"),
    [
        ([], "event 3: task 1 was dispatched without its approval"),
        (["approval.rejected"], "event 3: task 1 was dispatched after its rejection"),
        (["approval.approved", "approval.pending"], "event 3: task 1 was dispatched without its approval"),
        (["approval.approved"], None),
    ],
)
def test_a_gated_dispatch_follows_its_approval(before: list[str], sentence: str | None) -> None:
    """Invariant 2, in the order of commits; a rerun's new approval counts anew."""
    events = [event(number, kind, 1) for number, kind in enumerate(before, start=1)]
    found = said(oracles.dispatched_by_the_rules(state([*events, event(3, "task.dispatched", 1)], GATED)))
    assert found == ([sentence] if sentence else [])


def test_a_dispatch_follows_its_dependencies() -> None:
    """Invariant 2: only success counts."""
    tasks = [task("failed"), task("queued", after=["step-1"], id_="2")]
    failed = event(1, "task.runner_status_updated", 1, status="failed")
    early = state([failed, event(2, "task.dispatched", 1, task="2")], tasks)
    assert said(oracles.dispatched_by_the_rules(early)) == ["event 2: task 2 was dispatched before step-1"]


def test_a_held_run_dispatches_nothing() -> None:
    """Invariant 2: paused or aborted, until resumed."""
    held = [event(1, "workflow_run.paused", task=None), event(2, "task.dispatched", 1)]
    resumed = [held[0], event(2, "workflow_run.resumed", task=None), event(3, "task.dispatched", 1)]
    (sentence,) = oracles.dispatched_by_the_rules(state(held))
    assert sentence == "event 2: task 1 was dispatched in a run that is paused"
    assert said(oracles.dispatched_by_the_rules(state(resumed))) == []


def test_an_attempt_is_opened_when_the_one_before_is_over() -> None:
    """Invariant 3: active, then a rerun, then the next."""
    rushed = [DISPATCHED, QUEUED, event(3, "task.dispatched", 2)]
    failed = event(3, "task.runner_status_updated", 1, status="failed")
    proper = [
        DISPATCHED,
        QUEUED,
        failed,
        event(4, "task.partial_rerun_reset", 1),
        event(5, "task.dispatched", 2),
    ]
    (sentence,) = oracles.attempts_are_exclusive(state(rushed))
    assert sentence == "event 3: task 1 attempt 2 was dispatched while attempt 1 was active"
    assert said(oracles.attempts_are_exclusive(state(proper))) == []


def test_attempts_only_grow() -> None:
    """Invariant 3."""
    events = [
        event(1, "task.dispatched", 2),
        event(2, "task.runner_submit_failed", 2),
        event(3, "task.dispatched", 2),
    ]
    assert said(oracles.attempts_are_exclusive(state(events))) == ["event 3: task 1 went from 2 to 2"]


REQUESTED = event(1, "workflow_run.partial_rerun_requested", task=None)
RESET = event(2, "task.partial_rerun_reset", 1)


def test_reruns_are_counted_accepted_and_told_alike() -> None:
    """Invariant 4."""
    assert said(oracles.counted_reruns(history(RERUN), state([REQUESTED, RESET], reruns=1))) == []
    assert said(oracles.counted_reruns(history(RERUN, RERUN), state([REQUESTED, RESET], reruns=2))) == [
        "2 reruns were accepted and 1 were told",
        "rerun_count is 2 after 1 reruns",
        "accepted reruns reset {'1': 2}, events tell {'1': 1}",
    ]


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ([RERUN, (RERUN[0], 409, {})], None),
        ([RERUN, RERUN], "2 reruns of the failure of task 1 were accepted: client-0, client-1"),
        ([(RERUN[0], 409, {})], "no rerun was accepted"),
        ([RERUN, (RERUN[0], 422, {})], "client-1's rerun was answered 422"),
    ],
)
def test_a_failure_is_rerun_once(answers: list[Any], sentence: str | None) -> None:
    """One is accepted, the others meet a conflict."""
    assert said(oracles.one_rerun_of_each_failure(history(*answers))) == ([sentence] if sentence else [])


def test_an_end_is_an_end() -> None:
    """Invariant 5: no second terminal status, and none after it."""
    ended = [
        event(n, "task.runner_status_updated", 1, status=s) for n, s in enumerate(["success", "failed"], 1)
    ]
    assert said(oracles.ended_once(state(ended))) == [
        "event 2: task 1 attempt 1 was success and became failed"
    ]
    late = [ended[0], event(2, "task.runner_cancel_requested", 1)]
    assert said(oracles.ended_once(state(late))) == [
        "event 2: task 1 attempt 1 was success and became cancel-requested"
    ]


@pytest.mark.parametrize(
    ("tasks", "status"),
    [
        ([task("success")], "success"),
        ([task("queued"), task("failed", id_="2")], "running"),
        ([task("created", 0)], "created"),
        ([task("created", 1)], "running"),
        ([task("failed"), task("created", 0, after=["step-1"], id_="2")], "failed"),
        ([task("submit-failed")], "failed"),
    ],
)
def test_a_run_is_what_its_tasks_make_it(tasks: list[Task], status: str) -> None:
    """Invariant 6: this status and no other, unless an operator holds the run."""
    for claimed in ("created", "running", "success", "failed"):
        found = said(oracles.run_follows_from_tasks(state([], tasks, status=claimed)))
        assert bool(found) == (claimed != status)
    assert said(oracles.run_follows_from_tasks(state([], tasks, status="paused"))) == []


@pytest.mark.parametrize("numbers", [[1, 3], [1, 1], [2, 1], [0, 1]])
def test_events_are_numbered_without_gap(numbers: list[int]) -> None:
    """Invariant 7."""
    events = [event(number, "task.created") for number in numbers]
    assert said(oracles.sequences_are_gapless(state(events))) == [f"events are numbered {numbers}"]


def test_an_approval_is_decided_once_and_as_told() -> None:
    """Invariant 8: in the events, in the final state, and in what clients were told."""
    events = [
        event(n, f"approval.{s}", 1, approval_id="7") for n, s in enumerate(["approved", "rejected"], 1)
    ]
    told = history(("/approvals/7/approve", 200, {}), ("/approvals/7/reject", 409, {}))
    assert said(oracles.decided_once(told, state(events, approvals={"7": "rejected"}))) == [
        "approval 7 was decided 2 times: approved, rejected",
        "client-0 was told that approval 7 is approved; it is rejected",
    ]
    silent = said(oracles.decided_once(history(), state([], approvals={"7": "approved"})))
    assert silent == ["approval 7 is approved, but no event tells it"]
    assert said(oracles.decided_once(told, state(events[:1], approvals={"7": "approved"}))) == []


def test_a_service_that_refuses_everybody_is_not_passed_over() -> None:
    """A ready task that nobody could dispatch, a pending approval that nobody could decide; no demand, no wrong."""
    refused = history((f"{RUN}/dispatch-ready", 404, None), ("/approvals/7/approve", 409, None))
    assert said(oracles.somebody_dispatched(refused)) == [
        "none of 1 dispatches of a ready task was carried out"
    ]
    assert said(oracles.somebody_decided(refused)) == [
        "none of 1 decisions of a pending approval was accepted"
    ]
    nobody = history()
    assert said(oracles.somebody_dispatched(nobody)) + said(oracles.somebody_decided(nobody)) == []
    done = history(ACKNOWLEDGED, ("/approvals/7/approve", 409, None), ("/approvals/7/reject", 200, None))
    assert said(oracles.somebody_dispatched(done)) + said(oracles.somebody_decided(done)) == []
