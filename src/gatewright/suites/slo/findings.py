"""Puts into words and figures what a watch saw of a scenario."""

import math
from collections.abc import Iterator, Sequence

from gatewright.core.verdict import Verdict
from gatewright.load import LogHistogram, NoiseReading, Outcome, ScheduleProof, SparseHistogram
from gatewright.slo import (
    Decision,
    Drift,
    LatencyObjective,
    SuccessObjective,
    ThroughputObjective,
)
from gatewright.suites.slo.growth import blocks_of, unit_of
from gatewright.suites.slo.plan import Plan
from gatewright.suites.slo.quiet import margin_of
from gatewright.suites.slo.report import (
    Bounds,
    DiscardedWindow,
    DriftResult,
    FailureCount,
    LatencySummary,
    Noise,
    ObjectiveResult,
    Offer,
    OfferedStage,
    ScenarioResult,
    ScheduleValidity,
    StepResult,
    WarmUpResult,
)
from gatewright.suites.slo.timeline import timeline
from gatewright.suites.slo.units import MICROSECONDS, MILLISECONDS, in_ms
from gatewright.suites.slo.watch import Watch, Window

__all__ = ["blind_spots", "conclude", "noise", "objective_result", "summary"]

TYPICAL_BREAK_S = 0.2
LEAST_WORRY = 0.01


def conclude(plan: Plan, watch: Watch, window: Window, cpu_s: float) -> ScenarioResult:
    """Put into words and figures what a watch saw."""
    recording, start, stop = window.recording, window.start, window.stop
    proof = watch.prove(window)
    warm_up = watch.warm_up
    requests = sum(len(times) for times in recording.services)
    succeeded = recording.count(Outcome.SUCCEEDED, start, stop)
    return ScenarioResult(
        name=plan.name,
        verdict=watch.verdict if watch.stands(window, proof) else Verdict.INCONCLUSIVE,
        offer=Offer(
            arrivals=plan.arrivals,
            rate=plan.overall_rate,
            seed=plan.seed,
            deadline_s=plan.deadline_s,
            budget_s=plan.seconds,
            stages=tuple(
                OfferedStage(
                    name=part.name,
                    seconds=part.seconds,
                    begin_rate=part.begin_rate,
                    end_rate=part.end_rate,
                )
                for part in plan.profile.parts
            ),
        ),
        warm_up=WarmUpResult(
            seconds=warm_up.seconds if warm_up else 0.0,
            runs=warm_up.runs if warm_up else 0,
            settled=warm_up is not None and warm_up.settled,
        ),
        measured_s=window.seconds,
        runs=stop - start,
        succeeded=succeeded,
        throughput_runs_per_s=window.observed_rate(),
        objectives=tuple(
            objective_result(each, observed(each, window), margin(each, window)) for each in watch.decisions
        ),
        drifts=tuple(drift_result(drift, window) for drift in watch.drifts),
        latency=summary(window.histogram),
        histogram=SparseHistogram.of(window.histogram),
        timeline=timeline(recording, start, stop),
        steps=tuple(
            StepResult(step=name, service=summary(LogHistogram(max(0.0, time) for time in times[begin:])))
            for name, times, begin in zip(
                recording.steps, recording.services, window.services_from, strict=True
            )
        ),
        failures=tuple(
            FailureCount(step=step, reason=reason, count=count)
            for (step, reason), count in window.failures().most_common()
        ),
        schedule=validity(proof),
        discarded=tuple(
            DiscardedWindow(runs=old.stop - old.start, seconds=old.seconds, problems=why.problems)
            for old, why in watch.discarded
        ),
        noise=noise(watch.noise),
        generator_cpu_us_per_request=cpu_s / requests * MICROSECONDS if requests else 0.0,
        remarks=tuple(blind_spots(watch.decisions, window.seconds)),
    )


def blind_spots(decisions: Sequence[Decision], seconds: float) -> Iterator[str]:
    """What PASS of a window of this length can't exclude: stalls that were all too rare to be seen.

    A service that is over its limit just by stalls of length s has one in s/allowed seconds, and shows none
    in t seconds with a chance of exp(-t allowed/s).
    """
    passed = [each for each in decisions if each.excluded_s is not None]
    if passed:
        weakest = min(passed, key=lambda each: each.excluded_s or 0.0)
        objective, excluded_s = weakest.objective, weakest.excluded_s or 0.0
        allowed = 0.0 if isinstance(objective, ThroughputObjective) else objective.allowed_share
        yield f"PASS excludes stalls that break {objective.name} for up to {in_whole_ms(excluded_s)} each."
        if (missed := math.exp(-seconds * allowed / TYPICAL_BREAK_S)) >= LEAST_WORRY:
            yield (
                f"A service over its limit by stalls of {in_whole_ms(TYPICAL_BREAK_S)} would have shown none "
                f"in {seconds:.0f} s with a chance of {missed:.0%}: measure longer to see them."
            )
    elif seconds:
        rare = f"{seconds / 3:.0f} s"
        yield f"Stalls rarer than one in {rare} may have been missed: measure longer to see them."


