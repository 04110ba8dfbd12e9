"""Watches a measurement while it runs: finds the warm-up, keeps counts, asks the judge, says when to stop."""

import resource
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf, nan
from pathlib import Path

from gatewright.core.verdict import Verdict
from gatewright.load import (
    LagLimits,
    LogHistogram,
    Mix,
    NoiseMeter,
    NoiseReading,
    Recording,
    ScheduleProof,
    WarmUp,
    WarmUpRule,
    find_warm_up,
    prove_schedule,
)
from gatewright.slo import (
    Decision,
    Flow,
    Judge,
    LatencyObjective,
    Measured,
    SuccessObjective,
    Tally,
    ThroughputObjective,
)
from gatewright.suites.slo.tallies import RunTally, StepTally, tally_of

__all__ = ["Glance", "Offered", "ResourceSeries", "Watch", "WatchRules", "Window"]

LOOK_INTERVAL_S = 0.5
BLOCK_S = 1.0


@dataclass(frozen=True)
class Offered:
    """What is offered to the service.

    Attributes:
        mean_rate: nominal arrivals per second between two moments, in seconds from the start of the schedule.
        mix: the journeys.
    """

    mean_rate: Callable[[float, float], float]
    mix: Mix

    def share(self, journey: str) -> float:
        """The share of runs that make a journey; 1 for the empty name, which means all."""
        return self.mix.share(journey) if journey else 1.0


@dataclass(frozen=True)
class WatchRules:
    """When a measurement ends, or begins anew.

    Attributes:
        offered: what is offered.
        stops_early: whether PASS ends the measurement; FAIL always does.
        lag_limits: of the send lag.
        most_discards: how often a window whose schedule was not kept is begun anew.
        warm_up: when the service counts as settled.
    """

    offered: Offered
    stops_early: bool
    lag_limits: LagLimits
    most_discards: int
    warm_up: WarmUpRule


@dataclass(frozen=True)
class Glance:
    """What progress shows: seconds since the start, whether it warms up, the figures so far."""

    seconds: float
    warming_up: bool
    runs: int
    rate: float
    p50_s: float
    p95_s: float
    p99_s: float
    decisions: tuple[Decision, ...]


@dataclass
class ResourceSeries:
    """Resident memory of the server, in bytes, at numbers of cumulative runs."""

    runs: list[int] = field(default_factory=list)
    resident: list[float] = field(default_factory=list)

    def sample(self, pid: int, runs: int) -> None:
        """Add what the server holds now; nothing where this system doesn't tell."""
        try:
            pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
        except (OSError, ValueError, IndexError):
            return
        self.runs.append(runs)
        self.resident.append(float(pages * resource.getpagesize()))


