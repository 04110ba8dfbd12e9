"""What GitHub Actions is told: a summary within its limits, and annotations that are commands of ours alone."""

import io
import re
from pathlib import Path

import pytest
from fakes.verdicts import HOSTILE, make_check, make_document, make_reason

from gatewright.core.redaction import Redactor
from gatewright.core.verdict import State
from gatewright.evidence.failures import CodePlace
from gatewright.gate.decision import VerdictDocument
from gatewright.report.findings import LocatedFinding, located_findings
from gatewright.report.github import (
    MAXIMUM_SUMMARY_BYTES,
    annotation,
    annotations,
    append_summary,
    render_summary,
    workflow_commands_stopped,
)
from gatewright.report.outcomes import cases

NOWHERE = Path("no-such-folder")
COMMAND = re.compile(r"::([a-z]+)(?: ([^:]*))?::(.*)")


def found(document: VerdictDocument) -> tuple[LocatedFinding, ...]:
    return located_findings(document, NOWHERE, Redactor({}))


def parse(line: str) -> tuple[str, dict[str, str], str]:
    """Read a workflow command as the runner does: properties end at `::`, parts at commas, then unescape."""
    match = COMMAND.fullmatch(line)
    assert match
    parts = [part.partition("=") for part in (match[2] or "").split(",")]
    properties = {name: unescape(value) for name, _, value in parts}
    return match[1], properties, unescape(match[3])


def unescape(text: str) -> str:
    for code, character in (("%3A", ":"), ("%2C", ","), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        text = text.replace(code, character)
    return text


def test_an_annotation_names_file_line_and_title() -> None:
    case = cases(make_document(make_check("unit", State.FAIL)))[0]
    place = CodePlace("tests/a,b:c.py", 42)
    line = annotation(LocatedFinding(case, make_reason("unit"), "unit: 50% of it, as seen: x", "t", place))
    assert line == ("::error file=tests/a%2Cb%3Ac.py,line=42,title=unit FAIL::unit: 50%25 of it, as seen: x")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_within_its_command(name: str) -> None:
    document = make_document(make_check("unit", State.FAIL, reasons=(make_reason("unit", name),)))
    [line] = annotations(found(document))
    level, properties, message = parse(line)
    assert (level, properties) == ("error", {"title": "unit FAIL"})
    assert message.isprintable() or "\ufffe" in message
    assert "\n" not in message
    if name.isprintable():
        assert message == name


def test_the_worst_ten_come_first() -> None:
    """What blocks, then what is waived, then what is only told; ten in all."""
    states = [State.WARN, *[State.MISSING] * 6, *[State.FAIL] * 6]
    checks = [make_check(f"c{number}", state) for number, state in enumerate(states)]
    lines = annotations(found(make_document(*checks)))
    assert [parse(line)[1]["title"] for line in lines] == [
        *[f"c{number} FAIL" for number in range(7, 13)],
        *[f"c{number} MISSING" for number in range(1, 5)],
    ]
    few = make_document(
        make_check("a", State.WARN),
        make_check("b", State.FAIL, required=False),
        make_check("c", State.FAIL, waived="W-1"),
    )
    told = [parse(line) for line in annotations(found(few))]
    assert [level for level, _, _ in told] == ["warning", "notice", "warning"]
    assert told[0][2].startswith("waived by W-1 until 2026-01-01 (ann)")
    assert told[1][2] == "advisory, FAIL: b: p95 is beyond its limit"


def test_a_pass_is_annotated_with_nothing() -> None:
    assert annotations(found(make_document(make_check("unit")))) == ()


def test_a_summary_is_cut_at_a_line_before_github_would_refuse_it(tmp_path: Path) -> None:
    reasons = tuple(make_reason("unit", f"{number} {'ü' * 2000}") for number in range(400))
    document = make_document(make_check("unit", State.FAIL, reasons=reasons))
    summary = render_summary(document, NOWHERE, ())
    assert MAXIMUM_SUMMARY_BYTES - 10_000 < len(summary.encode()) <= MAXIMUM_SUMMARY_BYTES
    assert summary.startswith("# FAIL\n")
    assert summary.endswith("verdict.md of the run has it.*\n")

    file = tmp_path / "summary.md"
    file.write_text("before\n" * 100, encoding="utf-8")
    append_summary(file, summary)
    append_summary(file, summary)
    text = file.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert MAXIMUM_SUMMARY_BYTES - 10_000 < len(text.encode()) <= MAXIMUM_SUMMARY_BYTES


def test_a_summary_is_added_to_what_the_step_has_said(tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    summary = render_summary(make_document(make_check("unit")), NOWHERE, ())
    append_summary(file, summary)
    append_summary(file, summary)
    assert file.read_text(encoding="utf-8") == summary * 2


def test_what_is_printed_between_is_no_command_and_its_end_can_not_be_guessed() -> None:
    stream = io.StringIO()
    for _ in range(2):
        with workflow_commands_stopped(stream):
            stream.write("::error::forged\n")
    first, forged, last, *again = stream.getvalue().splitlines()
    token = first.removeprefix("::stop-commands::")
    assert forged == "::error::forged"
    assert last == f"::{token}::"
    assert len(token) >= 32
    assert token not in again[0]
