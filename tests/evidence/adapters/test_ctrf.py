"""CTRF: tests count, the summary is held against them."""

from pathlib import Path

import pytest
from fakes.results import GONE, changed, read_document, sample

from gatewright.core.verdict import State
from gatewright.evidence.results import Format

PASSED = sample("pytest-passed.ctrf.json")
"""Three tests passed (0 to 2), two were skipped."""


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ([("results/tests/0/status", "failed")], State.FAIL),
        ([("results/tests/0/status", "failed"), ("results/summary/failed", 7)], State.FAIL),
        ([("results/tests/0/status", "pending")], State.INVALID),
        (
            [
                ("results/tests/0/status", "other"),
                ("results/summary/passed", 2),
                ("results/summary/other", 1),
            ],
            State.INCONCLUSIVE,
        ),
        ([("results/tests/0/status", "PASSED")], State.INVALID),
        ([("results/tests/0/status", GONE)], State.INVALID),
        ([("results/tests/0", GONE)], State.INVALID),
        ([("results/tests", [])], State.INVALID),
        ([("results/tests", GONE)], State.INVALID),
        ([("results/summary", GONE)], State.INVALID),
        ([("results/summary/tests", 500)], State.INVALID),
        ([("results/summary/passed", 5)], State.INVALID),
        ([("results/summary/failed", 1)], State.INVALID),
        ([("results/summary/other", 1)], State.INVALID),
        ([("results/summary/pending", 1)], State.INVALID),
        ([("results/summary/skipped", 0)], State.INVALID),
        ([("results/summary/flaky", 1)], State.INVALID),
        ([("results/summary/passed", -1)], State.INVALID),
        ([("results/summary/passed", GONE)], State.INVALID),
        ([("results/summary/stop", 1)], State.INVALID),
        ([("results/summary/start", 1e300), ("results/summary/stop", 1e300)], State.INVALID),
        ([("results/summary/start", -1)], State.INVALID),
        ([("reportFormat", "ctrf")], State.INVALID),
        ([("reportFormat", GONE)], State.INVALID),
        ([("specVersion", "2.0.0")], State.INVALID),
        ([("specVersion", 1)], State.INVALID),
        ([("results", [])], State.INVALID),
    ],
)
def test_no_lie_passes(tmp_path: Path, changes: list[tuple[str, object]], state: State) -> None:
    result = read_document(tmp_path, changed(PASSED, *changes))
    assert result.state is state, result.reasons
    assert result.reasons


def test_pending_tests_did_not_run(tmp_path: Path) -> None:
    document = changed(
        PASSED,
        ("results/tests/0/status", "pending"),
        ("results/summary/passed", 2),
        ("results/summary/pending", 1),
    )
    counts = read_document(tmp_path, document).counts
    assert (counts.collected, counts.passed, counts.skipped) == (5, 2, 3)


def test_nothing_but_skipped_tests_is_skipped(tmp_path: Path) -> None:
    tests = PASSED["results"]["tests"][3:]
    document = changed(
        PASSED, ("results/tests", tests), ("results/summary/passed", 0), ("results/summary/tests", 2)
    )
    assert read_document(tmp_path, document).state is State.SKIPPED


@pytest.mark.parametrize(
    "more",
    [
        {"flaky": True},
        {"retries": 1},
        {"retries": 0, "retryAttempts": [{"attempt": 1, "status": "failed"}]},
    ],
)
def test_another_try_is_flaky_however_it_is_told(tmp_path: Path, more: dict[str, object]) -> None:
    document = changed(PASSED, ("results/tests/0", PASSED["results"]["tests"][0] | more))
    result = read_document(tmp_path, document)
    assert (result.state, result.counts.flaky) == (State.PASS, 1)


def test_a_time_of_zero_is_no_time(tmp_path: Path) -> None:
    """Converters write it for "not known"; taken at its word it would make every report stale."""
    document = changed(PASSED, ("results/summary/start", 0), ("results/summary/stop", 0))
    assert read_document(tmp_path, document).started_at is None
    start = read_document(tmp_path, PASSED).started_at
    assert start is not None
    assert start.timestamp() * 1000 == PASSED["results"]["summary"]["start"]


def test_a_time_in_seconds_is_read_as_such(tmp_path: Path) -> None:
    """As milliseconds it would be in 1970, and every such report stale."""
    start = PASSED["results"]["summary"]["start"]
    document = changed(
        PASSED, ("results/summary/start", start / 1000), ("results/summary/stop", start / 1000)
    )
    told = read_document(tmp_path, document).started_at
    assert told is not None
    assert told.timestamp() * 1000 == start


def test_an_early_report_without_its_name_is_read_where_the_policy_names_it(tmp_path: Path) -> None:
    early = {"results": PASSED["results"]}
    assert read_document(tmp_path, early).state is State.INVALID
    assert read_document(tmp_path, early, Format.CTRF).state is State.PASS
