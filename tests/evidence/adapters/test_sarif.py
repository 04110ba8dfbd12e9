"""SARIF: errors fail, warnings warn, suppressions are counted, silence is no proof."""

from pathlib import Path
from typing import Any

import pytest
from fakes.results import GONE, changed, read_document, sample

from gatewright.core.verdict import State
from gatewright.evidence.report import Counts

RULE = {"id": "R1", "defaultConfiguration": {"level": "error"}}
QUIET = {"id": "R2"}
PLACE = {"physicalLocation": {"artifactLocation": {"uri": "a.py"}, "region": {"startLine": 7}}}
CLEAN: dict[str, Any] = {
    "version": "2.1.0",
    "runs": [
        {
            "tool": {"driver": {"name": "lint", "rules": [RULE, QUIET]}},
            "invocations": [{"executionSuccessful": True, "startTimeUtc": "2026-01-01T00:00:00Z"}],
            "artifacts": [{"location": {"uri": name}} for name in ("a.py", "b.py", "c.py")],
            "results": [],
        }
    ],
}


def with_result(**result: object) -> Any:
    finding = {"ruleId": "R1", "level": "error", "message": {"text": "no"}, "locations": [PLACE]} | result
    return changed(
        CLEAN, ("runs/0/results", [{key: part for key, part in finding.items() if part is not GONE}])
    )


def test_files_prove_that_something_was_analysed(tmp_path: Path) -> None:
    result = read_document(tmp_path, CLEAN)
    assert (result.state, result.counts) == (State.PASS, Counts(collected=3, passed=3))
    assert result.metrics["analysis.files"] == 3
    assert result.metrics["analysis.rules"] == 2
    assert result.started_at is not None


def test_without_files_rules_are_counted(tmp_path: Path) -> None:
    document = changed(CLEAN, ("runs/0/artifacts", []))
    assert read_document(tmp_path, document).counts == Counts(collected=2, passed=2)


def test_files_that_were_not_analysed_prove_nothing(tmp_path: Path) -> None:
    artifacts = [{"location": {"uri": "lint.toml"}, "roles": ["configuration"]}, {"location": {}}]
    document = changed(CLEAN, ("runs/0/artifacts", artifacts), ("runs/0/tool/driver/rules", []))
    result = read_document(tmp_path, document)
    assert (result.state, result.unproven) == (State.EMPTY, True)


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ([("runs", [])], State.EMPTY),
        ([("runs", GONE)], State.INVALID),
        ([("runs", None)], State.INVALID),
        ([("version", "2.0.0")], State.INVALID),
        ([("version", 2.1)], State.INVALID),
        ([("runs/0/results", GONE)], State.EMPTY),
        ([("runs/0/results", None)], State.EMPTY),
        ([("runs/-", {"tool": {"driver": {"name": "other"}}})], State.EMPTY),
        ([("runs/0/tool", GONE)], State.INVALID),
        ([("runs/0/artifacts", []), ("runs/0/tool/driver/rules", [])], State.EMPTY),
        ([("runs/0/invocations/0/executionSuccessful", False)], State.ERROR),
        ([("runs/0/invocations/0/executionSuccessful", "true")], State.INVALID),
        ([("runs/0/invocations/0/executionSuccessful", GONE)], State.INVALID),
        ([("runs/0/invocations/-", {"executionSuccessful": False})], State.ERROR),
        ([("runs/0/invocations/0/toolExecutionNotifications", [{"level": "error"}])], State.ERROR),
        ([("runs/0/invocations/0/toolConfigurationNotifications", [{"level": "error"}])], State.ERROR),
        ([("runs/0/invocations/0/startTimeUtc", "yesterday")], State.INVALID),
        ([("runs/0/externalPropertyFileReferences", {"results": [{}]})], State.INCONCLUSIVE),
    ],
)
def test_no_silence_passes(tmp_path: Path, changes: list[tuple[str, object]], state: State) -> None:
    result = read_document(tmp_path, changed(CLEAN, *changes))
    assert result.state is state, result.reasons
    assert result.reasons


