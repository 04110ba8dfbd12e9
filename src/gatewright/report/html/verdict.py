"""The verdict page: the word and why on top, then the checks."""

from collections.abc import Sequence
from pathlib import Path

from gatewright.evidence.ledger import LedgerEntry
from gatewright.gate.decision import VerdictDocument
from gatewright.report.page import isolated, page

__all__ = ["render_page"]


def render_page(document: VerdictDocument, _folder: Path, _history: Sequence[LedgerEntry]) -> str:
    """The page.

    Args:
        document: the verdict.
        _folder: the run folder, whose reports give lanes and plots.
        _history: earlier runs, oldest first.
    """
    word = document.verdict.value
    reasons = [f"<li>{isolated(reason.message)}</li>" for reason in document.reasons]
    rows = [
        f"<tr><th scope='row'>{isolated(check.check)}</th><td>{check.state.value}</td></tr>"
        for check in document.checks
    ]
    body = [f'<h1 class="{word}">{word}</h1>', "<ul>", *reasons, "</ul>", "<table>", *rows, "</table>"]
    return page(f"{word} - {document.run_id}", "", body)
