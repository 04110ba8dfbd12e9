"""The sequential run: its rules one by one, and the oracle that it gives to the races."""

from typing import Any

import pytest

from gatewright.race import (
    Arena,
    Budget,
    Done,
    Fifo,
    History,
    Operation,
    PreemptionBounding,
    RandomWalk,
    Refused,
    Response,
    explore,
)
from gatewright.race.checkers import Outcome, check_linearizability
from gatewright.race.selfcheck import PlantedFault
from multyagents_api.scenarios.oracles.run_model import NotModelled, RunModel
from multyagents_api.scenarios.oracles.run_state import RunState, Task
from multyagents_api.scenarios.oracles.sequential_run import SequentialRun
from multyagents_api.scenarios.planted.faults import FAULTS
from multyagents_api.scenarios.races.scenario import ModelledScenario
from multyagents_api.scenarios.races.suite import REQUIRED, SCENARIOS

RUN = "/workflow-runs/9"


def task(id_: str, status: str = "created", attempt: int = 0, *, after: tuple[str, ...] = ()) -> Task:
    return Task(id_, f"step-{id_}", after, False, None, status, attempt)  # noqa: FBT003 - not gated


def gated(status: str = "created", attempt: int = 0) -> Task:
    return Task("1", "step-1", (), True, "7", status, attempt)  # noqa: FBT003 - gated


def observed(
    *tasks: Task, status: str = "running", approval: str = "pending", by: str | None = None, reruns: int = 0
) -> RunState:
    approvals = {each.approval_id: approval for each in tasks if each.approval_id}
    return RunState(status, reruns, tasks, (), approvals, 0, dict.fromkeys(approvals, by))


def post(path: str, body: Any = None, status: int = 200, answer: Any = None) -> Operation:
    return Operation("alice", "POST", path, body, Response(status, answer), 0, 1)


def told(state: RunState, *requests: Operation) -> tuple[str, dict[str, Any], str]:
    """What the last of some requests is answered, and what it leads to."""
    model = RunModel("9", state)
    run, outcome = model.initial("9"), None
    for request in requests:
        outcome = model.step(run, request)
        run = outcome.state if isinstance(outcome, Done) else run
    assert outcome is not None
    status = f"refused {outcome.status}" if isinstance(outcome, Refused) else "done"
    answer: Any = outcome.answer or {}
    return status, dict(answer), model.describe(run)


DISPATCH = post(f"{RUN}/dispatch-ready")
APPROVE = post("/approvals/7/approve", {"actor": "eve"})
REJECT = post("/approvals/7/reject", {"actor": "eve"})
CANCEL = post("/tasks/1/cancel")
PAUSE, RESUME, ABORT = (post(f"{RUN}/{verb}") for verb in ("pause", "resume", "abort"))


def callback(status: str, attempt: int = 1, key: str | None = None) -> Operation:
    return post("/runner/tasks/1/status", {"attempt": attempt, "status": status, "idempotency_key": key})


def rerun(*task_ids: str, steps: tuple[str, ...] = ()) -> Operation:
    body = {"task_ids": list(task_ids), "step_ids": list(steps), "auto_dispatch": False}
    return post(f"{RUN}/partial-rerun", body)


@pytest.mark.parametrize(
    ("state", "requests", "task_id", "reason"),
    [
        (observed(task("1"), task("2")), [DISPATCH], "1", None),
        (observed(task("1"), task("2")), [DISPATCH, DISPATCH], "2", None),
        (observed(task("1", "submit-failed", 1)), [DISPATCH], "1", None),
        (
            observed(task("1", "failed", 1), task("2", after=("step-1",))),
            [DISPATCH],
            None,
            "dependencies not satisfied",
        ),
        (observed(task("1", "success", 1), task("2", after=("step-1",))), [DISPATCH], "2", None),
        (observed(task("1", "running", 1)), [DISPATCH], None, "no ready tasks"),
        (observed(gated()), [DISPATCH], None, "approval required"),
        (observed(gated(), task("2")), [DISPATCH], "2", None),
        (observed(gated()), [APPROVE, DISPATCH], "1", None),
        (observed(gated()), [REJECT, DISPATCH], None, "no ready tasks"),
    ],
)
def test_the_first_task_that_may_go_is_dispatched(
    state: RunState, requests: list[Operation], task_id: str | None, reason: str | None
) -> None:
    """In template order; a gated one blocks nobody behind it, and why nothing goes has its precedence."""
    status, answer, _ = told(state, *requests)
    assert (status, answer["task_id"], answer["reason"]) == ("done", task_id, reason)
    assert answer["dispatched"] == (task_id is not None)


