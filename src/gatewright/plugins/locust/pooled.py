"""The judged window of a Locust run: merged counts after the warm-up, as the judge needs them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import ceil, inf

from gatewright.load import LogHistogram, WarmUp, WarmUpRule
from gatewright.load.warmup import agree
from gatewright.plugins.locust.counts import SPAN_S, TICKS_A_SPAN, Pool, Shape, WindowPool
from gatewright.plugins.locust.measurement import LocustMeasurement
from gatewright.plugins.locust.workload import BLOCK_S, Counted, Lineup, Pace, Part, Workload
from gatewright.slo import Flow, Measured, Tally, ThroughputObjective
from gatewright.suites.slo.report import TimeBlock, Timeline
from gatewright.suites.slo.units import in_ms

__all__ = ["Pooled"]

SPANS_A_SECOND = round(BLOCK_S / SPAN_S)


class Pooled:
    """All workers' counts together.

    Args:
        workload: what was done and counted.
        measurement: of a run that has begun.
        rule: when the service counts as settled.
    """

    def __init__(self, workload: Workload, measurement: LocustMeasurement, rule: WarmUpRule) -> None:
        assert measurement.lineup is not None, "a run that has begun has one"
        self._workload = workload
        self._pace: Pace = measurement.pace
        self._lineup: Lineup = measurement.lineup
        self._pool = Pool(Shape.of(workload, self._lineup, self._pace))
        self._pool.add(measurement.counts)
        self.warm_up = self._find_warm_up(rule)
        self._from = min(int(self.warm_up.seconds), self._last)

    @property
    def _last(self) -> int:
        """The whole seconds of the run."""
        return int(self._pace.seconds)

    @property
    def seconds(self) -> float:
        """The length of the judged window."""
        return float(self._last - self._from)

    @property
    def lags(self) -> LogHistogram:
        """How late runs began by the generator's own fault, in seconds."""
        return self._pool.lags

    def samples(self, part: Part = ("", "")) -> int:
        """Runs of a part in the judged window."""
        return sum(self._spans(part).values())

    def succeeded(self) -> int:
        """Runs of the judged window that succeeded, whenever they did."""
        return self.histogram().count

    def observed_rate(self, journey: str = "") -> float:
        """Successes a second in the judged window, of one journey or of all."""
        return sum(self._flow(journey).completed) / self.seconds if self.seconds else 0.0

    def histogram(self, part: Part = ("", "")) -> LogHistogram:
        """Times of the runs of a part that succeeded, in seconds."""
        number = self._workload.parts.index(part)
        return merged(window.parts[number] for window in self._windows())

    def step_histogram(self, step: int) -> LogHistogram:
        """Service times of all calls of a step, in seconds."""
        return merged(window.steps[step] for window in self._windows())

    def failures(self) -> Counter[tuple[str, str]]:
        """Failed runs by step and reason."""
        return sum((window.failures for window in self._windows()), Counter[tuple[str, str]]())

    def measured(self) -> Measured:
        """What the judge needs."""
        flowing = [each for each in self._workload.objectives if isinstance(each, ThroughputObjective)]
        return Measured(
            elapsed_s=self.seconds,
            tallies={each.name: self._tally(each) for each in self._workload.counted},
            flows={each.name: self._flow(each.journey) for each in flowing},
        )

    def timeline(self) -> Timeline:
        """Latency over time, in the windows in which it was kept."""
        length = self._pace.window_s
        blocks = tuple(self._block(number, length) for number in range(ceil(self._pace.seconds / length)))
        return Timeline(block_s=length, measured_from_s=self._from, measured_to_s=self._last, blocks=blocks)

    def _find_warm_up(self, rule: WarmUpRule) -> WarmUp:
        """The first windows, up to where two successive medians agree, by the rule of the open loop."""
        length = self._pace.window_s
        most = max(1, int(max(rule.longest_s, 3 * length) / length))
        previous = None
        for number in range(most):
            middle = self._pool.window(number).parts[0].percentile(0.5)
            if previous is not None and agree(previous, middle, rule):
                return self._warm_up(number + 1, settled=True)
            previous = middle
        return self._warm_up(most, settled=False)

    def _warm_up(self, windows: int, *, settled: bool) -> WarmUp:
        seconds = windows * self._pace.window_s
        spans = self._pool.samples[0].items()
        runs = sum(count for span, count in spans if span < seconds * SPANS_A_SECOND)
        return WarmUp(float(seconds), runs, settled)

    def _windows(self) -> list[WindowPool]:
        first = self._from // self._pace.window_s
        return [window for number, window in self._pool.windows.items() if number >= first]

    def _spans(self, part: Part) -> Mapping[int, int]:
        table = self._pool.samples[self._workload.parts.index(part)]
        first = self._from * SPANS_A_SECOND
        return {span: count for span, count in sorted(table.items()) if span >= first}

    def _tally(self, objective: Counted) -> Tally:
        part = (objective.journey, objective.step)
        samples = self._spans(part)
        number = self._workload.counted.index(objective)
        exceedances = list(numbered(samples, self._pool.exceedances[number]))
        near_misses = list(numbered(samples, self._pool.near_misses[number]))
        reach = self._lineup.share(objective.journey)
        if objective.step and self.samples():
            reach = min(reach, sum(samples.values()) / self.samples())
        return Tally(sum(samples.values()), exceedances, self._pace.rate * reach, near_misses)

    def _flow(self, journey: str) -> Flow:
        journeys = [journey] if journey else list(self._lineup.journeys)
        numbers = [self._lineup.journeys.index(each) for each in journeys]
        seconds = range(self._from, self._last)
        return Flow(
            block_s=BLOCK_S,
            arrived=[sum(self._pool.arrivals[number][second] for number in numbers) for second in seconds],
            completed=[
                sum(self._pool.completions[number][second] for number in numbers) for second in seconds
            ],
            offered_rate=self._pace.rate * self._lineup.share(journey),
        )

    def _block(self, number: int, length: int) -> TimeBlock:
        window = self._pool.window(number)
        seconds = range(number * length, (number + 1) * length)
        latencies = window.parts[0]
        return TimeBlock(
            start_s=number * length,
            runs=sum(table[second] for table in self._pool.arrivals for second in seconds),
            failed=window.failures.total(),
            completed=sum(table[second] for table in self._pool.completions for second in seconds),
            p50_ms=in_ms(latencies.percentile(0.5)),
            p95_ms=in_ms(latencies.percentile(0.95)),
            p99_ms=in_ms(latencies.percentile(0.99)),
            max_ms=in_ms(latencies.percentile(1.0)),
        )


