"""A measurement in virtual time: recordings written by hand, judged by the real judge."""

from math import inf

import pytest
from fakes.recorded import PlannedRun, record

from gatewright.load import LagLimits, Mix, Outcome, ResourceMeter, WarmUpRule
from gatewright.slo import Judge, LatencyObjective, Requirements, SuccessObjective, ThroughputObjective
from gatewright.suites.slo.quiet import QuietRule
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
    """Constructs a watch over usual objectives, and limits of growth; gauges tell resources by name."""

    def make(
        *, stops_early=True, most_discards=1, drift_limits=(), gauges=None, quiet=None, objectives=OBJECTIVES
    ):
        rules = WatchRules(
            Offered(lambda _start, _end: RATE, Mix.of(OneStep())),
            stops_early,
            LagLimits.for_threshold(0.3),
            most_discards,
            WarmUpRule(),
            drift_limits,
            quiet or QuietRule(inf, inf, inf, inf),
        )
        glances = []
        judge, meter = Judge(objectives, Requirements()), ResourceMeter(None, gauges)
        watch = Watch(judge, rules, server_pid=None, meter=meter, show=glances.append)
        return watch, glances

    return make


@pytest.fixture
def follow():
    """Lets a watch look at even arrivals, ten times a second, until it stops; returns recording and moment."""

    def run(watch, *, seconds=30, latency=lambda due: 0.01, lag=lambda due: 0.0, fails=lambda due: False):
        dues = [number / RATE for number in range(int(seconds * RATE))]
        runs = [
            PlannedRun(due, lag(due), latency(due), Outcome.FAILED if fails(due) else Outcome.SUCCEEDED)
            for due in dues
        ]
        return record(watch, runs, seconds)

    return run
