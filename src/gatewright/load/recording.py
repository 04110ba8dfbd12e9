"""What an open loop saw: arrays of floats, one entry for each run, in the order of the schedule."""

from array import array
from collections import Counter
from collections.abc import Iterator
from enum import IntEnum
from math import nan

__all__ = ["Outcome", "Recording"]

DISTINCT_FAILURES = 50


class Outcome(IntEnum):
    """How a run ended."""

    PENDING = 0
    SUCCEEDED = 1
    FAILED = 2
    DROPPED = 3


class Recording:
    """Times of every run, in seconds of one monotonic clock; runs are numbered in the order of the schedule.

    Attributes:
        steps: names of the journey's steps.
        started: when the schedule began.
        scheduled: when each run was to start.
        sent: when its first request was written.
        ended: when it succeeded or failed; NaN while it is under way.
        outcomes: an `Outcome` for each run.
        services: for each step, the service times (answer minus request) of all calls.
        failures: counts by step and reason.
        successes: when runs succeeded, in the order in which they did.
    """

    def __init__(self, steps: tuple[str, ...]) -> None:
        self.steps = steps
        self.started = 0.0
        self.scheduled = array("d")
        self.sent = array("d")
        self.ended = array("d")
        self.outcomes = bytearray()
        self.services = tuple(array("d") for _ in steps)
        self.failures: Counter[tuple[str, str]] = Counter()
        self.successes = array("d")
        self._resolved = 0

    def __len__(self) -> int:
        return len(self.scheduled)

    def begin(self, scheduled: float, sent: float) -> int:
        """A run starts; returns its number."""
        self.scheduled.append(scheduled)
        self.sent.append(sent)
        self.ended.append(nan)
        self.outcomes.append(Outcome.PENDING)
        return len(self.scheduled) - 1

    def end(self, run: int, outcome: Outcome, moment: float) -> None:
        """A run is over."""
        self.ended[run] = moment
        self.outcomes[run] = outcome
        if outcome is Outcome.SUCCEEDED:
            self.successes.append(moment)

    def count_failure(self, step: int, reason: str) -> None:
        """Count why a run failed; the number of different reasons is bounded."""
        key = (self.steps[step], reason)
        if key not in self.failures and len(self.failures) >= DISTINCT_FAILURES:
            key = ("other", "further reasons")
        self.failures[key] += 1

    def resolved(self) -> int:
        """How many runs from the first on are over without a gap.

        Judging only this prefix keeps slow runs in: of the runs after it, only the quick ones have ended.
        """
        end = self.outcomes.find(Outcome.PENDING, self._resolved)
        self._resolved = len(self.outcomes) if end < 0 else end
        return self._resolved

    def exceedances(
        self, limit_s: float, start: int, stop: int, *, since_sent: bool = False
    ) -> Iterator[int]:
        """The runs in [start, stop) that failed, or took longer than `limit_s`.

        Args:
            limit_s: in seconds.
            start: the first run that counts.
            stop: the first that doesn't.
            since_sent: count from the first request instead of the schedule, which leaves the generator's lag
                out, and a stall that held requests back as well.
        """
        since = self.sent if since_sent else self.scheduled
        for run in range(start, stop):
            if self.outcomes[run] != Outcome.SUCCEEDED or self.ended[run] - since[run] > limit_s:
                yield run

    def latencies(self, start: int, stop: int) -> Iterator[float]:
        """Latencies (end minus schedule, seconds) of the runs in [start, stop) that succeeded."""
        for run in range(start, stop):
            if self.outcomes[run] == Outcome.SUCCEEDED:
                yield self.ended[run] - self.scheduled[run]

    def lags(self, start: int, stop: int) -> Iterator[float]:
        """How late the first request of each run in [start, stop) was written, in seconds."""
        for run in range(start, stop):
            if self.outcomes[run] != Outcome.DROPPED:
                yield self.sent[run] - self.scheduled[run]

    def count(self, outcome: Outcome, start: int, stop: int) -> int:
        """How many runs in [start, stop) ended in this way."""
        return self.outcomes.count(outcome, start, stop)
