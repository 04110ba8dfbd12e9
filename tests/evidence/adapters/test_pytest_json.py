"""pytest-json-report: tests count, exit codes and summaries are held against them."""

from pathlib import Path

import pytest
from fakes.results import GONE, changed, read_document, sample

from gatewright.core.verdict import State

PASSED = sample("pytest-passed.json")
"""Three tests passed (0 to 2), one was skipped (3), one failed as expected (4)."""


def test_measuring_began_when_the_run_did(tmp_path: Path) -> None:
    result = read_document(tmp_path, changed(PASSED, ("created", 1_800_000_010.5), ("duration", 10.5)))
    assert result.started_at is not None
    assert result.started_at.timestamp() == 1_800_000_000


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ([("tests/0/outcome", "failed")], State.FAIL),
        ([("tests/0/outcome", "error")], State.FAIL),
        ([("tests/0/call/outcome", "failed")], State.FAIL),
        ([("tests/0/setup/outcome", "failed")], State.FAIL),
        ([("tests/0/teardown/outcome", "failed")], State.FAIL),
        ([("tests/3/setup/outcome", "failed")], State.FAIL),
        ([("collectors/0/outcome", "failed")], State.FAIL),
        ([("tests/0/outcome", "failed"), ("exitcode", 2), ("summary/total", 99)], State.FAIL),
        (
            [("tests/0/outcome", "surprised"), ("summary/passed", 2), ("summary/surprised", 1)],
            State.INCONCLUSIVE,
        ),
        ([("tests", [])], State.INVALID),
        ([("tests", []), ("summary", {}), ("collectors", [])], State.EMPTY),
        ([("tests", []), ("summary", {}), ("exitcode", 5)], State.EMPTY),
        ([("tests", GONE)], State.INVALID),
        ([("tests/0", GONE)], State.INVALID),
        ([("tests/-", PASSED["tests"][0]), ("summary/passed", 4), ("summary/total", 6)], State.INVALID),
        ([("tests/0/call", GONE)], State.INVALID),
        ([("summary/passed", 4)], State.INVALID),
        ([("summary/total", 500)], State.INVALID),
        ([("summary/failed", 1)], State.INVALID),
        ([("summary/passed", -3)], State.INVALID),
        ([("summary/collected", 10)], State.INVALID),
        ([("summary/passed", "3")], State.INVALID),
        ([("exitcode", 1)], State.ERROR),
        ([("exitcode", 2)], State.ERROR),
        ([("exitcode", 3)], State.ERROR),
        ([("exitcode", 4)], State.ERROR),
        ([("exitcode", 5)], State.EMPTY),
        ([("exitcode", 99)], State.ERROR),
        ([("exitcode", -9)], State.ERROR),
        ([("exitcode", None)], State.INVALID),
        ([("exitcode", False)], State.INVALID),
        ([("exitcode", "0")], State.INVALID),
        ([("created", 1e18)], State.INVALID),
        ([("created", -1)], State.INVALID),
        ([("duration", 1e300)], State.INVALID),
    ],
)
def test_no_lie_passes(tmp_path: Path, changes: list[tuple[str, object]], state: State) -> None:
    result = read_document(tmp_path, changed(PASSED, *changes))
    assert result.state is state, result.reasons
    assert result.reasons


def test_only_skipped_tests_are_skipped(tmp_path: Path) -> None:
    tests = [PASSED["tests"][3]]
    document = changed(PASSED, ("tests", tests), ("summary", {"skipped": 1, "total": 1, "collected": 1}))
    assert read_document(tmp_path, document).state is State.SKIPPED


def test_a_module_that_skips_itself_counts_as_a_skipped_test(tmp_path: Path) -> None:
    """As in pytest's JUnit: its tests are in no other list, and were gone without a word."""
    result = read_document(tmp_path, changed(PASSED, ("collectors/0/outcome", "skipped")))
    assert (result.state, result.counts.collected, result.counts.skipped) == (State.PASS, 6, 2)
    result = read_document(tmp_path, changed(PASSED, ("collectors/0/outcome", "vanished")))
    assert result.state is State.INCONCLUSIVE


def test_a_test_that_passed_and_should_not_warns(tmp_path: Path) -> None:
    """A strict one is a failure already."""
    document = changed(PASSED, ("tests/4/outcome", "xpassed"), ("tests/4/call/outcome", "passed"))
    document = changed(document, ("summary", {"passed": 3, "skipped": 1, "xpassed": 1, "total": 5}))
    result = read_document(tmp_path, document)
    assert (result.state, result.counts.passed) == (State.WARN, 4)


def test_the_first_failed_test_is_pointed_at(tmp_path: Path) -> None:
    [reason] = read_document(tmp_path, sample("pytest-failed.json")).reasons
    assert reason.pointer == "/tests/1"
    assert "test_bad.py::test_fails" in reason.message


def test_a_test_that_needed_a_second_try_and_failed_in_it_has_failed(tmp_path: Path) -> None:
    document = changed(sample("pytest-flaky.json"), ("tests/0/call/outcome", "failed"))
    assert read_document(tmp_path, document).state is State.FAIL


def test_a_second_spelling_of_a_key_is_no_key(tmp_path: Path) -> None:
    """Names of our own for a field are not a way to say it twice."""
    document = changed(PASSED, ("exitcode", 1)) | {"exit_code": 0}
    assert read_document(tmp_path, document).state is State.ERROR
    del document["exitcode"]
    assert read_document(tmp_path, document).state is State.INVALID
