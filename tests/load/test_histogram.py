"""Histograms keep percentiles within 0.1%, and merge without loss."""

import math
import random

import pytest

from gatewright.core.errors import ConfigurationError
from gatewright.load import LogHistogram


def lognormal(seed, count):
    chance = random.Random(seed)
    return [0.01 * math.exp(chance.gauss(0, 0.8)) for _ in range(count)]


@pytest.mark.parametrize("share", [0.001, 0.5, 0.95, 0.99, 0.999, 1.0])
def test_percentiles_are_within_a_thousandth(share):
    """The reported percentile is within 0.1% of the exact one (nearest rank)."""
    values = sorted(lognormal(1, 20_000))
    exact = values[max(0, math.ceil(share * len(values)) - 1)]
    assert LogHistogram(values).percentile(share) == pytest.approx(exact, rel=0.001)


def test_merged_workers_equal_pooled_data():
    """Merging three workers gives exactly the percentiles of their pooled values."""
    workers = [lognormal(seed, 3_000) for seed in (1, 2, 3)]
    merged = LogHistogram(workers[0]).merge(LogHistogram(workers[1])).merge(LogHistogram(workers[2]))
    pooled = LogHistogram(value for worker in workers for value in worker)
    assert merged.count == pooled.count == 9_000
    assert [merged.percentile(share / 100) for share in range(1, 101)] == [
        pooled.percentile(share / 100) for share in range(1, 101)
    ]


def test_merging_changes_neither_part():
    """A merge is a new histogram."""
    one, other = LogHistogram([1.0]), LogHistogram([2.0, 0.0])
    assert one.merge(other).count == 3
    assert (one.count, other.count) == (1, 2)


def test_no_values_have_no_percentile():
    """Nothing measured is not zero."""
    assert math.isnan(LogHistogram().percentile(0.5))


def test_zero_is_a_value():
    """A percentile that falls on zeros is zero."""
    assert LogHistogram([0.0, 0.0, 5.0]).percentile(0.5) == 0.0


@pytest.mark.parametrize("value", [-1e-9, math.nan, math.inf])
def test_what_is_no_duration_is_refused(value):
    """Negative and non-finite values never enter the evidence."""
    with pytest.raises(ConfigurationError, match="finite values"):
        LogHistogram([value])
