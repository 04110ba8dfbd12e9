"""The history in the terminal: a row for each run, then how checks flake and how their figures move."""

import math
from collections.abc import Sequence

from tabulate import tabulate

from gatewright.core.escape import printable
from gatewright.core.model import Model
from gatewright.core.verdict import State
from gatewright.evidence.ledger import LedgerBreak, LedgerCheck, LedgerEntry
from gatewright.evidence.trends import (
    FlakeRate,
    PassRate,
    Trend,
    check_names,
    flake_rate,
    metric_names,
    pass_rate,
    trend,
)
from gatewright.report.text import paint

__all__ = ["LEGEND", "HistoryReport", "render_history", "report_history", "sparkline"]

BLOCKS = "▁▂▃▄▅▆▇█"
PLAIN = "_.-:=+*#"
"""The same for terminals that can't show blocks."""

SPARK_WIDTH = 40
SHOWN_COMMIT = 10
LEGEND = "marks: + pass, x fail, w waived or warned, ~ flaky, ! not believed, ? not known, . not in the run"

MARKS = {
    State.PASS: "+",
    State.WARN: "w",
    State.FAIL: "x",
    State.FLAKY: "~",
    State.TAMPERED: "!",
    State.MISMATCH: "!",
}


class HistoryReport(Model):
    """The history for machines (`gatewright history --json`)."""

    runs: tuple[LedgerEntry, ...]
    passed: PassRate
    flake_rates: tuple[FlakeRate, ...]
    trends: tuple[Trend, ...]
    breaks: tuple[str, ...]


def report_history(
    entries: Sequence[LedgerEntry], breaks: Sequence[LedgerBreak], check: str | None = None
) -> HistoryReport:
    """Everything that a history shows.

    Args:
        entries: runs, oldest first.
        breaks: what is wrong with the ledger that they come from.
        check: the only check that is asked about; all of them when None.
    """
    names = [name for name in check_names(entries) if check in {None, name}]
    trends = [trend(entries, name, metric) for name in names for metric in metric_names(entries, name)]
    return HistoryReport(
        runs=tuple(entries),
        passed=pass_rate(entries),
        flake_rates=tuple(flake_rate(entries, name) for name in names),
        trends=tuple(found for found in trends if found is not None),
        breaks=tuple(map(str, breaks)),
    )


def render_history(report: HistoryReport, *, colour: bool, blocks: bool = True) -> str:
    """The history as text for a terminal.

    Args:
        report: what it shows.
        colour: whether verdicts are coloured.
        blocks: whether the terminal shows block characters.
    """
    names = [rate.check for rate in report.flake_rates]
    passed = f"{report.passed.passed} of {report.passed.runs} runs passed"
    parts = [runs_table(report, names, colour=colour), f"{passed}\n{LEGEND}", flakes_table(report)]
    if report.trends:
        parts.append(trends_table(report, blocks=blocks))
    return "\n\n".join(parts) + "\n"


def runs_table(report: HistoryReport, names: Sequence[str], *, colour: bool) -> str:
    """One row for each run, the newest last."""
    rows = [
        (
            entry.finished_at.strftime("%Y-%m-%d %H:%M"),
            paint(entry.verdict, entry.verdict.value, colour=colour),
            printable(entry.commit)[:SHOWN_COMMIT],
            printable(entry.profile),
            f"{sum(check.duration_s for check in entry.checks.values()):.1f} s",
            *(mark(entry.checks.get(name)) for name in names),
            entry.run_id,
        )
        for entry in report.runs
    ]
    headers = ("ended (UTC)", "verdict", "commit", "profile", "checks", *names, "run")
    return tabulate(rows, headers=headers, tablefmt="simple", disable_numparse=True)


def mark(check: LedgerCheck | None) -> str:
    """How a check ended, in one character."""
    if check is None:
        return "."
    if check.waived:
        return "w"
    return MARKS.get(check.state, "?")


def flakes_table(report: HistoryReport) -> str:
    """How often each check was not of one mind."""
    rows = [
        (
            rate.check,
            f"{rate.rate:.1%}",
            f"{rate.changes} of {rate.repeats}",
            f"{rate.flaky} of {rate.runs}",
        )
        for rate in report.flake_rates
    ]
    headers = ("check", "flake rate", "changed on the same tree", "runs with flaky tests")
    return tabulate(rows, headers=headers, tablefmt="simple", disable_numparse=True)


def trends_table(report: HistoryReport, *, blocks: bool) -> str:
    """How the figures of each check moved, the newest last."""
    rows = [
        (
            found.check,
            printable(found.metric),
            sparkline(found.values, blocks=blocks),
            figure(found.values[-1]),
            figure(found.median),
            f"{figure(found.minimum)} to {figure(found.maximum)}",
        )
        for found in report.trends
    ]
    headers = ("check", "figure", "trend", "last", "median", "from - to")
    return tabulate(rows, headers=headers, tablefmt="simple", disable_numparse=True)


def sparkline(values: Sequence[float], *, blocks: bool = True) -> str:
    """Figures as a row of bars from their smallest to their greatest; the newest, where there are many."""
    ticks = BLOCKS if blocks else PLAIN
    shown = values[-SPARK_WIDTH:]
    low, high = min(shown, default=0.0), max(shown, default=0.0)
    # Halves, so that the span of the greatest numbers stays finite.
    span = high / 2 - low / 2
    if span == 0:
        return ticks[0] * len(shown)
    return "".join(ticks[min(7, math.floor((value / 2 - low / 2) / span * 8))] for value in shown)


def figure(value: float) -> str:
    """A figure with four digits that count."""
    return f"{value:.4g}"
