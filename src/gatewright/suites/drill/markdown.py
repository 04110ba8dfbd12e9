"""A report of drills as Markdown: the same facts as in the JSON, with every name made harmless."""

from collections.abc import Iterator, Sequence

from tabulate import tabulate

from gatewright.core.escape import markdown_text, printable
from gatewright.report.command import as_typed
from gatewright.suites.drill.report import DrillReport, DrillResult

__all__ = ["render"]


def render(report: DrillReport) -> str:
    """The report as a Markdown document."""
    amount = (
        f"Profile {markdown_text(report.profile)}, seed {report.seed}, {len(report.drills)} drills, "
        f"{report.counts.samples} repetitions. `{printable(as_typed(report.command))}`"
    )
    parts = [f"# {markdown_text(report.suite)}: {report.verdict.value}", amount]
    if report.drills:
        rows = [
            (each.drill, each.place, each.verdict.value, str(each.repetitions), violated(each))
            for each in report.drills
        ]
        parts.append(table(("drill", "on", "verdict", "repetitions", "violated"), rows))
    parts += [
        f"Skipped: {markdown_text(each.drill)} {markdown_text(each.place)}: {markdown_text(each.reason)}"
        for each in report.skipped
    ]
    if report.reasons:
        parts += ["## Reasons", *(f"- **{markdown_text(reason.message)}**" for reason in report.reasons)]
    for result in report.drills:
        parts += section(result)
    return "\n\n".join(parts) + "\n"


def violated(result: DrillResult) -> str:
    """The expectations that did not hold, by name."""
    return ", ".join(each.name for each in result.expectations if each.violated) or "none"


def section(result: DrillResult) -> Iterator[str]:
    """One drill: what it does, what must hold, figures, and its course."""
    yield f"## {markdown_text(result.title)}: {result.verdict.value}"
    yield markdown_text(result.sentence)
    rows = [
        (each.sentence, str(each.evaluated), str(each.violated), "; ".join(each.violations))
        for each in result.expectations
    ]
    yield table(("what must hold", "looked at", "violated", "how"), rows)
    yield from (f"In doubt: {markdown_text(doubt)}" for doubt in result.doubts)
    if result.metrics:
        figures = [(name, f"{value:g}") for name, value in sorted(result.metrics.items())]
        yield table(("figure", "value"), figures)
    if result.timeline:
        moments = [(f"{moment.at_s:.3f}", moment.what) for moment in result.timeline]
        yield table(("s", "what"), moments)


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table of harmless cells."""
    clean = [[markdown_text(cell) for cell in row] for row in rows]
    return tabulate(clean, headers=headers, tablefmt="github", disable_numparse=True)
