"""Puts a Locust run into evidence: the report of the open loop, which says what it can't claim here."""

from collections.abc import Iterator
from dataclasses import replace

from gatewright.core.verdict import Verdict, merge_verdicts
from gatewright.load import LogHistogram, NoiseReading, SparseHistogram, WarmUp
from gatewright.plugins.locust.measurement import LocustMeasurement
from gatewright.plugins.locust.pooled import Pooled
from gatewright.plugins.locust.workload import Workload
from gatewright.slo import Decision, Evidence, Judge, LatencyObjective, SuccessObjective
from gatewright.suites.slo.findings import blind_spots, noise, objective_result, summary
from gatewright.suites.slo.plan import Plan
from gatewright.suites.slo.report import (
    FailureCount,
    ObjectiveResult,
    Offer,
    ScenarioResult,
    ScheduleValidity,
    StepResult,
    WarmUpResult,
)
from gatewright.suites.slo.units import MICROSECONDS, MILLISECONDS, in_ms

__all__ = ["scenario_of"]

NOT_JUDGED = "closed loop: not judged"
WHY_NOT_JUDGED = (
    "a closed loop makes no claim about open latency: leave the engine out, or accept service times with "
    "--accept-closed-loop"
)


def scenario_of(
    plan: Plan,
    workload: Workload,
    measurement: LocustMeasurement,
    reading: NoiseReading,
    *,
    accepts_closed_loop: bool,
) -> ScenarioResult:
    """Judge a run, and put it into words and figures.

    Args:
        plan: what was promised, and what a decision needs.
        workload: what was done and counted.
        measurement: what the master wrote.
        reading: the noise of the machine meanwhile.
        accepts_closed_loop: whether latency objectives are judged on the service time of runs, under the name
            `service_time_...`; else they stay INCONCLUSIVE, whatever the figures are.
    """
    if measurement.lineup is None:
        return unmeasured(plan, measurement, reading)
    pooled = Pooled(workload, measurement, plan.warm_up)
    decisions = decide(plan, pooled, accepts_closed_loop=accepts_closed_loop)
    results = tuple(result(each, pooled) for each in decisions)
    kept = validity(plan, measurement, pooled)
    latency = pooled.histogram()
    return ScenarioResult(
        name=plan.name,
        verdict=Verdict.INCONCLUSIVE if kept.problems else verdict_of(decisions, late=kept.late),
        offer=offer_of(plan, measurement),
        warm_up=warm_up_of(pooled.warm_up),
        measured_s=pooled.seconds,
        runs=pooled.samples(),
        succeeded=pooled.succeeded(),
        throughput_runs_per_s=pooled.observed_rate(),
        objectives=results,
        latency=summary(latency),
        histogram=SparseHistogram.of(latency),
        timeline=pooled.timeline(),
        steps=tuple(
            StepResult(step=step, service=summary(pooled.step_histogram(number)))
            for number, step in enumerate(measurement.lineup.steps)
        ),
        failures=tuple(
            FailureCount(step=step, reason=reason, count=count)
            for (step, reason), count in pooled.failures().most_common()
        ),
        schedule=kept,
        discarded=(),
        noise=noise(reading),
        generator_cpu_us_per_request=cpu_per_request(measurement),
        remarks=(*remarks(measurement), *blind_spots(decisions, pooled.seconds)),
    )


def decide(plan: Plan, pooled: Pooled, *, accepts_closed_loop: bool) -> tuple[Decision, ...]:
    """A decision for each objective, in their order."""
    judged = [
        each for each in plan.objectives if accepts_closed_loop or not isinstance(each, LatencyObjective)
    ]
    measured = pooled.measured()
    decided = {each.objective.name: each for each in Judge(judged, plan.requirements).decide(measured)}
    if accepts_closed_loop:
        return tuple(decided.values())
    shown = {each.objective.name: each for each in Judge(plan.objectives, plan.requirements).decide(measured)}
    return tuple(decided.get(each.name) or undecided(shown[each.name]) for each in plan.objectives)


def undecided(decision: Decision) -> Decision:
    """The same figures, and no word about the objective."""
    return replace(
        decision,
        verdict=Verdict.INCONCLUSIVE,
        rule=NOT_JUDGED,
        evidence=Evidence(p_pass=1.0, p_fail=1.0),
        missing=WHY_NOT_JUDGED,
    )


def verdict_of(decisions: tuple[Decision, ...], *, late: bool) -> Verdict:
    """All decisions in one word; a late generator reads answers late, so no latency fails by it."""
    return merge_verdicts(
        Verdict.INCONCLUSIVE
        if late and each.verdict is Verdict.FAIL and isinstance(each.objective, LatencyObjective)
        else each.verdict
        for each in decisions
    )


def result(decision: Decision, pooled: Pooled) -> ObjectiveResult:
    """One decision as evidence; a latency goes by the name of what it is here."""
    shown = objective_result(decision, observed(decision, pooled))
    if not isinstance(decision.objective, LatencyObjective):
        return shown
    return shown.model_copy(update={"name": shown.name.replace("latency_", "service_time_")})


