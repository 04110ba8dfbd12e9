"""One worker's runs: paced as Locust's constant throughput does it, recorded, and counted for the master."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from gatewright.load import Answer, Mix, Recording, Request, StepFailedError
from gatewright.plugins.locust.counts import (
    LONGEST_REASON,
    TICK_S,
    TICKS_A_SECOND,
    TICKS_A_SPAN,
    Counts,
    Pool,
    Shape,
)
from gatewright.plugins.locust.workload import BLOCK_S, Lineup, Pace, Workload
from gatewright.slo import LatencyObjective, SuccessObjective
from gatewright.suites.slo.tallies import RunTally, StepTally, tally_of

__all__ = ["Ask", "Beat", "NoAnswerError", "Totals", "Walker"]

DISTINCT_FAILURES = 50
FURTHER = ("other", "further reasons")

Ask = Callable[[Request, str], Answer]
"""Sends the request of a step, which it is also told by name, and waits for the answer."""


class NoAnswerError(Exception):
    """A request got no answer; the message is counted, so it is free of ids."""


class Beat:
    """When one user's runs are due: every period, from its own place in the first one on.

    Locust's `constant_throughput` drifts by what its own bookkeeping takes and does not tell which runs it
    left out; a fixed grid does neither. A user that is late by a period or more leaves those runs out.

    Args:
        phase_s: the first run, in seconds from the beginning.
        period_s: from one run to the next.
    """

    def __init__(self, phase_s: float, period_s: float) -> None:
        self._next_s = phase_s
        self._period_s = period_s

    def next(self, now_s: float) -> tuple[float, list[float]]:
        """When the next run is due, and when those were that were left out."""
        omitted = []
        while self._next_s + self._period_s <= now_s:
            omitted.append(self._next_s)
            self._next_s += self._period_s
        due, self._next_s = self._next_s, self._next_s + self._period_s
        return due, omitted


@dataclass(frozen=True)
class Totals:
    """Since the beginning: runs that were due, are over, or were left out; calls that were answered."""

    arrived: int
    counted: int
    left_out: int
    requests: int


class Walker:
    """Makes runs for the users of one worker; all times are in seconds from the beginning.

    Args:
        workload: what is done and counted.
        pace: how fast.
        mix: the workload's journeys.
        index: of the worker, so that its users' places differ from those of others.
        clock: monotonic seconds; 0 is the beginning.
    """

    def __init__(
        self, workload: Workload, pace: Pace, mix: Mix, *, index: int, clock: Callable[[], float]
    ) -> None:
        self.pace = pace
        self.clock = clock
        self.users = 0
        self._mix = mix
        self._shape = Shape.of(workload, Lineup.of(mix), pace)
        self._pool = Pool(self._shape)
        self._recording = Recording(mix.steps, mix.names)
        self._parts = [tally_of(self._recording, SuccessObjective(0.5, *part)) for part in workload.parts]
        self._objectives = [tally_of(self._recording, objective) for objective in workload.counted]
        self._has_near_misses = [isinstance(each, LatencyObjective) for each in workload.counted]
        # Reproducible places are wanted here, not secrets.
        self._places = random.Random(f"{pace.seed}/{index}")  # noqa: S311
        self._arrived = 0
        self._counted = 0
        self._left_out = 0
        self._succeeded = 0
        self._answered = [0 for _ in mix.steps]
        self._reasons: set[tuple[str, str]] = set()

    @property
    def over(self) -> bool:
        """Whether the time is up and every run has ended."""
        ended = self._recording.resolved() == len(self._recording)
        return self.clock() >= self.pace.seconds and not self.users and ended

    @property
    def totals(self) -> Totals:
        """All that was counted up to the last `take`."""
        return Totals(self._arrived, self._counted, self._left_out, sum(self._answered))

    def enter(self) -> Beat:
        """A user begins, at a place of its own in the period."""
        self.users += 1
        return Beat(self._places.uniform(0, self.pace.period_s), self.pace.period_s)

    def leave(self) -> None:
        """A user has made its last run."""
        self.users -= 1

    def next_due(self, beat: Beat) -> float | None:
        """When a user's next run is due; None when that is after the end. Runs left out count as due."""
        now = self.clock()
        due, omitted = beat.next(now)
        if now >= self.pace.seconds:
            omitted.append(due)
        for moment in omitted:
            if moment < self.pace.seconds:
                self._left_out += 1
                self._arrive(moment, self._mix.draw())
        return due if max(now, due) < self.pace.seconds else None

    def walk(self, ask: Ask, due: float, free: float) -> None:
        """Make one run.

        Args:
            ask: sends requests.
            due: when it was due.
            free: since when the user had nothing else to do; a start later than both is the generator's lag.
        """
        journey = self._mix.draw()
        start = self.clock()
        self._arrive(due, journey)
        self._pool.lags.add(max(0.0, start - max(due, free)))
        run = self._recording.begin(start, start, journey)
        step = self._mix.number(journey, 0)
        calls = self._mix.journeys[journey].run()
        sent = start
        try:
            call = next(calls)
            while True:
                step = self._mix.number(journey, call.step)
                answer = ask(call.request, self._mix.steps[step])
                now = self.clock()
                self._recording.answer(run, step, now - sent)
                sent = now
                call = calls.send(answer)
        except StopIteration:
            self._recording.succeed(run, self.clock())
        except (NoAnswerError, StepFailedError) as failure:
            self._fail(run, step, str(failure))
        except Exception as error:  # noqa: BLE001 - whatever the answer broke, it is this run that failed
            self._fail(run, step, f"unreadable answer: {type(error).__name__}")

    def take(self) -> Counts:
        """What was seen since the last call; only runs that are over, with none under way before them."""
        self._count_runs()
        self._count_calls()
        self._count_successes()
        counts, self._pool = self._pool.counts(), Pool(self._shape)
        return counts

    def latencies(self) -> list[float]:
        """Of all runs that succeeded, in seconds."""
        recording = self._recording
        return list(recording.latencies(0, len(recording)))

    def _arrive(self, due: float, journey: int) -> None:
        self._arrived += 1
        self._pool.arrivals[journey][int(due / BLOCK_S)] += 1

    def _fail(self, run: int, step: int, reason: str) -> None:
        self._recording.fail(run, self.clock(), step=step, reason=reason)
        key = (self._recording.steps[step], reason[:LONGEST_REASON])
        if key not in self._reasons and len(self._reasons) >= DISTINCT_FAILURES:
            key = FURTHER
        self._reasons.add(key)
        self._pool.window(self._window(run)).failures[key] += 1

    def _tick(self, run: int) -> int:
        """The millisecond in which a run began; spans and windows are reckoned from it, so that all agree."""
        return int(self._recording.scheduled[run] / TICK_S)

    def _window(self, run: int) -> int:
        return self._tick(run) // (TICKS_A_SECOND * self.pace.window_s)

    def _count_runs(self) -> None:
        stop = self._recording.resolved()
        for run in range(self._counted, stop):
            tick = self._tick(run)
            parts = self._pool.window(self._window(run)).parts
            for number, tally in enumerate(self._parts):
                known = len(tally.latencies)
                if reached(tally, run):
                    self._pool.samples[number][tick // TICKS_A_SPAN] += 1
                for latency in tally.latencies[known:]:
                    parts[number].add(latency)
            for number, tally in enumerate(self._objectives):
                broken, near = broken_and_near(tally, run)
                if broken:
                    self._pool.exceedances[number][tick] += 1
                if near and self._has_near_misses[number]:
                    self._pool.near_misses[number][tick] += 1
        self._counted = stop

    def _count_calls(self) -> None:
        for step, begin in enumerate(self._answered):
            services, callers = self._recording.services[step], self._recording.callers[step]
            for call in range(begin, len(services)):
                self._pool.window(self._window(callers[call])).steps[step].add(max(0.0, services[call]))
            self._answered[step] = len(services)

    def _count_successes(self) -> None:
        recording = self._recording
        for number in range(self._succeeded, len(recording.successes)):
            journey = recording.journey_of[recording.successful[number]]
            self._pool.completions[journey][int(recording.successes[number] / BLOCK_S)] += 1
        self._succeeded = len(recording.successes)


def reached(tally: RunTally | StepTally, run: int) -> bool:
    """Let a tally count the next run; whether it was its business."""
    before = tally.samples
    tally.advance(run, run + 1)
    return tally.samples > before


def broken_and_near(tally: RunTally | StepTally, run: int) -> tuple[bool, bool]:
    """Let a tally count the next run; whether it broke the objective, and whether it came near that."""
    exceedances, near_misses = len(tally.exceedances), len(tally.near_misses)
    tally.advance(run, run + 1)
    return len(tally.exceedances) > exceedances, len(tally.near_misses) > near_misses
