"""Every plot: harmless, complete, readable on any canvas, for any figures."""

import math
import re
from dataclasses import replace
from functools import partial

import pytest
from fakes.proofs import tried
from hypothesis import given
from hypothesis import strategies as st
from report.plotted import Plotted

from gatewright.report.plots import (
    HALF,
    NARROW,
    STYLE,
    WIDE,
    Limit,
    PercentileCurve,
    PercentilePoint,
    Promise,
    RatioSeries,
    SlopeSeries,
    Timeline,
    TimelineBlock,
    find_stalls,
    percentile_plot,
    ratio_plot,
    slope_plot,
    timeline_plot,
)

HOSTILE = "</title></svg><script>alert(1)</script> \"' \x1b[2J\x00\u202e\ud800\uffff &lt;"


def block(
    start: float, ms: float | None = 10.0, *, runs: int = 40, failed: int = 0, **changes
) -> TimelineBlock:
    plain = TimelineBlock(
        start_s=start,
        runs=runs,
        failed=failed,
        completed=runs - failed,
        p50_ms=ms,
        p95_ms=ms,
        p99_ms=ms,
        max_ms=ms,
    )
    return replace(plain, **changes)


def timeline(count: int = 30, **changes) -> Timeline:
    blocks = [block(float(start), 10 + start % 3) for start in range(count)]
    return Timeline(blocks, block_s=1.0, judged_from_s=2.0, limits=(Limit("p95 250 ms", 250.0),), **changes)


def curve(**changes) -> PercentileCurve:
    points = [
        PercentilePoint(share, ms, ms - 1, None if share > 0.98 else ms + 1)
        for share, ms in ((0.0, 5.0), (0.5, 10.0), (0.9, 20.0), (0.99, 40.0), (0.999, 90.0))
    ]
    promises = (
        Promise(0.95, 250, "p95 250 ms", "kept"),
        Promise(0.99, 20, "p99 20 ms", "broken"),
        Promise(0.999, 95, "p99.9 95 ms", "open"),
    )
    return replace(PercentileCurve(points, promises, 0.95, 1000), **changes)


def slope_series(**changes) -> SlopeSeries:
    points = [(60.0 * place, 80e6 + 60 * 153 * place) for place in range(40)]
    return replace(SlopeSeries("memory", "B", points, 10, 153, 120, 180, 2048), **changes)


RATIOS = RatioSeries("server CPU", [1.0, 1.05, 1.1, 0.97], overall=1.03, lower=1.01, upper=1.06)

FULL = {
    "timeline": partial(timeline_plot, timeline()),
    "percentiles": partial(percentile_plot, curve()),
    "slopes": partial(slope_plot, slope_series()),
    "ratios": partial(ratio_plot, RATIOS),
}
EMPTY = {
    "timeline": partial(timeline_plot, Timeline([])),
    "percentiles": partial(percentile_plot, PercentileCurve([])),
    "slopes": partial(slope_plot, SlopeSeries("memory", "B", [])),
    "ratios": partial(ratio_plot, RatioSeries("server CPU", [])),
}
CANVASES = pytest.mark.parametrize("canvas", [WIDE, HALF, NARROW], ids=["wide", "half", "narrow"])


@CANVASES
@pytest.mark.parametrize("draw", FULL.values(), ids=FULL)
def test_a_plot_is_an_image_with_a_name_and_a_description(draw, canvas):
    """For those who don't see it; and it needs nothing from elsewhere."""
    svg = draw(canvas)
    plotted = Plotted(svg)
    assert plotted.root.attrib["role"] == "img"
    assert plotted.root.findtext("title")
    assert len(plotted.description) > 20
    assert plotted.texts
    assert not {"script", "style", "image", "use", "a"} & {element.tag for element in plotted.root.iter()}
    assert "://" not in svg
    assert "url(" not in svg


@CANVASES
@pytest.mark.parametrize("draw", FULL.values(), ids=FULL)
def test_nothing_lies_outside_of_the_canvas(draw, canvas):
    """Neither marks nor the beginnings and ends of texts."""
    plotted = Plotted(draw(canvas))
    assert (plotted.width, plotted.height) == (canvas.width, canvas.height)
    for element in plotted.root.iter("text"):
        x, y = float(element.get("x", "nan")), float(element.get("y", "nan"))
        length = 7.2 * len(element.text or "")
        left = {"start": x, "middle": x - length / 2, "end": x - length}[element.get("text-anchor", "start")]
        assert left >= -8, element.text
        assert left + length <= canvas.width + 8, element.text
        assert 0 < y < canvas.height