def observed(decision: Decision, pooled: Pooled) -> float | None:
    """The metric that an objective limits, in its unit; None when nothing was measured."""
    objective = decision.objective
    if isinstance(objective, LatencyObjective):
        part = (objective.journey, objective.step)
        return in_ms(pooled.histogram(part).percentile(objective.percentile))
    if not decision.samples:
        return None
    if isinstance(objective, SuccessObjective):
        return 1 - decision.exceeded / decision.samples
    return pooled.observed_rate(objective.journey)


def validity(plan: Plan, measurement: LocustMeasurement, pooled: Pooled) -> ScheduleValidity:
    """Whether the workers did what they were to do; runs that waiting users left out are the service's."""
    limits, lags = plan.lag_limits, pooled.lags
    due, left_out = totals(measurement)
    lag_s = lags.percentile(0.99) if lags.count else 0.0
    problems = list(measurement.problems)
    if not pooled.samples():
        problems.append("nothing was measured after the warm-up")
    if lag_s > limits.unfit_s:
        problems.append(
            f"the workers began runs late: p99 {lag_s * 1e3:.1f} ms, allowed {limits.unfit_s * 1e3:.1f} ms"
        )
    return ScheduleValidity(
        scheduled=due,
        sent=due - left_out,
        dropped=0,
        achieved_rate=(due - left_out) / measurement.pace.seconds,
        lag_p50_ms=(lags.percentile(0.5) if lags.count else 0.0) * MILLISECONDS,
        lag_p99_ms=lag_s * MILLISECONDS,
        lag_max_ms=(lags.percentile(1.0) if lags.count else 0.0) * MILLISECONDS,
        late_ms=limits.late_s * MILLISECONDS,
        unfit_ms=limits.unfit_s * MILLISECONDS,
        late=lag_s > limits.late_s,
        problems=tuple(problems),
    )


def offer_of(plan: Plan, measurement: LocustMeasurement) -> Offer:
    """What was offered."""
    pace = measurement.pace
    return Offer(
        arrivals="constant",
        rate=pace.rate,
        seed=pace.seed,
        deadline_s=plan.deadline_s,
        budget_s=pace.seconds,
        loop="closed",
        users=pace.users,
        workers=pace.workers,
    )


def warm_up_of(warm_up: WarmUp) -> WarmUpResult:
    """The warm-up as evidence."""
    return WarmUpResult(seconds=warm_up.seconds, runs=warm_up.runs, settled=warm_up.settled)


def cpu_per_request(measurement: LocustMeasurement) -> float:
    """CPU time of all workers for one answered request, in microseconds."""
    requests = sum(worker.requests for worker in measurement.workers)
    return sum(worker.cpu_s for worker in measurement.workers) / requests * MICROSECONDS if requests else 0.0


def remarks(measurement: LocustMeasurement) -> Iterator[str]:
    """What a reader must know about a closed loop, and what Locust itself says."""
    yield (
        "Closed loop: users wait for answers, so latencies are service times and understate what users of an "
        "open service would see."
    )
    due, left_out = totals(measurement)
    if left_out:
        yield f"{left_out} of {due} runs were left out while their users waited for answers."
    own = measurement.locust
    yield (
        f"Locust {own.version} itself counts {own.requests} requests, p95 {own.p95_ms:g} ms, "
        f"p99 {own.p99_ms:g} ms (rounded; warm-up included)."
    )


def totals(measurement: LocustMeasurement) -> tuple[int, int]:
    """Runs that were due, and those that were never begun, of the whole run."""
    workers = measurement.workers
    return sum(each.arrived for each in workers), sum(each.left_out for each in workers)


def unmeasured(plan: Plan, measurement: LocustMeasurement, reading: NoiseReading) -> ScenarioResult:
    """The evidence of a run that has not begun."""
    limits = plan.lag_limits
    return ScenarioResult(
        name=plan.name,
        verdict=Verdict.INCONCLUSIVE,
        offer=offer_of(plan, measurement),
        warm_up=WarmUpResult(seconds=0.0, runs=0, settled=False),
        measured_s=0.0,
        runs=0,
        succeeded=0,
        throughput_runs_per_s=0.0,
        objectives=(),
        latency=summary(LogHistogram()),
        histogram=SparseHistogram.of(LogHistogram()),
        steps=(),
        failures=(),
        schedule=ScheduleValidity(
            scheduled=0,
            sent=0,
            dropped=0,
            achieved_rate=0.0,
            lag_p50_ms=0.0,
            lag_p99_ms=0.0,
            lag_max_ms=0.0,
            late_ms=limits.late_s * MILLISECONDS,
            unfit_ms=limits.unfit_s * MILLISECONDS,
            late=False,
            problems=measurement.problems,
        ),
        discarded=(),
        noise=noise(reading),
        generator_cpu_us_per_request=0.0,
    )
