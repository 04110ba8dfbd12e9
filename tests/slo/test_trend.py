"""Slopes by pairs of points: right, robust against outliers, and honest about serial correlation."""

import random

import pytest
from scipy import stats

from gatewright.slo.trend import Trend, positive_correlations, ranks


def noisy(seed, slope=0.0, points=30, memory=0.0):
    """Normal noise around a line; `memory` is the share of each deviation that stays in the next one."""
    chance = random.Random(seed)
    deviation, values = 0.0, []
    for number in range(points):
        deviation = memory * deviation + chance.gauss(0, 1)
        values.append(slope * number + deviation)
    return Trend([float(number) for number in range(points)], values)


def test_slope_and_bounds_are_those_of_theil_and_sen():
    """SciPy's, where successive points don't depend on each other."""
    trend = noisy(4, slope=0.5, memory=-0.5)
    assert trend.inflation == 1
    slope, _, lower, upper = stats.theilslopes(trend.y, trend.x, 0.90)
    assert trend.slope == pytest.approx(slope)
    assert trend.bounds(0.05) == pytest.approx((lower, upper), abs=0.01)


def test_an_outlier_moves_the_slope_little():
    """A tenth of the points may be wild."""
    trend = noisy(1, slope=0.5)
    wild = [value + (1000 if number in {7, 15, 22} else 0) for number, value in enumerate(trend.y)]
    assert Trend(trend.x, wild).slope == pytest.approx(trend.slope, abs=0.1)


def test_growth_is_tested_as_mann_and_kendall_do():
    """SciPy's asymptotic p-value, ties included."""
    trend = noisy(5, slope=0.1)
    tied = Trend(trend.x, [round(value) for value in trend.y])
    theirs = stats.kendalltau(tied.x, tied.y, method="asymptotic", alternative="greater").pvalue
    assert tied.p_growth() == pytest.approx(theirs, rel=0.2)
    assert Trend(trend.x, [3.0] * 30).p_growth() == 1


def test_bounds_and_tests_agree():
    """A slope beyond a bound at alpha is refuted at alpha."""
    trend = noisy(3, slope=0.5, memory=0.5)
    lower, upper = trend.bounds(0.05)
    assert trend.p_above(lower - 0.02) < 0.05 < trend.p_above(lower + 0.02)
    assert trend.p_below(upper + 0.02) < 0.05 < trend.p_below(upper - 0.02)


def test_points_that_depend_on_each_other_tell_less():
    """Serial correlation widens the bounds."""
    alone, together = noisy(6, points=60, memory=-0.5), noisy(6, points=60, memory=0.9)
    assert together.inflation > 3
    assert alone.inflation == 1
    widths = [trend.bounds(0.05)[1] - trend.bounds(0.05)[0] for trend in (alone, together)]
    assert widths[1] > 2 * widths[0]


def test_wrong_refutations_stay_rare_in_spite_of_serial_correlation():
    """Of 400 series that grow by exactly the limit, with a correlation of 0.6, at most 10% seem to exceed it.

    Without the correction it is more than 20%.
    """
    trends = [noisy(seed, slope=0.3, memory=0.6) for seed in range(400)]
    refuted = sum(trend.p_above(0.3) <= 0.05 for trend in trends)
    assert 0 < refuted <= 40


def test_equal_numbers_of_runs_are_no_pairs():
    """A server that stood still for a while adds points, and no slopes without end."""
    trend = Trend([0.0, 1.0, 1.0, 2.0], [0.0, 1.0, 5.0, 2.0])
    assert trend.slope == pytest.approx(1.0)


def test_ranks_share_ties():
    """Equal values have the mean of their ranks."""
    assert ranks([3.0, 1.0, 3.0, 2.0]) == [3.5, 1.0, 3.5, 2.0]


def test_correlations_end_at_the_first_that_is_not_positive():
    """An alternating series has none; a constant one has none; too few points tell none."""
    assert positive_correlations([1.0, -1.0] * 10) == []
    assert positive_correlations([2.0] * 10) == []
    assert positive_correlations([1.0, 2.0, 3.0, 4.0]) == []
    assert len(positive_correlations([0.0] * 10 + [1.0] * 10)) > 3