@CANVASES
@pytest.mark.parametrize("draw", FULL.values(), ids=FULL)
def test_texts_do_not_cover_each_other(draw, canvas):
    """Two texts on the same line are apart."""
    boxes = []
    for element in Plotted(draw(canvas)).root.iter("text"):
        x, y, length = (
            float(element.get("x", "nan")),
            float(element.get("y", "nan")),
            6.2 * len(element.text or ""),
        )
        left = {"start": x, "middle": x - length / 2, "end": x - length}[element.get("text-anchor", "start")]
        boxes.append((left, left + length, y, element.text))
    for place, (left, right, y, words) in enumerate(boxes):
        for other_left, other_right, other_y, other in boxes[place + 1 :]:
            apart = right <= other_left or other_right <= left or abs(y - other_y) >= 12
            assert apart, (words, other)


@CANVASES
@pytest.mark.parametrize("draw", EMPTY.values(), ids=EMPTY)
def test_nothing_measured_is_said(draw, canvas):
    assert Plotted(draw(canvas)).texts == ["Nothing was measured."]


@pytest.mark.parametrize(
    "svg",
    [
        timeline_plot(Timeline([block(0)], limits=(Limit(HOSTILE, 5.0),))),
        percentile_plot(curve(promises=(Promise(0.9, 10, HOSTILE, "kept"),))),
        slope_plot(slope_series(name=HOSTILE, unit=HOSTILE)),
        ratio_plot(replace(RATIOS, name=HOSTILE)),
        slope_plot(SlopeSeries(HOSTILE, HOSTILE, [])),
        ratio_plot(RatioSeries(HOSTILE, [])),
        slope_plot(slope_series(name="x" * 100_000), NARROW),
    ],
)
def test_whatever_a_name_says_it_stays_text(svg):
    """Nothing runs, nothing is hidden, nothing ends the picture early, and a long name does not fill it."""
    plotted = Plotted(svg)
    assert "script" not in {element.tag for element in plotted.root.iter()}
    assert not {"\x1b", "\x00", "\u202e", "\uffff"} & set(svg)
    assert max(map(len, plotted.texts)) < 200


WILD = st.one_of(
    st.none(), st.floats(), st.sampled_from([0.0, -1.0, 1e-320, 1e308, math.inf, -math.inf, math.nan])
)


@tried(60)
@given(
    values=st.lists(st.tuples(WILD, WILD, WILD, WILD), min_size=1, max_size=6),
    limits=st.lists(st.floats(), max_size=3),
    warm_up=st.floats(0, 10),
)
def test_a_timeline_bears_any_figures(values, limits, warm_up):
    """Missing, NaN, negative, enormous: still a picture of finite numbers."""
    blocks = [
        block(float(start), p50_ms=p50, p95_ms=p95, p99_ms=p99, max_ms=largest)
        for start, (p50, p95, p99, largest) in enumerate(values)
    ]
    svg = timeline_plot(Timeline(blocks, 1.0, warm_up, None, [Limit("limit", ms) for ms in limits]), NARROW)
    assert all(map(math.isfinite, Plotted(svg).numbers()))
    assert "nan" not in svg


@tried(60)
@given(
    points=st.lists(st.tuples(st.floats(0, 1), st.floats(), WILD, WILD), max_size=6),
    promises=st.lists(st.tuples(st.floats(0, 1), st.floats()), max_size=3),
)
def test_a_percentile_curve_bears_any_figures(points, promises):
    """Also a share of one, which no number of nines is enough for."""
    svg = percentile_plot(
        PercentileCurve(
            [PercentilePoint(*point) for point in sorted(points, key=lambda point: point[0])],
            tuple(Promise(share, ms, "promise", "open") for share, ms in promises),
        ),
        NARROW,
    )
    assert all(map(math.isfinite, Plotted(svg).numbers()))


@tried(60)
@given(
    points=st.lists(st.tuples(st.floats(), st.floats()), max_size=6),
    used_from=st.integers(0, 9),
    slopes=st.tuples(WILD, WILD, WILD, WILD),
)
def test_slopes_bear_any_figures(points, used_from, slopes):
    """Also when every point was skipped, or all stand at the same place."""
    svg = slope_plot(SlopeSeries("series", "B", points, used_from, *slopes), NARROW)
    assert all(map(math.isfinite, Plotted(svg).numbers()))


@tried(60)
@given(
    ratios=st.lists(WILD, max_size=6),
    around=st.tuples(WILD, WILD, WILD),
    margins=st.tuples(st.floats(), st.floats()),
)
def test_ratios_bear_any_figures(ratios, around, margins):
    """A ratio that is no positive number is a gap."""
    svg = ratio_plot(RatioSeries("cpu", ratios, *around, *margins), NARROW)
    assert all(map(math.isfinite, Plotted(svg).numbers()))


