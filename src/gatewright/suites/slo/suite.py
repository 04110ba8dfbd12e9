"""The SLO suite's engine room: measures one scenario of a service and says what was decided about it."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from gatewright.core.errors import ConfigurationError, GatewrightError
from gatewright.core.verdict import Verdict, merge_verdicts
from gatewright.load import (
    DEFAULT_DEADLINE_S,
    HttpClient,
    Journey,
    LagLimits,
    LogHistogram,
    NoiseReading,
    OpenLoop,
    Origin,
    Outcome,
    Recording,
    ScheduleProof,
    WarmUpRule,
    constant_arrivals,
    poisson_arrivals,
    run_on_fast_loop,
)
from gatewright.slo import (
    Decision,
    Drift,
    DriftLimit,
    Judge,
    LatencyObjective,
    Objective,
    Requirements,
    SuccessObjective,
    ThroughputObjective,
    block_minima,
    find_drift,
)
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
    StepResult,
    WarmUpResult,
)
from gatewright.suites.slo.watch import Glance, Watch, WatchRules, Window

__all__ = ["Plan", "Service", "measure"]

WARM_CONNECTIONS = 8
CONNECTION_RESERVE = 64
MOST_CONNECTIONS = 8192
DRIFT_BLOCKS = 40
LEAST_BLOCK_RUNS = 20
"""A p95 of fewer runs is their maximum."""
RESIDENT = "rss"
UNITS = {RESIDENT: "B", "latency_p95": "us"}
MILLISECONDS = 1e3
MICROSECONDS = 1e6


@dataclass(frozen=True)
class Service:
    """What is measured: where it listens, what a run does there, and its process when it is ours."""

    origin: Origin
    journey: Journey
    pid: int | None = None


@dataclass(frozen=True)
class Plan:
    """How a scenario is measured.

    Attributes:
        name: of the scenario.
        objectives: what was promised.
        rate: arrivals of runs per second; at least the promised throughput.
        budget_s: the schedule ends after this many seconds, warm-up included, decided or not.
        seed: of the arrivals.
        arrivals: independent users (poisson), or even distances (constant).
        deadline_s: a run that takes longer is given up and counts as failed.
        stops_early: whether PASS ends the scenario before its budget; FAIL always does.
        most_discards: how often a window whose schedule was not kept is begun anew.
        requirements: what a decision needs at least.
        warm_up: when the service counts as settled.
        drift_limits: allowed growth per run, by series: `rss` in bytes, `latency_p95` in microseconds.
    """

    name: str
    objectives: tuple[Objective, ...]
    rate: float
    budget_s: float
    seed: int = 1
    arrivals: Literal["poisson", "constant"] = "poisson"
    deadline_s: float = DEFAULT_DEADLINE_S
    stops_early: bool = True
    most_discards: int = 1
    requirements: Requirements = field(default_factory=Requirements)
    warm_up: WarmUpRule = field(default_factory=WarmUpRule)
    drift_limits: tuple[DriftLimit, ...] = ()

    def __post_init__(self) -> None:
        for objective in self.objectives:
            if isinstance(objective, ThroughputObjective) and self.rate < objective.runs_per_s:
                raise ConfigurationError(
                    f"{objective.runs_per_s:g} runs/s can't come out of {self.rate:g} offered",
                    remedy="raise the offered rate above the throughput threshold",
                )
        if self.rate * self.deadline_s + CONNECTION_RESERVE > MOST_CONNECTIONS:
            raise ConfigurationError(
                f"{self.rate:g} runs/s with a deadline of {self.deadline_s:g} s may need more than "
                f"{MOST_CONNECTIONS} connections",
                remedy="lower the rate or the deadline",
            )

    @property
    def lag_limits(self) -> LagLimits:
        """How late the generator may be, by the strictest latency threshold."""
        thresholds = [each.threshold_s for each in self.objectives if isinstance(each, LatencyObjective)]
        return LagLimits.for_threshold(min(thresholds, default=1.0))


def measure(plan: Plan, service: Service, show: Callable[[Glance], None]) -> ScenarioResult:
    """Measure a running service until the objectives are decided, or the budget is spent.

    Args:
        plan: how.
        service: what.
        show: receives a glance twice a second.
    """
    judge = Judge(plan.objectives, plan.requirements)
    rules = WatchRules(plan.rate, plan.stops_early, plan.lag_limits, plan.most_discards, plan.warm_up)
    watch = Watch(judge, rules, server_pid=service.pid, show=show)
    cpu = time.process_time()
    recording = run_on_fast_loop(load(plan, service, watch))
    cpu = time.process_time() - cpu
    window = watch.finish(recording)
    return conclude(plan, watch, window, cpu)


async def load(plan: Plan, service: Service, watch: Watch) -> Recording:
    """Follow the plan's schedule over real connections."""
    client = HttpClient(service.origin, safety_limit=MOST_CONNECTIONS)
    try:
        await connect(client, service.origin)
        loop = OpenLoop(client, service.journey, schedule(plan), deadline_s=plan.deadline_s)
        return await loop.run(watch)
    finally:
        client.close()


