"""A race report as Markdown: the same facts as in the JSON, with every name made harmless."""

from collections.abc import Sequence

from tabulate import tabulate

from gatewright.core.escape import markdown_text, printable
from gatewright.report.command import as_typed
from gatewright.suites.race.report import Counterexample, RaceReport, ScenarioResult, SelfCheckResult

__all__ = ["render"]

SHOWN_FAILURES = 10


def render(report: RaceReport) -> str:
    """The report as a Markdown document."""
    parts = [
        f"# {report.suite}: {report.verdict.value}",
        amount(report),
        *([scenarios_table(report.scenarios)] if report.scenarios else []),
    ]
    parts += [
        f"Skipped: {part.mode} on {markdown_text(part.database)}: {markdown_text(part.reason)}"
        for part in report.skipped
    ]
    if report.reasons:
        parts += ["## Reasons", *reasons(report)]
    for result in report.scenarios:
        parts += scenario_section(result)
    if report.self_check is not None:
        parts += self_check_section(report.self_check)
    timings = [(name, f"{value:g}") for name, value in sorted(report.timings.items())]
    parts += ["## Timings", table(("what", "value"), timings)]
    return "\n\n".join(parts) + "\n"


def amount(report: RaceReport) -> str:
    """How much was raced."""
    counts = report.counts
    pruned = sum(result.pruned for result in report.scenarios)
    shard = f" Shard {markdown_text(report.shard)}." if report.shard != "1/1" else ""
    merged = f" Merged from {markdown_text(', '.join(report.merged_from))}." if report.merged_from else ""
    return (
        f"Profile {markdown_text(report.profile)}, seed {report.seed}, "
        f"{counts.schedules} schedules ({pruned} turns left out as nothing new), "
        f"{counts.samples} releases.{shard}{merged}"
    )


def scenarios_table(results: Sequence[ScenarioResult]) -> str:
    """One row for each scenario and mode."""
    rows = [
        (
            result.scenario,
            result.place,
            result.verdict.value,
            str(result.iterations),
            str(result.failed),
            str(result.overlapped),
            "; ".join(f"{name}: {text}" for name, text in result.achieved.items()),
        )
        for result in results
    ]
    return table(("scenario", "mode", "verdict", "iterations", "failed", "overlapped", "achieved"), rows)


def reasons(report: RaceReport) -> list[str]:
    """One item for each reason."""
    items = []
    for reason in report.reasons:
        facts = [("rule", reason.rule), ("expected", reason.expected), ("observed", reason.observed)]
        lines = [f"- **{markdown_text(reason.message)}**"]
        lines += [f"  - {name}: {markdown_text(value)}" for name, value in facts if value]
        lines += [f"  - command: `{printable(as_typed(reason.command))}`"] if reason.command else []
        items.append("\n".join(lines))
    return items


def scenario_section(result: ScenarioResult) -> list[str]:
    """Metrics, invariants, and the counterexample if there is one."""
    metrics = [
        (name, f"{value.min:g}", f"{value.max:g}", f"{value.sum:g}", f"{value.avg:g}")
        for name, value in result.metrics.items()
    ]
    invariants = [
        (seen.name, seen.sentence, str(seen.evaluated), str(seen.violated)) for seen in result.invariants
    ]
    parts = [
        f"## {markdown_text(result.scenario)} ({markdown_text(result.place)})",
        table(("metric", "min", "max", "sum", "avg"), metrics),
        table(("invariant", "holds when", "evaluated", "violated"), invariants),
    ]
    failures = [
        (str(failure.iteration), seen.name, "; ".join(failure.violations))
        for seen in result.invariants
        for failure in seen.failures[:SHOWN_FAILURES]
    ]
    if failures:
        parts.append(table(("iteration", "invariant", "saw"), failures))
    if result.miss_bounds:
        parts.append(miss_bounds_table(result))
    if result.counterexample is not None:
        parts += counterexample_section(result.counterexample)
    return parts


def miss_bounds_table(result: ScenarioResult) -> str:
    """How likely a bug of a depth was missed; only runs under random priorities (PCT) count."""
    rows = [
        (str(bound.depth), str(bound.actors), str(bound.horizon), str(bound.runs), f"{bound.chance:.3g}")
        for bound in result.miss_bounds
    ]
    return table(("depth of a bug", "actors", "steps", "PCT runs", "missed with a chance of at most"), rows)


def counterexample_section(example: Counterexample) -> list[str]:
    """The minimal counterexample: what was asked and answered, and who ran which statement when."""
    operations = [
        (operation.actor, operation.method, operation.path, str(operation.status), operation.error)
        for operation in example.operations
    ]
    found = f"schedule {example.iteration}, {example.strategy}"
    proof = f"replayed {example.reproduced} of {example.replays} times"
    return [
        f"### Counterexample with {example.preemptions} preemptions ({found}), {proof}",
        table(("actor", "method", "path", "status", "error"), operations),
        "\n".join(["```text", *(line.replace("```", "'''") for line in example.interleaving), "```"]),
        f"Run it again: `{printable(example.command)}`",
    ]


def self_check_section(checked: SelfCheckResult) -> list[str]:
    """Whether the suite can see: the faults, then which oracle saw which of them."""
    rows = [
        (
            fault.fault,
            fault.sentence,
            fault.scenario,
            "killed" if fault.killed else "SURVIVED",
            str(fault.schedules),
            str(fault.preemptions),
        )
        for fault in checked.faults
    ]
    return [
        f"## Self-check: {checked.killed} of {checked.planted} planted faults killed",
        table(("fault", "takes away", "scenario", "outcome", "schedules", "preemptions"), rows),
        "### Which oracle saw which fault, in the first schedule that showed it",
        oracle_matrix(checked),
    ]


def oracle_matrix(checked: SelfCheckResult) -> str:
    """A row for each fault, a column for each oracle of its scenario: `x` where it saw the fault."""
    oracles = sorted({name for fault in checked.faults for name in fault.oracles})
    marks = {True: "x", False: "-", None: ""}
    rows = [(fault.fault, *(marks[fault.oracles.get(name)] for name in oracles)) for fault in checked.faults]
    sums = [str(sum(fault.oracles.get(name, False) for fault in checked.faults)) for name in oracles]
    return table(("fault", *oracles), [*rows, ("faults seen", *sums)])


def table(headers: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table whose cells say what they say and nothing else."""
    cells = [[markdown_text(cell) for cell in row] for row in rows]
    return tabulate(cells, headers=headers, tablefmt="pipe", disable_numparse=True)
