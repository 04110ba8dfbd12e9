"""Workers of a Locust run without Locust: each makes its runs by itself, at moments that a test says."""

import importlib.util
import time
from dataclasses import dataclass

import pytest

from gatewright.load import Answer, Call, Mix, Weighted
from gatewright.plugins.locust.reports import Hello, Merger, WorkerReport
from gatewright.plugins.locust.walk import Walker
from gatewright.plugins.locust.workload import JourneyEntry, Lineup, Pace, Workload
from gatewright.slo import LatencyObjective, SuccessObjective, ThroughputObjective

TARGET = "http://127.0.0.1:9"
LIMIT_S = 0.1


@dataclass
class Moment:
    """A clock that stands still until it is set."""

    now: float = 0.0

    def __call__(self):
        return self.now


class OneStep:
    """A journey whose only step needs no request."""

    steps = ("ask",)

    def run(self):
        (yield Call(0, None)).expect(200)


class FakeWorker:
    """A walker, and what a worker process does around it."""

    def __init__(self, workload, pace, index, mix=None):
        self.clock = Moment()
        self.mix = mix or Mix({"ask": Weighted(OneStep())})
        self.walker = Walker(workload, pace, self.mix, index=index, clock=self.clock)
        self.number = 0
        self._workload = workload

    def hello(self):
        return Hello(workload=self._workload.digest, lineup=Lineup.of(self.mix)).model_dump_json()

    def run(self, start, seconds, *, status=200, due=None, free=0.0):
        """A run that begins at a moment and takes so long."""
        self.clock.now = start

        def ask(_request, _step):
            self.clock.now = start + seconds
            return Answer(status, b"")

        self.walker.walk(ask, start if due is None else due, free)

    def report(self, **changes):
        """The next report, as text; with changes it is not the one that it should be."""
        counts = self.walker.take()
        totals = self.walker.totals
        report = WorkerReport(
            workload=self._workload.digest,
            number=self.number,
            final=changes.pop("final", False),
            counts=counts,
            arrived=totals.arrived,
            counted=totals.counted,
            left_out=totals.left_out,
            requests=totals.requests,
            cpu_s=0.001 * totals.requests,
            run_delay=0.0,
        )
        self.number += 1
        return report.model_copy(update=changes).model_dump_json()


@pytest.fixture(scope="session")
def workload():
    return Workload(
        target=TARGET,
        journeys=(JourneyEntry(name="ask", factory="fakes.journeys:Ask"),),
        objectives=(
            LatencyObjective(0.95, LIMIT_S),
            LatencyObjective(0.9, LIMIT_S, step="ask"),
            SuccessObjective(0.99),
            ThroughputObjective(20),
        ),
        deadline_s=5,
    )


@pytest.fixture(scope="session")
def make_worker(workload):
    """Constructs a worker; the first one has index 0."""
    return lambda pace, index=0, mix=None: FakeWorker(workload, pace, index, mix)


@pytest.fixture(scope="session")
def merged(workload):
    """What a master makes of runs: for each worker a list of (start, seconds, status), each `lag` late."""

    def merge(pace, runs, *, reports=3, lag=0.0):
        merger = Merger(workload, pace, time.monotonic)
        for index, own in enumerate(runs):
            worker = FakeWorker(workload, pace, index)
            merger.greet(str(index), worker.hello())
            part = -(-len(own) // reports)
            for number in range(reports):
                for start, seconds, status in own[number * part : (number + 1) * part]:
                    worker.run(start, seconds, status=status, due=start - lag)
                merger.receive(str(index), worker.report(final=number == reports - 1))
        return merger

    return merge


@pytest.fixture(scope="session")
def pace():
    """A hundred runs a second for a minute."""

    def make(workers=3, *, rate=100, seconds=60):
        return Pace.spread(rate, seconds, workers)

    return make


@pytest.fixture
def locust():
    """Locust itself, in processes of its own; tests that want it are skipped where it isn't installed."""
    if importlib.util.find_spec("locust") is None:
        pytest.skip("Locust is not installed")
