"""The race suite of the API: the service as it is passes, each guard taken out fails, in both modes."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from gatewright.core.errors import ConfigurationError
from gatewright.core.verdict import ExitCode, Verdict
from multyagents_api.concurrency_stress import (
    PROFILES,
    REPLAYABLE,
    ConcurrencyStressConfig,
    RaceReport,
    main,
    publish_race_report,
    replay,
    run_concurrency_stress_suite,
)
from multyagents_api.scenarios.planted import dispatches, runs
from multyagents_api.scenarios.planted.faults import FAULTS
from multyagents_api.scenarios.races.scenario import ApiScenario
from multyagents_api.scenarios.races.suite import REQUIRED, SCENARIOS, STRESSED
from multyagents_api.storage import guards

pytestmark = pytest.mark.end_to_end

EXPLORE = ConcurrencyStressConfig(modes=("explore",), schedules=60, random_schedules=5)
STRESS = ConcurrencyStressConfig(modes=("stress",), releases=3, brief_releases=1, kills=1, clients=6)
NAMES = ["parallel-dispatch-race", "partial-rerun-race", "approval-dispatch-race"]

Plant = Callable[[], AbstractContextManager[None]]

GUARDS = [
    (dispatches.double_dispatch, "parallel-dispatch-race", "one-active-attempt"),
    (runs.double_rerun, "partial-rerun-race", "one-rerun"),
    (runs.unchecked_reset, "partial-rerun-race", "one-rerun"),
    (dispatches.unapproved_dispatch, "approval-dispatch-race", "dispatch-by-the-rules"),
    (runs.second_decision, "approval-dispatch-race", "one-decision"),
]


HAMPERED = """
import asyncio, sys
from multyagents_api.__main__ import main
from multyagents_api.scenarios.planted.dispatches import double_dispatch, unapproved_dispatch
from multyagents_api.scenarios.planted.runs import double_rerun
from multyagents_api.scenarios.planted.planting import replaced
from multyagents_api.service.approvals import Approvals
decide = Approvals.decide
async def decide_late(self, decision):
    await asyncio.sleep(0.05)
    return await decide(self, decision)
with double_dispatch(), double_rerun(), unapproved_dispatch(), replaced(Approvals, "decide", decide_late):
    sys.exit(main(sys.argv[1:]))
"""
"""A server with faults planted for as long as it runs; the service itself stays as it is.

Decisions come late, as on a busy machine: whether a dispatch is before them must not be left to luck.
"""

REPLAYS = """
import sys
from contextlib import nullcontext
from pathlib import Path
from multyagents_api.concurrency_stress import REPLAYABLE, replay
from multyagents_api.scenarios.planted.dispatches import double_dispatch
for state in double_dispatch(), nullcontext():
    with state:
        outcome = replay(Path(sys.argv[1]), 20, allowed=REPLAYABLE)
    print(outcome.verdict, outcome.reproduced, outcome.diverged)
