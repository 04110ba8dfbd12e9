"""Proof that a schedule was kept: without it no figure says anything about the service."""

import math
from dataclasses import dataclass

from gatewright.load.histogram import LogHistogram
from gatewright.load.recording import Outcome, Recording

__all__ = ["LEAST_SENT_SHARE", "LagLimits", "ScheduleProof", "prove_schedule"]

LEAST_SENT_SHARE = 0.99
LARGEST_LAG_S = 0.005
LATE_SHARE = 0.05
UNFIT_SHARE = 0.25
LEAST_UNFIT_S = 0.02
UNLIKELY = 6.0
CLOCK_TOLERANCE_S = 0.001


@dataclass(frozen=True)
class LagLimits:
    """Limits of the send lag's p99, in seconds.

    Attributes:
        late_s: beyond it latencies are too much the generator's own. As they count from the schedule, lag
            only makes a service look slower: PASS stands, FAIL must be confirmed from the moment of sending.
        unfit_s: beyond it the load was not the one that was planned, and nothing stands. Never below 20 ms:
            a lag of a few does not change what was offered, however strict the threshold is.
    """

    late_s: float
    unfit_s: float

    @classmethod
    def for_threshold(cls, threshold_s: float) -> "LagLimits":
        """What a latency threshold bears: late beyond 5% of it or 5 ms, unfit beyond 25% and 20 ms."""
        late_s = min(LARGEST_LAG_S, LATE_SHARE * threshold_s)
        return cls(late_s, max(LEAST_UNFIT_S, UNFIT_SHARE * threshold_s))


@dataclass(frozen=True)
class ScheduleProof:
    """How well the generator kept to its schedule; lags (first request written minus schedule) in seconds.

    Attributes:
        scheduled: runs that were due.
        sent: how many of them were sent.
        dropped: how many the generator gave up.
        achieved_rate: of runs sent, per second.
        lag_p50_s, lag_p99_s, lag_max_s: percentiles of the send lag.
        limits: of the send lag.
        planned: how many runs should have been due; None where nobody knows.
        backwards: runs that were sent or ended before they were due, or due before the one before them.
        unresolved: runs that had neither succeeded nor failed when all was over.
    """

    scheduled: int
    sent: int
    dropped: int
    achieved_rate: float
    lag_p50_s: float
    lag_p99_s: float
    lag_max_s: float
    limits: LagLimits
    planned: float | None = None
    backwards: int = 0
    unresolved: int = 0

    @property
    def late(self) -> bool:
        """Whether a FAIL must be confirmed from the moment of sending."""
        return self.lag_p99_s > self.limits.late_s

    @property
    def problems(self) -> tuple[str, ...]:
        """Why the measurement is unfit, in words; none when the schedule was kept."""
        found = []
        if not self.scheduled:
            return ("nothing was measured",)
        if self.sent < LEAST_SENT_SHARE * self.scheduled:
            found.append(f"only {self.sent} of {self.scheduled} scheduled runs were sent")
        if self.dropped:
            found.append(f"the generator dropped {self.dropped} runs")
        if self.lag_p99_s > self.limits.unfit_s:
            lag, limit = self.lag_p99_s * 1e3, self.limits.unfit_s * 1e3
            found.append(f"the generator sent late: p99 {lag:.1f} ms, allowed {limit:.1f} ms")
        if self.planned is not None and not is_likely(self.scheduled, self.planned):
            found.append(f"{self.scheduled} runs were due where {self.planned:.0f} were planned")
        if self.backwards:
            found.append(f"the clock went backwards in {self.backwards} runs")
        if self.unresolved:
            found.append(f"{self.unresolved} runs never ended")
        return tuple(found)


def is_likely(count: int, planned: float) -> bool:
    """Whether so many arrivals may have come by chance (Poisson): within 1% and six standard deviations."""
    return abs(count - planned) <= (1 - LEAST_SENT_SHARE) * planned + UNLIKELY * math.sqrt(planned) + 1


def count_backwards(recording: Recording, start: int, stop: int) -> int:
    """How many runs in [start, stop) contradict the order of time, by more than a millisecond."""
    found = 0
    for run in range(start, stop):
        due = recording.scheduled[run] - CLOCK_TOLERANCE_S
        before = recording.scheduled[run - 1] - CLOCK_TOLERANCE_S if run > start else due
        # A moment that is no number keeps no order either.
        found += not (
            before <= recording.scheduled[run] and due <= recording.sent[run] and due <= recording.ended[run]
        )
    return found


def prove_schedule(
    recording: Recording,
    start: int,
    stop: int,
    limits: LagLimits,
    *,
    planned: float | None = None,
    unresolved: int = 0,
) -> ScheduleProof:
    """Judge the generator over the runs in [start, stop).

    Args:
        recording: what the open loop saw.
        start: the first run that counts.
        stop: the first run that doesn't.
        limits: of the send lag.
        planned: how many runs should have been due; None where nobody knows.
        unresolved: runs that were still under way when all was over.
    """
    dropped = recording.count(Outcome.DROPPED, start, stop)
    lags = LogHistogram(max(0.0, lag) for lag in recording.lags(start, stop))
    elapsed = recording.scheduled[stop - 1] - recording.scheduled[start] if stop - start > 1 else 0.0
    sent = stop - start - dropped
    return ScheduleProof(
        scheduled=stop - start,
        sent=sent,
        dropped=dropped,
        achieved_rate=max(0, sent - 1) / elapsed if elapsed > 0 else 0.0,
        lag_p50_s=lags.percentile(0.5) if sent else 0.0,
        lag_p99_s=lags.percentile(0.99) if sent else 0.0,
        lag_max_s=lags.percentile(1.0) if sent else 0.0,
        limits=limits,
        planned=planned,
        backwards=count_backwards(recording, start, stop),
        unresolved=unresolved,
    )
