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
