"""The oracles of the order of events, on races made by hand: silent over what is right, a sentence for each wrong."""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from gatewright.race import History, Operation, Response
from multyagents_api.scenarios.oracles import order
from multyagents_api.scenarios.oracles import runs as oracles
from multyagents_api.scenarios.oracles.run_state import Event, RunState, Task


def event(
    sequence: int, kind: str, attempt: int | None = None, *, task: str | None = "1", **payload: Any
) -> Event:
    return Event(str(sequence), sequence, kind, task, attempt, payload)


def numbered(*told: tuple[str, int | None, dict[str, Any]], task: str | None = "1") -> list[Event]:
    """Events in a row, all about one task."""
    return [
        event(number, kind, attempt, task=task, **payload)
        for number, (kind, attempt, payload) in enumerate(told, 1)
    ]


def task(id_: str = "1", *, after: Sequence[str] = (), gated: bool = False) -> Task:
    return Task(id_, f"step-{id_}", tuple(after), gated, None, "created", 1)


def state(events: Sequence[Event], tasks: Sequence[Task] = (task(),), **more: Any) -> RunState:
    return RunState("running", 0, tuple(tasks), tuple(events), {}, more.pop("before", 0), **more)


def history(*answers: tuple[str, str, str, int, Any]) -> History:
    return History(
        [
            Operation(actor, method, path, None, Response(status, body), 0, 1)
            for actor, method, path, status, body in answers
        ]
    )


def said(sentences: Iterable[str]) -> list[str]:
    return list(sentences)


DISPATCHED = ("task.dispatched", 1, {})
FAILED = ("task.runner_status_updated", 1, {"status": "failed"})
RERUN = ("workflow_run.partial_rerun_requested", None, {"task_ids": ["1"]})
RESET = ("task.partial_rerun_reset", 1, {})
PAUSED = ("workflow_run.paused", None, {})
ABORTED = ("workflow_run.aborted", None, {"canceled_task_ids": ["1"]})


def test_a_rerun_of_a_failure_is_passed_over() -> None:
    """Dispatched, failed, asked for, reset."""
    assert said(order.rerun_by_the_rules(state(numbered(DISPATCHED, FAILED, RERUN, RESET)))) == []


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ([DISPATCHED, FAILED, PAUSED, RERUN, RESET], "event 4: a rerun of a run that is paused"),
        ([DISPATCHED, RERUN], "event 2: a rerun while task 1 is active"),
        ([RERUN], "event 1: a rerun of task 1, which is None"),
        ([DISPATCHED, FAILED, RERUN, RESET, RESET], "event 5: task 1 attempt 1 was reset again"),
        (
            [DISPATCHED, FAILED, RERUN, ("task.partial_rerun_reset", 2, {})],
            "event 4: task 1 was reset for attempt 2, it is at 1",
        ),
    ],
)
def test_a_rerun_keeps_the_rules(told: list[Any], sentence: str) -> None:
    """In a run that nobody holds or works on, of what fell, each fall once."""
    assert sentence in said(order.rerun_by_the_rules(state(numbered(*told))))


def test_a_rerun_waits_for_no_fallen_step() -> None:
    """Unless that is rerun with it."""
    tasks = [task(), task("2", after=["step-1"])]
    fallen = [event(1, "task.runner_status_updated", 1, status="failed")]
    rejected = event(2, "approval.rejected", 1, task="2")
    asked = event(3, "workflow_run.partial_rerun_requested", task=None, task_ids=["2"])
    both = event(3, "workflow_run.partial_rerun_requested", task=None, task_ids=["1", "2"])
    assert said(order.rerun_by_the_rules(state([*fallen, rejected, asked], tasks))) == [
        "event 3: a rerun of task 2, which waits for step-1"
    ]
    assert said(order.rerun_by_the_rules(state([*fallen, rejected, both], tasks))) == []


