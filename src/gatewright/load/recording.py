"""What an open loop saw: arrays of floats, one entry for each run, in the order of the schedule."""

from array import array
from collections import Counter
from collections.abc import Iterator
from enum import IntEnum
from math import isfinite, nan

from gatewright.core.errors import GatewrightError

__all__ = ["NOWHERE", "Outcome", "Recording"]

DISTINCT_FAILURES = 50
NOWHERE = -1


class Outcome(IntEnum):
    """How a run ended."""

    PENDING = 0
    SUCCEEDED = 1
    FAILED = 2
    DROPPED = 3


class Recording:
    """Times of every run, in seconds of one monotonic clock; runs are numbered in the order of the schedule.

    Attributes:
        steps: names of the steps of all journeys.
        journeys: names of the journeys.
        started: when the schedule began.
        scheduled: when each run was to start.
        sent: when its first request was written.
        ended: when it succeeded or failed; NaN while it is under way.
        outcomes: an `Outcome` for each run.
        journey_of: the number of each run's journey.
        failed_at: the number of the step at which each run failed or was dropped; `NOWHERE` else.
        services: for each step, the service times (answer minus request) of all calls.
        callers: for each step, the run that made each of these calls.
        failures: counts by step and reason.
        successes: when runs succeeded, in the order in which they did.
        successful: which runs these were.
    """

    def __init__(self, steps: tuple[str, ...], journeys: tuple[str, ...] = ("",)) -> None:
        self.steps = steps
        self.journeys = journeys
        self.started = 0.0
        self.scheduled = array("d")
        self.sent = array("d")
        self.ended = array("d")
        self.outcomes = bytearray()
        self.journey_of = array("H")
        self.failed_at = array("h")
        self.services = tuple(array("d") for _ in steps)
        self.callers = tuple(array("q") for _ in steps)
        self.failures: Counter[tuple[str, str]] = Counter()
        self.successes = array("d")
        self.successful = array("q")
        self._resolved = 0

    def __len__(self) -> int:
        return len(self.scheduled)

    def begin(self, scheduled: float, sent: float, journey: int = 0) -> int:
        """A run of a journey starts; returns its number.

        Raises:
            GatewrightError: the moment at which it is due is no number.
        """
        if not isfinite(scheduled):
            raise GatewrightError(f"no run is due at {scheduled:g} s")
        self.scheduled.append(scheduled)
        self.sent.append(sent)
        self.ended.append(nan)
        self.outcomes.append(Outcome.PENDING)
        self.journey_of.append(journey)
        self.failed_at.append(NOWHERE)
        return len(self.scheduled) - 1

    def answer(self, run: int, step: int, seconds: float) -> None:
        """A step of a run was answered after its service time."""
        self.services[step].append(seconds)
        self.callers[step].append(run)

    def succeed(self, run: int, moment: float) -> None:
        """A run is over, and all of its steps were answered as they should be."""
        self.ended[run] = moment
        self.outcomes[run] = Outcome.SUCCEEDED
        self.successes.append(moment)
        self.successful.append(run)

    def fail(
        self, run: int, moment: float, *, step: int, reason: str, outcome: Outcome = Outcome.FAILED
    ) -> None:
        """A run is over at a step, by the service's fault or dropped by the generator's.

        The number of different reasons that are counted is bounded.
        """
        self.ended[run] = moment
        self.outcomes[run] = outcome
        self.failed_at[run] = step
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

    def latencies(self, start: int, stop: int, *, since_sent: bool = False) -> Iterator[float]:
        """Latencies (end minus schedule, seconds) of the runs in [start, stop) that succeeded.

        Args:
            start: the first run that counts.
            stop: the first that doesn't.
            since_sent: count from the first request instead of the schedule, which leaves the generator's lag
                out, and a stall that held requests back as well.
        """
        since = self.sent if since_sent else self.scheduled
        for run in range(start, stop):
            if self.outcomes[run] == Outcome.SUCCEEDED:
                yield self.ended[run] - since[run]

    def lags(self, start: int, stop: int) -> Iterator[float]:
        """How late the first request of each run in [start, stop) was written, in seconds."""
        for run in range(start, stop):
            if self.outcomes[run] != Outcome.DROPPED:
                yield self.sent[run] - self.scheduled[run]

    def count(self, outcome: Outcome, start: int, stop: int) -> int:
        """How many runs in [start, stop) ended in this way."""
        return self.outcomes.count(outcome, start, stop)