def in_whole_ms(seconds: float) -> str:
    """A time in words."""
    return f"{seconds * MILLISECONDS:.0f} ms"


def observed(decision: Decision, window: Window) -> float | None:
    """The metric that an objective limits, in its unit, over the judged runs; None when there are none."""
    objective = decision.objective
    if isinstance(objective, LatencyObjective):
        return in_ms(window.percentile(objective))
    if not decision.samples:
        return None
    if isinstance(objective, SuccessObjective):
        return 1 - decision.exceeded / decision.samples
    return window.observed_rate(objective.journey)


def margin(decision: Decision, window: Window) -> float | None:
    """How far noise alone moves a percentile; None for other metrics."""
    objective = decision.objective
    return margin_of(objective, window.counts(objective)) if isinstance(objective, LatencyObjective) else None


def objective_result(
    decision: Decision, observed: float | None, margin: float | None = None
) -> ObjectiveResult:
    """One decision as evidence, beside the metric that was observed and the margin of its A/A."""
    objective = decision.objective
    allowed: float | None = None
    if isinstance(objective, ThroughputObjective):
        threshold = objective.runs_per_s
    else:
        allowed = decision.samples * objective.allowed_share
        threshold = limit_of(objective)
    return ObjectiveResult(
        name=objective.name,
        threshold=threshold,
        observed=observed,
        samples=decision.samples,
        exceeded=decision.exceeded,
        allowed=allowed,
        bounds=Bounds(lower=decision.lower, upper=decision.upper),
        rule=decision.rule,
        p_pass=decision.evidence.p_pass,
        p_fail=decision.evidence.p_fail,
        verdict=decision.verdict,
        missing=decision.missing,
        excluded_ms=None if decision.excluded_s is None else decision.excluded_s * MILLISECONDS,
        aa_margin=margin,
        demoted_from=decision.demoted_from,
    )


def limit_of(objective: LatencyObjective | SuccessObjective) -> float:
    """What was promised: milliseconds, or a share."""
    if isinstance(objective, LatencyObjective):
        return objective.threshold_s * MILLISECONDS
    return objective.ratio


def drift_result(drift: Drift, window: Window) -> DriftResult:
    """One drift as evidence."""
    series = blocks_of(drift.limit, window)
    return DriftResult(
        series=drift.limit.name,
        unit=unit_of(drift.limit.name),
        limit_per_run=drift.limit.per_run,
        granularity=drift.limit.granularity,
        slope_per_run=drift.slope,
        bounds=Bounds(lower=drift.lower, upper=drift.upper),
        trend_p=drift.trend_p,
        p_pass=drift.p_pass,
        p_fail=drift.p_fail,
        blocks=drift.blocks,
        points=tuple(zip(series.runs, series.values, strict=True)),
        verdict=drift.verdict,
        missing=drift.missing,
    )


def summary(histogram: LogHistogram) -> LatencySummary:
    """Percentiles of a histogram of seconds."""
    return LatencySummary(
        count=histogram.count,
        p50_ms=in_ms(histogram.percentile(0.5)),
        p90_ms=in_ms(histogram.percentile(0.9)),
        p95_ms=in_ms(histogram.percentile(0.95)),
        p99_ms=in_ms(histogram.percentile(0.99)),
        max_ms=in_ms(histogram.percentile(1.0)),
    )


def validity(proof: ScheduleProof) -> ScheduleValidity:
    """The proof as evidence."""
    return ScheduleValidity(
        scheduled=proof.scheduled,
        sent=proof.sent,
        dropped=proof.dropped,
        achieved_rate=proof.achieved_rate,
        lag_p50_ms=proof.lag_p50_s * MILLISECONDS,
        lag_p99_ms=proof.lag_p99_s * MILLISECONDS,
        lag_max_ms=proof.lag_max_s * MILLISECONDS,
        late_ms=proof.limits.late_s * MILLISECONDS,
        unfit_ms=proof.limits.unfit_s * MILLISECONDS,
        late=proof.late,
        problems=proof.problems,
    )


def noise(reading: NoiseReading) -> Noise:
    """The noise as evidence."""
    return Noise(
        elapsed_s=reading.elapsed_s,
        cpu_pressure=reading.cpu_pressure,
        io_pressure=reading.io_pressure,
        steal=reading.steal,
        generator_run_delay=reading.own_run_delay,
        server_run_delay=reading.server_run_delay,
        generator_cpu=reading.own_cpu,
        server_cpu=reading.server_cpu,
    )