async def connect(client: HttpClient, origin: Origin) -> None:
    """Open the first connections; a server that takes none is named."""
    try:
        await client.warm(WARM_CONNECTIONS)
    except OSError as error:
        raise GatewrightError(
            f"no connection to http://{origin.authority}: {error.strerror or error}"
        ) from error


def schedule(plan: Plan) -> Iterator[float]:
    """The arrivals of a plan, in seconds from its start."""
    if plan.arrivals == "constant":
        return constant_arrivals(plan.rate, plan.budget_s)
    return poisson_arrivals(plan.rate, plan.budget_s, seed=plan.seed)


def conclude(plan: Plan, watch: Watch, window: Window, cpu_s: float) -> ScenarioResult:
    """Put into words and figures what a watch saw."""
    recording, start, stop = window.recording, window.start, window.stop
    proof = window.proof(plan.lag_limits)
    drifts = tuple(drift_result(find_series(limit, window)) for limit in plan.drift_limits)
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
        observed = in_ms(window.histogram.percentile(objective.percentile))
        allowed = decision.samples * objective.allowed_share
    elif isinstance(objective, SuccessObjective):
        threshold = objective.ratio
        observed = 1 - decision.exceeded / decision.samples if decision.samples else None
        allowed = decision.samples * objective.allowed_share
    else:
        threshold = objective.runs_per_s
        observed = window.observed_rate() if decision.samples else None
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


def find_series(limit: DriftLimit, window: Window) -> Drift:
    """Judge the drift of one series of a window."""
    if limit.name == RESIDENT:
        series = window.resources
        return find_drift(*block_minima(series.runs, series.resident, DRIFT_BLOCKS), limit)
    size = max(LEAST_BLOCK_RUNS, (window.stop - window.start) // DRIFT_BLOCKS)
    starts = range(window.start, window.stop - size + 1, size)
    blocks = [LogHistogram(window.recording.latencies(start, start + size)) for start in starts]
    runs = [
        float(start + size - window.start) for start, block in zip(starts, blocks, strict=True) if block.count
    ]
    return find_drift(runs, [block.percentile(0.95) * MICROSECONDS for block in blocks if block.count], limit)


def drift_result(drift: Drift) -> DriftResult:
    """One drift as evidence."""
    return DriftResult(
        series=drift.limit.name,
        unit=UNITS[drift.limit.name],
        limit_per_run=drift.limit.per_run,
        slope_per_run=drift.slope,
        bounds=Bounds(lower=drift.lower, upper=drift.upper),
        trend_p=drift.trend_p,
        blocks=drift.blocks,
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


def in_ms(seconds: float) -> float | None:
    """Milliseconds; None for NaN, which evidence does not hold."""
    return None if math.isnan(seconds) else seconds * MILLISECONDS


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
