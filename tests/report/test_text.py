"""Verdicts for people."""

import io
from datetime import UTC, datetime

import pytest
from fakes.clock import FakeClock
from fakes.sealed import ENVIRONMENT

from gatewright.core.verdict import State, Verdict
from gatewright.evidence.report import Counts, Reason
from gatewright.gate.aggregate import CheckVerdict
from gatewright.gate.decision import PolicyReference, RunSubject, VerdictDocument
from gatewright.report.markdown import render_verdict
from gatewright.report.progress import ProgressLines, wants_colour
from gatewright.report.text import describe_counts, render_explanation, render_verdict_text

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
EVIL = "\x1b[2J<script>|[x](y)\u202e"
REASON = Reason(
    rule="tests-pass",
    message=f"unit: 1 of 3 tests failed: {EVIL}",
    artifact="runs/r/unit/junit.xml",
    pointer="/reasons/0",
    expected="tests that all pass",
    observed="3 collected",
    see="gatewright show runs/r/unit/junit.xml",
    command="gatewright run unit",
)


def check(state: State = State.FAIL, **changes: object) -> CheckVerdict:
    fields: dict[str, object] = {
        "check": "unit",
        "state": state,
        "required": True,
        "isolated": True,
        "counts": Counts(collected=3, passed=2, failed=1),
        "metrics": {},
        "duration_s": 1.25,
        "started_at": MOMENT,
        "finished_at": MOMENT,
        "manifest": "runs/r/unit/manifest.json",
        "manifest_sha256": "0" * 64,
        "reasons": (REASON,),
    }
    return CheckVerdict.model_validate(fields | changes)


def document(verdict: Verdict = Verdict.FAIL, reasons: tuple[Reason, ...] = (REASON,)) -> VerdictDocument:
    return VerdictDocument(
        run_id="r",
        verdict=verdict,
        reasons=reasons,
        subject=RunSubject(commit="c", tree="t", dirty=True, lock="l"),
        policy=PolicyReference(path="gate.toml", sha256="0" * 64),
        checks=(check(),),
        environment=ENVIRONMENT,
        started_at=MOMENT,
        finished_at=MOMENT,
    )


def test_the_terminal_shows_table_word_reason_and_place() -> None:
    text = render_verdict_text(document(), colour=False)
    assert "unit     FAIL" in text
    assert "2/3 passed, 1 failed" in text
    assert "\nFAIL\n" in text
    assert "1 of 3 tests failed" in text
    assert text.endswith("evidence: docs/evidence/runs/r\n")


@pytest.mark.parametrize(
    ("message", "observed", "expected", "shown"),
    [
        (
            "too few samples",
            "517",
            "at least 600 samples",
            "too few samples [517; expected at least 600 samples]",
        ),
        ("too few samples", "517", "", "too few samples [517]"),
        ("only 517 samples", "517", "at least 600", "only 517 samples [expected at least 600]"),
        ("517 of at least 600", "517", "at least 600", "517 of at least 600"),
        ("interrupted", "", "", "interrupted"),
    ],
)
def test_a_figure_stands_beside_what_was_expected(
    message: str, observed: str, expected: str, shown: str
) -> None:
    """Unless the message itself tells already."""
    reason = Reason(rule="r", message=message, observed=observed, expected=expected)
    assert f"  - {shown}\n" in render_verdict_text(document(reasons=(reason,)), colour=False)


def test_the_terminal_obeys_no_name_from_the_evidence() -> None:
    text = render_verdict_text(document(), colour=False) + render_explanation(document(), None)
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_colour_is_for_the_word_alone() -> None:
    assert "\x1b[1;31mFAIL\x1b[0m" in render_verdict_text(document(), colour=True)


def test_many_reasons_are_cut_and_the_rest_is_announced() -> None:
    text = render_verdict_text(document(reasons=(REASON,) * 20), colour=False)
    assert "and 12 more: gatewright explain" in text


