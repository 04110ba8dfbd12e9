"""Coverage reports: sums are held against lines; the policy's limits judge the rest."""

from pathlib import Path

import pytest
from fakes.results import GONE, SAMPLES, changed, read_document, read_text, sample

from gatewright.core.verdict import State
from gatewright.evidence.results import read_result

JSON = sample("coverage.json")
XML = (SAMPLES / "coverage.xml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["coverage.xml", "coverage.json"])
def test_both_formats_tell_the_same(name: str) -> None:
    assert read_result(SAMPLES, name).metrics == {
        "coverage.files": 1,
        "coverage.lines_valid": 9,
        "coverage.lines_covered": 5,
        "coverage.branches_valid": 2,
        "coverage.branches_covered": 1,
        "coverage.line_rate": 5 / 9,
        "coverage.branch_rate": 0.5,
    }


def test_the_xml_tells_when_it_was_written() -> None:
    written = read_result(SAMPLES, "coverage.xml").started_at
    assert written is not None
    assert f'timestamp="{round(written.timestamp() * 1000)}"' in XML


@pytest.mark.parametrize(
    ("stamp", "known"), [("1795598706", True), ("0", False), ("", False), ("today", False), ("-1", False)]
)
def test_other_time_stamps_are_seconds_or_nothing(tmp_path: Path, stamp: str, *, known: bool) -> None:
    result = read_text(tmp_path, XML.replace("1795598706988", stamp), "coverage.xml")
    assert result.state is State.PASS
    assert (result.started_at is not None) == known


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('lines-covered="5"', 'lines-covered="9"'),
        ('lines-covered="5"', 'lines-covered="-5"'),
        ('lines-covered="5"', 'lines-covered="5.0"'),
        ('lines-covered="5"', ""),
        ('lines-valid="9"', 'lines-valid="5"'),
        ('lines-valid="9"', ""),
        ('branches-covered="1"', 'branches-covered="2"'),
        ('branches-valid="2"', 'branches-valid="1"'),
        ('lines-covered="5" line-rate="0.5556"', 'lines-covered="5" line-rate="1"'),
        ('lines-covered="5" line-rate="0.5556"', 'lines-covered="5" line-rate="nan"'),
        ('lines-covered="5" line-rate="0.5556"', 'lines-covered="5" line-rate="inf"'),
        ('lines-covered="5" line-rate="0.5556"', 'lines-covered="5" line-rate="1.5"'),
        ('lines-covered="5" line-rate="0.5556"', 'lines-covered="5"'),
        ('<line number="8" hits="0"/>', ""),
        ('<line number="8" hits="0"/>', '<line number="8" hits="1"/>'),
        ('<line number="8" hits="0"/>', '<line number="8" hits="-1"/>'),
        ('<line number="8" hits="0"/>', '<line number="8"/>'),
        ('<line number="8" hits="0"/>', '<line hits="0"/>'),
        ('<line number="8" hits="0"/>', '<line number="5" hits="1"/>'),
        ("50% (1/2)", "100% (2/2)"),
        ("50% (1/2)", "50% (3/2)"),
        ("50% (1/2)", "50%"),
        ("<coverage ", "<!DOCTYPE coverage><coverage "),
        ("<coverage ", "<!DOCTYPE coverage [<!ENTITY a 'b'>]><coverage "),
        ("<coverage ", "<!DOCTYPE coverage SYSTEM 'x.dtd' [<!ENTITY a 'b'>]><coverage "),
        ("<sources>", "<!DOCTYPE coverage SYSTEM 'x.dtd'><sources>"),
    ],
)
def test_xml_that_contradicts_itself_is_refused(tmp_path: Path, old: str, new: str) -> None:
    assert old in XML
    result = read_text(tmp_path, XML.replace(old, new), "coverage.xml")
    assert result.state is State.INVALID
    assert result.reasons[0].message.startswith("coverage.xml")


def test_a_tiny_rate_is_written_as_a_power(tmp_path: Path) -> None:
    lines = "".join(f'<line number="{number}" hits="{int(number == 1)}"/>' for number in range(1, 20_001))
    text = (
        '<coverage lines-valid="20000" lines-covered="1" line-rate="5e-05" branches-valid="0" '
        f'branches-covered="0"><class filename="a.py"><lines>{lines}</lines></class></coverage>'
    )
    assert read_text(tmp_path, text, "coverage.xml").metrics["coverage.line_rate"] == 1 / 20_000


def test_a_document_type_that_is_only_named_is_left_unread(tmp_path: Path) -> None:
    """gcovr, Istanbul and others name that of Cobertura; an entity from it would stand for anything."""
    named = XML.replace("<coverage ", "<!DOCTYPE coverage SYSTEM 'file:///etc/passwd'><coverage ")
    assert read_text(tmp_path, named, "coverage.xml").state is State.PASS
    entity = named.replace("<sources>", "<sources>&lines;")
    assert "entity 'lines'" in read_text(tmp_path, entity, "coverage.xml").reasons[0].message


def coverage_xml(lines: str, attributes: str) -> str:
    return (
        f"<coverage {attributes}><packages><package><classes><class filename='a'><lines>{lines}"
        "</lines></class></classes></package></packages></coverage>"
    )


LINE = "<line number='1' hits='18446744073709551615' branch='{branch}' condition-coverage='{conditions}'/>"


