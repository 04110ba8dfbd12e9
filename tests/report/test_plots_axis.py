"""Axes: round ticks, places in order, and figures of any size."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewright.report.plots.axis import linear_scale, log_scale, number, usable

ANY = st.one_of(st.none(), st.floats())


@pytest.mark.parametrize(
    ("figures", "ticks"),
    [
        ([0, 60], [0, 20, 40, 60]),
        ([0.0, 0.3], [0, 0.1, 0.2, 0.3]),
        ([76.6e6, 77.1e6], [76.6e6, 76.8e6, 77.0e6]),
        ([-1, 1], [-1, -0.5, 0, 0.5, 1]),
    ],
)
def test_linear_ticks_stand_at_round_figures(figures, ticks):
    """Multiples of 1, 2 or 5 times a power of ten, and not more than asked for."""
    assert linear_scale(figures, 0, 100).ticks(5) == pytest.approx(ticks)


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (1, 100, [1, 3, 10, 30, 100]),
        (2, 20, [2, 5, 10, 20]),
        (1e-3, 1e9, [1e-3, 1e0, 1e3, 1e6, 1e9]),
        (8, 12, [5, 10]),
    ],
)
def test_log_ticks_thin_out_with_the_number_of_decades(low, high, ticks):
    """1-2-5, then 1-3, then powers of ten, then every second or third of them."""
    scale = log_scale([low, high], 0, 100)
    assert scale.ticks(5)[: len(ticks)] == pytest.approx(ticks)


@pytest.mark.parametrize("make", [linear_scale, log_scale])
@settings(derandomize=True)
@given(figures=st.lists(ANY, max_size=8), value=st.floats(allow_nan=False))
def test_any_figures_make_an_axis(make, figures, value):
    """Its ends differ, its ticks are few and ascend, and every place lies on it."""
    scale = make(figures, 300, 20)
    assert scale.low < scale.high
    assert 20 <= scale.place(value) <= 300
    places = [place for place, _ in scale.labelled(6)]
    assert len(places) <= 6
    assert all(20 - 1e-6 <= place <= 300 + 1e-6 for place in places)
    assert places == sorted(places, reverse=True)


@pytest.mark.parametrize("make", [linear_scale, log_scale])
@settings(derandomize=True)
@given(figures=st.lists(st.floats(1e-3, 1e6), min_size=2, max_size=8))
def test_a_larger_figure_never_stands_lower(make, figures):
    """Upward axes grow upward, and show all figures that they were made for."""
    scale = make(figures, 300, 20)
    places = [scale.place(figure) for figure in sorted(figures)]
    assert all(later <= earlier + 1e-9 for earlier, later in pairwise(places))
    assert scale.low <= min(figures) <= max(figures) <= scale.high


@pytest.mark.parametrize("make", [linear_scale, log_scale])
def test_headroom_moves_figures_away_from_the_end(make):
    """By so many pixels for the largest one, so that its label finds a place above it."""
    scale = make([1, 1000], 300, 20)
    assert scale.with_headroom(18).place(scale.high) == pytest.approx(38)
    assert scale.with_headroom(18).place(scale.low) == 300


def test_equal_ratios_take_equal_space_on_a_logarithmic_axis():
    scale = log_scale([1, 1000], 0, 100)
    ten, hundred, thousand = (scale.place(value) for value in (10, 100, 1000))
    assert thousand - hundred == pytest.approx(hundred - ten)


def test_what_cannot_be_drawn_is_left_out():
    """Missing figures and NaN; infinite ones are held."""
    assert usable([None, math.nan, 1.0]) == [1.0]
    assert usable([math.inf, -math.inf]) == [1e100, -1e100]


@pytest.mark.parametrize(
    ("value", "step", "shown"),
    [
        (0, None, "0"),
        (0.25, None, "0.25"),
        (812.345, None, "812.3"),
        (12345.6, None, "12,346"),
        (2.0, 0.5, "2.0"),
        (1e12, None, "1e+12"),
        (1e-7, None, "1e-07"),
        (-3.5, None, "-3.5"),
    ],
)
def test_figures_are_shown_as_people_read_them(value, step, shown):
    assert number(value, step) == shown