def test_an_expected_version_is_the_one_met() -> None:
    """Nothing of the race comes before the rerun."""
    changed = state(numbered(("artifact.created", 1, {}), RERUN))
    assert said(order.rerun_as_expected(changed)) == [
        "event 2: a rerun of a run that had changed by artifact.created"
    ]
    assert said(order.rerun_as_expected(state(numbered(FAILED, RERUN), before=1))) == []


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ([("approval.approved", 1, {})], None),
        (
            [ABORTED, ("approval.approved", 1, {})],
            "event 2: task 1 was approved in a run that is aborted",
        ),
        (
            [DISPATCHED, ("approval.rejected", 1, {})],
            "event 2: task 1 was rejected when it was dispatched",
        ),
    ],
)
def test_a_decision_comes_in_time(told: list[Any], sentence: str | None) -> None:
    """Before the dispatch, the cancellation, and the end of the run."""
    assert said(order.decided_in_time(state(numbered(*told)))) == ([sentence] if sentence else [])


def test_the_audit_keeps_what_was_told() -> None:
    """Which approval, whose, and why."""
    decided = ("approval.approved", 1, {"approval_id": "7", "actor": "boss", "comment": "go"})
    events, gated = numbered(decided, DISPATCHED), [task(gated=True)]
    kept = state(events, gated, audits={("1", 1): ("7", "boss", "go")})
    assert said(order.audit_is_kept(kept)) == []
    assert said(order.audit_is_kept(state(events, gated))) == [
        "task 1 attempt 1 keeps the approval None, not ('7', 'boss', 'go')"
    ]
    assert said(order.audit_is_kept(state(events))) == []


def test_a_block_is_told_once() -> None:
    """For each approval."""
    blocked = ("task.dispatch_blocked_by_approval", 1, {"approval_id": "7"})
    other = ("task.dispatch_blocked_by_approval", 1, {"approval_id": "8"})
    assert said(order.blocks_are_told_once(state(numbered(blocked, other)))) == []
    assert said(order.blocks_are_told_once(state(numbered(blocked, blocked)))) == [
        "task.dispatch_blocked_by_approval was told 2 times of task 1 attempt 1"
    ]


def test_nobody_gives_up_among_few() -> None:
    """Where many are at it, one may; to be refused for a reason is no giving up."""
    gave_up = ("alice", "POST", "/a", 409, {"code": "conflict"})
    rivals = [(f"rival-{number}", "POST", "/a", 200, {}) for number in range(5)]
    assert said(order.nobody_gave_up(history(gave_up, *rivals[:1]))) == [
        "alice was told to try again, with 1 other requests in the race"
    ]
    assert said(order.nobody_gave_up(history(gave_up, *rivals))) == []
    assert said(order.nobody_gave_up(history(("alice", "POST", "/a", 409, {"code": "stale_attempt"})))) == []


def test_statuses_go_forward() -> None:
    """Who was to be stopped does not go on; the next attempt begins anew."""
    cancel = ("task.runner_cancel_requested", 1, {})
    running = ("task.runner_status_updated", 1, {"status": "running"})
    again = ("task.runner_queued", 2, {})
    assert said(order.statuses_go_forward(state(numbered(running, cancel, FAILED, again)))) == []
    assert said(order.statuses_go_forward(state(numbered(cancel, running)))) == [
        "event 2: task 1 attempt 1 was cancel-requested and became running"
    ]


def test_retries_keep_their_budget() -> None:
    """Once for each failure, and no more often than allowed."""
    first, second = ("task.retry_scheduled", 1, {}), ("task.retry_scheduled", 2, {})
    assert said(order.retried_within_budget(state(numbered(first, second)), 2)) == []
    assert said(order.retried_within_budget(state(numbered(first, second)), 1)) == [
        "task 1 was retried 2 times, and may be 1 times"
    ]
    assert said(order.retried_within_budget(state(numbered(first, first)), 2)) == [
        "the failure of task 1 attempt 1 was retried 2 times"
    ]


