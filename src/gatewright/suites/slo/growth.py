"""Growth within a measurement: its series by blocks, and looks at them that share one error."""

import re
from collections.abc import Collection, Sequence
from typing import Protocol

from gatewright.core.errors import ConfigurationError
from gatewright.core.verdict import Verdict
from gatewright.load import DATABASE, DATABASE_LOG, OF_PROCESSES, RSS, LogHistogram, Recording, ResourceSeries
from gatewright.slo import Drift, DriftLimit, DriftSeries, block_minima, judge_drifts
from gatewright.suites.slo.units import MICROSECONDS

__all__ = ["GrowthLooks", "blocks_of", "ensure_known", "unit_of"]

BLOCKS = 40
LEAST_BLOCK_RUNS = 20
"""A p95 of fewer runs is their maximum."""
MOST_UNKNOWN = 0.1
LOOK_GROWTH = 1.25
LATENCY = re.compile(r"latency_p([1-9]\d?)")
UNITS = {RSS: "B", DATABASE: "B", DATABASE_LOG: "B"}


class Measurement(Protocol):
    """The part of a recording whose growth is judged: the runs in [start, stop), and resources meanwhile."""

    recording: Recording
    start: int
    stop: int
    resources: ResourceSeries


def unit_of(series: str) -> str:
    """The unit of a series; empty for a count."""
    return "us" if LATENCY.fullmatch(series) else UNITS.get(series, "")


def ensure_known(limits: Sequence[DriftLimit], *, own_process: bool, gauges: Collection[str]) -> None:
    """Refuse a limit of what is not measured.

    Raises:
        ConfigurationError: nobody can tell the series.
    """
    told = [*(OF_PROCESSES if own_process else ()), *gauges]
    for limit in limits:
        if limit.name not in told and not LATENCY.fullmatch(limit.name):
            raise ConfigurationError(
                f"growth of {limit.name} can't be measured here",
                remedy=f"there are {', '.join([*told, 'latency_p50', 'latency_p95'])}",
            )


class GrowthLooks:
    """Judges drift limits as often as it is asked, sharing one error among the looks: look k has alpha / 2^k.

    A look that is not the last one waits for a quarter more runs than the one before had.

    Args:
        limits: what is allowed.
        alpha: probability of a wrong PASS, and of a wrong FAIL, of all looks together.
    """

    def __init__(self, limits: Sequence[DriftLimit], alpha: float) -> None:
        self._limits = tuple(limits)
        self._left = alpha
        self._next = 0.0

    def look(self, measured: Measurement, rate: float, *, last: bool = False) -> tuple[Drift, ...] | None:
        """What is found about every limit; None when it is too early to look again.

        Args:
            measured: what was seen so far.
            rate: nominal arrivals per second.
            last: no other look will follow, so this one has all of the error that is left.
        """
        runs = measured.stop - measured.start
        if not last:
            if runs < self._next:
                return None
            self._left /= 2
        self._next = runs * LOOK_GROWTH
        return judge_drifts(
            [blocks_of(limit, measured) for limit in self._limits], rate=rate, alpha=self._left
        )

    def begin_anew(self) -> None:
        """The next look is at other runs; it shares the same error."""
        self._next = 0.0

    def confirm(self, measured: Measurement, rate: float) -> bool:
        """Whether growth still fails when latencies count from the first request on, without the lag."""
        series = [blocks_of(limit, measured, since_sent=True) for limit in self._limits]
        return any(
            drift.verdict is Verdict.FAIL for drift in judge_drifts(series, rate=rate, alpha=self._left)
        )


def blocks_of(limit: DriftLimit, measured: Measurement, *, since_sent: bool = False) -> DriftSeries:
    """The series that a limit is about, by blocks; an empty one when it could too often not be told."""
    if latency := LATENCY.fullmatch(limit.name):
        share = int(latency[1]) / 100
        return DriftSeries(limit, *latency_blocks(measured, share, since_sent=since_sent))
    series = measured.resources[limit.name]
    if series.unknown > MOST_UNKNOWN * len(series.values):
        return DriftSeries(limit, (), ())
    return DriftSeries(limit, *block_minima(series.runs, series.values, BLOCKS))


def latency_blocks(
    measured: Measurement, share: float, *, since_sent: bool
) -> tuple[list[float], list[float]]:
    """A percentile of the latencies of each block of runs, in microseconds, at cumulative runs."""
    start, stop = measured.start, measured.stop
    size = max(LEAST_BLOCK_RUNS, (stop - start) // BLOCKS)
    runs, values = [], []
    for first in range(start, stop - size + 1, size):
        latencies = measured.recording.latencies(first, first + size, since_sent=since_sent)
        block = LogHistogram(max(0.0, latency) for latency in latencies)
        if block.count:
            runs.append(float(first + size - start))
            values.append(block.percentile(share) * MICROSECONDS)
    return runs, values
