"""The SLO report for people: Markdown with tables."""

from collections.abc import Iterable, Sequence

from tabulate import tabulate

from gatewright.suites.slo.report import (
    DiscardedWindow,
    LatencySummary,
    Noise,
    Offer,
    ScenarioResult,
    ScheduleValidity,
    SloReport,
)
from gatewright.suites.slo.words import error_words, offer_words, run_words, slices_words

__all__ = ["render"]

LATE = {
    "open": "latencies include the lag, so PASS stands; FAIL was confirmed from the sending",
    "closed": "answers may have been read late, too, so PASS stands; FAIL of a latency does not",
}


def render(report: SloReport) -> str:
    """The whole report as Markdown, the verdict and its reasons first."""
    seconds = (report.finished_at - report.started_at).total_seconds()
    when = f"{report.started_at:%Y-%m-%d %H:%M:%S} UTC, {seconds:.1f} s"
    whose = "a server started for it" if report.server_started else f"the running server {report.target}"
    error = f"{error_words(report.alpha)}{attempt_words(report.attempt)}"
    parts = [
        f"# {report.suite}: {report.verdict.value}",
        f"{when}, profile {report.profile}, against {whose}; {error}.",
        bullets(f"**{reason.rule}**: {reason.message}" for reason in report.reasons),
        *(render_scenario(scenario) for scenario in report.scenarios),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def attempt_words(attempt: int | None) -> str:
    """How often the question was asked before; whoever reads a PASS should know."""
    return "" if attempt is None or attempt == 1 else f"; attempt {attempt} at these limits on this tree"


def render_scenario(scenario: ScenarioResult) -> str:
    """One scenario: decisions, latencies, and whether the measurement was fit."""
    succeeded = f"{scenario.succeeded} of {scenario.runs} runs succeeded"
    parts = [
        f"## {scenario.name}: {scenario.verdict.value}",
        f"{succeeded} in {scenario.measured_s:.1f} s. {offer_words(scenario)}.",
        objectives_table(scenario),
        drifts_table(scenario),
        budget_table(scenario),
        slices_table(scenario),
        latencies_table(scenario),
        failures_table(scenario),
        bullets(fitness(scenario)),
    ]
    return "\n\n".join(part for part in parts if part)


def objectives_table(scenario: ScenarioResult) -> str:
    """What was promised, seen and decided."""
    rows = [
        [
            each.name,
            figure(each.observed),
            f"{each.threshold:g}",
            f"{each.exceeded} / {each.samples}",
            "" if each.allowed is None else f"{each.allowed:.1f}",
            f"{each.bounds.lower:.4g} .. {each.bounds.upper:.4g}",
            f"{min(each.p_pass, each.p_fail):.2g}",
            each.verdict.value,
            each.missing or each.rule,
        ]
        for each in scenario.objectives
    ]
    headers = ["objective", "observed", "limit", "broken / runs", "allowed", "bounds", "p", "verdict", "how"]
    return table(rows, headers)


def drifts_table(scenario: ScenarioResult) -> str:
    """Growth per run of each series."""
    rows = [
        [
            f"{each.series} ({each.unit})",
            f"{each.slope_per_run:.4g}",
            f"{each.limit_per_run:g}",
            f"{each.bounds.lower:.4g} .. {each.bounds.upper:.4g}",
            f"{each.trend_p:.2g}",
            each.blocks,
            each.verdict.value,
            each.missing,
        ]
        for each in scenario.drifts
    ]
    return table(
        rows, ["growth per run", "slope", "limit", "bounds", "trend p", "blocks", "verdict", "missing"]
    )


def budget_table(scenario: ScenarioResult) -> str:
    """How fast the error budget burns."""
    budget = scenario.budget
    if budget is None:
        return ""
    cells = [
        f"{budget.target:g}",
        f"{budget.bad} / {budget.samples}",
        f"{budget.burn:.3g}",
        f"{budget.bounds.lower:.3g} .. {budget.bounds.upper:.3g}",
        f"{budget.spent:.2g}",
        budget.verdict.value,
        budget.aborted or budget.missing,
    ]
    return table([cells], ["error budget", "failed / runs", "burn rate", "bounds", "spent", "verdict", "how"])


def slices_table(scenario: ScenarioResult) -> str:
    """How many slices of time are good, or how good they are on average."""
    rows = [
        [
            slices_words(each),
            figure(each.observed),
            f"{each.target:g}",
            each.slices,
            f"{each.bounds.lower:.4g} .. {each.bounds.upper:.4g}",
            f"{min(each.p_pass, each.p_fail):.2g}",
            each.verdict.value,
            each.missing,
        ]
        for each in scenario.slices
    ]
    return table(
        rows, ["slices of time: share of", "observed", "limit", "slices", "bounds", "p", "verdict", "missing"]
    )


def latencies_table(scenario: ScenarioResult) -> str:
    """Percentiles of runs from their schedule, and of each step from its request."""
    rows = [[run_words(scenario.offer), *percentiles(scenario.latency)]]
    rows += [[f"{each.step}, service time", *percentiles(each.service)] for each in scenario.steps]
    return table(rows, ["ms", "n", "p50", "p90", "p95", "p99", "max"])


def percentiles(summary: LatencySummary) -> list[str]:
    """The cells of one row."""
    values = (summary.p50_ms, summary.p90_ms, summary.p95_ms, summary.p99_ms, summary.max_ms)
    return [str(summary.count), *(figure(value) for value in values)]


def failures_table(scenario: ScenarioResult) -> str:
    """Why runs failed."""
    return table(
        [[each.step, each.reason, each.count] for each in scenario.failures], ["step", "failure", "runs"]
    )


def fitness(scenario: ScenarioResult) -> list[str]:
    """The proof of the schedule, warm-up, noise and remarks, in words."""
    warm_up = scenario.warm_up
    settled = "settled" if warm_up.settled else "not settled"
    return [
        schedule_words(scenario.schedule, scenario.offer),
        f"Warm-up: {warm_up.seconds:.1f} s, {warm_up.runs} runs discarded, {settled}.",
        noise_words(scenario.noise),
        f"Generator: {scenario.generator_cpu_us_per_request:.0f} us of CPU per request.",
        *(discarded_words(window) for window in scenario.discarded),
        *scenario.remarks,
    ]


def schedule_words(kept: ScheduleValidity, offer: Offer) -> str:
    """Whether the generator did what it was to do."""
    lag = f"send lag p99 {kept.lag_p99_ms:.2f} ms (late beyond {kept.late_ms:.2f}, unfit {kept.unfit_ms:.2f})"
    word = f"NOT kept: {'; '.join(kept.problems)}" if kept.problems else "kept"
    if kept.late:
        word += f", but late: {LATE[offer.loop]}"
    return f"Schedule: {kept.sent} of {kept.scheduled} runs sent, {kept.dropped} dropped, {lag}: {word}."


def noise_words(noise: Noise) -> str:
    """What other work took from generator and server."""
    delays = f"{share(noise.generator_run_delay)} and {share(noise.server_run_delay)}"
    used = f"{share(noise.generator_cpu)} and {share(noise.server_cpu)}"
    machine = (
        f"CPU pressure {share(noise.cpu_pressure)}, disk pressure {share(noise.io_pressure)}, "
        f"steal {share(noise.steal)}"
    )
    return f"Noise: {machine}; generator and server: run delay {delays}, CPU {used}."


def discarded_words(window: DiscardedWindow) -> str:
    """Why a measurement was begun anew."""
    problems = "; ".join(window.problems)
    return f"A window of {window.runs} runs ({window.seconds:.1f} s) was discarded: {problems}."


def table(rows: Sequence[Sequence[object]], headers: Sequence[str]) -> str:
    """A Markdown table; nothing when there are no rows."""
    safe = [[str(cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    return tabulate(safe, headers, tablefmt="github", disable_numparse=True) if rows else ""


def bullets(lines: Iterable[str]) -> str:
    """A Markdown list."""
    return "\n".join(f"- {line}" for line in lines)


def figure(value: float | None) -> str:
    """A number with four digits, or a dash."""
    return "-" if value is None else f"{value:.4g}"


def share(value: float | None) -> str:
    """A share as a percentage, or "unknown"."""
    return "unknown" if value is None else f"{100 * value:.1f}%"
