"""What a verdict holds against a run, worst first, each with its place where the evidence tells it."""

from pathlib import Path

from fakes.verdicts import make_check, make_document, make_reason

from gatewright.core.redaction import Redactor
from gatewright.core.verdict import State
from gatewright.evidence.failures import CodePlace
from gatewright.report.findings import LocatedFinding, located_findings

JUNIT = """\
<testsuites><testsuite>
<testcase classname='tests.test_a' name='test_x'><failure message='assert 1 == 2'>
tests/test_a.py:7: AssertionError</failure></testcase>
<testcase classname='tests.test_a' name='test_y'><error message='boom'/></testcase>
<testcase classname='tests.test_a' name='test_z'/>
</testsuite></testsuites>
"""


def found(folder: Path, *reasons: object, check: str = "unit") -> tuple[LocatedFinding, ...]:
    document = make_document(make_check(check, State.FAIL, reasons=reasons))
    return located_findings(document, folder, Redactor({}))


def failed_tests_reason(artifact: str) -> object:
    return make_reason("unit", "unit: 2 of 3 tests failed", rule="tests-pass", artifact=artifact)


def test_each_failed_test_is_a_finding_in_the_code(tmp_path: Path) -> None:
    """Also in a run folder that was copied elsewhere."""
    (tmp_path / "unit").mkdir()
    (tmp_path / "unit" / "junit.xml").write_text(JUNIT, encoding="utf-8")
    first, second, third = found(tmp_path, failed_tests_reason("runs/r/unit/junit.xml"), make_reason("unit"))
    assert first.message == "unit: tests.test_a::test_x: assert 1 == 2"
    assert first.place == CodePlace("tests/test_a.py", 7)
    assert (second.message, second.place) == ("unit: tests.test_a::test_y: boom", None)
    assert third.message == "unit: p95 is beyond its limit"


def test_without_a_report_that_can_be_read_the_reason_stands_for_itself(tmp_path: Path) -> None:
    (tmp_path / "unit").mkdir()
    (tmp_path / "unit" / "broken.xml").write_text("<testsuites>", encoding="utf-8")
    outside = tmp_path.parent / "junit.xml"
    outside.write_text(JUNIT, encoding="utf-8")
    for artifact in (
        "runs/r/unit/junit.xml",
        "runs/r/unit/broken.xml",
        "runs/r/../../junit.xml",
        str(outside),
    ):
        [finding] = found(tmp_path, failed_tests_reason(artifact))
        assert finding.message == "unit: 2 of 3 tests failed"
        assert finding.place is None


def test_a_run_that_was_interrupted_is_a_finding_of_its_own() -> None:
    document = make_document(
        make_check("unit"), incidents=[make_reason("run", "stopped", rule="run-interrupted")]
    )
    [finding] = located_findings(document, Path("none"), Redactor({}))
    assert (finding.case.name, finding.message) == ("run", "stopped")


def test_the_worst_comes_first_and_a_state_without_a_reason_is_told() -> None:
    document = make_document(
        make_check("a", State.WARN),
        make_check("b", State.MISSING, reasons=()),
        make_check("c", State.FAIL),
        make_check("d", State.TAMPERED),
    )
    findings = located_findings(document, Path("none"), Redactor({}))
    assert [each.case.name for each in findings] == ["d", "c", "b", "a"]
    assert findings[2].message == "b is MISSING"
