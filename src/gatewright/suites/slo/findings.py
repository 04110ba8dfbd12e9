"""Puts into words and figures what a watch saw of a scenario."""

from collections.abc import Iterator

from gatewright.core.verdict import Verdict, merge_verdicts
from gatewright.load import LogHistogram, NoiseReading, Outcome, ScheduleProof
from gatewright.load.histogram import RELATIVE_ERROR
from gatewright.slo import (
    Decision,
    DriftLimit,
    LatencyObjective,
    SuccessObjective,
    block_minima,
    find_drift,
)
from gatewright.suites.slo.plan import Plan
from gatewright.suites.slo.report import (
    Bounds,
    DiscardedWindow,
    DriftResult,
    FailureCount,
    LatencySummary,
    Noise,
    ObjectiveResult,
    Offer,
    ScenarioResult,
    ScheduleValidity,
    SparseHistogram,
    StepResult,
    WarmUpResult,
)
from gatewright.suites.slo.timeline import timeline
from gatewright.suites.slo.units import MICROSECONDS, MILLISECONDS, in_ms
from gatewright.suites.slo.watch import Watch, Window

__all__ = ["conclude"]

DRIFT_BLOCKS = 40
LEAST_BLOCK_RUNS = 20
"""A p95 of fewer runs is their maximum."""
RESIDENT = "rss"
UNITS = {RESIDENT: "B", "latency_p95": "us"}


def conclude(plan: Plan, watch: Watch, window: Window, cpu_s: float) -> ScenarioResult:
    """Put into words and figures what a watch saw."""
    recording, start, stop = window.recording, window.start, window.stop
    proof = window.proof(plan.lag_limits)
    drifts = tuple(drift_of(limit, window) for limit in plan.drift_limits)
    judged = merge_verdicts([*(each.verdict for each in watch.decisions), *(each.verdict for each in drifts)])
    warm_up = watch.warm_up
    requests = sum(len(times) for times in recording.services)
    succeeded = recording.count(Outcome.SUCCEEDED, start, stop)
    return ScenarioResult(
        name=plan.name,
        verdict=judged if watch.stands(window, proof) else Verdict.INCONCLUSIVE,
        offer=Offer(
            arrivals=plan.arrivals,
            rate=plan.rate,
            seed=plan.seed,
            deadline_s=plan.deadline_s,
            budget_s=plan.budget_s,
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
        objectives=tuple(objective_result(decision, window) for decision in watch.decisions),
        drifts=drifts,
        latency=summary(window.histogram),
        histogram=SparseHistogram(
            relative_error=RELATIVE_ERROR, zeros=window.histogram.zeros, buckets=window.histogram.buckets
        ),
        timeline=timeline(recording, start, stop),
        steps=tuple(
            StepResult(step=name, service=summary(LogHistogram(times[begin:])))
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
        remarks=tuple(blind_spots(window)),
    )


def blind_spots(window: Window) -> Iterator[str]:
    """What a window of this length can't show: with 5% chance, an event every third of it was missed."""
    if window.seconds:
        rare = f"{window.seconds / 3:.0f} s"
        yield f"Stalls rarer than one in {rare} may have been missed: measure longer to see them."


def objective_result(decision: Decision, window: Window) -> ObjectiveResult:
    """One decision as evidence."""
    objective = decision.objective
    allowed: float | None = None
    if isinstance(objective, LatencyObjective):
        threshold = objective.threshold_s * MILLISECONDS
        observed = in_ms(window.percentile(objective))
        allowed = decision.samples * objective.allowed_share
    elif isinstance(objective, SuccessObjective):
        threshold = objective.ratio
        observed = 1 - decision.exceeded / decision.samples if decision.samples else None
        allowed = decision.samples * objective.allowed_share
    else:
        threshold = objective.runs_per_s
        observed = window.observed_rate(objective.journey) if decision.samples else None
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
    )


def drift_of(limit: DriftLimit, window: Window) -> DriftResult:
    """Judge the drift of one series of a window, and put it into evidence."""
    runs, values = resident_blocks(window) if limit.name == RESIDENT else latency_blocks(window)
    drift = find_drift(runs, values, limit)
    return DriftResult(
        series=limit.name,
        unit=UNITS[limit.name],
        limit_per_run=limit.per_run,
        slope_per_run=drift.slope,
        bounds=Bounds(lower=drift.lower, upper=drift.upper),
        trend_p=drift.trend_p,
        blocks=drift.blocks,
        points=tuple(zip(runs, values, strict=True)),
        verdict=drift.verdict,
        missing=drift.missing,
    )


def resident_blocks(window: Window) -> tuple[list[float], list[float]]:
    """The least memory of each block, in bytes, at cumulative runs."""
    return block_minima(window.resources.runs, window.resources.resident, DRIFT_BLOCKS)


def latency_blocks(window: Window) -> tuple[list[float], list[float]]:
    """The p95 of each block of runs, in microseconds, at cumulative runs."""
    size = max(LEAST_BLOCK_RUNS, (window.stop - window.start) // DRIFT_BLOCKS)
    starts = range(window.start, window.stop - size + 1, size)
    blocks = [LogHistogram(window.recording.latencies(start, start + size)) for start in starts]
    told = [(start, block) for start, block in zip(starts, blocks, strict=True) if block.count]
    runs = [float(start + size - window.start) for start, _ in told]
    return runs, [block.percentile(0.95) * MICROSECONDS for _, block in told]


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
