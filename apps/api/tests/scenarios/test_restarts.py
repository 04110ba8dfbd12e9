"""What the restart suite knows and looks at, without any process: books, oracles, replays, fuse, databases."""

import random
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace

import pytest

from gatewright.race import Response
from multyagents_api.scenarios.api_client import Unanswered
from multyagents_api.scenarios.database_checks import what_is_broken
from multyagents_api.scenarios.oracles.run_state import Event, RunState, Task
from multyagents_api.scenarios.recording_runner import Delivery
from multyagents_api.scenarios.restarts.crew import Books, Fuse, Hand
from multyagents_api.scenarios.restarts.ledger import Record, Results
from multyagents_api.scenarios.restarts.moves import Kind, Move, Seen, next_move
from multyagents_api.scenarios.restarts.oracles import each_reaches_the_runner, violations
from multyagents_api.scenarios.restarts.replays import replays

TASK = Task("1", "plan", (), requires_approval=False, approval_id=None, status="success", attempt=1)


def event(sequence, kind, attempt=1, task_id="1", **payload):
    return Event(str(sequence), sequence, kind, task_id, attempt, payload)


EVENTS = (
    event(1, "workflow_run.created", task_id=None),
    event(2, "task.dispatched"),
    event(3, "task.runner_queued"),
    event(4, "task.runner_status_updated", status="success"),
    event(5, "task.handoff_published"),
    event(6, "workflow_run.paused", task_id=None),
    event(7, "approval.approved", approval_id="9"),
)
STATE = RunState("success", 0, (TASK,), EVENTS, {}, 0)
QUEUED = {"task_id": "1", "attempt": 1, "outcome": "queued"}
REPORT = Move(Kind.REPORT, "/runner/tasks/1/status", {"attempt": 1}, "1", 1, "success")

ACKNOWLEDGED = [
    (Move(Kind.CREATE, "/workflow-runs"), {"id": "7", "task_ids": ["1"]}),
    (Move(Kind.DISPATCH, "/workflow-runs/7/dispatch-ready"), {"dispatch": QUEUED}),
    (Move(Kind.TURN, "/workflow-runs/7/control-loop"), {"spawn": [QUEUED]}),
    (REPORT, {}),
    (replace(REPORT, body={"handoff": {}}), {}),
    (Move(Kind.PAUSE, "/workflow-runs/7/pause"), {"id": "7"}),
    (Move(Kind.DECIDE, "/approvals/9/approve", status="approved"), {"id": "9"}),
    (Move(Kind.ARTIFACT, "/artifacts", {}, "1", 1), {"id": "4", "sha256": "ab"}),
    (Move(Kind.EVENT, "/events"), {"id": "6", "type": "workflow_run.paused"}),
]
KEPT = Results({"4": "ab"}, frozenset({("1", 1)}))


@pytest.mark.parametrize(("move", "answer"), ACKNOWLEDGED, ids=lambda value: getattr(value, "kind", None))
def test_what_was_acknowledged_is_missed_when_it_is_gone(move, answer):
    """And is not while it is there."""
    record = Record("7")
    record.acknowledge(move, answer, 1.0)
    assert list(record.missing(STATE, KEPT)) == []
    emptied = replace(STATE, events=(), tasks=())
    (first, *_) = record.missing(emptied, Results())
    assert first.startswith("run 7: it was acknowledged, and is lost: ")


def test_an_operation_is_missed_by_how_often_it_was_acknowledged():
    """Two pauses were told, one is there."""
    record = Record("7")
    for _ in range(2):
        record.acknowledge(Move(Kind.PAUSE, "/workflow-runs/7/pause"), {"id": "7"}, 1.0)
    (lost,) = record.missing(STATE, KEPT)
    assert lost.endswith("pause 7 for the 2. time")


def test_events_stay_what_they_were():
    """More may follow; none may be gone, or be another one."""
    record = Record("7", events=EVENTS[:2])
    assert list(record.rewritten(EVENTS)) == []
    assert list(record.rewritten(EVENTS[:1]))
    assert list(record.rewritten((EVENTS[0], event(2, "task.retry_scheduled"))))


def test_tasks_are_what_their_events_tell():
    """A status without its event is half a write."""
    whole = replace(STATE, events=EVENTS[:6])
    assert violations("lawful-statuses", "7", whole) == []
    half = replace(whole, tasks=(replace(TASK, status="running"),))
    assert violations("lawful-statuses", "7", half) == [
        "run 7: task 1 is running, and its events make it success"
    ]


def delivery(at=1.0, task_id="1", content="{}"):
    return Delivery("7", task_id, 1, content, f"{task_id}-1", at)


