"""What workers tell a master: read strictly, numbered so that nothing is lost or told twice, and merged."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

from pydantic import Field, NonNegativeFloat

from gatewright.core.model import Model
from gatewright.evidence.strict import EvidenceError, parse_model
from gatewright.plugins.locust.counts import Counts, Pool, Shape
from gatewright.plugins.locust.workload import Lineup, Pace, Workload

__all__ = ["Hello", "Merger", "WorkerReport", "read_message"]

LARGEST_MESSAGE = 32 * 1024 * 1024
SILENCE_S = 10.0

Total = Annotated[int, Field(ge=0, le=10**12)]
M = TypeVar("M", bound=Model)


class Hello(Model):
    """A worker is ready: the digest of its workload, and what that is made of."""

    kind: Literal["hello"] = "hello"
    workload: str
    lineup: Lineup


class WorkerReport(Model):
    """What a worker saw since its last report.

    Attributes:
        workload: the digest of its workload.
        number: of the report, from 0 without a gap.
        final: whether it is the last one.
        counts: since the report before.
        arrived: runs due, since the beginning; `counts` of all reports add up to it.
        counted: runs that are over, likewise.
        left_out: runs that were due and never begun, since their users waited for answers.
        requests: calls that were answered.
        cpu_s: CPU time of the worker, in seconds, since the beginning.
        run_delay: the share of time that it was runnable and had no CPU; null where the system doesn't tell.
    """

    kind: Literal["report"] = "report"
    workload: str
    number: Total
    final: bool
    counts: Counts
    arrived: Total
    counted: Total
    left_out: Total
    requests: Total
    cpu_s: NonNegativeFloat
    run_delay: NonNegativeFloat | None


def read_message(data: object, model: type[M]) -> M:
    """A message that came over the network, or an error that tells what is wrong with it.

    Raises:
        EvidenceError: it is no text, too long, or not of this form.
    """
    if not isinstance(data, str):
        raise EvidenceError(f"it is a {type(data).__name__} and not a text")
    if len(data) > LARGEST_MESSAGE:
        raise EvidenceError(f"it is longer than {LARGEST_MESSAGE} characters")
    return parse_model(data.encode(errors="replace"), model, name="it")


@dataclass
class Standing:
    """One worker, seen from the master.

    Attributes:
        index: in the order in which workers came, from 1.
        heard: when it reported last.
        reports: how many reports were merged.
        last: the last of them.
        arrived: runs due, by its reports' counts.
        counted: runs that are over, by its reports' counts.
    """

    index: int
    heard: float
    reports: int = 0
    last: WorkerReport | None = None
    arrived: int = 0
    counted: int = 0

    @property
    def final(self) -> bool:
        """Whether all is told."""
        return self.last is not None and self.last.final


class Merger:
    """Adds up the reports of all workers; whatever is not as it should be becomes a problem.

    One problem makes the whole measurement unfit: a part of the load was then never seen.

    Args:
        workload: what every worker must have.
        pace: how many workers there are, and how long they run.
        clock: monotonic seconds.
    """

    def __init__(self, workload: Workload, pace: Pace, clock: Callable[[], float]) -> None:
        self.lineup: Lineup | None = None
        self.pool: Pool | None = None
        self.problems: list[str] = []
        self.standings: dict[str, Standing] = {}
        self._workload = workload
        self._pace = pace
        self._clock = clock

    @property
    def ready(self) -> bool:
        """Whether every worker has said hello."""
        return len(self.standings) == self._pace.workers

    @property
    def finished(self) -> bool:
        """Whether every worker has sent its last report."""
        return self.ready and all(standing.final for standing in self.standings.values())

    def greet(self, worker: str, data: object) -> None:
        """A worker says hello."""
        if worker in self.standings:
            self._object(f"worker {self.standings[worker].index} began anew")
            return
        if self.ready:
            self._object(f"there are more than {self._pace.workers} workers")
            return
        index = len(self.standings) + 1
        try:
            hello = read_message(data, Hello)
        except EvidenceError as error:
            self._object(f"worker {index} said hello in a way that can't be understood: {error}")
            return
        if hello.workload != self._workload.digest or (self.lineup or hello.lineup) != hello.lineup:
            self._object(f"worker {index} has another workload: give every machine the same suite and code")
            return
        if self.lineup is None:
            self.lineup = hello.lineup
            self.pool = Pool(Shape.of(self._workload, self.lineup, self._pace))
        self.standings[worker] = Standing(index, self._clock())

    def refuse(self, data: object) -> None:
        """A worker can't take part, and says why."""
        reason = data if isinstance(data, str) else "it does not say why"
        self._object(f"a worker refused: {' '.join(reason.split())[:500]}")

    def receive(self, worker: str, data: object) -> None:
        """A worker reports."""
        standing = self.standings.get(worker)
        if standing is None:
            self._object("a worker reported that had not said hello")
            return
        standing.heard = self._clock()
        try:
            report = read_message(data, WorkerReport)
            self._merge(standing, report)
        except EvidenceError as error:
            self._object(f"a report of worker {standing.index} can't be believed: {error}")

    def leave(self, worker: str) -> None:
        """A worker has gone."""
        standing = self.standings.get(worker)
        if standing is not None and not standing.final:
            self._object(f"worker {standing.index} went before its last report")

    def miss_the_silent(self) -> None:
        """Notice workers that have not reported for long."""
        now = self._clock()
        for standing in self.standings.values():
            if not standing.final and now - standing.heard > SILENCE_S:
                self._object(f"worker {standing.index} has not reported for {SILENCE_S:g} s")

    def expect_reports(self) -> None:
        """The run begins: from now on silence counts."""
        for standing in self.standings.values():
            standing.heard = self._clock()

    def _merge(self, standing: Standing, report: WorkerReport) -> None:
        assert self.pool is not None, "a worker that stands has made it"
        if report.workload != self._workload.digest:
            raise EvidenceError("it is of another workload")
        if standing.final:
            raise EvidenceError("it comes after the last one")
        if report.number != standing.reports:
            raise EvidenceError(f"it has the number {report.number}, number {standing.reports} was due")
        if mismatch := self.pool.shape.mismatch(report.counts):
            raise EvidenceError(mismatch)
        standing.arrived += total(report.counts.arrivals)
        standing.counted += total(report.counts.samples[:1])
        if (report.arrived, report.counted) != (standing.arrived, standing.counted):
            raise EvidenceError("its counts do not add up to its totals")
        self.pool.add(report.counts)
        standing.last = report
        standing.reports += 1

    def _object(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)


def total(tables: tuple[tuple[tuple[int, int], ...], ...]) -> int:
    """The sum of all counts."""
    return sum(count for table in tables for _, count in table)