def numbered(samples: Mapping[int, int], ticks: Mapping[int, int]) -> Iterator[int]:
    """Exceedances as numbers of runs in the order of their beginning, all workers' runs together.

    Within a tenth of a second runs are taken to begin at even distances, so that a moment is a number; those
    of one millisecond follow each other. What the judge asks of the numbers is how close together exceedances
    lie, and a stall that several workers saw is one clump again.

    Args:
        samples: runs that began in each tenth of a second, ascending.
        ticks: exceedances that began in each millisecond; those outside of `samples` don't count.
    """
    moments: dict[int, list[float]] = {}
    for tick in sorted(ticks):
        span, offset = divmod(tick, TICKS_A_SPAN)
        moments.setdefault(span, []).extend([offset / TICKS_A_SPAN] * ticks[tick])
    base = 0
    for span, count in samples.items():
        yield from (base + place for place in places(moments.get(span, []), count))
        base += count


def places(offsets: Sequence[float], count: int) -> list[int]:
    """Distinct ascending numbers below `count`, each as near as can be to its share of it."""
    found: list[int] = []
    for offset in offsets:
        found.append(max(found[-1] + 1 if found else 0, int(offset * count)))
    highest = inf
    for index in reversed(range(len(found))):
        highest = min(highest - 1, count - 1)
        found[index] = min(found[index], int(highest))
    return found


def merged(histograms: Iterable[LogHistogram]) -> LogHistogram:
    """All values of several histograms."""
    total = LogHistogram()
    for each in histograms:
        total = total.merge(each)
    return total