@pytest.mark.parametrize(
    ("before", "requests", "status", "after"),
    [
        ("dispatched", [callback("running")], "done", "running"),
        ("queued", [callback("success")], "done", "success"),
        ("queued", [callback("queued")], "done", "dispatched"),
        ("running", [callback("queued")], "refused 409", "running"),
        ("running", [callback("failed"), callback("failed")], "done", "failed"),
        ("success", [callback("failed")], "refused 409", "success"),
        ("running", [callback("success", attempt=2)], "refused 409", "running"),
        ("running", [CANCEL], "done", "cancel-requested"),
        ("running", [CANCEL, CANCEL, callback("success")], "done", "success"),
        ("running", [CANCEL, callback("running")], "refused 409", "cancel-requested"),
        ("success", [CANCEL], "refused 409", "success"),
        (
            "running",
            [callback("failed", key="k"), rerun("1"), DISPATCH, callback("failed", key="k")],
            "done",
            "dispatched",
        ),
        ("running", [callback("failed", key="k"), callback("success", key="k")], "refused 409", "failed"),
    ],
)
def test_an_attempt_moves_forward_only(
    before: str, requests: list[Operation], status: str, after: str
) -> None:
    """Repetitions change nothing, also by their key; how far the submission got is not told apart."""
    said, _, state = told(observed(task("1", before, 1)), *requests)
    assert said == status
    assert f"step-1 {after} (" in state


def test_old_attempts_and_what_was_never_dispatched_are_refused() -> None:
    """With the code that the specification names."""
    assert told(observed(task("1")), callback("success"))[:2] == ("refused 409", {})
    stale = ("refused 409", {"code": "stale_attempt"})
    assert told(observed(task("1", "running", 2)), callback("success"))[:2] == stale
    assert told(observed(task("1", "failed", 1)), rerun("1"), callback("failed"))[:2] == stale


FAILED = [task("1", "failed", 1), task("2", "failed", 1, after=("step-1",)), task("3", "success", 1)]


@pytest.mark.parametrize(
    ("requests", "status"),
    [
        ([rerun("1")], "done"),
        ([rerun("1"), rerun("1")], "refused 409"),
        ([rerun("2")], "refused 422"),
        ([rerun("1", steps=("step-2",))], "done"),
        ([rerun("3")], "refused 422"),
        ([rerun("8")], "refused 422"),
        ([rerun("1"), DISPATCH, rerun("2")], "refused 409"),
        ([PAUSE, rerun("1")], "refused 409"),
    ],
)
def test_a_failure_is_rerun_whole_and_once(requests: list[Operation], status: str) -> None:
    """Active tasks and held runs are conflicts; selections that can't be are no conflicts."""
    assert told(observed(*FAILED, task("4")), *requests)[0] == status


def test_a_rerun_tells_what_it_reset() -> None:
    """Tasks in template order, the count, and what that makes of the run; a gate is closed again."""
    _, answer, state = told(observed(*FAILED, status="failed", reruns=1), rerun("2", "1"))
    assert answer == {"reset_task_ids": ["1", "2"], "rerun_count": 2, "status": "running"}
    assert state.startswith("running, rerun 2 times: step-1 created (attempt 1); ")
    again = observed(gated("failed", 1), approval="approved", by="eve")
    assert told(again, rerun("1"), DISPATCH)[1]["reason"] == "approval required"
    assert told(again, rerun("1"), APPROVE)[0] == "refused 409"


@pytest.mark.parametrize(
    ("requests", "status"),
    [
        ([PAUSE], "done"),
        ([PAUSE, PAUSE], "refused 409"),
        ([PAUSE, RESUME], "done"),
        ([RESUME], "refused 409"),
        ([PAUSE, ABORT], "done"),
        ([ABORT, RESUME], "refused 409"),
        ([ABORT, ABORT], "refused 409"),
        ([PAUSE, DISPATCH], "refused 409"),
        ([ABORT, APPROVE], "refused 409"),
        ([APPROVE, APPROVE], "done"),
        ([APPROVE, post("/approvals/7/approve", {"actor": "bob"})], "refused 409"),
        ([APPROVE, REJECT], "refused 409"),
    ],
)
def test_operators_and_approvers_are_bound_by_the_states(requests: list[Operation], status: str) -> None:
    """A held run dispatches nothing, an end is an end, a decision stays."""
    assert told(observed(gated()), *requests)[0] == status


def test_an_abort_cancels_what_waits_and_stops_what_runs() -> None:
    """In one step; a finished run can't be aborted."""
    _, _, state = told(observed(task("1"), task("2", "running", 1)), ABORT)
    assert state == "aborted: step-1 canceled; step-2 cancel-requested (attempt 1)"
    assert told(observed(task("1", "success", 1)), ABORT)[0] == "refused 409"


def check(state: RunState, after: RunState, *asked: Operation) -> tuple[Outcome, tuple[str, ...]]:
    judged = check_linearizability(History(list(asked)), RunModel("9", state), after)
    return judged.outcome, judged.violations


def test_what_was_observed_must_be_where_an_order_ends() -> None:
    """Status, attempts, reruns and who decided, each told where it differs."""
    state = observed(gated(), status="created")
    approved = post("/approvals/7/approve", {"actor": "eve"}, 200, {"status": "approved", "actor": "eve"})
    right = observed(gated(), status="created", approval="approved", by="eve")
    assert check(state, right, approved)[0] is Outcome.LINEARIZABLE
    wrong = observed(gated("queued", 1), status="running", approval="approved", by="bob", reruns=1)
    outcome, lines = check(state, wrong, approved)
    assert outcome is Outcome.NOT_LINEARIZABLE
    assert lines[-4:] == (
        "but the run was observed running",
        "but 1 reruns were observed",
        "but step-1 was observed dispatched at attempt 1",
        "but the approval of step-1 was observed approved by bob",
    )


