"""What an SLO suite found, typed: the evidence that is written and read back."""

from typing import Annotated, Literal

from pydantic import Field, FiniteFloat, NonNegativeFloat, NonNegativeInt

from gatewright.core.verdict import Verdict
from gatewright.evidence.report import Model, SuiteReport
from gatewright.load import SparseHistogram

__all__ = [
    "SCHEMA",
    "Bounds",
    "BudgetResult",
    "DiscardedWindow",
    "DriftResult",
    "FailureCount",
    "LatencySummary",
    "Noise",
    "ObjectiveResult",
    "Offer",
    "OfferedStage",
    "ScenarioResult",
    "ScheduleValidity",
    "SlicesResult",
    "SloReport",
    "StepResult",
    "TimeBlock",
    "Timeline",
    "WarmUpResult",
]

SCHEMA: Literal["gatewright.slo/1"] = "gatewright.slo/1"
Share = Annotated[float, Field(ge=0, le=1)]


class Bounds(Model):
    """One-sided bounds, each at level alpha, of the figure beside it; for one look, so for orientation."""

    lower: FiniteFloat
    upper: FiniteFloat


class ObjectiveResult(Model):
    """One objective: what was promised, what was seen, what was decided and why.

    Attributes:
        name: the metric, with its unit.
        threshold: the limit, in that unit.
        observed: the metric over the judged runs; null when nothing was measured.
        samples: runs that were judged.
        exceeded: runs that broke the objective; for throughput, runs due but not succeeded within the window.
        allowed: how many might have; null for throughput.
        bounds: of the share of runs that break the objective; for throughput, of the rate.
        rule: the test that decided.
        p_pass: anytime-valid p-value against "the objective is broken"; its inverse is an e-value.
        p_fail: likewise against "the objective is kept".
        missing: in words, what would make it conclusive; empty when it is.
        excluded_ms: PASS holds also if stalls that break the objective for up to so many milliseconds each
            were missed; null for throughput, and where nothing passes.
        aa_margin: how far noise alone moves the percentile, as a share of it, by an A/A within the window;
            null where there is none.
        demoted_from: what would have been decided on a quiet machine: the percentile lies within `aa_margin`
            of its limit and the machine was noisy; null where that changed nothing.
    """

    name: str
    threshold: FiniteFloat
    observed: FiniteFloat | None
    samples: NonNegativeInt
    exceeded: NonNegativeInt
    allowed: NonNegativeFloat | None
    bounds: Bounds
    rule: str
    p_pass: Share
    p_fail: Share
    verdict: Verdict
    missing: str = ""
    excluded_ms: NonNegativeFloat | None = None
    aa_margin: NonNegativeFloat | None = None
    demoted_from: Verdict | None = None


class LatencySummary(Model):
    """Percentiles within 0.1%, in milliseconds; null when nothing was measured."""

    count: NonNegativeInt
    p50_ms: NonNegativeFloat | None
    p90_ms: NonNegativeFloat | None
    p95_ms: NonNegativeFloat | None
    p99_ms: NonNegativeFloat | None
    max_ms: NonNegativeFloat | None


class StepResult(Model):
    """The service time of one step: its answer minus its request, of all calls that were answered."""

    step: str
    service: LatencySummary


class FailureCount(Model):
    """How often a step failed for the same reason, after the warm-up."""

    step: str
    reason: str
    count: NonNegativeInt


class OfferedStage(Model):
    """A piece of the schedule in which the rate, in runs/s, changes evenly."""

    name: str
    seconds: FiniteFloat
    begin_rate: NonNegativeFloat
    end_rate: NonNegativeFloat


class Offer(Model):
    """What was offered: the arrivals of runs, and how long one may take.

    `rate` is in runs/s, on average over all stages; times in seconds; the same seed gives the same arrivals.
    In a closed loop so many `users` of so many `workers` wait for the answers, and make no runs meanwhile; an
    open loop has neither.
    """

    arrivals: Literal["poisson", "constant"]
    rate: FiniteFloat
    seed: int
    deadline_s: FiniteFloat
    budget_s: FiniteFloat
    stages: tuple[OfferedStage, ...] = ()
    loop: Literal["open", "closed"] = "open"
    users: NonNegativeInt = 0
    workers: NonNegativeInt = 0