"""


@pytest.fixture(scope="module")
def explored() -> RaceReport:
    """The service as it is, under controlled schedules."""
    return run_concurrency_stress_suite(EXPLORE)


ON_POSTGRESQL = pytest.param("postgresql", marks=[pytest.mark.postgresql, pytest.mark.thorough])


@pytest.fixture(scope="module", params=["sqlite", ON_POSTGRESQL])
def stressed(request: pytest.FixtureRequest) -> RaceReport:
    """The service as it is, under stress, on each kind of database that this machine has."""
    report = run_concurrency_stress_suite(replace(STRESS, databases=(request.param,)))
    if report.skipped:
        pytest.skip(report.skipped[0].reason)
    return report


def test_the_service_passes_under_controlled_schedules(explored: RaceReport) -> None:
    """All scenarios, all invariants evaluated in all schedules, actors overlapping."""
    assert (explored.verdict, explored.reasons) == (Verdict.PASS, ())
    assert [result.scenario for result in explored.scenarios] == [scenario.name for scenario in SCENARIOS]
    assert [scenario.name for scenario in REQUIRED] == NAMES
    for result in explored.scenarios:
        assert result.process_model == "separate"
        assert result.iterations == result.overlapped > 15
        assert {seen.evaluated for seen in result.invariants} == {result.iterations}
        assert result.metrics["preemptions"].max >= 1
    assert {result.iterations for result in explored.scenarios[:3]} == {60}


def test_the_suite_sees_every_planted_fault(explored: RaceReport) -> None:
    """The self-check is green, and says by which invariant; none alarms without the fault."""
    checked = explored.self_check
    assert checked is not None
    assert (checked.verdict, checked.killed, checked.planted) == (Verdict.PASS, len(FAULTS), len(FAULTS))
    assert len(FAULTS) >= 24
    assert {fault.scenario for fault in checked.faults} == {scenario.name for scenario in SCENARIOS}
    assert all(fault.oracles and not fault.false_alarms for fault in checked.faults)
    seen = {fault.fault: fault.killed_by for fault in checked.faults}
    for plant, _, invariant in GUARDS:
        assert invariant in seen[plant.__name__.replace("_", "-")]


def test_the_service_passes_under_stress(stressed: RaceReport) -> None:
    """Real requests to two servers on one database, released together, judged by the same invariants."""
    assert (stressed.verdict, stressed.reasons) == (Verdict.PASS, ())
    assert [result.scenario for result in stressed.scenarios] == [scenario.name for scenario in STRESSED]
    assert stressed.counts.samples == 3 * (3 + 1) + (len(STRESSED) - 3)
    for result in stressed.scenarios:
        assert result.overlapped > 0
        assert result.metrics["operations"].min >= STRESS.clients


def test_a_server_killed_in_mid_race_breaks_nothing(stressed: RaceReport) -> None:
    """It comes back to a store that has all that was acknowledged, and dispatches nothing twice."""
    for result in stressed.scenarios[:3]:
        assert (result.strategies["kill"], result.failed) == (1, 0)
        asked = {seen.name: (seen.evaluated, seen.violated) for seen in result.invariants}
        assert asked["acknowledged-dispatch"] == asked["single-dispatch"] == (4, 0)
        assert asked["linearizability"] == (4, 0)


def test_the_report_is_whole(explored: RaceReport) -> None:
    """Metrics with min, max, sum and avg; invariants with their failures; details of the first iterations."""
    result = explored.scenarios[0]
    steps = result.metrics["steps"]
    assert steps.min <= steps.avg <= steps.max <= steps.sum
    assert [detail.iteration for detail in result.details] == [1, 2, 3]
    assert all(seen.failures == () for seen in result.invariants)
    assert result.details[0].operations[0].path.endswith("/dispatch-ready")


@pytest.mark.parametrize(("plant", "scenario", "invariant"), GUARDS)
def test_a_guard_taken_out_fails_under_controlled_schedules(
    plant: Plant, scenario: str, invariant: str, tmp_path: Path
) -> None:
    """FAIL, a counterexample with few preemptions, and a tape that fails every time."""
    with plant():
        report = run_concurrency_stress_suite(replace(EXPLORE, scenarios=(scenario,), output=tmp_path))
        publish_race_report(tmp_path, report)
        (tape,) = tmp_path.glob("*.tape.json")
        outcome = replay(tape, 3, allowed=REPLAYABLE)
    example = report.scenarios[0].counterexample
    assert report.verdict is Verdict.FAIL
    assert example is not None
    assert invariant in example.violations
    assert example.preemptions <= 2
    assert example.reproduced == example.replays == 20
    assert (outcome.verdict, outcome.reproduced) == (Verdict.FAIL, 3)
    assert any(reason.rule == f"race/{invariant}" for reason in report.reasons)


def test_a_tape_fails_in_a_fresh_process_too(tmp_path: Path) -> None:
    """20 of 20 under another hash seed while the fault is there; not once when it is mended."""
    with dispatches.double_dispatch():
        config = replace(EXPLORE, scenarios=("parallel-dispatch-race",), output=tmp_path)
        publish_race_report(tmp_path, run_concurrency_stress_suite(config))
    (tape,) = tmp_path.glob("*.tape.json")
    path = os.pathsep.join(filter(None, sys.path))
    environment = {**os.environ, "PYTHONHASHSEED": "99", "PYTHONPATH": path}
    argv = [sys.executable, "-c", REPLAYS, str(tape)]
    fresh = subprocess.run(argv, env=environment, capture_output=True, text=True, check=True)
    assert fresh.stdout.splitlines() == ["FAIL 20 0", "INCONCLUSIVE 0 20"]


def test_guards_taken_out_of_real_servers_exit_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under stress every scenario sees its fault, from answers, events and final state alone."""
    command = (sys.executable, "-c", HAMPERED)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    broken = replace(PROFILES["quick"], releases=40, kills=0, output=tmp_path, server_command=command)
    monkeypatch.setitem(PROFILES, "quick", broken)
    chosen = [word for name in NAMES for word in ("--scenario", name)]
    assert main(["--mode", "stress", "--database", "sqlite", *chosen]) == ExitCode.FAIL
    report = RaceReport.model_validate_json((tmp_path / "latest.json").read_text())
    assert [result.verdict for result in report.scenarios] == [Verdict.FAIL] * 3
    for result in report.scenarios:
        assert sum(detail.verdict is Verdict.FAIL for detail in result.details) == result.failed