@pytest.mark.parametrize(
    ("branch", "conditions", "attributes"),
    [
        # Coverlet writes .NET's words for yes and no.
        ("True", "50% (1/2)", "lines-valid='1' lines-covered='1' branches-valid='2' branches-covered='1'"),
        # Istanbul does not round.
        ("true", "33.33333333333333% (1/3)", "branches-valid='3' branches-covered='1'"),
        # cover2cover, which converts JaCoCo's reports, writes rates alone; Java writes tiny ones as 5.0E-5.
        ("true", "50% (1/2)", ""),
    ],
)
def test_other_writers_of_the_format_are_read(
    tmp_path: Path, branch: str, conditions: str, attributes: str
) -> None:
    text = coverage_xml(LINE.format(branch=branch, conditions=conditions), f"line-rate='1.0' {attributes}")
    result = read_text(tmp_path, text, "coverage.xml")
    assert (result.state, result.metrics["coverage.branches_covered"]) == (State.PASS, 1), result.reasons


@pytest.mark.parametrize(
    ("valid", "covered", "rate"),
    [(2, 1, 0.5), (10, 1, 0.1), (10, 9, 0.5), (1, 1, None), (3, 3, None), (2, 2, None), (10, 0, None)],
)
def test_branches_that_are_only_in_the_sum_make_a_rate_no_better(
    tmp_path: Path, valid: int, covered: int, rate: float | None
) -> None:
    """Istanbul lists no branch on a line without a statement; sums that can't be are refused."""
    attributes = f"line-rate='1' branches-valid='{valid}' branches-covered='{covered}'"
    text = coverage_xml(LINE.format(branch="true", conditions="50% (1/2)"), attributes)
    result = read_text(tmp_path, text, "coverage.xml")
    assert result.metrics.get("coverage.branch_rate") == rate
    assert (result.state is State.INVALID) == (rate is None)


def test_branches_that_are_only_in_the_sum_are_no_rate(tmp_path: Path) -> None:
    text = coverage_xml(
        LINE.format(branch="false", conditions=""), "line-rate='1' branches-valid='9' branches-covered='9'"
    )
    assert "coverage.branch_rate" not in read_text(tmp_path, text, "coverage.xml").metrics


def test_a_tiny_rate_of_java_is_a_rate(tmp_path: Path) -> None:
    lines = "<line number='1' hits='1'/>" + "".join(
        f"<line number='{number}' hits='0'/>" for number in range(2, 20_001)
    )
    text = coverage_xml(lines, "line-rate='5.0E-5'")
    assert read_text(tmp_path, text, "coverage.xml").metrics["coverage.line_rate"] == 1 / 20_000


@pytest.mark.parametrize(
    "text",
    [
        '<coverage lines-valid="0" lines-covered="0" line-rate="1" branches-valid="0" branches-covered="0"/>',
        '<coverage lines-valid="0" lines-covered="0" line-rate="0" branches-valid="0" branches-covered="0"><class/></coverage>',
    ],
)
def test_coverage_of_nothing_is_empty(tmp_path: Path, text: str) -> None:
    """coverage.py calls it 100%."""
    result = read_text(tmp_path, text, "coverage.xml")
    assert result.state is State.EMPTY
    assert "coverage.line_rate" not in result.metrics


def with_file(*changes: tuple[str, object]) -> object:
    """The sample with changes in its one file that has lines."""
    file = changed(JSON["files"]["shop/prices.py"], *changes)
    return JSON | {"files": JSON["files"] | {"shop/prices.py": file}}


@pytest.mark.parametrize(
    "document",
    [
        changed(JSON, ("totals/covered_lines", 9)),
        changed(JSON, ("totals/num_statements", 5)),
        changed(JSON, ("totals/covered_branches", 2)),
        changed(JSON, ("totals/num_branches", 1)),
        changed(JSON, ("totals", GONE)),
        changed(JSON, ("files", {})),
        changed(JSON, ("files", [])),
        changed(JSON, ("meta/format", 4)),
        changed(JSON, ("meta/format", GONE)),
        with_file(("summary/covered_lines", 9)),
        with_file(("summary/num_statements", 5)),
        with_file(("summary", GONE)),
        with_file(("executed_lines", [2, 5, 7, 9])),
        with_file(("executed_lines", [2, 5, 7, 9, 12, 13])),
        with_file(("missing_lines", [])),
        with_file(("missing_lines", [8, 13, 14])),
        with_file(("executed_lines/-", "16")),
        with_file(("executed_lines/-", -16)),
        with_file(("executed_branches", [[7, 9], [7, 8]]), ("missing_branches", [])),
    ],
)
def test_json_that_contradicts_itself_is_refused(tmp_path: Path, document: object) -> None:
    result = read_document(tmp_path, document)
    assert result.state is State.INVALID
    assert result.reasons


def test_no_files_are_empty(tmp_path: Path) -> None:
    zeros = {"covered_lines": 0, "num_statements": 0}
    result = read_document(tmp_path, changed(JSON, ("files", {}), ("totals", zeros)))
    assert (result.state, result.reasons[0].pointer) == (State.EMPTY, "/totals")


def test_the_place_of_a_wrong_sum_is_named(tmp_path: Path) -> None:
    [reason] = read_document(tmp_path, with_file(("summary/covered_lines", 9))).reasons
    assert reason.pointer == "/files/shop~1prices.py/summary"