def test_a_timeline_has_one_mark_of_each_kind_for_each_block():
    """In the order of time; the median is one line; a gap breaks it and is no mark."""
    plotted = Plotted(timeline_plot(timeline(30)))
    assert [len(plotted.marks(form)) for form in ("dot", "diamond", "dash")] == [30, 30, 30]
    xs = [x for x, _ in plotted.marks("dot")]
    assert xs == sorted(xs)
    assert len(plotted.curve()) == 30
    gap = Timeline([block(0), block(1, None, completed=0), block(2)])
    plotted = Plotted(timeline_plot(gap))
    assert len(plotted.marks("dot")) == 2
    assert plotted.of_class("stroke-a")[-1].get("d", "").count("M") == 2


def test_slower_blocks_stand_higher():
    plotted = Plotted(timeline_plot(Timeline([block(float(place), 10.0 * 2**place) for place in range(5)])))
    heights = [y for _, y in plotted.marks("dot")]
    assert heights == sorted(heights, reverse=True)


def test_stalls_and_failures_are_marked_where_they_are():
    """A stall by a shade with its words; a failure by a cross below; and both are told in words."""
    blocks = [block(float(start), 10 + start % 2) for start in range(20)]
    blocks[7] = block(7.0, 11, max_ms=900.0, failed=3)
    blocks[12] = block(12.0, None, completed=0, failed=40)
    line = Timeline(blocks)
    assert [place for place, stalled in enumerate(find_stalls(line)) if stalled] == [7, 12]
    plotted = Plotted(timeline_plot(line))
    shades = [e for e in plotted.of_class("stall") if e.find("title") is not None]
    assert [e.findtext("title") for e in shades] == [
        "stall from 7 to 8 s: up to 900 ms",
        "stall from 12 to 13 s: nothing completed",
    ]
    assert len(plotted.marks("cross")) == 2
    assert "43 of 800 runs failed." in plotted.description
    assert "Stall from 7 to 8 s" in plotted.description


@CANVASES
def test_the_words_of_a_limit_stand_above_its_line(canvas):
    """Also when it is the largest figure of all, and when another limit lies close to it."""
    limits = (Limit("p95 250 ms", 250.0), Limit("p99 260 ms", 260.0))
    plotted = Plotted(timeline_plot(replace(timeline(), limits=limits), canvas))
    lower, upper = (float(e.get("y1", "nan")) for e in plotted.of_class("stroke-fail") if e.tag == "line")
    words = {e.text: float(e.get("y", "nan")) for e in plotted.of_class("haloed")}
    assert upper - words["p99 260 ms"] >= 5
    assert lower + 4 > words["p95 250 ms"] >= words["p99 260 ms"] + 12


def test_the_warm_up_is_no_stall():
    """It is slow by its nature; it is shaded, and measures nothing against it."""
    blocks = [block(float(start), 900.0 if start < 3 else 10.0) for start in range(20)]
    line = Timeline(blocks, judged_from_s=3.0)
    assert not any(find_stalls(line))
    assert Plotted(timeline_plot(line)).of_class("unjudged")


def test_the_end_that_is_not_judged_is_no_stall():
    """Runs that were under way when the measurement ended have not completed; that is nobody's fault."""
    blocks = [block(float(start)) for start in range(20)] + [block(20.0, None, completed=0)]
    assert find_stalls(Timeline(blocks))[-1]
    assert not any(find_stalls(Timeline(blocks, judged_to_s=20.3)))
    assert not Plotted(timeline_plot(Timeline(blocks, judged_to_s=20.3))).of_class("unjudged")
    assert Plotted(timeline_plot(Timeline(blocks, judged_to_s=15.0))).of_class("unjudged")


def test_of_many_blocks_the_worst_is_shown():
    """A stall of one second is seen in an hour, also on a phone, and the axis says what a mark is."""
    blocks = [block(float(start)) for start in range(3600)]
    blocks[1800] = block(1800.0, 10.0, max_ms=5000.0, failed=1)
    for canvas in (WIDE, NARROW):
        plotted = Plotted(timeline_plot(Timeline(blocks), canvas))
        assert len(plotted.marks("dash")) <= canvas.width / 4
        heights = sorted(y for _, y in plotted.marks("dash"))
        assert heights[0] < heights[1] - 100
        assert len(plotted.marks("cross")) == 1
        assert any("a mark is the worst of" in words for words in plotted.texts)
        assert any("minutes" in words for words in plotted.texts)


