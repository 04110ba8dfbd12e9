"""From the results of scenarios and of the self-check to reasons, counts and metrics."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from gatewright.core.verdict import Verdict
from gatewright.evidence.report import Counts, Reason
from gatewright.suites.race.config import RaceSuiteConfig
from gatewright.suites.race.report import FaultResult, RaceReport, ScenarioResult, SelfCheckResult

__all__ = ["counts", "metrics", "reasons", "unfinished_report"]

ARTIFACT = "report.json"


def reasons(
    results: Sequence[ScenarioResult], checked: SelfCheckResult | None, command: str, cut_short: str = ""
) -> Iterator[Reason]:
    """Why the verdict is what it is, worst first; `cut_short` says why the suite did not come to its end."""
    for place, result in enumerate(results):
        for number, seen in enumerate(result.invariants):
            if seen.violated:
                example = result.counterexample
                yield Reason(
                    rule=f"race/{seen.name}",
                    message=f"{result.scenario} ({result.place}): {first_violation(result, number)}",
                    artifact=ARTIFACT,
                    pointer=f"/scenarios/{place}/invariants/{number}",
                    expected=seen.sentence,
                    observed=f"violated in {seen.violated} of {result.iterations} iterations",
                    command=example.command
                    if example
                    else f"{command} --mode {result.mode} --scenario {result.scenario}",
                )
    for place, result in enumerate(results):
        for doubt in result.doubts:
            yield Reason(
                rule="race/conclusive",
                message=f"{result.scenario} ({result.place}): {doubt}",
                artifact=ARTIFACT,
                pointer=f"/scenarios/{place}/doubts",
            )
    if cut_short:
        yield Reason(rule="race/finished", message=cut_short)
    for place, fault in enumerate(checked.faults if checked else ()):
        if fault.false_alarms:
            names = ", ".join(fault.false_alarms)
            yield Reason(
                rule="race/self-check",
                message=f"{fault.scenario}: {names} saw something without the fault {fault.fault}",
                artifact=ARTIFACT,
                pointer=f"/self_check/faults/{place}/false_alarms",
                expected="no invariant is violated without the fault",
                observed=f"{len(fault.false_alarms)} were",
                command=f"{command} --mode explore --scenario {fault.scenario}",
            )
        if not fault.killed:
            yield Reason(
                rule="race/self-check",
                message=f"the fault {fault.fault} was not seen by {fault.scenario}{why_not(fault)}",
                artifact=ARTIFACT,
                pointer=f"/self_check/faults/{place}",
                expected="every planted fault violates an invariant",
                observed=f"none was violated in {fault.schedules} schedules",
            )


def why_not(fault: FaultResult) -> str:
    """What kept a fault from being seen, where that is known."""
    return f": {fault.doubts[0]}" if fault.doubts else ""


def first_violation(result: ScenarioResult, number: int) -> str:
    """The first sentence that an invariant said."""
    failures = result.invariants[number].failures
    return failures[0].violations[0] if failures else result.invariants[number].sentence


def counts(results: Sequence[ScenarioResult], skipped: int = 0) -> Counts:
    """How much was raced: schedules under control, releases as samples, scenarios as what was collected."""
    return Counts(
        skipped=skipped,
        collected=len(results),
        passed=sum(result.verdict is Verdict.PASS for result in results),
        failed=sum(result.verdict is Verdict.FAIL for result in results),
        schedules=sum(result.iterations for result in results if result.mode == "explore"),
        samples=sum(result.iterations for result in results if result.mode == "stress"),
    )


def metrics(results: Sequence[ScenarioResult], checked: SelfCheckResult | None) -> dict[str, float]:
    """Figures that a policy may limit."""
    figures: dict[str, float] = {}
    for result in results:
        what = "_".join(filter(None, (result.mode, result.database, result.scenario)))
        figures[f"{what}_iterations"] = result.iterations
        figures[f"{what}_failed"] = result.failed
    if checked is not None:
        figures["self_check_planted"] = checked.planted
        figures["self_check_killed"] = checked.killed
    return figures


def unfinished_report(
    suite: str, config: RaceSuiteConfig, why: str, started_at: datetime, finished_at: datetime
) -> RaceReport:
    """The report of a suite that has not raced yet, or could not."""
    return RaceReport(
        suite=suite,
        verdict=Verdict.INCONCLUSIVE,
        reasons=(Reason(rule="race/finished", message=why),),
        counts=Counts(),
        started_at=started_at,
        finished_at=finished_at,
        modes=config.modes,
        seed=config.seed,
        profile=config.profile,
        shard=str(config.shard),
        scenarios=(),
        self_check=None,
    )
