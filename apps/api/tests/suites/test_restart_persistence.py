"""The restart suite: the service as it is passes, and whatever a restart could break is seen by its name."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gatewright.core.errors import ConfigurationError
from gatewright.core.verdict import ExitCode, Verdict
from gatewright.suites.drill import DrillReport
from multyagents_api.restart_persistence import (
    PROFILES,
    RestartPersistenceConfig,
    main,
    run_restart_persistence_suite,
)

pytestmark = pytest.mark.end_to_end

HAMPERED = """
import sys
from contextlib import ExitStack
from multyagents_api.__main__ import main
from multyagents_api.scenarios.planted import attempts as planted_attempts
from multyagents_api.scenarios.planted import restarts as planted_restarts
with ExitStack() as faults:
    for name in sys.argv[1].split():
        module = planted_restarts if hasattr(planted_restarts, name) else planted_attempts
        faults.enter_context(getattr(module, name)())
    sys.exit(main(sys.argv[2:]))
"""
"""A server with faults planted for as long as it runs; the service itself stays as it is."""

SEEN = {
    "acknowledged_before_the_commit": {"acknowledged-writes"},
    "outbox_written_late events_written_late": {"recoverable", "lawful-statuses", "single-dispatches"},
    "start_over_after_a_restart answers_of_the_runner_forgotten numbers_not_given_back": {
        "lawful-statuses",
        "single-deliveries",
        "whole-events",
    },
    "callbacks_applied_again stale_callbacks_applied unnoted_move": {
        "lawful-statuses",
        "runs-follow-tasks",
        "repeated-callbacks",
        "late-callbacks",
        "replays-change-nothing",
        "recoverable",
    },
}
"""By the faults of a server, what must be seen of them."""

SEED = 7
"""Kills in the midst of the work of all clients, after 82 requests."""


def killed_once(faults: str = "") -> DrillReport:
    """What one kill shows of the service on SQLite, as it is or with faults."""
    command = (sys.executable, "-c", HAMPERED, faults) if faults else PROFILES["quick"].server_command
    patience_s = 1.0 if faults else PROFILES["quick"].patience_s
    return run_restart_persistence_suite(
        RestartPersistenceConfig(
            kills=1, places=("sqlite",), seed=SEED, patience_s=patience_s, server_command=command
        )
    )


@pytest.fixture(scope="module")
def reports() -> dict[str, DrillReport]:
    """The reports by the faults that were planted, none among them; at the same time, since each waits a lot."""
    faults = ["", *SEEN]
    with ThreadPoolExecutor(len(faults)) as pool:
        return dict(zip(faults, pool.map(killed_once, faults), strict=True))


def violated(report: DrillReport) -> set[str]:
    return {each.name for drill in report.drills for each in drill.expectations if each.violated}


def test_the_service_passes(reports: dict[str, DrillReport]) -> None:
    """Everything was looked at, and the kill met requests."""
    report = reports[""]
    assert (report.verdict, report.reasons) == (Verdict.PASS, ())
    (drill,) = report.drills
    assert drill.metrics["unanswered_requests"] >= 1
    assert drill.metrics["acknowledged_writes"] >= 40
    assert drill.metrics["replayed_callbacks"] >= 10
    assert all(each.evaluated for each in drill.expectations)


@pytest.mark.parametrize("faults", SEEN)
def test_a_fault_is_seen_by_its_name(reports: dict[str, DrillReport], faults: str) -> None:
    """What the fault breaks does not hold; what it has nothing to do with is not blamed on the database."""
    report = reports[faults]
    assert report.verdict is Verdict.FAIL
    assert violated(report) >= SEEN[faults]
    assert "intact-database" not in violated(report)


@pytest.mark.postgresql
def test_a_database_that_forgets_is_seen() -> None:
    """PostgreSQL without `synchronous_commit` acknowledges what its own crash takes away, even tables."""
    config = RestartPersistenceConfig(kills=1, drills=("kill-database",), durable=False, patience_s=1.0)
    report = run_restart_persistence_suite(config)
    if report.skipped:
        pytest.skip(report.skipped[0].reason)
    assert report.verdict is Verdict.FAIL
    assert violated(report) & {"acknowledged-writes", "intact-database"}


def test_a_service_that_does_not_start_proves_nothing(tmp_path: Path) -> None:
    """No evidence is no PASS."""
    config = RestartPersistenceConfig(places=("sqlite",), server_command=(sys.executable, "-c", "", "--"))
    report = run_restart_persistence_suite(config)
    assert report.verdict is Verdict.INCONCLUSIVE


def test_unknown_places_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In one line, by the module and by its command line."""
    with pytest.raises(ConfigurationError, match="no database 'oracle'"):
        run_restart_persistence_suite(RestartPersistenceConfig(places=("oracle",)))
    assert main(["--database", "oracle", "--output-dir", str(tmp_path)]) == ExitCode.USAGE
    assert "there are sqlite, postgresql" in capsys.readouterr().err
    assert json.loads((tmp_path / "latest.json").read_text())["verdict"] == "INCONCLUSIVE"


def test_the_number_of_kills_can_be_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By flag and by environment; what is no number is refused."""
    monkeypatch.setenv("RESTART_KILLS", "many")
    assert main(["--output-dir", str(tmp_path)]) == ExitCode.USAGE
    assert "RESTART_KILLS must be a positive number" in capsys.readouterr().err
    assert PROFILES["full"].kills > PROFILES["quick"].kills
