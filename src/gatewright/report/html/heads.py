"""The top of the page: the word, a sentence, what it is about, and why."""

from collections.abc import Iterator, Sequence

from gatewright.core.escape import html_text
from gatewright.core.provenance import UNKNOWN
from gatewright.core.verdict import State, Verdict
from gatewright.evidence.report import Reason
from gatewright.gate.aggregate import CheckVerdict
from gatewright.gate.decision import NOTE, VerdictDocument, headline, is_waived
from gatewright.report.html.links import Links
from gatewright.report.html.material import Material
from gatewright.report.html.parts import command, cut, heading, note, seconds, short
from gatewright.report.page import folded, isolated
from gatewright.report.text import plural

__all__ = ["SIGNS", "reasons", "top"]

SIGNS = {Verdict.PASS: "✓", Verdict.FAIL: "✗", Verdict.INCONCLUSIVE: "?"}
MOST_REASONS = 40
MOST_OPEN = 12
"""Reasons beyond them are folded."""


def top(material: Material) -> Iterator[str]:
    """The word first, then what it is about."""
    document = material.document
    word, _, waived = headline(document).partition(", ")
    aside = f'<span class="waived">, {html_text(waived)}</span>' if waived else ""
    yield f'<header class="verdict {word}">'
    yield f'<p class="kind">Release gate <span>{isolated(document.run_id)}</span></p>'
    yield (f'<h1><span class="sign" aria-hidden="true">{SIGNS[document.verdict]}</span>{word}{aside}</h1>')
    yield f'<p class="sentence">{html_text(sentence(document))}</p>'
    yield '<dl class="facts">'
    for name, value in facts(material):
        yield f"<div><dt>{name}</dt><dd>{value}</dd></div>"
    yield "</dl></header>"


def sentence(document: VerdictDocument) -> str:
    """What the word rests on."""
    if document.finished_at is None:
        return "The run is still going on, or was killed: open the page again when it has ended."
    required = [check for check in document.checks if check.required]
    return f"{required_words(document, required)}{advisory_words(document)}"


def advisory_words(document: VerdictDocument) -> str:
    """Whether checks that the verdict does without did not pass."""
    others = sum(not check.required and not check.state.settles for check in document.checks)
    return f" Beside them {plural(others, 'advisory check')} did not pass." if others else ""


def required_words(document: VerdictDocument, required: Sequence[CheckVerdict]) -> str:
    """How the required checks ended."""
    if document.verdict is Verdict.PASS:
        return passed(required)
    parts = [
        (
            sum(check.state.breaks_integrity for check in document.checks),
            "left evidence that can't be believed",
        ),
        (count(required, Verdict.FAIL), "failed"),
        (count(required, Verdict.INCONCLUSIVE), "proved nothing either way"),
    ]
    told = ", ".join(f"{number} {words}" for number, words in parts if number)
    if not told:
        return "Every check passed, and yet something speaks against the run as a whole."
    return f"Of {plural(len(required), 'required check')} {told}."


def passed(required: Sequence[CheckVerdict]) -> str:
    """Why it passes."""
    waived = sum(is_waived(check) for check in required)
    if waived:
        rest = "1 is waived for now" if waived == 1 else f"{waived} are waived for now"
        return f"{len(required) - waived} of {len(required)} required checks passed, {rest}."
    if len(required) == 1:
        return "The one required check passed."
    return f"All {len(required)} required checks passed."


def count(required: Sequence[CheckVerdict], verdict: Verdict) -> int:
    """How many unwaived checks come to a verdict, but for those whose evidence can't be believed."""
    return sum(
        check.state.verdict is verdict and not check.state.breaks_integrity and not is_waived(check)
        for check in required
    )


def facts(material: Material) -> Iterator[tuple[str, str]]:
    """What is known of the run, by name, as HTML."""
    document, subject = material.document, material.document.subject
    if document.finished_at:
        moment = document.finished_at
        yield (
            "finished",
            f'<time datetime="{moment.isoformat()}">{moment:%Y-%m-%d %H:%M} UTC</time>',
        )
        yield "took", html_text(seconds(max(0.0, (moment - document.started_at).total_seconds())))
    else:
        yield "begun", f"{document.started_at:%Y-%m-%d %H:%M} UTC"
    if subject.commit == UNKNOWN:
        yield "commit", UNKNOWN
    else:
        state = {True: " + changes", False: "", None: ""}[subject.dirty]
        yield "commit", f"{short(subject.commit)}{state}"
    if material.profile:
        yield "profile", isolated(cut(material.profile, 40))
    yield "policy", isolated(cut(document.policy.path, 120))


def reasons(document: VerdictDocument, links: Links) -> Iterator[str]:
    """The section: all that speaks against a PASS; notes stand among what was not checked."""
    speaking = [reason for reason in document.reasons if not reason.rule.startswith(NOTE)]
    if not speaking:
        return
    yield '<section class="why">'
    total = len(speaking)
    yield heading("why", "Why", f"{total:,} reasons" if total > 1 else "")
    yield '<ol class="reasons">'
    for reason in speaking[:MOST_OPEN]:
        yield from one_reason(reason, document, links)
    yield "</ol>"
    folded_away = speaking[MOST_OPEN:MOST_REASONS]
    if folded_away:
        yield f'<details class="fold"><summary>{len(folded_away)} more</summary><ol class="reasons">'
        for reason in folded_away:
            yield from one_reason(reason, document, links)
        yield "</ol></details>"
    if (rest := total - MOST_REASONS) > 0:
        yield note(f"{rest:,} further reasons are left out here; this tells them all:")
        yield command("gatewright explain")
    yield "</section>"


def one_reason(reason: Reason, document: VerdictDocument, links: Links) -> Iterator[str]:
    """One reason: what is wrong, where it stands, what was seen instead of what, and what to do."""
    yield f'<li class="{tone(reason, document)}">'
    yield f'<p class="message">{folded(cut(reason.message, 6000))}</p>'
    yield '<dl class="seen">'
    for name, value in (("expected", reason.expected), ("observed", reason.observed)):
        if value:
            yield f"<div><dt>{name}</dt><dd>{folded(cut(value, 6000))}</dd></div>"
    yield "</dl>"
    place = links.to(reason.artifact, pointer=reason.pointer) if reason.artifact else ""
    pointer = f" <code>#{html_text(cut(reason.pointer, 300))}</code>" if reason.pointer else ""
    rule = f'<span class="chip">{isolated(cut(reason.rule, 120))}</span>'
    yield f'<p class="place">{rule} {place}{pointer}</p>'
    for name, line in (("see", reason.see), ("mend", reason.command)):
        if line:
            yield f'<div class="do"><span>{name}</span>{command(line)}</div>'
    yield "</li>"


def tone(reason: Reason, document: VerdictDocument) -> str:
    """Whether a reason proves a failure or leaves a doubt: as the check that it is about."""
    about = next((check.state for check in document.checks if reason in check.reasons), State.INCONCLUSIVE)
    return "fail" if about.verdict is Verdict.FAIL else "doubt"
