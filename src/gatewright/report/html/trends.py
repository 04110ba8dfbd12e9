"""Trends: how this run's figures stand in the line of those before it."""

import re
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gatewright.core.escape import html_text
from gatewright.core.verdict import State
from gatewright.evidence.ledger import LedgerEntry
from gatewright.gate.aggregate import CheckVerdict
from gatewright.report import plots
from gatewright.report.html.material import Material
from gatewright.report.html.parts import cut, heading, note, seconds, tone_of
from gatewright.report.page import isolated
from gatewright.report.plots.axis import number

__all__ = ["strip_of", "trends"]

MOST_RUNS = 24
MOST_CARDS = 24
MOST_DURATIONS = 12
NAME_CHARACTERS = 80
LEAST_CHANGE, MOST_CHANGE = 0.005, 100
TELLING = re.compile(r"(p95|p99|throughput|success|duration|coverage)", re.IGNORECASE)
"""What the name of a metric that people follow over time holds."""
OWN = re.compile(r"_per_run$|send_lag")
"""Names of metrics about growth, or about the generator."""


@dataclass(frozen=True)
class Series:
    """One figure over the runs, oldest first; the newest is this run's."""

    name: str
    unit: str
    values: tuple[float | None, ...]
    limit: float | None = None


def strip_of(check: CheckVerdict, history: Sequence[LedgerEntry]) -> str:
    """How a check ended in the runs before and in this one; nothing where it is the first."""
    before = [
        (entry.run_id, found.state)
        for entry in history
        if (found := entry.checks.get(check.check)) is not None
    ]
    if not before:
        return ""
    endings = [(run, state) for run, state in before[-MOST_RUNS + 1 :]]
    endings.append(("this run", check.state))
    return plots.history_strip(
        [
            plots.Ending(tone_of(State(state)), f"{cut(run, NAME_CHARACTERS)}: {state.value}")
            for run, state in endings
        ],
        f"How {check.check} ended",
    )


def trends(material: Material) -> Iterator[str]:
    """The section."""
    if material.document.finished_at is None:
        return
    yield "<section>"
    like = comparable(material)
    aside = f"{len(like) + 1} runs of the {material.profile} profile" if like and material.profile else ""
    yield heading("trends", "Trends", aside)
    if not like:
        yield note("There is no earlier run of this profile to compare with.")
        yield "</section>"
        return
    found = list(series(material, like))
    yield '<ul class="trends">'
    for each in found[:MOST_CARDS]:
        yield from card(each)
    yield "</ul>"
    if (rest := len(found) - MOST_CARDS) > 0:
        yield note(f"{rest} further figures are in history.jsonl")
    yield "</section>"


def comparable(material: Material) -> list[LedgerEntry]:
    """Earlier runs of the same profile: figures of others mean something else."""
    like = [entry for entry in material.history if not material.profile or entry.profile == material.profile]
    return like[-MOST_RUNS + 1 :]


def series(material: Material, like: Sequence[LedgerEntry]) -> Iterator[Series]:
    """What is followed: of each check the metrics that tell, then durations."""
    checks = material.document.checks
    for check in checks:
        for metric in sorted(check.metrics):
            if TELLING.search(metric) and not OWN.search(metric):
                yield metric_series(material, like, check, metric)
    for check in sorted(checks, key=lambda check: -check.duration_s)[:MOST_DURATIONS]:
        if check.duration_s:
            before = [found.duration_s if (found := each.checks.get(check.check)) else None for each in like]
            # A check that left nothing took no time that anybody knows.
            yield Series(
                f"{check.check}: duration", " s", (*(each or None for each in before), check.duration_s)
            )


def metric_series(
    material: Material, like: Sequence[LedgerEntry], check: CheckVerdict, metric: str
) -> Series:
    """One metric, with the limit that the policy sets."""
    before = tuple(
        found.metrics.get(metric) if (found := each.checks.get(check.check)) else None for each in like
    )
    declared = material.policy.checks.get(check.check) if material.policy else None
    bounds = declared.limits.get(metric) if declared else None
    limit = None if bounds is None else (bounds.min if bounds.max is None else bounds.max)
    name, unit = metric, ""
    for ending, shown in (("_ms", " ms"), ("_runs_per_s", " runs/s")):
        if metric.endswith(ending):
            name, unit = metric.removesuffix(ending), shown
    words = name.replace("_", " ").replace(".", ": ")
    return Series(words, unit, (*before, check.metrics[metric]), limit)


def card(each: Series) -> Iterator[str]:
    """One figure: its value now, what it used to be, and the line."""
    now = each.values[-1] or 0.0
    before = [value for value in each.values[:-1] if value is not None]
    told = compared(now, statistics.median(before), each.unit) if before else "not measured before"
    yield "<li>"
    yield f'<span class="what">{isolated(cut(each.name, NAME_CHARACTERS))}</span>'
    yield f'<span class="seen">{html_text(say(now, each.unit))}</span>'
    yield plots.sparkline(each.values, cut(each.name, NAME_CHARACTERS), unit=each.unit, limit=each.limit)
    yield f'<span class="held">{html_text(told)}</span>'
    yield "</li>"


def compared(now: float, before: float, unit: str) -> str:
    """What the figure used to be, and how far from it this run is."""
    change = (now - before) / abs(before) if before else 0.0
    moved = f" ({change:+.0%})" if LEAST_CHANGE <= abs(change) < MOST_CHANGE else ""
    return f"median before {say(before, unit)}{moved}"


def say(value: float, unit: str) -> str:
    """A figure with its unit."""
    return seconds(value) if unit == " s" else f"{number(value)}{unit}"
