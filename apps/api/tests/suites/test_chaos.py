"""The chaos suite: what it was told and what it sees are judged by name; its faults are in test_chaos_faults."""

import json
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gatewright.core.errors import ConfigurationError
from gatewright.core.verdict import ExitCode, Verdict
from gatewright.execution.server import ServerStartError
from gatewright.suites.drill import Drill, Logbook
from multyagents_api.chaos import PROFILES, ChaosConfig, drills, main, run_chaos_suite
from multyagents_api.scenarios.api_client import Refused
from multyagents_api.scenarios.chaos import stores as chaos_stores
from multyagents_api.scenarios.chaos.crowd import Answer, Journal
from multyagents_api.scenarios.chaos.expectations import COMMON, expect_ready, judge, recovering
from multyagents_api.scenarios.chaos.runners import misdelivered, taken_after_all
from multyagents_api.scenarios.chaos.stage import Amount, Stage
from multyagents_api.scenarios.chaos.stores import unreadable
from multyagents_api.scenarios.oracles.run_state import Event, RunState, Task
from multyagents_api.scenarios.planted.planting import replaced
from multyagents_api.scenarios.recording_runner import Delivery
from multyagents_api.scenarios.small_disk import LimitedFiles
from multyagents_api.scenarios.withholding_runner import WithholdingRunner

LONGEST_S = 5.0
GOOD = Answer("POST", "/workflow-runs", 201, "", 0.1)


def event(sequence: int, kind: str, attempt: int = 1, **payload: object) -> Event:
    return Event(str(sequence), sequence, kind, "7", attempt, payload)


DISPATCHED = event(1, "task.dispatched")
SUCCEEDED = event(2, "task.runner_status_updated", status="success")
DONE = RunState(
    status="success",
    rerun_count=0,
    tasks=(Task("7", "a", (), False, None, "success", 1),),  # noqa: FBT003 - a field
    events=(DISPATCHED, SUCCEEDED),
    approvals={},
    before=0,
)


class StillService:
    """Answers from what it is given, and nothing else."""

    def __init__(self, states=None, statuses=None):
        self.states = states or {}
        self.statuses = statuses or {}

    def pages(self, _path):
        return iter([{"id": run_id} for run_id in self.states])

    def observe(self, run_id):
        return self.states[run_id]

    def request(self, _method, path, _body=None):
        status, body = self.statuses.get(path, (200, {}))
        return type("Response", (), {"status": status, "ok": status < 300, "json": body})()


def told(**changes) -> Journal:
    """What a crowd of one run was told."""
    whole = {
        "answers": [GOOD],
        "runs": ["1"],
        "dispatches": [("1", "7", 1)],
        "reports": [("1", "7", 1)],
        "finished": ["1"],
    }
    return Journal(**whole | changes)


def judged(journal: Journal, state: RunState | None = DONE, complaints=()) -> set[str]:
    """The expectations that do not hold; each of them was looked at."""
    log = Logbook(Drill("a", "does it", COMMON, lambda _log: None))
    service = StillService({} if state is None else {"1": state})
    judge(log, journal, service, longest_s=LONGEST_S, complaints=complaints)
    result = log.result()
    violated = {each.name for each in result.expectations if each.violated}
    assert result.verdict is (Verdict.FAIL if violated else Verdict.PASS)
    return violated


def test_a_crowd_that_was_told_the_truth_in_time_is_content():
    """Refusals that say to come again, and requests without an answer, are no violations."""
    refused = [replace(GOOD, status=status, code=code) for status, code in
               ((503, "store_unreachable"), (507, "store_full"), (0, ""))]  # fmt: skip
    assert judged(told(answers=[GOOD, *refused])) == set()


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"answers": [replace(GOOD, status=500, code="internal_error")]}, "no-internal-error"),
        ({"answers": [replace(GOOD, status=503, code="without a problem document")]}, "no-internal-error"),
        ({"answers": [replace(GOOD, took_s=5.1)]}, "answers-in-time"),
        ({"answers": [replace(GOOD, status=0, took_s=6.0)]}, "answers-in-time"),
        ({"finished": []}, "recovers"),
        ({"dispatches": [("1", "7", 2)]}, "nothing-acknowledged-lost"),
        ({"reports": [("1", "8", 1)]}, "nothing-acknowledged-lost"),
        ({"runs": ["1", "2"]}, "nothing-acknowledged-lost"),
    ],
)
def test_what_a_crowd_was_told_is_held_against_the_service(changes, name):
    """By the name of what does not hold, and by no other."""
    assert judged(told(**changes)) == {name}


