"""A verdict for GitHub Actions: the summary of a step, and annotations at the lines that failed.

A step's summary is Markdown of at most 1 MiB, appended to the file that `GITHUB_STEP_SUMMARY` names. An
annotation is a workflow command on standard output. GitHub shows ten of a kind for each step.
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from gatewright.core.escape import printable
from gatewright.gate.decision import VerdictDocument
from gatewright.report.findings import LocatedFinding
from gatewright.report.markdown import render_verdict
from gatewright.report.outcomes import Outcome

__all__ = [
    "annotations",
    "append_summary",
    "escape_data",
    "escape_property",
    "render_summary",
    "runs_on_github",
    "workflow_commands_stopped",
]

MAXIMUM_SUMMARY_BYTES = 1024 * 1024
MAXIMUM_ANNOTATIONS = 10
MAXIMUM_MESSAGE = 4000

CUT_OFF = "\n*The rest is cut off; verdict.md of the run has it.*\n"

LEVELS = {
    Outcome.FAILED: "error",
    Outcome.UNKNOWN: "error",
    Outcome.WAIVED: "warning",
    Outcome.ADVISORY: "notice",
    Outcome.PASSED: "warning",
}


def runs_on_github(environment: Mapping[str, str]) -> bool:
    """Whether this process is a step of a workflow."""
    return environment.get("GITHUB_ACTIONS") == "true"


def render_summary(document: VerdictDocument, folder: Path, findings: Sequence[LocatedFinding]) -> str:
    """The verdict as the summary of a step, no longer than GitHub takes; arguments are `render_verdict`'s."""
    return cut(render_verdict(document, folder, findings), MAXIMUM_SUMMARY_BYTES)


def append_summary(file: Path, summary: str) -> None:
    """Add a summary to those of the step; all of them together must not be longer than GitHub takes.

    Raises:
        OSError: it can't be written.
    """
    size = file.stat().st_size if file.exists() else 0
    with file.open("a", encoding="utf-8") as stream:
        stream.write(cut(summary, MAXIMUM_SUMMARY_BYTES - size))


def cut(text: str, limit: int) -> str:
    """As many whole lines of a text as fit into so many bytes, with a word about the rest."""
    if len(text.encode()) <= limit:
        return text
    left = limit - len(CUT_OFF.encode())
    kept: list[str] = []
    for line in text.splitlines(keepends=True):
        left -= len(line.encode())
        if left < 0:
            break
        kept.append(line)
    return "".join([*kept, CUT_OFF]) if limit >= len(CUT_OFF.encode()) else ""


def annotations(findings: Sequence[LocatedFinding]) -> tuple[str, ...]:
    """Workflow commands that mark the first findings, which are the worst."""
    return tuple(annotation(finding) for finding in findings[:MAXIMUM_ANNOTATIONS])


def annotation(finding: LocatedFinding) -> str:
    """One finding as a workflow command."""
    place = finding.place
    properties = {
        "file": place.file if place else "",
        "line": str(place.line) if place and place.line else "",
        "title": f"{finding.case.name} {finding.case.state.value}",
    }
    written = ",".join(f"{name}={escape_property(value)}" for name, value in properties.items() if value)
    note = f"{finding.case.note}: " if finding.case.note else ""
    message = f"{note}{finding.message}"[:MAXIMUM_MESSAGE]
    return f"::{LEVELS[finding.case.outcome]} {written}::{escape_data(message)}"


def escape_data(text: str) -> str:
    """The message of a workflow command: on one line, in which a percent sign begins no escape."""
    return printable(text).replace("%", "%25")


def escape_property(text: str) -> str:
    """A property of a workflow command, which also ends at a comma or colon."""
    return escape_data(text).replace(":", "%3A").replace(",", "%2C")


@contextmanager
def workflow_commands_stopped(stream: TextIO) -> Iterator[None]:
    """Nothing written meanwhile is a workflow command, whatever a name from the evidence looks like."""
    token = secrets.token_hex(16)
    stream.write(f"::stop-commands::{token}\n")
    try:
        yield
    finally:
        stream.write(f"::{token}::\n")
