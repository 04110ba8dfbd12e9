"""The verdict as Markdown: readable, complete, and obeyed by no renderer."""

from pathlib import Path

import pytest
from fakes.verdicts import HOSTILE, MOMENT, make_check, make_document, make_reason
from markdown_it import MarkdownIt
from markdown_it.token import Token

from gatewright.core.provenance import UNKNOWN
from gatewright.core.verdict import State, Verdict
from gatewright.evidence.failures import CodePlace
from gatewright.evidence.manifest import MANIFEST, Manifest
from gatewright.evidence.report import Counts, Reason
from gatewright.gate.decision import PolicyReference, RunSubject
from gatewright.gate.waivers import WaiverStatus, WaiverUse
from gatewright.report.findings import LocatedFinding
from gatewright.report.markdown import render_verdict
from gatewright.report.outcomes import cases

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def tokens(text: str) -> list[Token]:
    """All tokens of a document, also those within lines."""
    return [each for token in PARSER.parse(text) for each in (token, *(token.children or ()))]


def section(text: str, title: str) -> str:
    return text.partition(f"## {title}\n\n")[2].partition("\n\n##")[0]


def test_a_pass_says_what_was_run_and_where() -> None:
    text = render_verdict(make_document(make_check("unit")))
    assert text.startswith("# PASS\n")
    assert "| unit" in section(text, "Checks")
    assert "c0ffee" in text
    environment = section(text, "Environment")
    assert "3.11.9 (CPython)" in environment
    assert "2 x some processor, 16.0 GiB" in environment
    assert "## Reasons" not in text
    assert "## Not checked" not in text


def test_waivers_stand_in_the_headline_and_in_a_table() -> None:
    """Also one that does nothing; the state of the check is what it was."""
    expired = WaiverUse(id="W-2", check="slo", status=WaiverStatus.EXPIRED, message="it ended")
    document = make_document(make_check("unit"), make_check("slo", State.FAIL, waived="W-1"))
    document = document.model_copy(update={"waivers": (*document.waivers, expired)})
    text = render_verdict(document)
    assert text.startswith("# PASS, 1 waived\n")
    waivers = section(text, "Waivers")
    assert all(word in waivers for word in ("W-1", "applied", "ann", "2026-01-01", "W-2", "expired"))
    assert "FAIL" in section(text, "Checks")
    assert "p95 is beyond its limit" in section(text, "Findings that block nothing")
    assert "## Reasons" not in text


def test_what_was_not_checked_is_said(tmp_path: Path) -> None:
    """A profile, a part, a session, a commit or a release that somebody could believe was checked."""
    skipping = make_check("unit", isolated=False, counts=Counts(collected=9, passed=6, skipped=2, xfailed=1))
    advisory = make_check("slo", State.FAIL, required=False)
    document = make_document(
        skipping,
        advisory,
        subject=RunSubject(commit=UNKNOWN, tree="t", dirty=True, lock="l"),
        policy=PolicyReference(path="gate.toml#checks.unit", sha256="0" * 64),
        reasons=(Reason(rule="note-sealed", message="nobody has signed this run"),),
    )
    (tmp_path / "unit").mkdir()
    manifest = Manifest(
        run_id="r",
        check="unit",
        profile="quick",
        isolated=False,
        policy="0" * 64,
        subject=document.subject.model_copy(),
        environment=document.environment,
        started_at=MOMENT,
        finished_at=MOMENT,
        duration_s=1,
        steps=(),
        counts=Counts(),
        files=(),
    )
    fields = manifest.model_dump_json(exclude={"subject": {"changed"}})
    (tmp_path / "unit" / MANIFEST).write_text(fields, encoding="utf-8")
    assert section(render_verdict(document, tmp_path), "Not checked").splitlines() == [
        "- Only the check unit was run: this is no verdict over a release.",
        "- The commit is unknown.",
        "- The work tree had changes that no commit holds; the digest of the tree names it all the same.",
        "- Run in the quick profile, not at full length: unit.",
        "- unit skipped 2 of 9.",
        "- unit expects 1 to fail.",
        "- slo is advisory: it is FAIL and has no say.",
        "- Not run in a session of their own, but in an environment that was there: unit.",
        "- nobody has signed this run.",
    ]


def test_a_run_without_git_or_an_end_says_so() -> None:
    subject = RunSubject(commit="c", tree="t", dirty=None, lock="l")
    gaps = section(render_verdict(make_document(subject=subject, finished_at=None)), "Not checked")
    assert "has not finished" in gaps
    assert "uncommitted changes is unknown" in gaps


def test_places_in_the_code_are_listed() -> None:
    document = make_document(make_check("unit", State.FAIL))
    [case] = cases(document)
    findings = [
        LocatedFinding(case, case.reasons[0], f"unit: test {number}", "t", CodePlace("tests/a_b.py", number))
        for number in range(1, 61)
    ]
    lines = section(render_verdict(document, None, findings), "Places in the code").splitlines()
    assert lines[0] == "- tests/a\\_b.py:1: unit: test 1"
    assert lines[-1] == "- and 10 more"
    assert len(lines) == 51


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_shown_and_not_obeyed(name: str) -> None:
    """No element, link, image or code begins in one, and no row has a cell more or less."""
    reasons = (make_reason("unit", name, expected=name, observed=name, artifact=name, pointer=name),)
    use = WaiverUse(id=name, status=WaiverStatus.MALFORMED, owner=name, reason=name, message=name)
    document = make_document(
        make_check("unit", State.FAIL, reasons=reasons, manifest=name),
        make_check("slo", State.FAIL, required=False, reasons=reasons),
    ).model_copy(update={"waivers": (use,)})
    [case, _] = cases(document)
    findings = [LocatedFinding(case, reasons[0], name, name, CodePlace(name, 1))]
    text = render_verdict(document, None, findings)
    text.encode()
    found = tokens(text)
    kinds = {token.type for token in found}
    assert not kinds & {"html_inline", "html_block", "link_open", "image", "code_inline", "fence", "s_open"}
    assert next(token.content for token in found if token.type == "inline") == "FAIL"
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(row.replace("\\|", "").count("|") in {3, 7, 8} for row in rows)


def test_two_hundred_checks_have_two_hundred_rows() -> None:
    checks = [make_check(f"c{number}", State.FAIL if number == 7 else State.PASS) for number in range(200)]
    text = render_verdict(make_document(*checks))
    assert len(section(text, "Checks").splitlines()) == 202
    assert section(text, "Reasons").startswith("- **c7: p95 is beyond its limit**")


def test_a_run_without_checks_is_no_pass() -> None:
    document = make_document()
    assert document.verdict is Verdict.INCONCLUSIVE
    assert render_verdict(document).startswith("# INCONCLUSIVE\n")