class Window:
    """The measured part of a recording, counted as it grows, so that a look costs little.

    Args:
        recording: what the open loop sees.
        judge: whose objectives are counted.
        start: the first run of the window.
        server_pid: whose noise and memory are read; None when it is not ours.
    """

    def __init__(self, recording: Recording, judge: Judge, start: int, server_pid: int | None) -> None:
        self.recording = recording
        self.start = start
        self.stop = start
        self.histogram = LogHistogram()
        self.noise_meter = NoiseMeter(server_pid)
        self.resources = ResourceSeries()
        self.services_from = [len(times) for times in recording.services]
        self.failures_before = Counter(recording.failures)
        self._server_pid = server_pid
        self._counted = [each for each in judge.objectives if not isinstance(each, ThroughputObjective)]
        self._flowing = [each for each in judge.objectives if isinstance(each, ThroughputObjective)]
        self._tallies = {each.name: tally_of(recording, each) for each in self._counted}

    @property
    def begins(self) -> float:
        """When the first run of the window was due."""
        return self.recording.scheduled[self.start] if self.start < len(self.recording) else 0.0

    @property
    def seconds(self) -> float:
        """How much of the schedule the counted runs cover."""
        return self.recording.scheduled[self.stop - 1] - self.begins if self.stop > self.start else 0.0

    def advance(self) -> None:
        """Count the runs that were resolved since the last call."""
        stop = max(self.stop, self.recording.resolved())
        for tally in self._tallies.values():
            tally.advance(self.stop, stop)
        for latency in self.recording.latencies(self.stop, stop):
            self.histogram.add(max(0.0, latency))
        self.stop = stop

    def measured(self, horizon: float, offered: Offered) -> Measured:
        """What the judge needs to know when the recording is complete up to the moment `horizon`."""
        return self._measured(self._tallies, horizon, offered)

    def measured_since_sent(self, offered: Offered, allowance_s: float) -> Measured:
        """The same with the generator's lag left out: latencies count from the first request on.

        Answers may be read as late as requests are sent: only a latency beyond its limit by more than
        `allowance_s` counts.
        """
        tallies = {
            each.name: tally_of(self.recording, each, allowance_s=allowance_s, since_sent=True)
            for each in self._counted
        }
        for tally in tallies.values():
            tally.advance(self.start, self.stop)
        return self._measured(tallies, self.begins + self.seconds, offered)

    def _measured(
        self, tallies: Mapping[str, RunTally | StepTally], horizon: float, offered: Offered
    ) -> Measured:
        return Measured(
            elapsed_s=self.seconds,
            tallies={
                each.name: Tally(
                    tallies[each.name].samples,
                    tallies[each.name].exceedances,
                    self._rate(horizon, offered) * self._reach(tallies[each.name].samples, each, offered),
                )
                for each in self._counted
            },
            flows={each.name: self.flow(horizon, offered, each.journey) for each in self._flowing},
        )

    def _reach(self, samples: int, objective: LatencyObjective | SuccessObjective, offered: Offered) -> float:
        """The share of runs that are an objective's business: of its journey, and that reach its step."""
        planned = offered.share(objective.journey)
        if not objective.step or not samples:
            return planned
        return min(planned, samples / (self.stop - self.start))

    def flow(self, horizon: float, offered: Offered, journey: str = "") -> Flow:
        """Arrivals and successes by whole seconds up to `horizon`; runs under way count as arrived only.

        Args:
            horizon: of the recording's clock.
            offered: what is offered.
            journey: only runs that make it; all when empty.
        """
        recording = self.recording
        blocks = max(0, int((horizon - self.begins) / BLOCK_S)) if self.start < len(recording) else 0
        edges = [self.begins + number * BLOCK_S for number in range(blocks + 1)]
        arrivals: Sequence[float] = recording.scheduled
        successes: Sequence[float] = recording.successes
        if journey:
            number = recording.journeys.index(journey)
            arrivals = [due for run, due in enumerate(arrivals) if recording.journey_of[run] == number]
            pairs = zip(recording.successful, successes, strict=True)
            successes = [moment for run, moment in pairs if recording.journey_of[run] == number]
        return Flow(
            block_s=BLOCK_S,
            arrived=between(arrivals, edges),
            completed=between(successes, edges),
            offered_rate=self._rate(edges[-1], offered) * offered.share(journey),
        )

    def _rate(self, horizon: float, offered: Offered) -> float:
        """The nominal rate of arrivals over the window, up to `horizon`."""
        started = self.recording.started
        return offered.mean_rate(self.begins - started, horizon - started)

    def proof(self, limits: LagLimits) -> ScheduleProof:
        """Whether the schedule was kept, over all runs of the window that are over."""
        return prove_schedule(self.recording, self.start, self.stop, limits)

    def sample_memory(self) -> None:
        """Note the server's memory, when it is ours to look at."""
        if self._server_pid is not None:
            self.resources.sample(self._server_pid, self.stop - self.start)

    def percentile(self, objective: LatencyObjective) -> float:
        """The percentile that an objective limits, in seconds, over the runs that are its business."""
        return self._tallies[objective.name].histogram.percentile(objective.percentile)

    def observed_rate(self, journey: str = "") -> float:
        """Successes a second, of one journey or of all, over the time that the counted runs cover."""
        begin, end = self.begins, self.begins + self.seconds
        recording = self.recording
        first, last = (bisect_left(recording.successes, edge) for edge in (begin, end))
        done = last - first
        if journey:
            number = recording.journeys.index(journey)
            done = sum(recording.journey_of[run] == number for run in recording.successful[first:last])
        return done / self.seconds if self.seconds else 0.0

    def failures(self) -> Counter[tuple[str, str]]:
        """Failures by step and reason since the window began."""
        return self.recording.failures - self.failures_before


