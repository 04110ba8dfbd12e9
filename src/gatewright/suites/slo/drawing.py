"""A scenario's plots: what stands in a report becomes what plots are drawn from."""

import math
import re
from collections.abc import Iterator
from typing import Literal

from gatewright.core.verdict import Verdict
from gatewright.load import SparseHistogram
from gatewright.load.histogram import value_of
from gatewright.report.plots import (
    Limit,
    PercentileCurve,
    PercentilePoint,
    Promise,
    SlopeSeries,
    Timeline,
    TimelineBlock,
)
from gatewright.slo import ALPHA
from gatewright.slo.bands import percentile_bounds
from gatewright.suites.slo.report import DriftResult, ObjectiveResult, ScenarioResult
from gatewright.suites.slo.units import MILLISECONDS

__all__ = ["curve_of", "series_of", "series_words", "timeline_of"]

LATENCY = re.compile(r"latency_p(\d+(?:\.\d+)?)_ms")
"""An objective about all runs; one about a journey or a step has its name before it."""
STATES: dict[Verdict, Literal["kept", "broken", "open"]] = {Verdict.PASS: "kept", Verdict.FAIL: "broken"}
CURVE_POINTS = 120
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
    values, counts = values_of(scenario.histogram)
    samples = sum(counts)
    nines = math.log10(samples) if samples > 1 else 1.0
    shares = [1 - 10 ** (-nines * place / CURVE_POINTS) for place in range(CURVE_POINTS + 1)]
    return PercentileCurve(
        points=[
            PercentilePoint(
                each.share,
                each.value * MILLISECONDS,
                None if each.lower is None else each.lower * MILLISECONDS,
                None if each.upper is None else each.upper * MILLISECONDS,
            )
            for each in percentile_bounds(values, counts, shares, level)
        ],
        promises=tuple(promises(scenario)),
        confidence=1 - level,
        samples=samples,
    )


def promises(scenario: ScenarioResult) -> Iterator[Promise]:
    """The latency objectives about all runs."""
    for objective in scenario.objectives:
        if found := LATENCY.fullmatch(objective.name):
            words = f"p{found[1]} ≤ {objective.threshold:g} ms"
            yield Promise(float(found[1]) / 100, objective.threshold, words, state_of(objective))


def state_of(objective: ObjectiveResult) -> Literal["kept", "broken", "open"]:
    """What was decided, as a mark."""
    return STATES.get(objective.verdict, "open")


def values_of(histogram: SparseHistogram) -> tuple[list[float], list[int]]:
    """The middles of the histogram's buckets, in seconds, ascending, and their counts."""
    values = [value_of(number) for number, _ in histogram.buckets]
    counts = [count for _, count in histogram.buckets]
    if histogram.zeros:
        return [0.0, *values], [histogram.zeros, *counts]
    return values, counts


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
