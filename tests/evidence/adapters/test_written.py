"""What tools write that are not at hand is read like that of those that are."""

from pathlib import Path

import pytest

from gatewright.core.verdict import State
from gatewright.evidence.report import Counts
from gatewright.evidence.results import read_result

WRITTEN = Path(__file__).with_name("written")

CASES = {
    "surefire.xml": (State.PASS, Counts(collected=3, passed=2, skipped=1, flaky=1)),
    "gradle.xml": (State.PASS, Counts(collected=2, passed=2)),
    "jest-junit.xml": (State.PASS, Counts(collected=2, passed=2)),
    "jest-junit-not-run.xml": (State.FAIL, Counts(collected=1, failed=1)),
    "go-junit-report.xml": (State.PASS, Counts(collected=2, passed=1, skipped=1)),
    "ctest.xml": (State.FAIL, Counts(collected=3, passed=1, failed=1, skipped=1)),
    "cargo-nextest.xml": (State.PASS, Counts(collected=2, passed=2, flaky=1)),
    "phpunit.xml": (State.PASS, Counts(collected=2, passed=2)),
    "codeql-clean.sarif": (State.PASS, Counts(collected=2, passed=2)),
    "codeql-findings.sarif": (State.FAIL, Counts(collected=2, passed=1, failed=1)),
    "eslint-clean.sarif": (State.PASS, Counts(collected=2, passed=2)),
    "eslint-warning.sarif": (State.WARN, Counts(collected=2, passed=2)),
    "eslint-unparsed.sarif": (State.ERROR, Counts(collected=2, passed=2)),
    # Trivy lists neither files nor rules where it found nothing, looked at or not.
    "trivy-clean.sarif": (State.EMPTY, Counts()),
    "trivy-findings.sarif": (State.FAIL, Counts(collected=1, failed=1)),
}


@pytest.mark.parametrize("name", CASES)
def test_a_report_ends_as_it_should(name: str) -> None:
    result = read_result(WRITTEN, name)
    assert (result.state, result.counts) == CASES[name], result.reasons


def test_every_file_is_tried() -> None:
    assert {path.name for path in WRITTEN.iterdir()} - {"README.md"} == set(CASES)
