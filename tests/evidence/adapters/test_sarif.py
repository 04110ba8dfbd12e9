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
    document = changed(with_result(level="note"), ("runs/0/artifacts", []))
    result = read_document(tmp_path, document)
    assert (result.state, result.counts) == (State.PASS, Counts(collected=2, passed=2))


@pytest.mark.parametrize("more", [{}, {"kind": "notApplicable"}, {"baselineState": "absent"}])
def test_rules_alone_do_not_show_that_anything_was_analysed(tmp_path: Path, more: dict[str, str]) -> None:
    """Semgrep lists the same rules over an empty folder; what did not apply, or is gone, was not looked at."""
    document = with_result(level=GONE, ruleId="R2", **more) if more else CLEAN
    result = read_document(tmp_path, changed(document, ("runs/0/artifacts", [])))
    assert (result.state, result.unproven, result.proof) == (State.EMPTY, True, "analysis.rules")
    assert 'set a minimum of "analysis.rules"' in result.reasons[0].message
    assert result.metrics["analysis.rules"] == (1 if more.get("kind") else 2)


@pytest.mark.parametrize("more", [{"kind": "pass"}, {"suppressions": [{"kind": "inSource"}]}])
def test_what_was_looked_at_shows_that_something_was(tmp_path: Path, more: dict[str, object]) -> None:
    document = changed(with_result(level=GONE, **more), ("runs/0/artifacts", []))
    assert read_document(tmp_path, document).state is State.PASS


@pytest.mark.parametrize(
    ("default", "changes", "rules"),
    [(True, [], 2), (False, [], 1), (False, [True], 2), (True, [False], 1), (True, [False, True], 2)],
)
def test_rules_that_were_switched_off_were_not_applied(
    tmp_path: Path, *, default: bool, changes: list[bool], rules: int
) -> None:
    overrides = [{"descriptor": {"index": 0}, "configuration": {"enabled": each}} for each in changes]
    document = changed(
        CLEAN,
        ("runs/0/tool/driver/rules/0/defaultConfiguration/enabled", default),
        ("runs/0/invocations/0/ruleConfigurationOverrides", overrides),
    )
    assert read_document(tmp_path, document).metrics["analysis.rules"] == rules


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
        ([("runs/0/invocations/0/exitSignalName", "SIGSEGV")], State.ERROR),
        ([("runs/0/invocations/0/processStartFailureMessage", "no such file")], State.ERROR),
        ([("runs/0/invocations/0/toolExecutionNotifications", [{"level": "warning"}])], State.WARN),
        ([("runs/0/invocations/0/toolExecutionNotifications", [{}])], State.WARN),
        ([("runs/0/invocations/0/toolConfigurationNotifications", [{}])], State.WARN),
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
        ({"level": GONE, "ruleId": "R1/part/part"}, State.FAIL),
        ({"level": GONE, "ruleId": "other/part", "ruleIndex": 0}, State.FAIL),
        ({"level": GONE, "ruleId": "R2", "ruleIndex": 0}, State.FAIL),
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


@pytest.mark.parametrize(
    ("configurations", "state"),
    [
        ([{"level": "note"}], State.PASS),
        ([{"enabled": True}], State.FAIL),
        ([{"level": "note"}, None], State.FAIL),
        ([{"level": "note"}, {"level": "warning"}], State.WARN),
    ],
)
def test_a_rule_is_taken_for_less_only_where_all_say_so(
    tmp_path: Path, configurations: list[dict[str, object] | None], state: State
) -> None:
    """An invocation that says nothing of it, or not how severe it is, leaves it as it was."""
    calls = [
        {
            "executionSuccessful": True,
            "ruleConfigurationOverrides": [{"descriptor": {"id": "R1"}, "configuration": each}]
            if each
            else [],
        }
        for each in configurations
    ]
    document = changed(with_result(level=GONE), ("runs/0/invocations", calls))
    assert read_document(tmp_path, document).state is state


@pytest.mark.parametrize("component", [{"index": 0}, {"name": "pack"}])
@pytest.mark.parametrize("way", ["rule", "ruleIndex"])
def test_rules_may_be_those_of_an_extension(tmp_path: Path, way: str, component: dict[str, object]) -> None:
    """CodeQL's are in its query packs."""
    pack = {"name": "pack", "rules": [{"id": "Q", "defaultConfiguration": {"level": "error"}}]}
    index = {"rule": {"index": 0, "toolComponent": component}}
    if way == "ruleIndex":
        index = {"rule": {"toolComponent": component}, "ruleIndex": 0}
    document = changed(
        with_result(level=GONE, ruleId=GONE, **index),
        ("runs/0/tool/extensions", [pack]),
        ("runs/0/tool/driver/rules", [QUIET]),
    )
    result = read_document(tmp_path, document)
    assert result.state is State.FAIL
    assert "Q a.py:7" in result.reasons[0].message


def test_of_two_rules_with_one_id_the_severe_one_counts(tmp_path: Path) -> None:
    twin = {"id": "R1", "defaultConfiguration": {"level": "note"}}
    document = changed(with_result(level=GONE), ("runs/0/tool/driver/rules/-", twin))
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


def test_a_log_that_only_tells_when_it_ended_is_of_that_time(tmp_path: Path) -> None:
    """Bandit's; a copy of yesterday's is stale."""
    told = read_document(tmp_path, sample("bandit-clean.sarif")).started_at
    assert told is not None
    assert told.isoformat() == sample("bandit-clean.sarif")["runs"][0]["invocations"][0][
        "endTimeUtc"
    ].replace("Z", "+00:00")
