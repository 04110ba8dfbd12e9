"""Warm-up: the beginning of a recording that is discarded, because the service had not settled."""

from bisect import bisect_left
from dataclasses import dataclass
from statistics import median

from gatewright.load.recording import Recording

__all__ = ["WarmUp", "WarmUpRule", "find_warm_up"]


@dataclass(frozen=True)
class WarmUpRule:
    """When a service counts as settled: two successive windows whose median latencies agree.

    Attributes:
        window_s: the length of a window, in seconds.
        tolerance: the largest relative difference of two medians that agree.
        slack_s: a difference up to this many seconds always agrees.
        longest_s: the warm-up ends here, settled or not.
    """

    window_s: float = 1.0
    tolerance: float = 0.25
    slack_s: float = 0.002
    longest_s: float = 6.0


@dataclass(frozen=True)
class WarmUp:
    """The warm-up that was discarded: its length in seconds, its runs, and whether the service settled."""

    seconds: float
    runs: int
    settled: bool


def find_warm_up(recording: Recording, now: float, rule: WarmUpRule) -> WarmUp | None:
    """The warm-up, once it is known to be over; None before.

    Args:
        recording: what the open loop saw so far.
        now: the moment, of the recording's clock.
        rule: when the service counts as settled.
    """
    resolved = recording.resolved()
    previous = None
    for number in range(1, int(rule.longest_s / rule.window_s) + 1):
        begin, end = (recording.started + (number + side) * rule.window_s for side in (-1, 0))
        first, last = bisect_left(recording.scheduled, begin), bisect_left(recording.scheduled, end)
        if last > resolved or len(recording) <= last:
            break
        latencies = list(recording.latencies(first, last))
        middle = median(latencies) if latencies else None
        if previous is not None and middle is not None and agree(previous, middle, rule):
            return WarmUp(number * rule.window_s, last, settled=True)
        previous = middle
    end = recording.started + rule.longest_s
    if now < end:
        return None
    return WarmUp(rule.longest_s, bisect_left(recording.scheduled, end), settled=False)


def agree(one: float, other: float, rule: WarmUpRule) -> bool:
    """Whether two medians, in seconds, are about the same."""
    return abs(one - other) <= max(rule.slack_s, rule.tolerance * max(one, other))
