"""The forms of a verdict: asked for by a gate, rendered again from a run that is over, shown to GitHub."""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gatewright.cli.common import Commands, project_of
from gatewright.core.errors import ConfigurationError
from gatewright.core.escape import printable
from gatewright.core.verdict import ExitCode
from gatewright.evidence.ledger import LedgerEntry
from gatewright.evidence.record import write_atomic
from gatewright.execution.history import History
from gatewright.execution.judge import resolve_run
from gatewright.execution.project import Project
from gatewright.gate.decision import VerdictDocument, exit_code
from gatewright.report.github import (
    annotations,
    append_summary,
    runs_on_github,
    workflow_commands_stopped,
)
from gatewright.report.progress import wants_colour
from gatewright.report.text import render_verdict_text
from gatewright.report.writers import FORMATS, Rendering, find_format, render_form

__all__ = ["Output", "add_output_option", "add_report_command", "show"]


@dataclass(frozen=True)
class Output:
    """A form that the user asks for, and where a copy of it goes."""

    format: str
    copy: Path | None = None

    @classmethod
    def parse(cls, text: str) -> "Output":
        """Read `FORMAT` or `FORMAT=PATH`.

        Raises:
            ConfigurationError: there is no such form, or no path behind the sign.
        """
        name, sign, path = text.partition("=")
        find_format(name)
        if sign and not path:
            raise ConfigurationError(f"--output {name}= names no file", remedy=f"use {name} or {name}=PATH")
        return cls(name, Path(path) if path else None)

    def forget(self) -> None:
        """Take away what an earlier run has left: no report is better than an old one."""
        if self.copy:
            self.copy.unlink(missing_ok=True)

    def publish(self, run_folder: Path) -> None:
        """Copy the form from the folder of its run."""
        if self.copy:
            write_atomic(self.copy, (run_folder / FORMATS[self.format].file).read_bytes())


def add_output_option(parser: argparse.ArgumentParser) -> None:
    """Let a command be asked for more forms of its verdict."""
    parser.add_argument(
        "--output",
        action="append",
        default=[],
        metavar="FORMAT[=PATH]",
        help=f"also write the verdict as {', '.join(FORMATS)}; with a path, a copy goes there",
    )


def add_report_command(commands: Commands) -> None:
    """Add `report` to the command line."""
    text = "the verdict of a run that is over, in any form; reads only"
    report = commands.add_parser("report", help=text, description=text)
    report.add_argument("folder", nargs="?", type=Path, help="a run folder; by default the latest run's")
    report.add_argument("--format", required=True, metavar="FORMAT", help=", ".join(FORMATS))
    report.add_argument("--to", type=Path, metavar="FILE", help="where it goes; standard output by default")
    report.set_defaults(command=report_command)


def report_command(options: argparse.Namespace) -> int:
    """Render a form of a verdict."""
    find_format(options.format)
    project = None if options.folder else project_of(options)
    found = resolve_run(project, options.folder)
    document = found.read()
    rendered = render_form(Rendering(document, found.folder, earlier(project, document)), options.format)
    if options.to:
        write_atomic(options.to, rendered)
    else:
        sys.stdout.write(rendered)
    return ExitCode.PASS


def earlier(project: Project | None, document: VerdictDocument) -> tuple[LedgerEntry, ...]:
    """The runs of the project before this one; none where no history can be read."""
    entries = History(project.history).recent() if project else ()
    return tuple(entry for entry in entries if entry.finished_at < document.started_at)


def show(document: VerdictDocument, run_folder: Path, outputs: Sequence[Output] = ()) -> int:
    """Print a verdict, tell it to GitHub where this is one of its workflows, and copy the forms asked for.

    Args:
        document: the verdict.
        run_folder: the folder of its run.
        outputs: forms that the run has written.

    Returns:
        The exit code of the verdict.
    """
    text = "\n" + render_verdict_text(document, colour=wants_colour(sys.stdout))
    rendering = Rendering(document, run_folder).redacted()
    if runs_on_github(os.environ):
        with workflow_commands_stopped(sys.stdout):
            sys.stdout.write(text)
        for line in annotations(rendering.findings):
            print(line)
    else:
        sys.stdout.write(text)
    summarise(rendering)
    for output in outputs:
        output.publish(run_folder)
    return exit_code(document)


def summarise(rendering: Rendering) -> None:
    """Add the verdict to the summary of a workflow's step, if this is one; if that fails, nothing changes."""
    file = os.environ.get("GITHUB_STEP_SUMMARY")
    if not file:
        return
    try:
        append_summary(Path(file), FORMATS["github"].render(rendering))
    except OSError as error:
        message = f"the step summary can't be written: {error.strerror}"
        print(f"gatewright: {printable(message)}", file=sys.stderr)
