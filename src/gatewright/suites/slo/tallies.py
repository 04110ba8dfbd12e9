"""Counts, for each objective, the runs that are its business and those of them that broke it."""

from array import array
from collections.abc import Sequence
from math import inf

from gatewright.core.errors import ConfigurationError
from gatewright.load import LogHistogram, Mix, Outcome, Recording
from gatewright.slo import LatencyObjective, Objective, SuccessObjective, ThroughputObjective

__all__ = ["RunTally", "StepTally", "ensure_measurable", "tally_of"]

Counted = LatencyObjective | SuccessObjective


def ensure_measurable(objectives: Sequence[Objective], mix: Mix) -> None:
    """Refuse an objective of a journey or step that no run makes.

    Raises:
        ConfigurationError: naming it, and what there is.
    """
    for objective in objectives:
        if objective.journey and objective.journey not in mix.names:
            known = ", ".join(filter(None, mix.names)) or "one without a name"
            raise ConfigurationError(f"there is no journey {objective.journey!r}", remedy=f"there is {known}")
        if not isinstance(objective, ThroughputObjective) and objective.step:
            steps_of(objective, mix.names, mix.steps)


def steps_of(objective: Counted, journeys: Sequence[str], steps: Sequence[str]) -> set[int]:
    """The numbers of the steps that an objective means: of one journey, or of all that have such a step."""
    owners = [objective.journey] if objective.journey else list(journeys)
    wanted = {f"{owner}/{objective.step}" for owner in owners} if len(journeys) > 1 else {objective.step}
    found = {number for number, name in enumerate(steps) if name in wanted}
    if not found:
        raise ConfigurationError(
            f"there is no step {objective.step!r}", remedy=f"there is {', '.join(steps)}"
        )
    return found


class Counts:
    """What one objective saw so far.

    Attributes:
        samples: runs that were counted.
        exceedances: ascending numbers, from 0, of those that broke the objective.
        near_misses: likewise of those that took longer than half of a latency's threshold, or failed.
        latencies: times of those that did not fail, in their order, in seconds.
    """

    def __init__(self, objective: Counted, allowance_s: float) -> None:
        self.samples = 0
        self.exceedances: list[int] = []
        self.near_misses: list[int] = []
        self.latencies = array("d")
        self._limit_s = limit_of(objective) + allowance_s
        self._near_s = limit_of(objective) / 2 + allowance_s

    def percentile(self, share: float) -> float:
        """The latency that `share` (0..1) of runs that did not fail don't exceed, in seconds, within 0.1%."""
        return LogHistogram(self.latencies).percentile(share)

    def add(self, seconds: float, *, shown: float) -> None:
        """Count a run that did not fail: what is held against the limit, and what is recorded of it."""
        if seconds > self._limit_s:
            self.exceedances.append(self.samples)
        if seconds > self._near_s:
            self.near_misses.append(self.samples)
        self.latencies.append(max(0.0, shown))
        self.samples += 1

    def add_failure(self) -> None:
        """Count a run that failed: it exceeds every limit, also the infinite one of a success ratio."""
        self.exceedances.append(self.samples)
        self.near_misses.append(self.samples)
        self.samples += 1


class RunTally(Counts):
    """Counts whole runs, from their schedule to their last answer."""

    def __init__(
        self, recording: Recording, objective: Counted, *, allowance_s: float = 0.0, since_sent: bool = False
    ) -> None:
        super().__init__(objective, allowance_s)
        self._recording = recording
        self._journey = recording.journeys.index(objective.journey) if objective.journey else None
        self._since = recording.sent if since_sent else recording.scheduled

    def advance(self, start: int, stop: int) -> None:
        """Count the runs in [start, stop), which are over."""
        recording = self._recording
        for run in range(start, stop):
            if self._journey is not None and recording.journey_of[run] != self._journey:
                continue
            if recording.outcomes[run] == Outcome.SUCCEEDED:
                ended = recording.ended[run]
                self.add(ended - self._since[run], shown=ended - recording.scheduled[run])
            else:
                self.add_failure()


class StepTally(Counts):
    """Counts the runs that reached a step: its longest service time, or that the run failed there."""

    def __init__(self, recording: Recording, objective: Counted, *, allowance_s: float = 0.0) -> None:
        super().__init__(objective, allowance_s)
        self._recording = recording
        self._steps = steps_of(objective, recording.journeys, recording.steps)
        self._read = dict.fromkeys(self._steps, 0)
        self._longest: dict[int, float] = {}

    def advance(self, start: int, stop: int) -> None:
        """Count the runs in [start, stop), which are over; earlier ones are left out."""
        self._read_calls()
        for run in range(start, stop):
            longest = self._longest.pop(run, None)
            if self._recording.failed_at[run] in self._steps:
                self.add_failure()
            elif longest is not None:
                self.add(longest, shown=longest)

    def _read_calls(self) -> None:
        """Calls are recorded in the order of their answers, runs are counted in that of the schedule."""
        for step, begin in self._read.items():
            callers, services = self._recording.callers[step], self._recording.services[step]
            for call in range(begin, len(callers)):
                run = callers[call]
                self._longest[run] = max(services[call], self._longest.get(run, 0.0))
            self._read[step] = len(callers)


def limit_of(objective: Counted) -> float:
    """The time beyond which a run breaks the objective, in seconds; a success ratio has none."""
    return objective.threshold_s if isinstance(objective, LatencyObjective) else inf


def tally_of(
    recording: Recording, objective: Counted, *, allowance_s: float = 0.0, since_sent: bool = False
) -> RunTally | StepTally:
    """The tally of an objective, at nothing yet.

    Args:
        recording: what the open loop sees.
        objective: about whole runs or a step.
        allowance_s: only what is beyond its limit by more than this counts.
        since_sent: whole runs count from their first request instead of the schedule.
    """
    if objective.step:
        return StepTally(recording, objective, allowance_s=allowance_s)
    return RunTally(recording, objective, allowance_s=allowance_s, since_sent=since_sent)
