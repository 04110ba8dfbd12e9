"""Small plots of runs: a line of figures and a strip of endings."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report.plotted import Plotted

from gatewright.core.verdict import Verdict
from gatewright.report.plots import (
    SMALL,
    Ending,
    PercentileCurve,
    PercentilePoint,
    history_strip,
    latency_promise,
    percentile_plot,
    sparkline,
)


def test_a_line_shows_the_figures_in_order_with_a_dot_at_the_newest() -> None:
    plot = Plotted(sparkline([1.0, 3.0, 2.0], "latency", unit=" ms"))
    (path,) = plot.of_class("stroke-a", "bold")
    points = re.findall(r"[ML]([\d.]+) ([\d.]+)", path.get("d", ""))
    curve = [(float(x), float(y)) for x, y in points]
    assert [x for x, _ in curve] == sorted(x for x, _ in curve)
    assert curve[1][1] < curve[2][1] < curve[0][1]
    (dot,) = plot.of_class("dot")
    assert dot.get("d") == f"M{curve[2][0]:g} {curve[2][1]:g}h0"
    assert plot.description == "3 runs, from 1 to 3 ms; the newest has 2 ms."


def test_a_run_without_the_figure_is_a_gap_and_no_zero() -> None:
    (path,) = Plotted(sparkline([1.0, None, 2.0], "x")).of_class("stroke-a", "bold")
    assert path.get("d", "").count("M") == 2
    assert not Plotted(sparkline([1.0, None], "x")).of_class("dot")[0].get("d")


@pytest.mark.parametrize(("limit", "lines"), [(4.0, 1), (10_000.0, 0), (None, 0)])
def test_a_limit_is_drawn_where_it_leaves_the_figures_their_form(limit, lines) -> None:
    """It is told in any case."""
    plot = Plotted(sparkline([1.0, 2.0], "x", limit=limit))
    assert len(plot.of_class("dashed")) == lines
    assert ("the limit is" in plot.description) is (limit is not None)


@given(
    st.lists(st.none() | st.floats(allow_nan=True, allow_infinity=True), max_size=30),
    st.none() | st.floats(allow_nan=True, allow_infinity=True),
)
def test_any_figures_stay_within_the_picture(values, limit) -> None:
    plot = Plotted(sparkline(values, "<&\x00", limit=limit))
    assert all(-1 <= number <= SMALL.width + 1 for number in plot.numbers())


def test_a_strip_has_a_bar_for_each_run_the_worse_the_higher() -> None:
    endings = [Ending("pass", "one: PASS"), Ending("doubt", "two: ERROR"), Ending("fail", "<b>: FAIL")]
    plot = Plotted(history_strip(endings, "How it ended"))
    heights = [float(bar.get("height", 0)) for bar in plot.root.iter("rect")]
    assert heights == sorted(heights)
    assert len(set(heights)) == 3
    assert [bar.findtext("title") for bar in plot.root.iter("rect")] == [each.words for each in endings]
    assert plot.description == "Of 3 runs 1 passed, 1 left doubt, 1 failed."


def test_a_curve_may_go_without_its_band() -> None:
    """Where nobody computed the bounds, the plot does not pretend to know them."""
    promise = latency_promise("latency_p95_ms", 4.0, Verdict.FAIL)
    assert promise is not None
    points = [PercentilePoint(share, 10.0, None, None) for share in (0.0, 0.5, 0.9)]
    plot = Plotted(percentile_plot(PercentileCurve(points, promises=[promise], confidence=None)))
    assert not plot.of_class("band")
    assert "bound" not in plot.description
    assert "p95 ≤ 4 ms: broken." in plot.description


@pytest.mark.parametrize("name", ["latency_p95", "step:latency_p95_ms", "latency_p1000_ms", "success_ratio"])
def test_only_objectives_about_the_latency_of_all_runs_are_promises_of_percentiles(name) -> None:
    assert latency_promise(name, 4.0, Verdict.PASS) is None