def test_a_dispatch_that_the_runner_refused_opens_an_attempt_all_the_same() -> None:
    """It is told as not dispatched, and what it tried is submit-failed."""
    body = {"dispatched": False, "reason": "submit failed", "task_id": "1", "attempt": 1}
    refused = post(f"{RUN}/dispatch-ready", None, 200, body)
    after = observed(task("1", "submit-failed", 1), status="failed")
    assert check(observed(task("1"), status="created"), after, refused)[0] is Outcome.LINEARIZABLE


@pytest.mark.parametrize(
    ("dispatched", "reason", "outcome"),
    [
        ([{"task_id": "1", "attempt": 2}], "no ready tasks", Outcome.LINEARIZABLE),
        ([{"task_id": "1", "attempt": 2}], "dependencies not satisfied", Outcome.NOT_LINEARIZABLE),
        ([], "no ready tasks", Outcome.NOT_LINEARIZABLE),
    ],
)
def test_a_rerun_takes_place_in_parts(dispatched: list[Any], reason: str, outcome: Outcome) -> None:
    """The reset, each dispatch, and why there was not another."""
    answer = {
        "reset_task_ids": ["1"],
        "rerun_count": 1,
        "status": "running",
        "dispatched": dispatched,
        "reason": reason,
    }
    asked = post(f"{RUN}/partial-rerun", {"task_ids": ["1"]}, 200, answer)
    after = observed(task("1", "queued", 2), reruns=1)
    assert check(observed(task("1", "failed", 1), status="failed"), after, asked)[0] is outcome


@pytest.mark.parametrize(
    "after",
    [
        observed(task("1", "failed", 1), status="failed"),
        observed(task("1", "created", 1), reruns=1),
        observed(task("1", "queued", 2), reruns=1),
    ],
)
def test_a_rerun_without_an_answer_may_have_come_to_any_of_its_parts(after: RunState) -> None:
    """Nothing, the reset alone, or its dispatch, too."""
    lost = post(f"{RUN}/partial-rerun", {"task_ids": ["1"]}, 0)
    assert check(observed(task("1", "failed", 1), status="failed"), after, lost)[0] is Outcome.LINEARIZABLE


def test_try_again_is_no_refusal() -> None:
    """A request that met too many others changes nothing, and is no answer that a run could explain."""
    busy = post(f"{RUN}/dispatch-ready", None, 409, {"code": "conflict"})
    state = observed(task("1"), status="created")
    assert check(state, state, busy)[0] is Outcome.LINEARIZABLE


def test_what_the_model_does_not_know_is_not_judged() -> None:
    """Neither passed nor failed: it says so. Other routes are none of its business."""
    state = observed(task("1"), status="created")
    with pytest.raises(NotModelled, match="knows nothing of approvals/8"):
        check(state, state, post("/approvals/8/approve", {"actor": "eve"}))
    assert check(state, state, post("/roles", {"name": "cook"}))[0] is Outcome.LINEARIZABLE


def test_states_are_values() -> None:
    """The checker remembers them by what they are."""
    model = RunModel("9", observed(task("1")))
    assert model.initial("9") == model.initial("9")
    assert isinstance(hash(model.initial("9")), int)
    assert isinstance(model.initial("9"), SequentialRun)


MODELLED = [
    pytest.param(
        scenario,
        60 if scenario in REQUIRED else 20,
        marks=() if scenario in REQUIRED else pytest.mark.thorough,
    )
    for scenario in SCENARIOS
    if issubclass(scenario, ModelledScenario)
]


@pytest.mark.parametrize(("scenario", "most"), MODELLED)
def test_the_right_service_never_alarms_the_model(scenario: type[ModelledScenario], most: int) -> None:
    """In preempted and in random schedules, and it is judged in all of them."""
    strategies = [Fifo(), PreemptionBounding(2, most=most), RandomWalk(11, most // 3)]
    found = explore(scenario(), strategies=strategies, budget=Budget(failures=1, replays=0))
    assert found.evaluated["linearizability"] == found.schedules > most // 3
    assert (found.failed, found.doubts) == (0, [])


@pytest.mark.parametrize(
    "fault", [fault for fault in FAULTS if fault.scenario in REQUIRED], ids=lambda fault: fault.name
)
def test_the_model_alone_sees_every_planted_fault(fault: PlantedFault) -> None:
    """Whatever the invariants say."""
    budget = Budget(schedules=200, failures=1, replays=0)
    with Arena(fault.scenario()) as arena:
        arena.prepare(fault.scenario())
        with fault.plant():
            found = explore(fault.scenario(), strategies=[PreemptionBounding(2)], budget=budget, arena=arena)
    assert found.violated["linearizability"] == 1
