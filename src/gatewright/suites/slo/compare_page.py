"""A comparison with a base as one HTML page: the verdict, the ratios, and every block."""

from collections.abc import Iterator

from gatewright.report import plots
from gatewright.report.page import isolated, page
from gatewright.slo import Measure, Side
from gatewright.suites.slo.compare_report import BlockResult, CompareReport, MeasureResult
from gatewright.suites.slo.page import Cell, command, figure, table, verdict_box
from gatewright.suites.slo.page_style import STYLE

__all__ = ["render_comparison_page"]

SHOWN_CHARACTERS = 200
TITLES = {
    Measure.CPU: "CPU of the server per run",
    Measure.P50: "p50 of latency",
    Measure.P95: "p95 of latency",
}
CAPTION = "Each point is a round: a block of either side, one after the other."


def render_comparison_page(report: CompareReport) -> str:
    """The whole report as HTML; it needs no network and runs no script."""
    return page(
        f"{report.suite}: {report.verdict.value}"[:SHOWN_CHARACTERS],
        f"{STYLE}\n{plots.STYLE}",
        [
            f"<h1>{isolated(report.suite[:SHOWN_CHARACTERS])}</h1>",
            *verdict_box(report),
            *facts(report),
            '<section class="scenario">',
            *table(
                "Candidate over base", "measure", [(title(each), cells(each)) for each in report.measures]
            ),
            '<div class="plots">',
            *(part for each in report.measures for part in plot(report, each)),
            "</div>",
            *(f'<p class="lead">{isolated(remark)}</p>' for remark in report.remarks),
            "</section>",
            *command(report),
        ],
    )


def facts(report: CompareReport) -> Iterator[str]:
    """What was compared with what, and how."""
    told = {
        "service": report.service,
        "base": f"{report.base.revision} ({report.base.commit[:12]})",
        "environment of the base": report.base.environment,
        "blocks": f"{len(report.blocks)} of {report.plan.block_s:g} s at {report.plan.rate:g} runs/s",
        "begun": f"{report.started_at:%Y-%m-%d %H:%M:%S} UTC",
    }
    yield '<dl class="facts">'
    for name, value in told.items():
        yield f"<div><dt>{name}</dt><dd>{isolated(value[:SHOWN_CHARACTERS])}</dd></div>"
    yield "</dl>"


def title(measure: MeasureResult) -> str:
    """A measure for people."""
    return TITLES[measure.measure]


def cells(measure: MeasureResult) -> list[Cell]:
    """One measure."""
    bounds = f"{ratio(measure.lower)} to {ratio(measure.upper)}"
    return [
        Cell("verdict", measure.verdict.value, measure.verdict.value),
        Cell("ratio", ratio(measure.ratio)),
        Cell("bounds", bounds),
        Cell("base", "-" if measure.base_ms is None else f"{measure.base_ms:.3g} ms"),
        Cell("candidate", "-" if measure.candidate_ms is None else f"{measure.candidate_ms:.3g} ms"),
        Cell("fails above", f"{measure.fail_above:g}"),
        Cell("passes below", f"{measure.pass_below:g}"),
        Cell("how", measure.missing or "interquartile mean over rounds, bootstrap", "why"),
    ]


def ratio(value: float | None) -> str:
    """A ratio with three decimals, or a dash."""
    return "-" if value is None else f"{value:.3f}"


def plot(report: CompareReport, measure: MeasureResult) -> Iterator[str]:
    """The ratio of each round."""
    series = plots.RatioSeries(
        title(measure),
        [round_ratio(one, other, measure) for one, other in zip(*halves(report.blocks), strict=True)],
        measure.ratio,
        measure.lower,
        measure.upper,
        fail_above=measure.fail_above,
        pass_below=measure.pass_below,
    )
    yield from figure(f"{title(measure)}, by round", CAPTION, plots.ratio_plot, series, plots.HALF)


def halves(blocks: tuple[BlockResult, ...]) -> tuple[tuple[BlockResult, ...], tuple[BlockResult, ...]]:
    """The first and the second block of each whole round."""
    whole = len(blocks) // 2 * 2
    return blocks[:whole:2], blocks[1:whole:2]


def round_ratio(one: BlockResult, other: BlockResult, measure: MeasureResult) -> float | None:
    """Candidate over base in one round; None where a side has no figure."""
    values = {block.side: figure_of(block, measure) for block in (one, other)}
    base, candidate = values.get(Side.BASE), values.get(Side.CANDIDATE)
    return candidate / base if base and candidate else None


def figure_of(block: BlockResult, measure: MeasureResult) -> float | None:
    """What a block has of a measure, in milliseconds."""
    if measure.measure is Measure.CPU:
        return block.cpu_ms_per_run
    return block.p50_ms if measure.measure is Measure.P50 else block.p95_ms