def test_a_service_without_guards_does_not_end_the_self_check() -> None:
    """Somebody took the guard out by hand: FAIL for the race, and its fault can't be planted."""
    with dispatches.double_dispatch():
        report = run_concurrency_stress_suite(replace(EXPLORE, scenarios=("parallel-dispatch-race",)))
    assert report.verdict is Verdict.FAIL
    assert report.self_check is not None
    (fault,) = [each for each in report.self_check.faults if each.fault == "double-dispatch"]
    assert fault.killed is False
    assert "not planted" in fault.doubts[0]


def test_a_suite_that_sees_nothing_is_inconclusive(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its oracles blinded the suite stays green, but the self-check does not."""
    monkeypatch.setattr(
        ApiScenario,
        "violations",
        lambda self, history, state: {mark.name: () for mark in self.invariants()},
    )
    report = run_concurrency_stress_suite(
        replace(EXPLORE, scenarios=("parallel-dispatch-race",), schedules=20)
    )
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.reasons[0].rule == "race/self-check"


def test_planted_faults_leave_no_trace() -> None:
    """After a fault the service's own statement stands where it stood."""
    genuine = guards.CLAIM_TASK
    with dispatches.double_dispatch():
        assert guards.CLAIM_TASK is not genuine
    assert guards.CLAIM_TASK is genuine


def test_servers_that_do_not_start_are_inconclusive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 3, one line with the server's last words, and no old PASS left behind."""
    command = (sys.executable, "-c", "import sys; sys.exit('the disk is on fire')")
    monkeypatch.setitem(
        PROFILES, "quick", replace(PROFILES["quick"], output=tmp_path, server_command=command)
    )
    flags = ["--mode", "stress", "--database", "sqlite", "--scenario", "parallel-dispatch-race"]
    assert main(flags) == ExitCode.INCONCLUSIVE
    assert "the disk is on fire" in capsys.readouterr().err
    assert json.loads((tmp_path / "latest.json").read_text())["verdict"] == "INCONCLUSIVE"


def test_the_command_line_writes_the_evidence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 0, a table and the verdict on standard output, JSON and Markdown on disk."""
    flags = ["--mode", "explore", "--scenario", "parallel-dispatch-race", "--iterations", "30"]
    assert main([*flags, "--output-dir", str(tmp_path)]) == ExitCode.PASS
    assert capsys.readouterr().out.splitlines()[-1] == "PASS"
    assert (tmp_path / "latest.md").read_text().startswith("# race-stress: PASS\n")
    assert json.loads((tmp_path / "latest.json").read_text())["schema_version"] == "gatewright.race/1"


def test_the_self_check_can_be_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 0 and the matrix; its scenarios are neither explored nor put under stress."""
    flags = ["--self-check-only", "--scenario", "queue-race", "--output-dir", str(tmp_path)]
    assert main(flags) == ExitCode.PASS
    report = RaceReport.model_validate_json((tmp_path / "latest.json").read_text())
    assert (report.modes, report.scenarios) == (("self-check",), ())
    assert "gated-task-blocks-free-one" in capsys.readouterr().out
    assert "Which oracle saw which fault" in (tmp_path / "latest.md").read_text()


@pytest.mark.parametrize(("ci", "code"), [("", ExitCode.INCONCLUSIVE), ("true", ExitCode.INCONCLUSIVE)])
def test_no_postgresql_is_skipped_here_and_fails_in_ci(
    ci: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the reason; a database alone that is skipped has measured nothing."""
    monkeypatch.setenv("PGBIN", str(tmp_path))
    monkeypatch.setenv("CI", ci)
    flags = ["--mode", "stress", "--database", "postgresql", "--output-dir", str(tmp_path)]
    assert main(flags) == code
    report = RaceReport.model_validate_json((tmp_path / "latest.json").read_text())
    assert report.counts.skipped == (0 if ci else 1)
    told = report.reasons[0].message if ci else report.skipped[0].reason
    assert "no PostgreSQL server programs" in told


def test_an_unknown_scenario_is_refused() -> None:
    """With the names that there are."""
    with pytest.raises(ConfigurationError, match="there are parallel-dispatch-race, partial-rerun-race"):
        run_concurrency_stress_suite(replace(EXPLORE, scenarios=("nothing",)))
