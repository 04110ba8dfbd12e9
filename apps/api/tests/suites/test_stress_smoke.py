"""The stress suite: the service and its runner as they are pass, and what goes wrong at once is seen by its name."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gatewright.core.verdict import ExitCode, Verdict
from gatewright.suites.drill import DrillReport
from multyagents_api.stress_smoke import PROFILES, StressSmokeConfig, main, run_stress_smoke_suite

pytestmark = pytest.mark.end_to_end

HAMPERED = """
import sys
from contextlib import ExitStack
from multyagents_api.__main__ import main
from multyagents_api.scenarios.planted import attempts as planted_attempts
from multyagents_api.scenarios.planted import dispatches as planted_dispatches
from multyagents_api.scenarios.planted import stress as planted_stress
with ExitStack() as faults:
    for name in sys.argv[1].split():
        for module in planted_attempts, planted_dispatches, planted_stress:
            if hasattr(module, name):
                faults.enter_context(getattr(module, name)())
    sys.exit(main(sys.argv[2:]))
"""
"""API and runner with faults planted for as long as they run; the service itself stays as it is."""

SEEN = {
    "double_dispatch claims_come_late commands_executed_twice numbers_not_given_back": {
        "single-dispatches",
        "executed-once",
        "whole-events",
    },
    "submissions_forgotten outputs_dropped": {"runs-succeed", "executed-once", "outputs-kept"},
}
"""By the faults of API and runner, what must be seen of them."""


def stressed(faults: str = "") -> DrillReport:
    """What a few runs at once show of the service on SQLite, as it is or with faults."""
    config = StressSmokeConfig(runs=4, parallelism=4, places=("sqlite",))
    if faults:
        command = (sys.executable, "-c", HAMPERED, faults)
        config = StressSmokeConfig(
            runs=6, parallelism=6, places=("sqlite",), patience_s=10.0, server_command=command
        )
    return run_stress_smoke_suite(config)


@pytest.fixture(scope="module")
def reports() -> dict[str, DrillReport]:
    """The reports by the faults that were planted, none among them; at the same time, since each waits a lot."""
    faults = ["", *SEEN]
    with ThreadPoolExecutor(len(faults)) as pool:
        return dict(zip(faults, pool.map(stressed, faults), strict=True))


def test_the_service_passes(reports: dict[str, DrillReport]) -> None:
    """Each attempt was executed, one of each four runs had a command that failed once, and it is told how fast."""
    report = reports[""]
    assert (report.verdict, report.reasons) == (Verdict.PASS, ())
    (drill,) = report.drills
    assert drill.repetitions == 4
    assert drill.metrics["commands"] == 3 * 4 + 1
    assert {"runs_per_s", "run_ms_p50", "run_ms_p95"} <= drill.metrics.keys()


@pytest.mark.parametrize("faults", SEEN)
def test_a_fault_is_seen_by_its_name(reports: dict[str, DrillReport], faults: str) -> None:
    """What the fault breaks does not hold."""
    report = reports[faults]
    violated = {each.name for drill in report.drills for each in drill.expectations if each.violated}
    assert report.verdict is Verdict.FAIL
    assert violated >= SEEN[faults]


def test_a_run_that_hangs_is_told_with_its_tasks(reports: dict[str, DrillReport]) -> None:
    """Where they stand, so that one sees what is waited for."""
    report = reports["submissions_forgotten outputs_dropped"]
    told = [
        what
        for each in report.drills[0].expectations
        if each.name == "runs-succeed"
        for what in each.violations
    ]
    assert any("is running: " in what and "queued (attempt 1)" in what for what in told)


def test_the_load_can_be_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By flag and by environment; what is no number is refused."""
    monkeypatch.setenv("STRESS_RUNS", "0")
    assert main(["--output-dir", str(tmp_path)]) == ExitCode.USAGE
    assert "STRESS_RUNS must be a positive number" in capsys.readouterr().err
    assert main(["--runs", "1", "--parallelism", "x", "--output-dir", str(tmp_path)]) == ExitCode.USAGE
    assert PROFILES["full"].runs > PROFILES["quick"].runs