@pytest.mark.parametrize(
    ("deliveries", "told"),
    [
        ([delivery()], []),
        ([delivery(), delivery(1.5)], []),
        ([], ["task 1 attempt 1 was dispatched, and never reached the runner"]),
        (
            [delivery(), delivery(3.0)],
            ["task 1 attempt 1 was handed over again after its answer was recorded"],
        ),
        ([delivery(), delivery(content="[]")], ["task 1 attempt 1 was handed over in 2 forms"]),
        (
            [delivery(), delivery(task_id="2")],
            ["task 2 attempt 1 reached the runner, and was never dispatched"],
        ),
    ],
)
def test_an_attempt_reaches_the_runner_until_that_is_recorded(deliveries, told):
    """Twice is right where whoever handed it over was killed before the answer was recorded."""
    assert list(each_reaches_the_runner(STATE, deliveries, {("1", 1): 2.0})) == told


def test_replays_know_what_they_must_be_answered():
    """With a key they are known; without, the attempt and the status decide."""
    keyed = replace(REPORT, body={"attempt": 1, "idempotency_key": "k"}, status="running")
    record = Record("7", reports=[keyed])

    def codes(**now):
        state = replace(STATE, tasks=(replace(TASK, **now),))
        return sorted(sorted(replay.codes) for replay in replays(record, state, random.Random(1), 5))

    assert codes(status="running") == [[], []]
    assert codes() == [[], ["illegal_transition", "stale_attempt"]]
    assert codes(status="created") == [[], ["stale_attempt"]]
    assert codes(attempt=2) == [[], ["stale_attempt"], ["stale_attempt"]]


class Service:
    """A client whose requests are answered as it is told."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def request(self, _method, _path, _body):
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def hand_of(*answers, over_at=float("inf")):
    fuse = Fuse(100, 1.0)
    fuse.over_at = over_at
    runner = SimpleNamespace(has=lambda *_: True)
    return Hand(Service(*answers), runner, Books(), random.Random(1), fuse=fuse)


@pytest.mark.parametrize(
    ("answer", "offences"),
    [(Unanswered("gone"), 0), (Response(503, {"code": "store_unreachable"}), 0), (Response(500, {}), 1)],
)
def test_who_gets_no_answer_stops(answer, offences):
    """Unavailable is no answer; a defect is none either, and an offence."""
    hand = hand_of(answer)
    with pytest.raises(Unanswered):
        hand.step(Record("7"))
    assert (hand.books.unanswered, len(hand.books.offences)) == (1, offences)


def test_only_requests_before_the_kill_have_met_it():
    """Whoever comes later meets nobody."""
    hand = hand_of(Unanswered("refused"), over_at=0.0)
    with pytest.raises(Unanswered):
        hand.step(Record("7"))
    assert hand.books.unanswered == 0


def test_a_lawful_request_that_is_refused_is_an_offence():
    """The client goes on, and it is told."""
    run = {"id": "7", "status": "paused", "version": 1, "tasks": []}
    hand = hand_of(Response(200, run), Response(409, {"code": "conflict"}))
    assert hand.step(Record("7"))
    assert hand.books.offences == ["POST /workflow-runs/7/resume {'actor': 'mia'} was answered 409 conflict"]


def test_a_fuse_burns_down_at_a_request():
    """Or when requests fail to come."""
    fuse = Fuse(2, 60.0)
    fuse.count()
    fuse.count()
    fuse.burn(0.0)
    assert not fuse.is_over
    fuse.end()
    assert fuse.is_over
    assert fuse.over_at < float("inf")
    Fuse(2, 0.001).burn(0.0)


def test_nobody_reports_on_an_attempt_that_has_not_arrived():
    """A dispatch that never reaches the runner therefore keeps its run from its end."""
    run = Seen("7", "running", 1, (replace(TASK, status="dispatched"),))
    arguments = {
        "approved": lambda _: False,
        "artifact": lambda *_: None,
        "chance": random.Random(1),
        "hardship": 0.0,
    }
    assert next_move(run, arrived=lambda *_: False, **arguments) is None
    assert next_move(run, arrived=lambda *_: True, **arguments).kind is Kind.REPORT


def test_a_damaged_file_is_told(migrated, tmp_path):
    """So are references to nothing, and tables of another version."""
    assert what_is_broken(str(migrated)) == []
    copy = tmp_path / "copy.db"
    shutil.copyfile(migrated, copy)
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'v0001'")
        connection.execute("INSERT INTO callback_keys VALUES (99, 'k', 1, 'success')")
        connection.commit()
    assert what_is_broken(str(copy)) == [
        "a row of callback_keys refers to what is not in tasks",
        "the tables are of version v0001, not v0003",
    ]
    copy.write_bytes(copy.read_bytes()[:4096] + b"x" * 8192)
    assert what_is_broken(str(copy))
