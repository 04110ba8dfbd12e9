"""The SLO report as one page for a browser: verdict and reasons, tables, plots, fitness."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from gatewright.core.escape import html_text
from gatewright.core.verdict import Verdict
from gatewright.evidence.report import SuiteReport
from gatewright.report import plots
from gatewright.report.page import isolated, page
from gatewright.report.plots import Canvas
from gatewright.report.plots.axis import number
from gatewright.suites.slo.drawing import curve_of, series_of, series_words, timeline_of
from gatewright.suites.slo.markdown import discarded_words, share
from gatewright.suites.slo.page_style import STYLE
from gatewright.suites.slo.report import (
    DriftResult,
    LatencySummary,
    Noise,
    ObjectiveResult,
    ScenarioResult,
    ScheduleValidity,
    SlicesResult,
    SloReport,
)
from gatewright.suites.slo.words import (
    error_words,
    metric_words,
    offer_words,
    run_words,
    slices_words,
)

__all__ = ["Cell", "command", "figure", "render_page", "table", "verdict_box"]

SHOWN_CHARACTERS = 280
SIGNS = {Verdict.PASS: "✓", Verdict.FAIL: "✗", Verdict.INCONCLUSIVE: "?"}
WORDS = {
    Verdict.PASS: "every limit is kept",
    Verdict.FAIL: "at least one limit is broken",
    Verdict.INCONCLUSIVE: "neither PASS nor FAIL is proven",
}
LATENCY_CAPTION = "Each block of {block} s: the median as a line, p95, p99 and the slowest run as marks."
CURVE_CAPTION = (
    "Each further nine takes the same space. The band is where the true percentile may lie{doubt}."
)
CLUMPED_DOUBT = ", were slow runs independent; here they come in clumps, so it is wider"
SLOPE_CAPTION = "The limit is surely exceeded when the whole fan lies above its dashed line."

Figures = TypeVar("Figures")


@dataclass(frozen=True)
class Cell:
    """A cell of a table: the name of its column, its text, and its style (`figure`, `why`, or a verdict)."""

    column: str
    text: str
    style: str = "figure"


def render_page(report: SloReport) -> str:
    """The whole report as HTML; it needs no network and runs no script.

    Raises:
        ConfigurationError: a scenario's histogram can't be one.
    """
    return page(
        f"{report.suite}: {report.verdict.value}"[:SHOWN_CHARACTERS],
        f"{STYLE}\n{plots.STYLE}",
        [
            f"<h1>{isolated(report.suite[:SHOWN_CHARACTERS])}</h1>",
            *verdict_box(report),
            *heading_facts(report),
            *(part for scenario in report.scenarios for part in scenario_section(scenario, report.alpha)),
            *command(report),
        ],
    )


def verdict_box(report: SuiteReport) -> Iterator[str]:
    """The word first, then every reason."""
    yield f'<div class="verdict {report.verdict.value}">'
    yield f'<div class="word {report.verdict.value}">{signed(report.verdict)}: {WORDS[report.verdict]}</div>'
    if report.reasons:
        yield "<ul>"
        yield from (f"<li>{isolated(reason.message)}</li>" for reason in report.reasons)
        yield "</ul>"
    yield "</div>"


def signed(verdict: Verdict) -> str:
    """A verdict with its sign, which the ear need not hear."""
    return f'<span class="sign" aria-hidden="true">{SIGNS[verdict]}</span>{verdict.value}'


def heading_facts(report: SloReport) -> Iterator[str]:
    """When, how and against what."""
    seconds = (report.finished_at - report.started_at).total_seconds()
    facts = {
        "begun": f"{report.started_at:%Y-%m-%d %H:%M:%S} UTC",
        "took": f"{seconds:.1f} s",
        "profile": report.profile,
        "against": "a server started for it" if report.server_started else report.target,
        "error": error_words(report.alpha),
        "runs judged": f"{sum(scenario.runs for scenario in report.scenarios):,}",
    }
    yield '<dl class="facts">'
    for name, value in facts.items():
        yield f"<div><dt>{name}</dt><dd>{isolated(value[:SHOWN_CHARACTERS])}</dd></div>"
    yield "</dl>"


def scenario_section(scenario: ScenarioResult, alpha: float) -> Iterator[str]:
    """All of one scenario."""
    badge = f'<span class="badge {scenario.verdict.value}">{signed(scenario.verdict)}</span>'
    yield '<section class="scenario">'
    yield f"<h2>{isolated(scenario.name[:SHOWN_CHARACTERS])}{badge}</h2>"
    yield (
        f'<p class="lead">{scenario.succeeded:,} of {scenario.runs:,} runs succeeded in '
        f"{scenario.measured_s:.1f} s. {isolated(offer_words(scenario))}.</p>"
    )
    yield from objectives_table(scenario)
    yield from drifts_table(scenario)
    yield from budget_table(scenario)
    yield from slices_table(scenario)
    yield from figures(scenario, alpha)
    yield from latencies_table(scenario)
    yield from failures_table(scenario)
    yield from fitness(scenario)
    yield "</section>"


def objectives_table(scenario: ScenarioResult) -> Iterator[str]:
    """What was promised, seen and decided."""
    rows = [(metric_words(each.name), objective_cells(each)) for each in scenario.objectives]
    yield from table("Objectives", "objective", rows)


def objective_cells(each: ObjectiveResult) -> list[Cell]:
    """One objective; bounds are of the share of runs that break it, for throughput of the rate."""
    sign, unit = ("≤", " ms") if "latency" in each.name else ("≥", "")
    observed = "-" if each.observed is None else f"{number(each.observed)}{unit}"
    lower, upper = each.bounds.lower, each.bounds.upper
    bounds = f"{lower:.4g} to {upper:.4g}" if each.allowed is None else f"{lower:.3%} to {upper:.3%}"
    return [
        Cell("verdict", each.verdict.value, each.verdict.value),
        Cell("observed", observed),
        Cell("limit", f"{sign} {each.threshold:g}{unit}"),
        Cell("broken by", f"{each.exceeded:,} of {each.samples:,}"),
        Cell("allowed", "" if each.allowed is None else number(each.allowed)),
        Cell("bounds", bounds),
        Cell("p", f"{min(each.p_pass, each.p_fail):.2g}"),
        Cell("how", each.missing or each.rule, "why"),
    ]


def drifts_table(scenario: ScenarioResult) -> Iterator[str]:
    """Growth per run of each series."""
    rows = [(f"{series_words(each)}, {each.unit}", drift_cells(each)) for each in scenario.drifts]
    yield from table("Growth over the runs", "growth per run", rows)


def drift_cells(each: DriftResult) -> list[Cell]:
    """One series."""
    return [
        Cell("verdict", each.verdict.value, each.verdict.value),
        Cell("slope", number(each.slope_per_run)),
        Cell("limit", f"≤ {each.limit_per_run:g}"),
        Cell("bounds", f"{number(each.bounds.lower)} to {number(each.bounds.upper)}"),
        Cell("trend p", f"{each.trend_p:.2g}"),
        Cell("blocks", str(each.blocks)),
        Cell("how", each.missing or "Theil-Sen slope, Mann-Kendall trend", "why"),
    ]


def budget_table(scenario: ScenarioResult) -> Iterator[str]:
    """How fast the error budget burns."""
    if (budget := scenario.budget) is None:
        return
    cells = [
        Cell("verdict", budget.verdict.value, budget.verdict.value),
        Cell("failed", f"{budget.bad:,} of {budget.samples:,}"),
        Cell("burn rate", number(budget.burn)),
        Cell("bounds", f"{number(budget.bounds.lower)} to {number(budget.bounds.upper)}"),
        Cell("spent", f"{budget.spent:.2%}"),
        Cell("how", budget.aborted or budget.missing or "1 spends it exactly in its period", "why"),
    ]
    yield from table("Error budget", "target", [(f"{budget.target:g}", cells)])


def slices_table(scenario: ScenarioResult) -> Iterator[str]:
    """How many slices of time are good, or how good they are on average."""
    rows = [(slices_words(each), slices_cells(each)) for each in scenario.slices]
    yield from table("Slices of time", "share of", rows)


def slices_cells(each: SlicesResult) -> list[Cell]:
    """One promise about slices; bounds are of the observed figure."""
    method = "counts of good slices" if each.slice_target is not None else "bets on the average"
    return [
        Cell("verdict", each.verdict.value, each.verdict.value),
        Cell("observed", "-" if each.observed is None else number(each.observed)),
        Cell("limit", f"≥ {each.target:g}"),
        Cell("slices", f"{each.slices:,}"),
        Cell("bounds", f"{each.bounds.lower:.4g} to {each.bounds.upper:.4g}"),
        Cell("p", f"{min(each.p_pass, each.p_fail):.2g}"),
        Cell("how", each.missing or method, "why"),
    ]


def figures(scenario: ScenarioResult, alpha: float) -> Iterator[str]:
    """The plots; that of percentiles is as wide as two where it would have no neighbour."""
    timeline, curve = timeline_of(scenario), curve_of(scenario, alpha)
    beside = plots.HALF if len(scenario.drifts) % 2 else plots.WIDE
    clumped = any("clumped" in each.rule for each in scenario.objectives)
    yield '<div class="plots">'
    caption = LATENCY_CAPTION.format(block=number(timeline.block_s))
    yield from figure("Latency over time", caption, plots.timeline_plot, timeline, plots.WIDE)
    caption = CURVE_CAPTION.format(doubt=CLUMPED_DOUBT if clumped else "")
    yield from figure("Latency by percentile", caption, plots.percentile_plot, curve, beside)
    for drift in scenario.drifts:
        title = f"Growth of {series_words(drift)}"
        yield from figure(title, SLOPE_CAPTION, plots.slope_plot, series_of(drift), plots.HALF)
    yield "</div>"


def figure(
    title: str, caption: str, draw: Callable[[Figures, Canvas], str], data: Figures, canvas: Canvas
) -> Iterator[str]:
    """A plot with its caption, once for wide screens and once for narrow ones."""
    yield f'<figure class="{"wide" if canvas is plots.WIDE else ""}">'
    head = isolated(title[:SHOWN_CHARACTERS])
    yield f"<figcaption><b>{head}</b><span>{html_text(caption)}</span></figcaption>"
    yield f'<div class="on-screen">{draw(data, canvas)}</div>'
    yield f'<div class="on-phone">{draw(data, plots.NARROW)}</div>'
    yield "</figure>"


def latencies_table(scenario: ScenarioResult) -> Iterator[str]:
    """Percentiles of runs from their schedule, and of each step from its request."""
    rows = [(run_words(scenario.offer), latency_cells(scenario.latency))]
    rows += [(f"{each.step}, service time", latency_cells(each.service)) for each in scenario.steps]
    yield from table("Latencies in ms", "of", rows)


def latency_cells(summary: LatencySummary) -> list[Cell]:
    """One row of percentiles."""
    values = {
        "p50": summary.p50_ms,
        "p90": summary.p90_ms,
        "p95": summary.p95_ms,
        "p99": summary.p99_ms,
        "max": summary.max_ms,
    }
    told = [Cell(name, "-" if value is None else number(value)) for name, value in values.items()]
    return [Cell("n", f"{summary.count:,}"), *told]


def failures_table(scenario: ScenarioResult) -> Iterator[str]:
    """Why runs failed."""
    rows = [
        (each.reason, [Cell("step", each.step, "name"), Cell("runs", f"{each.count:,}")])
        for each in scenario.failures
    ]
    yield from table("Failures", "reason", rows)


def table(caption: str, first: str, rows: Sequence[tuple[str, Sequence[Cell]]]) -> Iterator[str]:
    """A table, nothing without rows; roles are written out because a narrow screen shows it as a list.

    Args:
        caption: above it.
        first: the name of the first column.
        rows: the header of each row, and its cells; the same columns in each.
    """
    if not rows:
        return
    yield f'<div class="scroll" role="region" aria-label="{html_text(caption)}" tabindex="0">'
    yield f'<table role="table"><caption>{html_text(caption)}</caption><thead role="rowgroup"><tr role="row">'
    yield f'<th role="columnheader" scope="col">{html_text(first)}</th>'
    for cell in rows[0][1]:
        align = ' class="figure"' if cell.style == "figure" else ""
        yield f'<th role="columnheader" scope="col"{align}>{html_text(cell.column)}</th>'
    yield '</tr></thead><tbody role="rowgroup">'
    for title, cells in rows:
        yield f'<tr role="row"><th role="rowheader" scope="row">{isolated(title[:SHOWN_CHARACTERS])}</th>'
        for cell in cells:
            words = isolated(cell.text[:SHOWN_CHARACTERS]) if cell.text else ""
            yield f'<td role="cell" class="{cell.style}" data-name="{html_text(cell.column)}">{words}</td>'
        yield "</tr>"
    yield "</tbody></table></div>"


def fitness(scenario: ScenarioResult) -> Iterator[str]:
    """The proof of the schedule, the warm-up, noise and remarks."""
    yield "<h3>Was it measured well?</h3>"
    yield '<div class="measured">'
    yield from card("Schedule", schedule_facts(scenario.schedule))
    yield from card("Warm-up and generator", own_facts(scenario))
    yield from card("Noise of the machine", noise_facts(scenario.noise))
    yield "</div>"
    remarks = [*scenario.schedule.problems, *map(discarded_words, scenario.discarded), *scenario.remarks]
    if remarks:
        yield '<ul class="remarks">'
        yield from (f"<li>{isolated(remark)}</li>" for remark in remarks)
        yield "</ul>"


def card(title: str, facts: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    """A box of facts: name, value, style."""
    yield f'<div class="card"><h3>{title}</h3><dl>'
    for name, value, style in facts:
        yield f'<dt>{html_text(name)}</dt><dd class="{style}">{html_text(value)}</dd>'
    yield "</dl></div>"


def schedule_facts(kept: ScheduleValidity) -> list[tuple[str, str, str]]:
    """Whether the generator did what it was to do."""
    state = (
        ("✗ not kept", "lost") if kept.problems else ("✓ kept, but late" if kept.late else "✓ kept", "kept")
    )
    return [
        ("the schedule was", *state),
        ("runs sent", f"{kept.sent:,} of {kept.scheduled:,}", ""),
        ("dropped by the generator", f"{kept.dropped:,}", ""),
        ("sent per second", number(kept.achieved_rate), ""),
        ("send lag, p50", f"{number(kept.lag_p50_ms)} ms", ""),
        ("send lag, p99", f"{number(kept.lag_p99_ms)} ms", ""),
        ("send lag, max", f"{number(kept.lag_max_ms)} ms", ""),
        ("late beyond a p99 of", f"{number(kept.late_ms)} ms", ""),
        ("unfit beyond a p99 of", f"{number(kept.unfit_ms)} ms", ""),
    ]


def own_facts(scenario: ScenarioResult) -> list[tuple[str, str, str]]:
    """What was left out at the beginning, and what the generator cost."""
    warm_up = scenario.warm_up
    return [
        ("warm-up, discarded", f"{warm_up.seconds:.1f} s, {warm_up.runs:,} runs", ""),
        ("the service had settled", *(("✓ yes", "kept") if warm_up.settled else ("✗ no", "lost"))),
        ("windows begun anew", str(len(scenario.discarded)), ""),
        ("succeeded per second", number(scenario.throughput_runs_per_s), ""),
        ("generator's CPU a request", f"{scenario.generator_cpu_us_per_request:.0f} us", ""),
    ]


def noise_facts(noise: Noise) -> list[tuple[str, str, str]]:
    """What other work took."""
    return [
        ("waiting for a CPU (PSI)", share(noise.cpu_pressure), ""),
        ("waiting for a disk (PSI)", share(noise.io_pressure), ""),
        ("steal", share(noise.steal), ""),
        ("run delay, generator", share(noise.generator_run_delay), ""),
        ("run delay, server", share(noise.server_run_delay), ""),
        ("CPU, generator", share(noise.generator_cpu), ""),
        ("CPU, server", share(noise.server_cpu), ""),
    ]


def command(report: SuiteReport) -> Iterator[str]:
    """What measures it again, where the report knows."""
    found = next((reason.command for reason in report.reasons if reason.command), "")
    if found:
        yield "<h2>Measure it again</h2>"
        yield f'<code class="command">{isolated(found)}</code>'