FAILED = event(2, "task.runner_status_updated", status="failed")
LOST = event(2, "task.runner_status_updated", status="failed", failure_category="runner-lost")
SECOND = replace(DISPATCHED, id="3", sequence=3, attempt=2)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"events": (DISPATCHED, replace(SUCCEEDED, sequence=3))}, "events-gapless"),
        ({"events": (DISPATCHED, SUCCEEDED, replace(DISPATCHED, sequence=3))}, "nothing-dispatched-twice"),
        (
            {"events": (DISPATCHED, SUCCEEDED, SECOND), "tasks": (replace(DONE.tasks[0], attempt=2),)},
            "nothing-dispatched-twice",
        ),
        (
            {"events": (DISPATCHED, FAILED, SECOND), "tasks": (replace(DONE.tasks[0], attempt=2),)},
            "nothing-dispatched-twice",
        ),
        ({"events": (DISPATCHED, SUCCEEDED, replace(SUCCEEDED, sequence=3))}, "statuses-legal"),
        ({"status": "failed"}, "statuses-legal"),
    ],
)
def test_the_state_afterwards_is_looked_at(changes, name):
    """By the oracles of races, under the names of this suite."""
    assert name in judged(told(), replace(DONE, **changes))


def test_an_attempt_after_one_that_was_lost_is_no_repetition():
    """Its runner was gone, and somebody else had to do it."""
    events = (DISPATCHED, LOST, SECOND, event(4, "task.runner_status_updated", 2, status="success"))
    again = replace(DONE, events=events, tasks=(replace(DONE.tasks[0], attempt=2),))
    assert judged(told(reports=[("1", "7", 2)]), again) == set()


def test_a_complaint_of_the_crowd_is_a_violation():
    """Whoever repeated a request in vain says so."""
    assert judged(told(), complaints=["a request was repeated for 30 s in vain"]) == {"recovers"}


def test_a_state_that_can_not_be_read_is_a_violation():
    """The rest was never looked at, and the drill fails all the same."""
    log = Logbook(Drill("a", "does it", COMMON, lambda _log: None))
    service = StillService({"1": DONE})
    service.observe = lambda _run_id: (_ for _ in ()).throw(Refused("GET answered 500"))
    judge(log, told(), service, longest_s=LONGEST_S)
    assert log.result().verdict is Verdict.FAIL


def test_a_process_that_does_not_come_back_is_a_violation():
    """Not a reason to know nothing."""
    log = Logbook(Drill("a", "does it", COMMON, lambda _log: None))
    with recovering(log):
        raise ServerStartError("the server ended with exit code 1")
    assert log.result().verdict is Verdict.FAIL


@pytest.mark.parametrize(("ready", "status", "verdict"), [(True, 200, "PASS"), (True, 503, "FAIL")])
def test_readiness_is_given_a_moment(monkeypatch, ready, status, verdict):
    """It may go on with what it saw last for a moment, and no longer."""
    monkeypatch.setattr("multyagents_api.scenarios.chaos.expectations.FOR_A_MOMENT_S", 0)
    expectation = next(each for each in expectations() if each.name == "ready-tells-the-truth")
    log = Logbook(Drill("a", "does it", (expectation,), lambda _log: None))
    expect_ready(log, StillService(statuses={"/readyz": (status, {})}), ready=ready, when="now")
    assert log.result().verdict == verdict


def expectations():
    """All that the suite expects."""
    return [each for drill in drills(Stage(Amount())) for each in drill.expectations]


def test_what_can_not_be_read_is_named():
    """Each path for itself."""
    service = StillService(statuses={"/events?limit=5": (503, {"code": "store_busy"})})
    [wrong] = unreadable(service, type("Crowd", (), {"journal": told()}))
    assert "GET /events?limit=5 was answered 503" in wrong