@pytest.mark.parametrize(
    ("result", "state"),
    [
        ({}, State.FAIL),
        ({"level": "warning"}, State.WARN),
        ({"level": "note"}, State.PASS),
        ({"level": "none"}, State.PASS),
        ({"level": "fatal"}, State.INVALID),
        ({"level": GONE}, State.FAIL),
        ({"level": GONE, "ruleId": "R1/part"}, State.FAIL),
        ({"level": GONE, "ruleId": GONE, "ruleIndex": 0}, State.FAIL),
        ({"level": GONE, "ruleId": GONE, "rule": {"id": "R1"}}, State.FAIL),
        ({"level": GONE, "ruleId": GONE, "rule": {"index": 0}}, State.FAIL),
        ({"level": GONE, "ruleId": GONE, "ruleIndex": 99}, State.WARN),
        ({"level": GONE, "ruleId": "R2"}, State.WARN),
        ({"level": GONE, "ruleId": "unknown"}, State.WARN),
        ({"level": GONE, "kind": "pass"}, State.PASS),
        ({"level": GONE, "kind": "review"}, State.WARN),
        ({"level": GONE, "kind": "open"}, State.WARN),
        ({"kind": "pass"}, State.FAIL),
        ({"baselineState": "unchanged"}, State.FAIL),
        ({"baselineState": "absent"}, State.PASS),
        ({"suppressions": []}, State.FAIL),
        ({"suppressions": None}, State.FAIL),
        ({"suppressions": [{"kind": "inSource", "status": "underReview"}]}, State.FAIL),
        ({"suppressions": [{"kind": "inSource", "status": "rejected"}, {"kind": "external"}]}, State.FAIL),
    ],
)
def test_a_result_counts_for_what_it_is(tmp_path: Path, result: dict[str, object], state: State) -> None:
    found = read_document(tmp_path, with_result(**result))
    assert found.state is state, found.reasons
    assert bool(found.reasons) == (state is not State.PASS)


def test_a_suppressed_result_is_skipped(tmp_path: Path) -> None:
    """Like a skipped test: whoever allows it says how many, by `max_skipped`."""
    result = read_document(tmp_path, with_result(suppressions=[{"kind": "inSource"}]))
    assert (result.state, result.counts.skipped) == (State.PASS, 1)
    assert result.metrics["findings.suppressed"] == 1
    assert result.metrics["findings.error"] == 0


def test_a_run_may_take_a_rule_for_worse(tmp_path: Path) -> None:
    override = [{"descriptor": {"id": "R2"}, "configuration": {"level": "error"}}]
    document = with_result(ruleId="R2", level=GONE)
    assert read_document(tmp_path, document).state is State.WARN
    document["runs"][0]["invocations"][0]["ruleConfigurationOverrides"] = override
    assert read_document(tmp_path, document).state is State.FAIL


def test_a_finding_is_named_and_pointed_at(tmp_path: Path) -> None:
    result = read_document(tmp_path, with_result())
    [reason] = result.reasons
    assert reason.pointer == "/runs/0/results/0"
    assert "R1 a.py:7" in reason.message
    assert result.counts == Counts(collected=3, passed=2, failed=1)


def test_an_error_outranks_a_tool_that_failed(tmp_path: Path) -> None:
    document = changed(with_result(), ("runs/0/invocations/0/executionSuccessful", False))
    result = read_document(tmp_path, document)
    assert result.state is State.FAIL
    assert [reason.rule for reason in result.reasons] == ["no-findings", "tool-succeeds"]


def test_bandit_tells_its_files_in_a_way_of_its_own(tmp_path: Path) -> None:
    clean = sample("bandit-clean.sarif")
    assert read_document(tmp_path, clean).metrics["analysis.files"] == 1
    only_sums = changed(clean, ("runs/0/properties/metrics", {"_totals": {}}))
    assert read_document(tmp_path, only_sums).unproven
    other_tool = changed(clean, ("runs/0/tool/driver/name", "other"))
    assert read_document(tmp_path, other_tool).unproven
