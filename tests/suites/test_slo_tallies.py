"""Objectives about a journey or a step count the runs that are their business, and no others."""

import pytest

from gatewright.core.errors import ConfigurationError
from gatewright.load import Mix, Recording, Weighted
from gatewright.slo import LatencyObjective, SuccessObjective, ThroughputObjective
from gatewright.suites.slo.tallies import ensure_measurable, tally_of


class Journey:
    def __init__(self, *steps):
        self.steps = steps


MIX = Mix({"buy": Weighted(Journey("find", "pay")), "look": Weighted(Journey("find"))})
BUY_FIND, BUY_PAY, LOOK_FIND = range(3)


def recorded():
    """Six runs: buyers are even, lookers odd. Run 2 fails at once, run 4 is slow to pay; answers come mixed."""
    recording = Recording(MIX.steps, MIX.names)
    for run in range(6):
        recording.begin(float(run), float(run), journey=run % 2)
    for run in (5, 3, 1):
        recording.answer(run, LOOK_FIND, 0.1 * run)
        recording.succeed(run, run + 0.1 * run)
    recording.answer(2, BUY_FIND, 0.01)
    recording.fail(2, 2.01, step=BUY_FIND, reason="answered 500")
    for run, seconds in ((4, 0.9), (0, 0.2)):
        recording.answer(run, BUY_FIND, 0.05)
        recording.answer(run, BUY_PAY, seconds)
        recording.succeed(run, run + 0.05 + seconds)
    return recording


def counted(objective, start=0, **options):
    tally = tally_of(recorded(), objective, **options)
    for run in range(start, 6):
        tally.advance(run, run + 1)
    return tally.samples, tally.exceedances


@pytest.mark.parametrize(
    ("objective", "samples", "exceedances"),
    [
        (LatencyObjective(0.9, 0.4), 6, [2, 4, 5]),
        (LatencyObjective(0.9, 0.4, journey="buy"), 3, [1, 2]),
        (LatencyObjective(0.9, 0.4, journey="look"), 3, [2]),
        (LatencyObjective(0.9, 0.4, journey="buy", step="pay"), 2, [1]),
        (LatencyObjective(0.9, 0.02, journey="buy", step="find"), 3, [0, 1, 2]),
        (LatencyObjective(0.9, 0.2, step="find"), 6, [2, 3, 5]),
        (SuccessObjective(0.9), 6, [2]),
        (SuccessObjective(0.9, journey="look"), 3, []),
        (SuccessObjective(0.9, journey="buy", step="pay"), 2, []),
        (SuccessObjective(0.9, step="find"), 6, [2]),
    ],
)
def test_an_objective_counts_its_own_runs(objective, samples, exceedances):
    """Runs of other journeys don't count, and a run that never reached a step says nothing about it."""
    assert counted(objective) == (samples, exceedances)


def run_tally(ends, objective, *, lag=0.0, failing=(), **options):
    recording = Recording(("step",))
    for run, end in enumerate(ends):
        recording.begin(0.0, lag)
        if run in failing:
            recording.fail(run, end, step=0, reason="answered 500")
        else:
            recording.succeed(run, end)
    tally = tally_of(recording, objective, **options)
    tally.advance(0, len(ends))
    return tally


def test_failures_exceed_every_limit():
    """A run that failed quickly is no fast run, and has no latency."""
    tally = run_tally([0.01, 0.5, 0.6], LatencyObjective(0.9, 0.55), failing=[0])
    assert tally.exceedances == [0, 2]
    assert list(tally.latencies) == [0.5, 0.6]
    assert run_tally([0.01, 0.5], SuccessObjective(0.9), failing=[0]).exceedances == [0]


def test_near_misses_are_beyond_half_of_the_threshold():
    """Those that broke it or failed are among them."""
    tally = run_tally([0.2, 0.3, 0.6, 0.1], LatencyObjective(0.9, 0.5), failing=[3])
    assert tally.near_misses == [1, 2, 3]
    assert tally.exceedances == [2, 3]


def test_counting_since_the_sending_leaves_the_lag_out():
    """With 0.1 s of lag, 0.6 s from the schedule are 0.5 s from the sending."""
    objective = LatencyObjective(0.9, 0.55)
    assert run_tally([0.6] * 3, objective, lag=0.1).exceedances == [0, 1, 2]
    assert run_tally([0.6] * 3, objective, lag=0.1, since_sent=True).exceedances == []


def test_runs_before_the_window_are_left_out():
    """Their calls are known and forgotten."""
    assert counted(LatencyObjective(0.9, 0.4, journey="buy", step="pay"), start=3) == (1, [0])


def test_an_allowance_forgives_what_lies_within_it():
    """Only what is beyond the limit by more counts."""
    objective = LatencyObjective(0.9, 0.8, journey="buy", step="pay")
    assert counted(objective) == (2, [1])
    assert counted(objective, allowance_s=0.2) == (2, [])


@pytest.mark.parametrize(
    ("objective", "words"),
    [
        (LatencyObjective(0.9, 1, journey="sell"), "no journey 'sell'.*buy, look"),
        (ThroughputObjective(1, journey="sell"), "no journey 'sell'"),
        (SuccessObjective(0.9, step="ship"), "no step 'ship'.*buy/find, buy/pay, look/find"),
        (SuccessObjective(0.9, journey="look", step="pay"), "no step 'pay'"),
    ],
)
def test_an_objective_of_what_no_run_does_is_refused(objective, words):
    """A misspelled step would never be broken."""
    with pytest.raises(ConfigurationError, match=words):
        ensure_measurable([objective], MIX)
