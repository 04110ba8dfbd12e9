"""A result file of any format becomes a state with its reasons."""

import gc
import json
from pathlib import Path

import pytest

from gatewright.core.verdict import State, Verdict
from gatewright.evidence.report import Counts
from gatewright.evidence.results import read_result

REPORT = {
    "schema_version": "demo/1",
    "suite": "demo",
    "verdict": "PASS",
    "reasons": [],
    "counts": {"schedules": 10},
    "metrics": {"p95_ms": 1.5},
    "started_at": "2026-01-01T00:00:00Z",
    "finished_at": "2026-01-01T00:01:00Z",
    "details": [1, 2, 3],
}


def write_report(folder: Path, **changes: object) -> None:
    (folder / "report.json").write_text(json.dumps(REPORT | changes), encoding="utf-8")


def test_a_report_is_read_without_its_details(tmp_path: Path) -> None:
    write_report(tmp_path)
    result = read_result(tmp_path, "report.json")
    assert (result.state, result.counts, result.metrics) == (
        State.PASS,
        Counts(schedules=10),
        {"p95_ms": 1.5},
    )


@pytest.mark.parametrize("verdict", Verdict)
def test_the_verdict_of_a_suite_is_its_state(tmp_path: Path, verdict: Verdict) -> None:
    write_report(tmp_path, verdict=verdict.value)
    assert read_result(tmp_path, "report.json").state is State[verdict.name]


def test_a_reason_without_an_artifact_is_found_in_the_report(tmp_path: Path) -> None:
    write_report(tmp_path, verdict="FAIL", reasons=[{"rule": "r", "message": "m"}])
    [reason] = read_result(tmp_path, "report.json").reasons
    assert (reason.artifact, reason.pointer) == ("report.json", "/reasons/0")


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"counts": {}}, State.EMPTY),
        ({"counts": {"collected": 2, "failed": 1}}, State.INVALID),
        ({"counts": {"collected": 2, "skipped": 2}}, State.SKIPPED),
        ({"schema_version": "demo/2"}, State.INVALID),
        ({"schema_version": "1"}, State.INVALID),
        ({"finished_at": "2025-01-01T00:00:00Z"}, State.INVALID),
        ({"verdict": "pass"}, State.INVALID),
        ({"verdict": None}, State.INVALID),
        ({"metrics": {"x": "1"}}, State.INVALID),
    ],
)
def test_a_report_that_contradicts_itself_or_measured_nothing_never_passes(
    tmp_path: Path, changes: dict[str, object], state: State
) -> None:
    write_report(tmp_path, **changes)
    result = read_result(tmp_path, "report.json")
    assert result.state is state
    assert result.reasons


@pytest.mark.parametrize(
    ("cases", "state"),
    [
        ("", State.EMPTY),
        ("<testcase/>", State.PASS),
        ("<testcase/><testcase><failure/></testcase>", State.FAIL),
        ("<testcase><skipped/></testcase>", State.SKIPPED),
        ("<testcase><skipped type='pytest.xfail'/></testcase>", State.SKIPPED),
    ],
)
def test_a_test_report_is_judged_by_its_cases(tmp_path: Path, cases: str, state: State) -> None:
    (tmp_path / "junit.xml").write_text(f"<testsuite>{cases}</testsuite>", encoding="utf-8")
    result = read_result(tmp_path, "junit.xml")
    assert result.state is state
    assert bool(result.reasons) == (state is not State.PASS)


def test_a_result_that_is_not_there_is_missing(tmp_path: Path) -> None:
    assert read_result(tmp_path, "report.json").state is State.MISSING


@pytest.mark.parametrize("text", [json.dumps(REPORT), "{"])
def test_the_garbage_collector_goes_on_after_reading(tmp_path: Path, text: str) -> None:
    """It is paused while a file is read, whether that succeeds or not."""
    (tmp_path / "report.json").write_text(text, encoding="utf-8")
    read_result(tmp_path, "report.json")
    assert gc.isenabled()
