"""Runs a comparison from the command line, and leaves evidence however it ends."""

import sys
from collections.abc import Callable
from pathlib import Path

from gatewright.core.escape import printable, printable_lines
from gatewright.core.verdict import Verdict
from gatewright.evidence.record import announce, publish
from gatewright.evidence.report import Reason
from gatewright.suites.slo.compare import CompareConfig, CompareRun, begun_comparison, run_comparison
from gatewright.suites.slo.compare_markdown import render_comparison, summarise_comparison
from gatewright.suites.slo.compare_page import render_comparison_page
from gatewright.suites.slo.compare_report import CompareReport

__all__ = ["compare_and_publish"]


def compare_and_publish(config: CompareConfig, folder: Path, *, as_json: bool) -> Verdict:
    """Compare, write the evidence, print the outcome.

    Before anything is measured `latest.*` say that it has begun, so that no older PASS stands there when it
    is killed; an interruption is written as INCONCLUSIVE, with the blocks that there are.

    Args:
        config: what and how.
        folder: where the evidence goes.
        as_json: print the whole report instead of a few lines.
    """
    run = begun_comparison(config)
    begin(folder, run.report(doubt("the comparison has begun and was not finished", config)))
    try:
        report = run_comparison(run, progress_on(sys.stderr.write))
    except BaseException as error:
        stopped = isinstance(error, KeyboardInterrupt)
        why = "the comparison was interrupted" if stopped else f"the comparison was not finished: {error}"
        finish(folder, run.report(doubt(printable(why), config)))
        raise
    path = finish(folder, report)
    sys.stdout.write(
        report.model_dump_json(indent=2) + "\n" if as_json else printable_lines(summarise_comparison(report))
    )
    sys.stderr.write(f"evidence: {printable(str(path))}\n")
    return report.verdict


def doubt(why: str, config: CompareConfig) -> Reason:
    """Why a comparison is not finished."""
    return Reason(rule="finished", message=why, command=config.command)


def begin(folder: Path, report: CompareReport) -> None:
    """Put `latest.*` there, for a run that is not finished."""
    announce(folder, report, render_comparison(report), render_comparison_page(report))


def finish(folder: Path, report: CompareReport) -> Path:
    """Write the evidence; where its JSON is."""
    return publish(folder, report, render_comparison(report), render_comparison_page(report)).json


def progress_on(write: Callable[[str], int]) -> Callable[[CompareRun], None]:
    """Shows a line after each round."""

    def show(run: CompareRun) -> None:
        known = run.decided.decisions if run.decided else ()
        ratios = "  ".join(f"{each.measure} {each.ratio:.3f}" for each in known if each.ratio is not None)
        write(f"slo compare: {len(run.blocks)}/{run.config.rules.looks[-1]} blocks  {ratios}".rstrip() + "\n")

    return show