def test_artifacts_come_in_time() -> None:
    """For the latest attempt, before it is reset."""
    kept = ("artifact.created", 1, {})
    late = ["event 3: an artifact of task 1 attempt 1, which is over"]
    assert said(order.artifacts_in_time(state(numbered(DISPATCHED, kept, RESET)))) == []
    assert said(order.artifacts_in_time(state(numbered(DISPATCHED, RESET, kept)))) == late
    again = ("task.dispatched", 2, {})
    assert said(order.artifacts_in_time(state(numbered(DISPATCHED, again, kept)))) == late


def test_a_path_has_one_holder() -> None:
    """From its dispatch to its end, over all runs."""
    mine = state(
        [event(1, "task.dispatched", 1), event(3, "task.runner_status_updated", 1, status="success")]
    )
    locks = {"1": "/srv/src", "2": "/srv/src"}
    for place, expected in ((2, ["event 2: task 2 was dispatched while 1 has /srv/src"]), (4, [])):
        other = state([event(place, "task.dispatched", 1, task="2")])
        assert said(order.paths_are_exclusive([mine, other], locks)) == expected


def test_a_reader_finds_what_belongs_together() -> None:
    """An attempt has its audit, with its approval, and its events without a gap."""
    run = {"tasks": [{"id": "1", "attempt": 1}]}
    whole = {"task_id": "1", "items": [{"attempt": 1, "approval": {"id": "7"}}]}
    events = [{"sequence": 1, "type": "task.dispatched", "task_id": "1"}]
    looks = ("bob", "GET", "/workflow-runs/9", 200, run)
    audit, told = "/tasks/1/audit", "/events?run_id=9"
    good = history(looks, ("bob", "GET", audit, 200, whole), ("bob", "GET", told, 200, {"items": events}))
    assert said(order.reads_are_whole(good)) == []
    bare = {"task_id": "1", "items": [{"attempt": 1, "approval": None}]}
    bad = history(
        looks,
        ("bob", "GET", audit, 200, {"task_id": "1", "items": []}),
        ("bob", "GET", audit, 200, bare),
        ("bob", "GET", told, 200, {"items": [{**events[0], "sequence": 2, "type": "task.created"}]}),
    )
    assert said(order.reads_are_whole(bad)) == [
        "bob saw task 1 at attempt 1, and 0 attempts in its audit",
        "bob saw task 1 attempt 1 without its approval",
        "bob read events numbered [2]",
        "bob saw task 1 at attempt 1, and 0 dispatches in its events",
    ]


UNANSWERED_DISPATCH = ("alice", "POST", "/workflow-runs/9/dispatch-ready", 0, None)
UNANSWERED_RERUN = ("alice", "POST", "/workflow-runs/9/partial-rerun", 0, None)


def test_what_a_killed_server_did_may_have_happened() -> None:
    """A dispatch or a rerun that nobody was told of is no wrong where somebody waits for an answer in vain."""
    dispatched = state(numbered(DISPATCHED))
    assert said(oracles.acknowledged_dispatches(history(UNANSWERED_DISPATCH), dispatched)) == []
    assert said(oracles.acknowledged_dispatches(history(), dispatched)) != []
    assert said(oracles.somebody_dispatched(history(UNANSWERED_DISPATCH))) == []
    rerun = RunState("running", 1, (task(),), tuple(numbered(RERUN, RESET)), {}, 0)
    assert said(oracles.counted_reruns(history(UNANSWERED_RERUN), rerun)) == []
    assert said(oracles.counted_reruns(history(), rerun)) != []
    assert said(oracles.one_rerun_of_each_failure(history(UNANSWERED_RERUN))) == []
    decision = ("alice", "POST", "/approvals/7/approve", 0, None)
    assert said(oracles.somebody_decided(history(decision))) == []


def test_what_was_acknowledged_must_have_happened_whoever_was_killed() -> None:
    """An answer before the crash counts."""
    told = ("bob", "POST", "/workflow-runs/9/dispatch-ready", 200,
            {"dispatched": True, "task_id": "1", "attempt": 1})  # fmt: skip
    assert said(oracles.acknowledged_dispatches(history(UNANSWERED_DISPATCH, told), state([]))) == [
        "task 1 attempt 1 was acknowledged 1 times and dispatched 0 times"
    ]