def test_an_explanation_names_every_part() -> None:
    text = render_explanation(document(), "unit")
    for part in (
        "rule     tests-pass",
        "where    docs/evidence/runs/r/unit/junit.xml#/reasons/0",
        "expected tests that all pass",
        "observed 3 collected",
        "see      gatewright show runs/r/unit/junit.xml",
        "mend     gatewright run unit",
    ):
        assert part in text


def test_an_explanation_tells_what_the_state_rests_on() -> None:
    text = render_explanation(document(), "unit")
    assert "unit is FAIL\n  measured 2/3 passed, 1 failed\n" in text
    assert "where    docs/evidence/runs/r/unit/manifest.json" in text
    assert "nothing speaks against it" not in text


def test_a_pass_is_explained_by_what_was_measured() -> None:
    passed = document(Verdict.PASS, ()).model_copy(update={"checks": (check(State.PASS, reasons=()),)})
    text = render_explanation(passed, None)
    assert text.startswith("unit is PASS: nothing speaks against it\n  measured 2/3 passed, 1 failed\n")


def test_no_check_at_all_is_said() -> None:
    empty = document(Verdict.INCONCLUSIVE, ()).model_copy(update={"checks": ()})
    assert render_explanation(empty, None) == "INCONCLUSIVE: no check was judged\n"


def test_markdown_obeys_no_name_from_the_evidence() -> None:
    text = render_verdict(document())
    assert text.startswith("# FAIL\n")
    assert "\x1b" not in text
    assert "<script>" not in text
    assert "\\<script\\>\\|\\[x\\]" in text


def test_markdown_says_when_a_run_has_not_finished() -> None:
    assert "not finished" in render_verdict(document().model_copy(update={"finished_at": None}))


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        (Counts(), "nothing"),
        (Counts(collected=3, passed=3), "3/3 passed"),
        (Counts(schedules=500, samples=2000), "500 schedules, 2000 samples"),
        (Counts(collected=3, passed=1, skipped=2, schedules=1), "1/3 passed, 2 skipped, 1 schedules"),
    ],
)
def test_counts_are_told_in_words(counts: Counts, words: str) -> None:
    assert describe_counts(counts) == words


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def follow(stream: io.StringIO) -> str:
    clock = FakeClock()
    progress = ProgressLines(stream, clock)
    progress.begin("unit")
    clock.advance(1.5)
    progress.tick()
    clock.advance(1.5)
    progress.end(check(State.PASS, reasons=()))
    return stream.getvalue()


def test_progress_is_plain_lines_without_a_terminal() -> None:
    assert follow(io.StringIO()) == "unit: running\nunit: PASS in 3.0 s (2/3 passed, 1 failed)\n"


def test_progress_updates_one_line_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    text = follow(Terminal())
    assert "\r\x1b[2Kunit: 1.5 s" in text
    assert text.endswith("\r\x1b[2Kunit: PASS in 3.0 s (2/3 passed, 1 failed)\n")


def test_progress_of_several_checks_at_once_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with its own time, in the order in which they began, and no wider than the terminal."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "24")
    clock, stream = FakeClock(), Terminal()
    progress = ProgressLines(stream, clock)
    progress.tick()
    progress.begin("stress")
    clock.advance(1)
    progress.begin("unit")
    clock.advance(1)
    progress.tick()
    progress.begin("a-third-one")
    progress.tick()
    progress.end(check(State.PASS, reasons=()))
    progress.tick()
    lines = stream.getvalue().split("\r\x1b[2K")[1:]
    assert lines[0] == "stress: 2.0 s, unit: 1…"
    assert lines[1] == "stress: 2.0 s, unit: 1…"
    assert lines[2].startswith("unit: PASS in 1.0 s")
    assert lines[3] == "stress: 2.0 s, a-third…"


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_colours_can_be_refused(environment: dict[str, str], *, wanted: bool) -> None:
    assert wants_colour(Terminal(), environment) is wanted
    assert not wants_colour(io.StringIO(), environment)
