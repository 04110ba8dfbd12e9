"""Measurements in virtual time: what happens to each run is written down beforehand, and a watch looks on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gatewright.load import Outcome, Recording

__all__ = ["PlannedRun", "record"]

TICK_S = 0.1


@dataclass(frozen=True)
class PlannedRun:
    """What happens to one run.

    Attributes:
        due: when, in seconds from the start.
        lag_s: its first request is sent so much later.
        service_s: it ends so long after that; infinite for one that never does.
        outcome: how it ends.
        begins_s: when the recording learns of it; when it is due, unless the clock is to lie.
    """

    due: float
    lag_s: float = 0.0
    service_s: float = 0.01
    outcome: Outcome = Outcome.SUCCEEDED
    begins_s: float | None = None

    @property
    def ends(self) -> float:
        """When it is over."""
        return self.due + self.lag_s + self.service_s


def record(
    watch: Callable[[Recording, float], bool], runs: Sequence[PlannedRun], seconds: float
) -> tuple[Recording, float]:
    """Let a watch look at the runs ten times a second until it stops; else runs under way are let end.

    Returns:
        The recording, and the moment at which the watch stopped.
    """
    recording, under_way = Recording(("step",)), list[int]()
    for tick in range(1, round(seconds / TICK_S) + 1):
        now = tick * TICK_S
        while len(recording) < len(runs) and begins(runs[len(recording)]) < now + 1e-9:
            run = runs[len(recording)]
            under_way.append(recording.begin(run.due, run.due + run.lag_s))
        under_way = end_due(recording, runs, under_way, now)
        if watch(recording, now):
            return recording, now
    end_due(recording, runs, under_way, 1e9)
    return recording, seconds


def begins(run: PlannedRun) -> float:
    """When the recording learns of a run."""
    return run.due if run.begins_s is None else run.begins_s


def end_due(recording: Recording, runs: Sequence[PlannedRun], under_way: list[int], now: float) -> list[int]:
    """End what is over by now, in the order of its end; returns what goes on."""
    over = sorted((number for number in under_way if runs[number].ends <= now), key=lambda n: runs[n].ends)
    for number in over:
        run = runs[number]
        if run.outcome is Outcome.SUCCEEDED:
            recording.answer(number, 0, run.service_s)
            recording.succeed(number, run.ends)
        else:
            recording.fail(number, run.ends, step=0, reason="answered 500", outcome=run.outcome)
    ended = set(over)
    return [number for number in under_way if number not in ended]