class WarmUpResult(Model):
    """The beginning that was discarded, and whether the service had settled by its end."""

    seconds: NonNegativeFloat
    runs: NonNegativeInt
    settled: bool


class ScheduleValidity(Model):
    """The proof that the schedule was kept; `problems` make the measurement unfit for any verdict.

    Attributes:
        late_ms: the p99 of the send lag beyond which FAIL must also hold from the moment of sending; PASS
            holds all the same, since latencies count from the schedule and so include the lag.
        unfit_ms: the p99 beyond which the measurement is unfit.
        late: whether `late_ms` was exceeded.
    """

    scheduled: NonNegativeInt
    sent: NonNegativeInt
    dropped: NonNegativeInt
    achieved_rate: NonNegativeFloat
    lag_p50_ms: NonNegativeFloat
    lag_p99_ms: NonNegativeFloat
    lag_max_ms: NonNegativeFloat
    late_ms: NonNegativeFloat
    unfit_ms: NonNegativeFloat
    late: bool
    problems: tuple[str, ...]


class DiscardedWindow(Model):
    """A measurement that was begun anew because its schedule had not been kept."""

    runs: NonNegativeInt
    seconds: NonNegativeFloat
    problems: tuple[str, ...]


class Noise(Model):
    """What other work on the machine took, as shares of the measured time; null where it can't be read."""

    elapsed_s: NonNegativeFloat
    cpu_pressure: NonNegativeFloat | None
    io_pressure: NonNegativeFloat | None
    steal: NonNegativeFloat | None
    generator_run_delay: NonNegativeFloat | None
    server_run_delay: NonNegativeFloat | None
    generator_cpu: NonNegativeFloat
    server_cpu: NonNegativeFloat | None


class TimeBlock(Model):
    """What runs that were due within one block of time came to; the warm-up's blocks are among them.

    Attributes:
        start_s: the beginning of the block, in seconds from that of the schedule.
        runs: how many were due.
        failed: how many of them failed.
        completed: how many runs, due whenever, succeeded within the block.
        p50_ms, p95_ms, p99_ms, max_ms: latencies of those that succeeded; null when none did.
    """

    start_s: NonNegativeFloat
    runs: NonNegativeInt
    failed: NonNegativeInt
    completed: NonNegativeInt
    p50_ms: NonNegativeFloat | None
    p95_ms: NonNegativeFloat | None
    p99_ms: NonNegativeFloat | None
    max_ms: NonNegativeFloat | None


class Timeline(Model):
    """Latency over time: blocks of equal length, in seconds, and where the judged window lies."""

    block_s: NonNegativeFloat = 0.0
    measured_from_s: NonNegativeFloat = 0.0
    measured_to_s: NonNegativeFloat = 0.0
    blocks: tuple[TimeBlock, ...] = ()


class DriftResult(Model):
    """Growth of one series with the cumulative runs: Theil-Sen slope, Mann-Kendall trend.

    Attributes:
        series: its name.
        unit: of its values; empty for a count.
        limit_per_run: the growth that is allowed.
        granularity: growth over all judged runs that no leak is needed for.
        slope_per_run: the growth that was found.
        bounds: of the slope.
        trend_p: p-value against "it doesn't grow".
        p_pass: p-value against "it grows by more than is allowed".
        p_fail: likewise against "it grows by at most what is allowed".
        blocks: how many were judged, the first quarter left out.
        points: all blocks, as cumulative runs and the value.
        verdict: what was decided.
        missing: in words, what would make it conclusive; empty when it is.
    """

    series: str
    unit: str
    limit_per_run: FiniteFloat
    granularity: NonNegativeFloat = 0.0
    slope_per_run: FiniteFloat
    bounds: Bounds
    trend_p: Share
    p_pass: Share
    p_fail: Share
    blocks: NonNegativeInt
    points: tuple[tuple[FiniteFloat, FiniteFloat], ...] = ()
    verdict: Verdict
    missing: str = ""


