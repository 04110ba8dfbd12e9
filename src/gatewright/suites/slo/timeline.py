"""Latency over time: a recording in blocks of equal length."""

from bisect import bisect_left

from gatewright.load import LogHistogram, Outcome, Recording
from gatewright.suites.slo.report import TimeBlock, Timeline
from gatewright.suites.slo.units import in_ms

__all__ = ["timeline"]

MOST_BLOCKS = 240
LENGTHS_S = (1, 2, 5, 10, 30, 60, 300, 600, 1800, 3600)


def timeline(recording: Recording, start: int, stop: int) -> Timeline:
    """The whole recording up to the run `stop`, in at most 240 blocks; [start, stop) are the judged runs."""
    if not len(recording):
        return Timeline()
    began = recording.started
    covered = recording.scheduled[-1] - began
    block_s = next((length for length in LENGTHS_S if covered / length < MOST_BLOCKS), LENGTHS_S[-1])
    blocks = tuple(
        block_of(recording, began + number * block_s, block_s, number * block_s)
        for number in range(int(covered / block_s) + 1)
    )
    return Timeline(
        block_s=block_s,
        measured_from_s=moment_of(recording, start),
        measured_to_s=moment_of(recording, stop),
        blocks=blocks,
    )


def moment_of(recording: Recording, run: int) -> float:
    """When a run was due, in seconds from the start; for the number after the last one, when that was due."""
    return max(0.0, recording.scheduled[min(run, len(recording) - 1)] - recording.started)


def block_of(recording: Recording, begin: float, length_s: float, start_s: float) -> TimeBlock:
    """The block that begins at a moment of the recording's clock."""
    first, last = (bisect_left(recording.scheduled, edge) for edge in (begin, begin + length_s))
    done = [bisect_left(recording.successes, edge) for edge in (begin, begin + length_s)]
    latencies = LogHistogram(max(0.0, latency) for latency in recording.latencies(first, last))
    return TimeBlock(
        start_s=start_s,
        runs=last - first,
        failed=recording.count(Outcome.FAILED, first, last),
        completed=done[1] - done[0],
        p50_ms=in_ms(latencies.percentile(0.5)),
        p95_ms=in_ms(latencies.percentile(0.95)),
        p99_ms=in_ms(latencies.percentile(0.99)),
        max_ms=in_ms(latencies.percentile(1.0)),
    )
