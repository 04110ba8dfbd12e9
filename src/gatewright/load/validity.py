"""Proof that a schedule was kept: without it no figure says anything about the service."""

from dataclasses import dataclass

from gatewright.load.histogram import LogHistogram
from gatewright.load.recording import Outcome, Recording

__all__ = ["LEAST_SENT_SHARE", "LagLimits", "ScheduleProof", "prove_schedule"]

LEAST_SENT_SHARE = 0.99
LARGEST_LAG_S = 0.005
LATE_SHARE = 0.05
UNFIT_SHARE = 0.25
LEAST_UNFIT_S = 0.02


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
    """How well the generator kept to its schedule; lags (first request written minus schedule) in seconds."""

    scheduled: int
    sent: int
    dropped: int
    achieved_rate: float
    lag_p50_s: float
    lag_p99_s: float
    lag_max_s: float
    limits: LagLimits

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
        return tuple(found)


def prove_schedule(recording: Recording, start: int, stop: int, limits: LagLimits) -> ScheduleProof:
    """Judge the generator over the runs in [start, stop).

    Args:
        recording: what the open loop saw.
        start: the first run that counts.
        stop: the first run that doesn't.
        limits: of the send lag.
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
        limits=limits,
    )