class BudgetResult(Model):
    """How fast the measurement burns the error budget: 1 spends it exactly in its period.

    Attributes:
        target: the share of runs that is promised to succeed.
        period_s: over which it is, in seconds.
        samples: runs that were judged.
        bad: how many of them failed.
        burn: the burn rate, with one-sided bounds.
        spent: the share of the period's budget that was spent while it was measured.
        aborted: why the measurement was ended before its time; empty when it wasn't.
        missing: in words, what would make it conclusive; empty when it is.
    """

    target: FiniteFloat
    period_s: NonNegativeFloat
    samples: NonNegativeInt
    bad: NonNegativeInt
    burn: NonNegativeFloat
    bounds: Bounds
    spent: NonNegativeFloat
    verdict: Verdict
    aborted: str = ""
    missing: str = ""


class SlicesResult(Model):
    """A promise about slices of time: how many are good, or how good they are on average.

    Attributes:
        name: the figure that is promised.
        target: the least that it may be.
        slice_s: the length of a slice, in seconds.
        slice_target: the share of good runs that makes a slice good; null where the average is promised.
        at_most_ms: the longest latency of a good run; null when it need only succeed.
        slices: how many were judged.
        empty: further ones in which no run was due; they are neither good nor bad.
        observed: the share of good slices, or the average of their shares of good runs; null without slices.
        bounds: of that figure.
        p_pass: anytime-valid p-value against "the promise is broken".
        p_fail: likewise against "the promise is kept".
        missing: in words, what would make it conclusive; empty when it is.
    """

    name: str
    target: FiniteFloat
    slice_s: FiniteFloat
    slice_target: Share | None
    at_most_ms: FiniteFloat | None
    slices: NonNegativeInt
    empty: NonNegativeInt
    observed: FiniteFloat | None
    bounds: Bounds
    p_pass: Share
    p_fail: Share
    verdict: Verdict
    missing: str = ""


class ScenarioResult(Model):
    """One scenario: how it was measured, whether that was fit, and what was decided.

    `histogram` counts the latencies, in seconds, of the judged runs that succeeded.
    `in_process` tells that the application was called without a server and a network, which its latencies
    therefore leave out.
    """

    name: str
    verdict: Verdict
    in_process: bool = False
    offer: Offer
    warm_up: WarmUpResult
    measured_s: NonNegativeFloat
    runs: NonNegativeInt
    succeeded: NonNegativeInt
    throughput_runs_per_s: NonNegativeFloat
    objectives: tuple[ObjectiveResult, ...]
    drifts: tuple[DriftResult, ...] = ()
    budget: BudgetResult | None = None
    slices: tuple[SlicesResult, ...] = ()
    latency: LatencySummary
    histogram: SparseHistogram
    timeline: Timeline = Timeline()
    steps: tuple[StepResult, ...]
    failures: tuple[FailureCount, ...]
    schedule: ScheduleValidity
    discarded: tuple[DiscardedWindow, ...]
    noise: Noise
    generator_cpu_us_per_request: NonNegativeFloat
    remarks: tuple[str, ...] = ()


class SloReport(SuiteReport):
    """The SLO suite's report: the shared envelope and each scenario's details.

    Attributes:
        alpha: the probability of a wrong PASS, and of a wrong FAIL, in this attempt.
        attempt: how often the same promises have been put to the test on the same tree, this time included;
            null where nobody counted.
    """

    schema_version: Literal["gatewright.slo/1"] = SCHEMA
    profile: str
    target: str
    server_started: bool
    alpha: FiniteFloat
    attempt: Annotated[int, Field(ge=1)] | None = None
    scenarios: tuple[ScenarioResult, ...]
