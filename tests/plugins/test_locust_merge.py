"""Counts of several workers, merged by addition, say what all their runs together would say."""

import math
import random
from datetime import UTC, datetime

import pytest
from fakes.proofs import tried
from hypothesis import given
from hypothesis import strategies as st

from gatewright.load import WarmUpRule
from gatewright.plugins.locust.measurement import LocustMeasurement, OwnFigures, conclude
from gatewright.plugins.locust.pooled import Pooled, places
from gatewright.slo.clumps import ClumpRule, clump_factor, clump_sizes

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SETTLED_S = 6
"""The warm-up of windows without runs ends here."""
OWN = OwnFigures(version="2", requests=0, failures=0, p95_ms=0, p99_ms=0)

seconds = st.floats(1e-4, 10)
workers_runs = st.lists(st.lists(seconds, min_size=1, max_size=60), min_size=3, max_size=3)


@pytest.fixture(scope="session")
def pooled(workload, merged):
    """The judged window of merged runs."""

    def make(pace, runs):
        merger = merged(pace, runs)
        assert merger.problems == []
        document = conclude(merger, workload.digest, pace, OWN, begun=NOW, ended=NOW)
        read_back = LocustMeasurement.model_validate_json(document.model_dump_json())
        return Pooled(workload, read_back, WarmUpRule())

    return make


def spread_out(own):
    """Runs at even distances after the warm-up."""
    return [(SETTLED_S + 0.5 * number, each, 200) for number, each in enumerate(own)]


@tried(50)
@given(workers_runs)
def test_merged_percentiles_are_those_of_the_pooled_values(pace, pooled, runs):
    """Each within 0.1% of the value that stands at its rank when all values lie in one place."""
    histogram = pooled(pace(), [spread_out(own) for own in runs]).histogram()
    values = sorted(each for own in runs for each in own)
    assert histogram.count == len(values)
    for share in (0.5, 0.95, 0.99, 1.0):
        truth = values[max(1, math.ceil(share * len(values))) - 1]
        assert histogram.percentile(share) == pytest.approx(truth, rel=0.0011)


def test_exceedances_and_failures_are_counted_exactly(workload, pace, pooled):
    """At the very threshold no bucket decides: what took longer by a hair exceeds, what failed does, too."""
    hair = 1e-6
    own = [(10.5, 0.1 - hair, 200), (11.5, 0.1 + hair, 200), (12.5, 0.01, 500)]
    measured = pooled(pace(), [own, own, [(13.0, 0.01, 200)]]).measured()
    counts = {name: (tally.samples, len(tally.exceedances)) for name, tally in measured.tallies.items()}
    assert counts == {"latency_p95_ms": (7, 4), "ask:latency_p90_ms": (7, 4), "success_ratio": (7, 2)}


def test_throughput_counts_what_was_due_against_what_succeeded(pace, pooled):
    """Second by second, all workers together; the warm-up is left out."""
    own = [(2.5, 0.01, 200), *((SETTLED_S + 0.25 * number, 0.01, 200) for number in range(8))]
    flow = pooled(pace(seconds=9), [own, own, [(7.5, 0.01, 500)]]).measured().flows["throughput_runs_per_s"]
    assert flow.arrived == [8, 9, 0]
    assert flow.completed == [8, 8, 0]
    assert flow.offered_rate == 100


def test_a_stall_that_all_workers_saw_is_one_clump(workload, pace, pooled):
    """Not one for each worker, as it would be if their runs were counted one worker after the other."""
    rate, stall = 100, (20.0, 20.2)
    runs = three_workers(rate, lambda start: stall[1] - start if stall[0] <= start < stall[1] else 0.01)
    tally = pooled(pace(), runs).measured().tallies["latency_p95_ms"]
    sizes = clump_sizes(tally.samples, tally.exceedances, ClumpRule())
    assert len(sizes) == 1
    assert sizes[0] == pytest.approx(rate * (0.2 - 0.1), abs=3)


@pytest.mark.parametrize("seed", range(5))
def test_clumps_are_about_as_large_as_in_the_order_of_all_runs(pace, pooled, seed):
    """Moments are kept to the millisecond, and that is near enough to see what belongs together."""
    chance = random.Random(seed)
    stalls = sorted(chance.uniform(SETTLED_S, 58) for _ in range(8))

    def latency(start):
        ahead = [begin + 0.3 - start for begin in stalls if begin <= start < begin + 0.3]
        return max(ahead, default=0.2 if chance.random() < 0.01 else 0.01)

    runs = three_workers(100, latency, chance)
    tally = pooled(pace(), runs).measured().tallies["latency_p95_ms"]
    ordered = sorted(run for own in runs for run in own)
    true = [number for number, (_, took, _) in enumerate(ordered) if took > 0.1]
    assert len(tally.exceedances) == len(true)
    factors = [
        clump_factor(clump_sizes(len(ordered), numbers, ClumpRule())) for numbers in (tally.exceedances, true)
    ]
    assert factors[0] == pytest.approx(factors[1], rel=0.1)


def three_workers(rate, latency, chance=None):
    """Runs of three workers whose users have random places in a second, from the end of the warm-up on."""
    chance = chance or random.Random(7)
    phases = [[chance.random() for _ in range(rate // 3)] for _ in range(3)]
    return [
        [
            (second + phase, latency(second + phase), 200)
            for second in range(SETTLED_S, 60)
            for phase in sorted(own)
        ]
        for own in phases
    ]


@given(st.lists(st.floats(0, 0.999), max_size=30), st.integers(0, 20))
def test_exceedances_of_a_span_get_distinct_numbers_of_its_runs(offsets, others):
    """Ascending, as many as there are, and none beyond the runs of that span."""
    found = places(sorted(offsets), len(offsets) + others)
    assert len(set(found)) == len(offsets)
    assert found == sorted(found)
    assert all(0 <= number < len(offsets) + others for number in found)


def test_a_warm_up_ends_where_two_windows_agree(pace, pooled):
    """Slow first seconds are left out of all figures, as the open loop does it."""
    own = [(0.1 * number, 1.0 if number < 10 else 0.01, 200) for number in range(300)]
    window = pooled(pace(seconds=30), [own, own, own])
    assert (window.warm_up.seconds, window.warm_up.runs, window.warm_up.settled) == (3.0, 90, True)
    assert window.samples() == 3 * 270
    assert window.histogram().percentile(1.0) == pytest.approx(0.01, rel=0.01)
