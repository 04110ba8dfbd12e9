"""Puts scenarios together into the SLO report: verdict, reasons, counts and named metrics."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from gatewright.core.verdict import Verdict, merge_verdicts
from gatewright.evidence.report import Counts, Reason
from gatewright.suites.slo.report import DriftResult, ObjectiveResult, ScenarioResult, SlicesResult, SloReport
from gatewright.suites.slo.words import slices_words

__all__ = ["Heading", "assemble", "unfinished"]

ARTIFACT = "report.json"


@dataclass(frozen=True)
class Heading:
    """What every report of a suite says about itself."""

    suite: str
    profile: str
    target: str
    server_started: bool
    alpha: float
    started_at: datetime
    command: str
    attempt: int | None = None


def assemble(heading: Heading, scenarios: Sequence[ScenarioResult], finished_at: datetime) -> SloReport:
    """The report of scenarios that were measured; none at all is INCONCLUSIVE."""
    reasons = [
        reason
        for place, scenario in enumerate(scenarios)
        for reason in explain(scenario, place, heading.command)
    ]
    return SloReport(
        suite=heading.suite,
        verdict=merge_verdicts(scenario.verdict for scenario in scenarios),
        reasons=tuple(reasons),
        counts=Counts(
            collected=len(scenarios),
            passed=sum(scenario.verdict is Verdict.PASS for scenario in scenarios),
            failed=sum(scenario.verdict is Verdict.FAIL for scenario in scenarios),
            samples=sum(scenario.runs for scenario in scenarios),
        ),
        metrics=metrics(scenarios) | ({} if heading.attempt is None else {"attempt": float(heading.attempt)}),
        started_at=heading.started_at,
        finished_at=finished_at,
        profile=heading.profile,
        target=heading.target,
        server_started=heading.server_started,
        alpha=heading.alpha,
        attempt=heading.attempt,
        scenarios=tuple(scenarios),
    )


def unfinished(
    heading: Heading, why: str, rule: str, finished_at: datetime, measured: Sequence[ScenarioResult] = ()
) -> SloReport:
    """The report of a suite that has not measured all, or not yet; what failed by then has failed."""
    report = assemble(heading, measured, finished_at)
    doubt = Reason(rule=rule, message=why, command=heading.command)
    return report.model_copy(
        update={
            "verdict": merge_verdicts([report.verdict, Verdict.INCONCLUSIVE]),
            "reasons": (*report.reasons, doubt),
        }
    )


def explain(scenario: ScenarioResult, place: int, command: str) -> Iterator[Reason]:
    """Why a scenario did not pass: an unfit measurement first, then each objective and drift."""
    path = f"/scenarios/{place}"
    for problem in scenario.schedule.problems:
        message = f"{scenario.name}: the measurement is unfit: {problem}"
        yield Reason(rule="schedule-kept", message=message, artifact=ARTIFACT, pointer=f"{path}/schedule")
    if scenario.schedule.late and unconfirmed(scenario):
        lag = f"send lag p99 {scenario.schedule.lag_p99_ms:.1f} ms"
        message = (
            f"{scenario.name}: the generator was late ({lag}), so a FAIL does not stand: quieten the machine"
        )
        yield Reason(rule="sent-in-time", message=message, artifact=ARTIFACT, pointer=f"{path}/schedule")
    for number, objective in enumerate(scenario.objectives):
        if tells(objective.verdict, scenario.verdict):
            yield Reason(
                rule=objective.name if objective.demoted_from is None else "noise-margin",
                message=f"{scenario.name}: {objective_words(objective)}",
                artifact=ARTIFACT,
                pointer=f"{path}/objectives/{number}",
                expected=f"{'<=' if objective.name.endswith('_ms') else '>='} {objective.threshold:g}",
                observed="" if objective.observed is None else f"{objective.observed:.4g}",
                command=command,
            )
    for number, drift in enumerate(scenario.drifts):
        if tells(drift.verdict, scenario.verdict):
            yield Reason(
                rule=f"drift-{drift.series}",
                message=f"{scenario.name}: {drift_words(drift)}",
                artifact=ARTIFACT,
                pointer=f"{path}/drifts/{number}",
                expected=f"<= {drift.limit_per_run:g} {drift.unit} per run",
                observed=f"{drift.slope_per_run:.4g} {drift.unit} per run",
                command=command,
            )
    yield from explain_budget(scenario, path, command)
    yield from explain_slices(scenario, path, command)


def explain_budget(scenario: ScenarioResult, path: str, command: str) -> Iterator[Reason]:
    """Why an error budget did not pass."""
    budget = scenario.budget
    if budget is None or not tells(budget.verdict, scenario.verdict):
        return
    lower, upper = budget.bounds.lower, budget.bounds.upper
    figures = f"burn rate {budget.burn:.3g}, from {lower:.3g} to {upper:.3g}"
    words = budget.aborted or budget.missing or f"{budget.bad} of {budget.samples} runs failed"
    yield Reason(
        rule="error-budget",
        message=f"{scenario.name}: the error budget of {budget.target:g}: {figures}: {words}",
        artifact=ARTIFACT,
        pointer=f"{path}/budget",
        expected="<= 1",
        observed=f"{budget.burn:.4g}",
        command=command,
    )


def explain_slices(scenario: ScenarioResult, path: str, command: str) -> Iterator[Reason]:
    """Why promises about slices of time did not pass."""
    for number, slices in enumerate(scenario.slices):
        if tells(slices.verdict, scenario.verdict):
            yield Reason(
                rule=slices.name,
                message=f"{scenario.name}: {slices_reason(slices)}",
                artifact=ARTIFACT,
                pointer=f"{path}/slices/{number}",
                expected=f">= {slices.target:g}",
                observed="" if slices.observed is None else f"{slices.observed:.4g}",
                command=command,
            )


def unconfirmed(scenario: ScenarioResult) -> bool:
    """Whether an objective looks broken in a scenario that did not fail."""
    broken = any(objective.verdict is Verdict.FAIL for objective in scenario.objectives)
    return broken and scenario.verdict is not Verdict.FAIL


def tells(part: Verdict, whole: Verdict) -> bool:
    """Whether a part's verdict is a reason for the whole's: doubts are none when something has failed."""
    return part is not Verdict.PASS and (part is whole or whole is Verdict.INCONCLUSIVE)


def objective_words(objective: ObjectiveResult) -> str:
    """A doubtful or broken objective in one line."""
    seen = f"{objective.exceeded} of {objective.samples} runs broke it"
    allowed = "" if objective.allowed is None else f", {objective.allowed:.1f} are allowed"
    decided = "is broken" if objective.verdict is Verdict.FAIL else f"is not decided: {objective.missing}"
    return f"{objective.name} {decided} ({seen}{allowed})"


def slices_reason(slices: SlicesResult) -> str:
    """A doubtful or broken promise about slices in one line."""
    words = slices_words(slices)
    if slices.verdict is Verdict.FAIL:
        share = f"a share of {slices.observed or 0:.4g} in {slices.slices} slices"
        return f"{words}: {share}, {slices.target:g} is promised"
    return f"{words}: not decided by {slices.slices} slices: {slices.missing}"


def drift_words(drift: DriftResult) -> str:
    """A doubtful or broken drift limit in one line."""
    slope = f"{drift.slope_per_run:.4g} {drift.unit} per run"
    if drift.verdict is Verdict.FAIL:
        return f"{drift.series} grows by {slope}, {drift.limit_per_run:g} are allowed"
    return f"growth of {drift.series} is not decided: {drift.missing}"


def metrics(scenarios: Sequence[ScenarioResult]) -> dict[str, float]:
    """Figures that a policy may name: `<scenario>.<metric>`."""
    named: dict[str, float] = {}
    for scenario in scenarios:
        named[f"{scenario.name}.runs"] = float(scenario.runs)
        named[f"{scenario.name}.send_lag_p99_ms"] = scenario.schedule.lag_p99_ms
        named[f"{scenario.name}.generator_cpu_us_per_request"] = scenario.generator_cpu_us_per_request
        for objective in scenario.objectives:
            if objective.observed is not None:
                named[f"{scenario.name}.{objective.name}"] = objective.observed
        if scenario.budget is not None:
            named[f"{scenario.name}.burn_rate"] = scenario.budget.burn
        for slices in scenario.slices:
            if slices.observed is not None:
                named[f"{scenario.name}.{slices.name}"] = slices.observed
        for drift in scenario.drifts:
            named[f"{scenario.name}.{drift.series}_per_run"] = drift.slope_per_run
    return named
