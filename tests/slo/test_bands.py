"""Bounds of percentiles by order statistics."""

import math
import random

import pytest
from scipy import stats

from gatewright.core.errors import ConfigurationError
from gatewright.slo.bands import percentile_bounds


def test_bounds_are_the_order_statistics_of_the_binomial():
    """Of 100 values 1..100 the 95% bounds of the median are the 42nd and the 59th."""
    (found,) = percentile_bounds(range(1, 101), [1] * 100, [0.5], 0.05)
    assert (found.value, found.lower, found.upper) == (50, 42, 59)
    assert stats.binom.cdf(41, 100, 0.5) < 0.05 <= stats.binom.cdf(42, 100, 0.5)
    assert 1 - stats.binom.cdf(58, 100, 0.5) <= 0.05


def test_counts_are_values_that_occurred_more_than_once():
    """A histogram's buckets bound as its values do."""
    spelled_out = percentile_bounds([1, 2, 3, 4], [1, 1, 1, 1], [0.25, 0.5, 1.0], 0.2)
    assert [each.value for each in spelled_out] == [1, 2, 4]
    heaped = percentile_bounds([5, 7], [60, 40], [0.5, 0.6, 0.61], 0.05)
    assert [each.value for each in heaped] == [5, 5, 7]
    assert [(each.lower, each.upper) for each in heaped] == [(5, 5), (5, 7), (5, 7)]


def test_a_percentile_that_the_sample_may_have_missed_has_no_upper_bound():
    """58 values bound no p95 at 5%, 59 do: 0.95**59 < 0.05."""

    def upper(count):
        return percentile_bounds(range(count), [1] * count, [0.95], 0.05)[0].upper

    assert upper(58) is None
    assert upper(59) == 58
    (least,) = percentile_bounds(range(59), [1] * 59, [0.0], 0.05)
    assert least.lower is None


def test_nothing_measured_bounds_nothing():
    assert percentile_bounds([], [], [0.5], 0.05) == ()
    assert percentile_bounds([1.0], [0], [0.5], 0.05) == ()


def test_the_bounds_err_no_more_often_than_they_say():
    """Over 400 samples of a known distribution each bound is wrong in at most 5%, and not much rarer."""
    source, wrong = random.Random(5), [0, 0]
    truth = -math.log(1 - 0.9)
    for _ in range(400):
        sample = sorted(source.expovariate(1.0) for _ in range(300))
        (found,) = percentile_bounds(sample, [1] * 300, [0.9], 0.05)
        wrong[0] += found.lower > truth
        wrong[1] += found.upper < truth
    assert all(4 <= count <= 28 for count in wrong)


@pytest.mark.parametrize(
    ("values", "counts", "shares", "alpha"),
    [
        ([1, 2], [1], [0.5], 0.05),
        ([1], [-1], [0.5], 0.05),
        ([1], [10**30], [0.5], 0.05),
        ([2, 1], [1, 1], [0.5], 0.05),
        ([1, math.nan], [1, 1], [0.5], 0.05),
        ([1], [1], [1.5], 0.05),
        ([1], [1], [math.nan], 0.05),
        ([1], [1], [0.5], 0.5),
        ([1], [1], [0.5], math.nan),
    ],
)
def test_what_is_no_sample_is_refused(values, counts, shares, alpha):
    with pytest.raises(ConfigurationError):
        percentile_bounds(values, counts, shares, alpha)
