"""Watches a measurement while it runs: finds the warm-up, keeps counts, asks the judge, says when to stop."""

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf, nan

from gatewright.core.verdict import Verdict, merge_verdicts
from gatewright.load import (
    LagLimits,
    LogHistogram,
    Mix,
    NoiseMeter,
    NoiseReading,
    Recording,
    ResourceMeter,
    ResourceSeries,
    ScheduleProof,
    WarmUp,
    WarmUpRule,
    find_warm_up,
    prove_schedule,
)
from gatewright.slo import (
    Decision,
    Drift,
    DriftLimit,
    Flow,
    Judge,
    LatencyObjective,
    Measured,
    SuccessObjective,
    Tally,
    ThroughputObjective,
)
from gatewright.suites.slo.growth import GrowthLooks
from gatewright.suites.slo.quiet import QuietRule, doubtful
from gatewright.suites.slo.tallies import Counts, RunTally, StepTally, tally_of

__all__ = ["Glance", "Offered", "Watch", "WatchRules", "Window"]

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
        drift_limits: allowed growth per run; a measurement that stops early passes only within them, too.
        quiet: up to which noise the machine counts as quiet.
    """

    offered: Offered
    stops_early: bool
    lag_limits: LagLimits
    most_discards: int
    warm_up: WarmUpRule
    drift_limits: tuple[DriftLimit, ...] = ()
    quiet: QuietRule = field(default_factory=QuietRule)


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


class Window:
    """The measured part of a recording, counted as it grows, so that a look costs little.

    Args:
        recording: what the open loop sees.
        judge: whose objectives are counted.
        start: the first run of the window.
        server_pid: whose noise is read; None when it is not ours.
    """

    def __init__(self, recording: Recording, judge: Judge, start: int, server_pid: int | None) -> None:
        self.recording = recording
        self.start = start
        self.stop = start
        self.unresolved = 0
        self.histogram = LogHistogram()
        self.noise_meter = NoiseMeter(server_pid)
        self.resources = ResourceSeries()
        self.services_from = [len(times) for times in recording.services]
        self.failures_before = Counter(recording.failures)
        self._counted = [each for each in judge.objectives if not isinstance(each, ThroughputObjective)]
        self._flowing = [each for each in judge.objectives if isinstance(each, ThroughputObjective)]
        self._tallies = {each.name: tally_of(recording, each) for each in self._counted}
        self._moments = {
            each.journey: JourneyMoments(recording, each.journey) for each in self._flowing if each.journey
        }

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
                    self.rate(horizon, offered) * self._reach(tallies[each.name].samples, each, offered),
                    tallies[each.name].near_misses if isinstance(each, LatencyObjective) else (),
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
            arrivals, successes = self._moments[journey].read()
        return Flow(
            block_s=BLOCK_S,
            arrived=between(arrivals, edges),
            completed=between(successes, edges),
            offered_rate=self.rate(edges[-1], offered) * offered.share(journey),
        )

    def rate(self, horizon: float, offered: Offered) -> float:
        """The nominal rate of arrivals over the window, up to `horizon`."""
        started = self.recording.started
        return offered.mean_rate(self.begins - started, horizon - started)

    def proof(self, limits: LagLimits, offered: Offered) -> ScheduleProof:
        """Whether the schedule was kept, over all runs of the window that are over."""
        planned = self.seconds * self.rate(self.begins + self.seconds, offered) + 1 if self.seconds else None
        return prove_schedule(
            self.recording, self.start, self.stop, limits, planned=planned, unresolved=self.unresolved
        )

    def counts(self, objective: LatencyObjective) -> Counts:
        """What was counted for an objective."""
        return self._tallies[objective.name]

    def percentile(self, objective: LatencyObjective) -> float:
        """The percentile that an objective limits, in seconds, over the runs that are its business."""
        return self._tallies[objective.name].percentile(objective.percentile)

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


class JourneyMoments:
    """When runs of one journey were due, and when they succeeded; read on from where it was left."""

    def __init__(self, recording: Recording, journey: str) -> None:
        self._recording = recording
        self._number = recording.journeys.index(journey)
        self._due = array("d")
        self._succeeded = array("d")
        self._read = [0, 0]

    def read(self) -> tuple[Sequence[float], Sequence[float]]:
        """All of them up to now, ascending."""
        recording, (due, succeeded) = self._recording, self._read
        self._read = [len(recording), len(recording.successes)]
        for run in range(due, len(recording)):
            if recording.journey_of[run] == self._number:
                self._due.append(recording.scheduled[run])
        for place in range(succeeded, len(recording.successes)):
            if recording.journey_of[recording.successful[place]] == self._number:
                self._succeeded.append(recording.successes[place])
        return self._due, self._succeeded


def between(moments: Sequence[float], edges: Sequence[float]) -> list[int]:
    """How many of the ascending moments lie between each two neighbouring edges."""
    places = [bisect_left(moments, edge) for edge in edges]
    return [later - earlier for earlier, later in pairwise(places)]


class Watch:
    """The observer of an open loop.

    Args:
        judge: decides.
        rules: when to stop.
        server_pid: whose noise is read; None when it is not ours.
        meter: reads the server's resources.
        show: receives a glance at every look.
    """

    def __init__(
        self,
        judge: Judge,
        rules: WatchRules,
        *,
        server_pid: int | None,
        meter: ResourceMeter,
        show: Callable[[Glance], None],
    ) -> None:
        self.warm_up: WarmUp | None = None
        self.window: Window | None = None
        self.decisions: tuple[Decision, ...] = ()
        self.drifts: tuple[Drift, ...] = ()
        self.noise: NoiseReading = NoiseMeter(server_pid).read()
        self.discarded: list[tuple[Window, ScheduleProof]] = []
        self._judge = judge
        self._rules = rules
        self._growth = GrowthLooks(rules.drift_limits, judge.requirements.alpha)
        self._server_pid = server_pid
        self._meter = meter
        self._show = show
        self._next_look = -inf
        self._settled = False

    def __call__(self, recording: Recording, now: float) -> bool:
        """Look at the recording; returns whether to stop."""
        if self.window is not None and self._rules.drift_limits:
            self.window.resources.add(len(recording) - self.window.start, self._meter.read())
        if now < self._next_look:
            return False
        self._next_look = now + LOOK_INTERVAL_S
        if self.window is None:
            self._await_warm_up(recording, now)
        if self.window is not None:
            self.window.advance()
            self.noise = self.window.noise_meter.read()
            self.decisions = self._decide(self.window, now)
            self._settled = self._is_settled(self.window, now)
        self._show(self._glance(now - recording.started))
        return self._settled

    def finish(self, recording: Recording, *, aborted: bool = False) -> Window:
        """The window that was judged; decides on all of it unless a look had settled it.

        Args:
            recording: all that the open loop saw.
            aborted: somebody else knew enough and ended it, so that runs under way were given up on purpose.
        """
        if self.window is None:
            seconds = recording.scheduled[-1] - recording.started if len(recording) else 0.0
            self.warm_up = WarmUp(seconds, len(recording), settled=False)
            self.window = Window(recording, self._judge, len(recording), self._server_pid)
        if not self._settled:
            self.window.advance()
            self.window.unresolved = 0 if aborted else len(recording) - self.window.stop
            horizon = recording.scheduled[-1] if len(recording) else 0.0
            self.decisions = self._decide(self.window, horizon)
        if not (self._settled and self.drifts):
            self._look_at_growth(self.window, recording.scheduled[-1] if len(recording) else 0.0, last=True)
        return self.window

    def _decide(self, window: Window, horizon: float) -> tuple[Decision, ...]:
        """Decide on a window that is complete up to a moment; noise makes some of it doubtful."""
        decisions = self._judge.decide(window.measured(horizon, self._rules.offered))
        noises = tuple(self._rules.quiet.noises(self.noise))
        return tuple(
            doubtful(each, window.counts(each.objective), noises)
            if isinstance(each.objective, LatencyObjective)
            else each
            for each in decisions
        )

    def _await_warm_up(self, recording: Recording, now: float) -> None:
        self.warm_up = find_warm_up(recording, now, self._rules.warm_up)
        if self.warm_up is not None:
            self.window = Window(recording, self._judge, self.warm_up.runs, self._server_pid)

    @property
    def verdict(self) -> Verdict:
        """What was decided about all objectives and about growth, in one word."""
        found = [*(each.verdict for each in self.decisions), *(each.verdict for each in self.drifts)]
        return merge_verdicts(found)

    def prove(self, window: Window) -> ScheduleProof:
        """Whether the generator kept to its schedule in a window."""
        return window.proof(self._rules.lag_limits, self._rules.offered)

    def stands(self, window: Window, proof: ScheduleProof) -> bool:
        """Whether the verdict can be believed: none of an unfit window, not every FAIL of a late one."""
        if proof.problems:
            return False
        if not proof.late or self.verdict is not Verdict.FAIL:
            return True
        confirmed = self._judge.decide(window.measured_since_sent(self._rules.offered, proof.lag_p99_s))
        if self._judge.verdict(confirmed) is Verdict.FAIL:
            return True
        grows = any(drift.verdict is Verdict.FAIL for drift in self.drifts)
        rate = window.rate(window.begins + window.seconds, self._rules.offered)
        return grows and self._growth.confirm(window, rate)

    def _is_settled(self, window: Window, now: float) -> bool:
        """Whether the verdict is final; a window whose verdict does not stand is begun anew instead."""
        decided = self._judge.verdict(self.decisions)
        if decided is Verdict.INCONCLUSIVE or (decided is Verdict.PASS and not self._rules.stops_early):
            return False
        if decided is Verdict.PASS:
            self._look_at_growth(window, now)
        if self.verdict is Verdict.INCONCLUSIVE:
            return False
        proof = self.prove(window)
        stands = self.stands(window, proof)
        if not stands and len(self.discarded) < self._rules.most_discards:
            self.discarded.append((window, proof))
            self.window = Window(window.recording, self._judge, window.stop, self._server_pid)
            self.drifts = ()
            self._growth.begin_anew()
        return stands

    def _look_at_growth(self, window: Window, now: float, *, last: bool = False) -> None:
        found = self._growth.look(window, window.rate(now, self._rules.offered), last=last)
        self.drifts = self.drifts if found is None else found

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
