"""A scenario's plots: what stands in a report becomes what plots are drawn from."""

from gatewright.core.buckets import values_of
from gatewright.core.verdict import Verdict
from gatewright.report.plots import (
    Limit,
    PercentileCurve,
    PercentilePoint,
    Promise,
    SlopeSeries,
    Timeline,
    TimelineBlock,
    even_shares,
    latency_promise,
)
from gatewright.slo import ALPHA
from gatewright.slo.bands import percentile_bounds
from gatewright.suites.slo.report import DriftResult, ScenarioResult
from gatewright.suites.slo.units import MILLISECONDS

__all__ = ["curve_of", "series_of", "series_words", "timeline_of"]

SKIPPED_QUARTER = 4
"""Of a soak, as `gatewright.slo.drift` skips it."""
SERIES = {
    "rss": "resident memory",
    "open_files": "open files",
    "latency_p95": "latency p95",
    "database": "database",
    "database_log": "log of the database",
}


def timeline_of(scenario: ScenarioResult) -> Timeline:
    """Latency over time, with the limits of all runs."""
    return Timeline(
        blocks=[
            TimelineBlock(
                start_s=block.start_s,
                runs=block.runs,
                failed=block.failed,
                completed=block.completed,
                p50_ms=block.p50_ms,
                p95_ms=block.p95_ms,
                p99_ms=block.p99_ms,
                max_ms=block.max_ms,
            )
            for block in scenario.timeline.blocks
        ],
        block_s=scenario.timeline.block_s,
        judged_from_s=scenario.timeline.measured_from_s,
        judged_to_s=scenario.timeline.measured_to_s,
        limits=[Limit(promise.words, promise.ms) for promise in promises(scenario)],
    )


def curve_of(scenario: ScenarioResult, alpha: float) -> PercentileCurve:
    """Latency by percentile, with bounds each one-sided at level alpha; at 5% when that bounds nothing.

    Raises:
        ConfigurationError: the scenario's histogram can't be one.
    """
    level = alpha if 0 < alpha < 0.5 else ALPHA  # noqa: PLR2004 - beyond it there are no bounds
    values, counts = values_of(scenario.histogram.zeros, scenario.histogram.buckets)
    samples = sum(counts)
    return PercentileCurve(
        points=[
            PercentilePoint(
                each.share,
                each.value * MILLISECONDS,
                None if each.lower is None else each.lower * MILLISECONDS,
                None if each.upper is None else each.upper * MILLISECONDS,
            )
            for each in percentile_bounds(values, counts, even_shares(samples), level)
        ],
        promises=promises(scenario),
        confidence=1 - level,
        samples=samples,
    )


def promises(scenario: ScenarioResult) -> tuple[Promise, ...]:
    """The latency objectives about all runs."""
    found = (latency_promise(each.name, each.threshold, each.verdict) for each in scenario.objectives)
    return tuple(promise for promise in found if promise)


def series_of(drift: DriftResult) -> SlopeSeries:
    """The growth of one series; without its slope where there were too few blocks to tell."""
    told = drift.verdict is not Verdict.INCONCLUSIVE or drift.bounds.lower < drift.bounds.upper
    return SlopeSeries(
        name=series_words(drift),
        unit=drift.unit,
        points=drift.points,
        used_from=len(drift.points) // SKIPPED_QUARTER,
        slope=drift.slope_per_run if told else None,
        lower=drift.bounds.lower if told else None,
        upper=drift.bounds.upper if told else None,
        limit=drift.limit_per_run,
    )


def series_words(drift: DriftResult) -> str:
    """The name of a series for people."""
    return SERIES.get(drift.series, drift.series)
