"""Growth per run is found, idling and sawteeth are no growth."""

import random

import pytest

from gatewright.core.errors import ConfigurationError
from gatewright.core.verdict import Verdict
from gatewright.slo import DriftLimit, block_minima, find_drift

LIMIT = DriftLimit("rss", 300.0)


def memory(seed, per_run, points=240, runs_per_point=10):
    """Resident bytes while runs are made: warm-up, sawtooth of the collector, noise, and a leak."""
    chance = random.Random(seed)
    runs = [number * runs_per_point for number in range(points)]
    values = [
        80e6
        + 3e6 * min(1, number / 40)
        + 2e5 * ((number % 3) / 3)
        + chance.gauss(0, 2e4)
        + per_run * runs[number]
        for number in range(points)
    ]
    return runs, values


def judged(seed, per_run):
    return find_drift(*block_minima(*memory(seed, per_run), 40), LIMIT)


def test_a_leak_is_found_with_its_size():
    """600 bytes a run over a limit of 300 fail, and the slope is right within 10%."""
    drift = judged(1, 600)
    assert drift.verdict is Verdict.FAIL
    assert drift.slope == pytest.approx(600, rel=0.1)
    assert drift.lower < 600 < drift.upper


def test_no_leak_raises_no_alarm():
    """20 soaks without a leak pass, in spite of warm-up and sawtooth."""
    assert {judged(seed, 0).verdict for seed in range(20)} == {Verdict.PASS}


def test_at_the_limit_it_is_not_decided():
    """Bounds that enclose the limit are INCONCLUSIVE, and the words say what to do."""
    drift = judged(1, 300)
    assert drift.verdict is Verdict.INCONCLUSIVE
    assert "soak longer" in drift.missing


def test_too_few_blocks_are_inconclusive():
    """A short soak says nothing, however flat."""
    drift = find_drift([1.0, 2.0, 3.0], [5.0, 5.0, 5.0], LIMIT)
    assert drift.verdict is Verdict.INCONCLUSIVE
    assert "at least 12 blocks" in drift.missing


def test_a_series_that_never_changes_passes():
    """A constant has no slope."""
    runs = [float(number) for number in range(40)]
    assert find_drift(runs, [7.0] * 40, LIMIT).verdict is Verdict.PASS


def test_no_runs_are_no_soak():
    """A series without progress in runs is not judged."""
    assert find_drift([0.0] * 40, [float(n) for n in range(40)], LIMIT).verdict is Verdict.INCONCLUSIVE


def test_block_minima_keep_the_runs_of_their_points():
    """Each block's least value stands at its own number of runs."""
    assert block_minima([0, 10, 20, 30], [4.0, 3.0, 1.0, 2.0], 2) == ([10.0, 20.0], [3.0, 1.0])
    assert block_minima([], [], 10) == ([], [])


def test_a_limit_of_nothing_is_refused():
    """Zero can't be proven."""
    with pytest.raises(ConfigurationError, match="rss"):
        DriftLimit("rss", 0)