def between(moments: Sequence[float], edges: Sequence[float]) -> list[int]:
    """How many of the ascending moments lie between each two neighbouring edges."""
    places = [bisect_left(moments, edge) for edge in edges]
    return [later - earlier for earlier, later in pairwise(places)]


class Watch:
    """The observer of an open loop.

    Args:
        judge: decides.
        rules: when to stop.
        server_pid: whose noise and memory are read; None when it is not ours.
        show: receives a glance at every look.
    """

    def __init__(
        self, judge: Judge, rules: WatchRules, *, server_pid: int | None, show: Callable[[Glance], None]
    ) -> None:
        self.warm_up: WarmUp | None = None
        self.window: Window | None = None
        self.decisions: tuple[Decision, ...] = ()
        self.noise: NoiseReading = NoiseMeter(server_pid).read()
        self.discarded: list[tuple[Window, ScheduleProof]] = []
        self._judge = judge
        self._rules = rules
        self._server_pid = server_pid
        self._show = show
        self._next_look = -inf
        self._settled = False

    def __call__(self, recording: Recording, now: float) -> bool:
        """Look at the recording; returns whether to stop."""
        if now < self._next_look:
            return False
        self._next_look = now + LOOK_INTERVAL_S
        if self.window is None:
            self._await_warm_up(recording, now)
        if self.window is not None:
            self.window.advance()
            self.window.sample_memory()
            self.noise = self.window.noise_meter.read()
            self.decisions = self._judge.decide(self.window.measured(now, self._rules.offered))
            self._settled = self._is_settled(self.window)
        self._show(self._glance(now - recording.started))
        return self._settled

    def finish(self, recording: Recording) -> Window:
        """The window that was judged; decides on all of it unless a look had settled it."""
        if self.window is None:
            seconds = recording.scheduled[-1] - recording.started if len(recording) else 0.0
            self.warm_up = WarmUp(seconds, len(recording), settled=False)
            self.window = Window(recording, self._judge, len(recording), self._server_pid)
        if not self._settled:
            self.window.advance()
            horizon = recording.scheduled[-1] if len(recording) else 0.0
            self.decisions = self._judge.decide(self.window.measured(horizon, self._rules.offered))
        return self.window

    def _await_warm_up(self, recording: Recording, now: float) -> None:
        self.warm_up = find_warm_up(recording, now, self._rules.warm_up)
        if self.warm_up is not None:
            self.window = Window(recording, self._judge, self.warm_up.runs, self._server_pid)

    def stands(self, window: Window, proof: ScheduleProof) -> bool:
        """Whether the decisions can be believed: none of an unfit window, not every FAIL of a late one."""
        if proof.problems:
            return False
        if not proof.late or self._judge.verdict(self.decisions) is not Verdict.FAIL:
            return True
        confirmed = self._judge.decide(window.measured_since_sent(self._rules.offered, proof.lag_p99_s))
        return self._judge.verdict(confirmed) is Verdict.FAIL

    def _is_settled(self, window: Window) -> bool:
        """Whether the decision is final; a window whose decision does not stand is begun anew instead."""
        verdict = self._judge.verdict(self.decisions)
        if verdict is Verdict.INCONCLUSIVE or (verdict is Verdict.PASS and not self._rules.stops_early):
            return False
        proof = window.proof(self._rules.lag_limits)
        stands = self.stands(window, proof)
        if not stands and len(self.discarded) < self._rules.most_discards:
            self.discarded.append((window, proof))
            self.window = Window(window.recording, self._judge, window.stop, self._server_pid)
        return stands

    def _glance(self, seconds: float) -> Glance:
        window = self.window
        if window is None:
            return Glance(
                seconds, warming_up=True, runs=0, rate=0.0, p50_s=nan, p95_s=nan, p99_s=nan, decisions=()
            )
        return Glance(
            seconds=seconds,
            warming_up=False,
            runs=window.stop - window.start,
            rate=(window.stop - window.start) / window.seconds if window.seconds else 0.0,
            p50_s=window.histogram.percentile(0.5),
            p95_s=window.histogram.percentile(0.95),
            p99_s=window.histogram.percentile(0.99),
            decisions=self.decisions,
        )
