"""Proof that a schedule was kept: without it no figure says anything about the service."""

from dataclasses import dataclass

from gatewright.load.histogram import LogHistogram
from gatewright.load.recording import Outcome, Recording

__all__ = ["LEAST_SENT_SHARE", "ScheduleProof", "lag_limit", "prove_schedule"]

LEAST_SENT_SHARE = 0.99
LARGEST_LAG_S = 0.005
LAG_SHARE_OF_THRESHOLD = 0.05


@dataclass(frozen=True)
class ScheduleProof:
    """How well the generator kept to its schedule; lags (first request written minus schedule) in seconds."""

    scheduled: int
    sent: int
    dropped: int
    achieved_rate: float
    lag_p50_s: float
    lag_p99_s: float
    lag_max_s: float
    lag_limit_s: float

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
        if self.lag_p99_s > self.lag_limit_s:
            lag, limit = self.lag_p99_s * 1e3, self.lag_limit_s * 1e3
            found.append(f"the generator sent late: p99 {lag:.1f} ms, allowed {limit:.1f} ms")
        return tuple(found)


def lag_limit(threshold_s: float) -> float:
    """The largest p99 of the send lag, in seconds, that a latency threshold bears: 5% of it, at most 5 ms."""
    return min(LARGEST_LAG_S, LAG_SHARE_OF_THRESHOLD * threshold_s)


def prove_schedule(recording: Recording, start: int, stop: int, *, lag_limit_s: float) -> ScheduleProof:
    """Judge the generator over the runs in [start, stop).

    Args:
        recording: what the open loop saw.
        start: the first run that counts.
        stop: the first run that doesn't.
        lag_limit_s: the largest p99 of the send lag, in seconds.
    """
    dropped = recording.count(Outcome.DROPPED, start, stop)
    lags = LogHistogram(max(0.0, lag) for lag in recording.lags(start, stop))
    elapsed = recording.scheduled[stop - 1] - recording.scheduled[start] if stop - start > 1 else 0.0
    sent = stop - start - dropped
    return ScheduleProof(
        scheduled=stop - start,
        sent=sent,
        dropped=dropped,
        achieved_rate=(sent - 1) / elapsed if elapsed > 0 else 0.0,
        lag_p50_s=lags.percentile(0.5) if sent else 0.0,
        lag_p99_s=lags.percentile(0.99) if sent else 0.0,
        lag_max_s=lags.percentile(1.0) if sent else 0.0,
        lag_limit_s=lag_limit_s,
    )