@pytest.mark.parametrize(
    ("status", "body", "violations"),
    [(409, {"code": "stale_attempt"}, 0), (200, {}, 1), (409, {"code": "illegal_transition"}, 1)],
)
def test_a_late_callback_must_be_refused_as_stale(status, body, violations):
    """Another refusal would be right by chance only."""
    service = StillService(statuses={"/runner/tasks/7/status": (status, body)})
    assert len(list(taken_after_all(service, ("7", 1)))) == violations


@pytest.fixture
def runner():
    with WithholdingRunner() as listening:
        yield listening


def test_deliveries_are_counted_as_the_runner_saw_them(runner):
    """One is missing, or two come so fast that nobody can have waited for an answer."""
    service, journal = StillService({"1": DONE}), told()
    assert [*misdelivered(service, journal, runner)] == ["run 1: task 7 attempt 1 never reached the runner"]
    for at in (10.0, 12.5):
        runner.keep(Delivery("1", "7", 1, "", "7-1", at))
    assert [*misdelivered(service, journal, runner)] == []
    runner.keep(Delivery("1", "7", 1, "", "7-1", 12.6))
    assert "twice within 1 s" in next(misdelivered(service, journal, runner))


def test_a_runner_withholds_one_attempt_and_no_other(runner):
    """Also not the next one of the same task."""
    runner.withhold()
    assert not runner.has_done("7", 1)
    for attempt in (1, 2):
        runner.keep(Delivery("1", "7", attempt, "", "", 0.0))
    assert not runner.has_done("7", 1)
    assert runner.withheld == ("7", 1)
    assert runner.has_done("7", 2)
    assert not runner.has_done("7", 1)


def test_moments_follow_from_the_seed():
    """And differ between drills and repetitions."""
    moments = [list(Stage(Amount(seed=seed, repetitions=4)).moments("a")) for seed in (1, 1, 2)]
    assert moments[0] == moments[1] != moments[2]
    assert len(set(moments[0])) > 1
    assert list(Stage(Amount(repetitions=4)).moments("b")) != moments[0]


@pytest.mark.end_to_end
def test_a_service_whose_files_can_not_grow_passes_too(tmp_path: Path) -> None:
    """Where no disk can be mounted, a limit stands in for it; the service and its users can't tell."""

    @contextmanager
    def limited():
        yield LimitedFiles(tmp_path)

    with replaced(chaos_stores, "small_disk", limited):
        report = run_chaos_suite(ChaosConfig(drills=("disk-full",)))
    assert (report.verdict, report.reasons) == (Verdict.PASS, ())
    assert report.metrics["disk-full_sqlite_refused"] >= 4


@pytest.mark.end_to_end
def test_a_service_that_does_not_start_proves_nothing() -> None:
    """No evidence is no PASS."""
    config = ChaosConfig(drills=("disk-full",), amount=Amount(command=("false",), skewed_command=("false",)))
    assert run_chaos_suite(config).verdict is Verdict.INCONCLUSIVE


def test_unknown_names_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In one line, by the module and by its command line."""
    with pytest.raises(ConfigurationError, match="no drill 'flood'"):
        run_chaos_suite(ChaosConfig(drills=("flood",)))
    assert main(["--drill", "flood", "--output-dir", str(tmp_path)]) == ExitCode.USAGE
    assert "there are api-killed, database-restarted" in capsys.readouterr().err
    assert json.loads((tmp_path / "latest.json").read_text())["verdict"] == "INCONCLUSIVE"


def test_the_amount_can_be_set(tmp_path: Path, monkeypatch, capsys: pytest.CaptureFixture[str]) -> None:
    """By flag and by environment; what is no number is refused, and the full profile does more."""
    monkeypatch.setenv("CHAOS_REPETITIONS", "many")
    assert main(["--output-dir", str(tmp_path)]) == ExitCode.USAGE
    assert "CHAOS_REPETITIONS must be a positive number" in capsys.readouterr().err
    assert PROFILES["full"].repetitions > PROFILES["quick"].repetitions