def test_the_percentile_curve_rises_to_the_right():
    """Each nine takes the same space; the band has a corner above and below for each point."""
    plotted = Plotted(percentile_plot(curve()))
    places = plotted.curve()
    assert len(places) == 5
    assert [x for x, _ in places] == sorted(x for x, _ in places)
    assert [y for _, y in places] == sorted((y for _, y in places), reverse=True)
    xs = [x for x, _ in places]
    assert xs[3] - xs[2] == pytest.approx(xs[4] - xs[3], abs=0.2)
    (band,) = [element for element in plotted.of_class("band") if element.tag == "polygon"]
    assert len(band.get("points", "").split()) == 10
    for label in ("0%", "90%", "99%", "99.9%"):
        assert label in plotted.texts


def test_promises_are_told_by_form_and_word():
    """A check for kept, a cross for broken, a question mark for undecided: not by colour alone."""
    plotted = Plotted(percentile_plot(curve()))
    assert [len(plotted.marks(form)) for form in ("check", "cross", "question")] == [1, 1, 1]
    assert {"kept", "broken", "not decided", "p99 20 ms"} <= set(plotted.texts)
    (kept,), (broken,) = plotted.marks("check"), plotted.marks("cross")
    assert kept[0] < broken[0]
    assert kept[1] < broken[1]
    assert "p99 20 ms: broken." in plotted.description


def test_slopes_start_together():
    """Slope, fan and limit; a limit steeper than the picture is cut, and keeps its direction."""
    plotted = Plotted(slope_plot(slope_series(limit=300.0)))
    assert len(plotted.marks("dot")) == 30
    assert len(plotted.marks("ring")) == 10
    slope, limit = (
        [e for e in plotted.of_class(style) if e.tag == "line"][-1] for style in ("stroke-a", "stroke-fail")
    )
    (fan,) = [element for element in plotted.of_class("band") if element.tag == "polygon"]
    start = (slope.get("x1"), slope.get("y1"))
    assert start == (limit.get("x1"), limit.get("y1")) == tuple(fan.get("points", "").split()[0].split(","))
    assert steepness(limit) / steepness(slope) == pytest.approx(300 / 153, rel=0.02)
    cut = [e for e in Plotted(slope_plot(slope_series())).of_class("stroke-fail") if e.tag == "line"][-1]
    assert steepness(cut) / steepness(slope) == pytest.approx(2048 / 153, rel=0.1)


def steepness(line) -> float:
    x1, y1, x2, y2 = (float(line.get(name)) for name in ("x1", "y1", "x2", "y2"))
    return (y1 - y2) / (x2 - x1)


@pytest.mark.parametrize(
    ("unit", "size", "shown"),
    [("B", 80e6, "MiB"), ("B", 500, "B"), ("us", 14_000, "ms"), ("files", 12, "files")],
)
def test_series_are_shown_in_the_unit_that_fits(unit, size, shown):
    points = [(float(place), size + place) for place in range(20)]
    plotted = Plotted(slope_plot(SlopeSeries("held", unit, points)))
    assert f"held, {shown}" in plotted.texts


def test_ratios_stand_around_equal():
    """Twice and half are equally far from it; margins and bounds are told."""
    plotted = Plotted(ratio_plot(RatioSeries("cpu", [0.5, 1.0, 2.0, None, math.nan, -1.0], 1.0, 0.9, 1.1)))
    half, one, twice = (y for _, y in plotted.marks("dot"))
    assert half - one == pytest.approx(one - twice, abs=0.2)
    plotted = Plotted(ratio_plot(RATIOS))
    assert "equal" in plotted.texts
    assert "overall +3%" in plotted.texts
    assert "bounds +1% to +6%" in plotted.texts
    assert any("above +2%" in words for words in plotted.texts)
    assert any("below +8%" in words for words in plotted.texts)


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_colours_stand_out_from_their_ground_in_light_in_dark_and_on_paper():
    """Series by 3 to 1, texts by 4.5 to 1."""
    sets = re.findall(r"\.plot \{(.*?)\}", STYLE, re.DOTALL)
    assert len(sets) == 3
    for colours in (dict(re.findall(r"--plot-([a-z]+): (#[0-9a-f]{6})", each)) for each in sets):
        ground = luminance(colours["ground"])
        for name, least in [
            *((each, 3.0) for each in "abc"),
            *((each, 4.5) for each in ("ink", "quiet", "pass", "fail", "doubt")),
        ]:
            light, dark = sorted([luminance(colours[name]), ground], reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= least, name
