"""A measurement in virtual time: recordings written by hand, judged by the real judge."""

import pytest

from gatewright.load import LagLimits, Mix, Recording, WarmUpRule
from gatewright.slo import Judge, LatencyObjective, Requirements, SuccessObjective, ThroughputObjective
from gatewright.suites.slo.watch import Offered, Watch, WatchRules

RATE = 40
OBJECTIVES = (
    LatencyObjective(0.95, 0.3),
    LatencyObjective(0.99, 0.5),
    SuccessObjective(0.99),
    ThroughputObjective(20),
)


class OneStep:
    steps = ("step",)


@pytest.fixture
def watch():
    """Constructs a watch over usual objectives."""

    def make(*, stops_early=True, most_discards=1):
        rules = WatchRules(
            Offered(lambda _start, _end: RATE, Mix.of(OneStep())),
            stops_early,
            LagLimits.for_threshold(0.3),
            most_discards,
            WarmUpRule(),
        )
        glances = []
        watch = Watch(Judge(OBJECTIVES, Requirements()), rules, server_pid=None, show=glances.append)
        return watch, glances

    return make


@pytest.fixture
def follow():
    """Lets a watch look at even arrivals, ten times a second, until it stops; returns recording and moment."""

    def run(watch, *, seconds=30, latency=lambda due: 0.01, lag=lambda due: 0.0, fails=lambda due: False):
        recording, under_way, now = Recording(("step",)), [], 0.0
        for tick in range(1, seconds * 10 + 1):
            now = tick / 10
            for number in range(len(recording), int(now * RATE)):
                due = number / RATE
                recording.begin(due, due + lag(due))
                under_way.append(number)
            for number in list(under_way):
                due = recording.scheduled[number]
                end = due + latency(due) + lag(due)
                if end <= now:
                    under_way.remove(number)
                    recording.answer(number, 0, latency(due))
                    if fails(due):
                        recording.fail(number, end, step=0, reason="answered 500")
                    else:
                        recording.succeed(number, end)
            recording.successes = type(recording.successes)("d", sorted(recording.successes))
            if watch(recording, now):
                break
        return recording, now

    return run
