"""A comparison for people: Markdown, and the few lines of a terminal."""

from gatewright.core.escape import markdown_text
from gatewright.slo import Side
from gatewright.suites.slo.compare_report import CompareReport, MeasureResult
from gatewright.suites.slo.markdown import bullets, figure, noise_words, table

__all__ = ["render_comparison", "summarise_comparison"]


def render_comparison(report: CompareReport) -> str:
    """The whole report as Markdown, the verdict and its reasons first."""
    seconds = (report.finished_at - report.started_at).total_seconds()
    when = f"{report.started_at:%Y-%m-%d %H:%M:%S} UTC, {seconds:.1f} s"
    plan = report.plan
    offered = f"{len(report.blocks)} blocks of {plan.block_s:g} s at {plan.rate:g} runs/s, seed {plan.seed}"
    looks = ", ".join(map(str, plan.looks))
    decided = f"Decided at {looks} blocks, with an error of {plan.alpha:g} for all bounds of a measure"
    parts = [
        f"# {report.suite}: {report.verdict.value}",
        f"{markdown_text(report.service)} in the work tree against {base_words(report)}. {when}.",
        bullets(f"**{reason.rule}**: {markdown_text(reason.message)}" for reason in report.reasons),
        f"{offered}; servers were started anew every two blocks. {decided}.",
        table([measure_row(each) for each in report.measures], MEASURE_HEADERS),
        bullets(
            [
                *([noise_words(report.noise)] if report.noise else []),
                *map(markdown_text, report.remarks),
            ]
        ),
        "## Blocks" if report.blocks else "",
        blocks_table(report),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


MEASURE_HEADERS = [
    "measure",
    "base ms",
    "candidate ms",
    "ratio",
    "bounds",
    "FAIL above",
    "PASS below",
    "verdict",
    "missing",
]


def measure_row(each: MeasureResult) -> list[str]:
    """The cells of one measure."""
    bounds = "-" if each.lower is None else f"{figure(each.lower)} .. {figure(each.upper)}"
    return [
        each.measure.value,
        figure(each.base_ms),
        figure(each.candidate_ms),
        figure(each.ratio),
        bounds,
        f"{each.fail_above:g}",
        f"{each.pass_below:g}",
        each.verdict.value,
        each.missing,
    ]


def blocks_table(report: CompareReport) -> str:
    """Every block."""
    rows = [
        [
            number,
            each.side.value,
            f"{each.runs - each.failed}/{each.runs}",
            figure(each.cpu_ms_per_run),
            figure(each.p50_ms),
            figure(each.p95_ms),
            figure(each.lag_p99_ms),
            figure(each.cpu_pressure),
        ]
        for number, each in enumerate(report.blocks, 1)
    ]
    headers = ["block", "side", "runs", "CPU ms/run", "p50 ms", "p95 ms", "send lag p99 ms", "CPU pressure"]
    return table(rows, headers)


def base_words(report: CompareReport) -> str:
    """The base in words."""
    base = report.base
    same = ", which holds the same files (A/A)" if base.same_as_candidate else ""
    environment = f"; its environment: {markdown_text(base.environment)}" if base.environment else ""
    return f"{markdown_text(base.revision)} ({base.commit[:12] or 'unknown'}){same}{environment}"


def summarise_comparison(report: CompareReport) -> str:
    """The outcome for a terminal."""
    lines = [
        f"{report.suite}: {report.verdict.value} against {report.base.revision}, {len(report.blocks)} blocks",
        *(f"  {measure_words(each)}" for each in report.measures if each.ratio is not None),
        *(f"  {reason.message}" for reason in report.reasons),
        *(f"  {remark}" for remark in report.remarks),
    ]
    return "\n".join([*lines, ""])


def measure_words(each: MeasureResult) -> str:
    """One measure in a line."""
    sides = f"{Side.BASE} {figure(each.base_ms)} ms, {Side.CANDIDATE} {figure(each.candidate_ms)} ms"
    bounds = f"{figure(each.lower)} .. {figure(each.upper)}"
    return f"{each.measure}: {each.verdict.value}, ratio {figure(each.ratio)} ({bounds}); {sides}"
