"""The page of an SLO report: verdict first, every figure, every plot; harmless, and at rest in any browser."""

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest

from gatewright.core.verdict import Verdict
from gatewright.evidence.report import Reason
from gatewright.slo import DriftLimit, LatencyObjective, SuccessObjective, ThroughputObjective
from gatewright.suites.slo.assembly import Heading, assemble, unfinished
from gatewright.suites.slo.drawing import curve_of, series_of, timeline_of
from gatewright.suites.slo.page import render_page
from gatewright.suites.slo.report import Bounds, DriftResult, FailureCount
from gatewright.suites.slo.suite import Plan, conclude

BEGUN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HEADING = Heading(
    suite="slo",
    profile="quick",
    target="",
    server_started=True,
    alpha=0.05,
    started_at=BEGUN,
    command="measure --again",
)
OBJECTIVES = (
    LatencyObjective(0.95, 0.3),
    LatencyObjective(0.99, 0.5),
    SuccessObjective(0.99),
    ThroughputObjective(20),
)
VOID = {"meta", "br"}
HOSTILE = '</title></style><script>alert(1)</script><img src=x onerror=alert(1)> " \x1b[2J \x00 \u202e \ud800'


class Page(HTMLParser):
    """What a browser would make of a page; refuses elements that are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if "style" not in self._open and data.strip():
            self.texts.append(data.strip())

    @property
    def text(self) -> str:
        return "\n".join(self.texts)


@pytest.fixture
def measured(watch, follow):
    """Measures in virtual time."""

    def run(name="load", drift_limits=(), **behaviour):
        seen, _ = watch(stops_early=not drift_limits, drift_limits=drift_limits)
        recording, _ = follow(seen, **behaviour)
        plan = Plan(name, OBJECTIVES, rate=40, budget_s=30, drift_limits=drift_limits)
        return conclude(plan, seen, seen.finish(recording), cpu_s=0.1)

    return run


@pytest.fixture
def reported(measured):
    """Measures one scenario and assembles the report."""
    return lambda **behaviour: assemble(HEADING, [measured(**behaviour)], BEGUN + timedelta(seconds=20))


def test_the_verdict_and_its_reasons_come_first(reported):
    """Before any table or plot; and at the end the command that measures it again."""
    report = reported(latency=lambda due: 0.4)
    text = Page(render_page(report)).text
    assert text.index("FAIL") < text.index(report.reasons[0].message) < text.index("Objectives")
    assert text.endswith("measure --again")


def test_every_figure_of_the_decision_is_there(reported):
    """Limits, counts, latencies, failures, the proof of the schedule, noise and remarks."""
    report = reported(fails=lambda due: int(due * 40) % 5 == 0)
    (scenario,) = report.scenarios
    text = Page(render_page(report)).text
    success = scenario.objectives[2]
    for part in (
        "≤ 300 ms",
        "≥ 0.99",
        f"{success.exceeded:,} of {success.samples:,}",
        "answered 500",
        "run, from its schedule",
        "step, service time",
        "✓ kept",
        "2.0 s, 80 runs",
        "waiting for a CPU (PSI)",
        scenario.remarks[0],
    ):
        assert part in text, part


def test_columns_say_what_their_cells_hold(reported):
    """Also where a narrow screen shows each cell with the name of its column."""
    page = render_page(reported())
    row = re.search(r"latency p95</bdi></th>(.*?)</tr>", page, re.DOTALL)
    cells = dict(re.findall(r'data-name="([^"]*)"><bdi dir="ltr">([^<]*)</bdi>', row[1]))
    assert cells["limit"] == "≤ 300 ms"
    assert cells["observed"].endswith(" ms")
    assert cells["verdict"] == "PASS"
    assert "%" in cells["bounds"]
    head = page[page.index("<thead") : page.index("</thead")]
    named = re.findall(r"<th [^>]*>([^<]*)</th>", head)
    assert named == ["objective", *re.findall(r'data-name="([^"]*)"', row[1])]


def test_each_plot_is_there_for_wide_and_for_narrow_screens(measured):
    """A soak adds one plot for each series."""
    limits = (DriftLimit("latency_p95", 20.0),)
    soak = measured("soak", limits, latency=lambda due: 0.01 + due / 1000)
    html = render_page(assemble(HEADING, [soak], BEGUN))
    for kind in ("timeline", "percentiles", "slopes"):
        assert html.count(f'class="plot {kind}"') == 2
    page = Page(html)
    assert page.tags.count("figure") == page.tags.count("figcaption") == 3
    assert "Growth of latency p95" in page.text


def test_the_page_needs_nothing_from_anywhere(reported):
    """No network and no script, by its own policy; light and dark, narrow screens and paper have their looks."""
    html = render_page(reported())
    page = Page(html)
    assert "default-src 'none'" in html
    assert "url(" not in html
    assert not {"script", "img", "link", "iframe", "a"} & set(page.tags)
    assert page.tags.count("style") == page.tags.count("h1") == 1
    for look in ("prefers-color-scheme: dark", "max-width", "@media print", "color-scheme: light dark"):
        assert look in html


def test_whatever_a_name_says_it_stays_text(reported):
    """Names of suites, scenarios, steps and targets, reasons and remarks come from elsewhere."""
    report = reported()
    (scenario,) = report.scenarios
    hostile = scenario.model_copy(
        update={
            "name": HOSTILE,
            "remarks": (HOSTILE,),
            "failures": (FailureCount.model_construct(step=HOSTILE, reason=HOSTILE * 40, count=1),),
            "steps": tuple(step.model_copy(update={"step": HOSTILE}) for step in scenario.steps),
            "objectives": tuple(
                each.model_copy(update={"name": HOSTILE, "missing": HOSTILE}) for each in scenario.objectives
            ),
        }
    )
    html = render_page(
        report.model_copy(
            update={
                "suite": HOSTILE,
                "profile": HOSTILE,
                "target": HOSTILE,
                "server_started": False,
                "reasons": (Reason.model_construct(rule=HOSTILE, message=HOSTILE, command=HOSTILE),),
                "scenarios": (hostile,),
            }
        )
    )
    page = Page(html)
    assert not {"script", "img"} & set(page.tags)
    assert not any(name.startswith("on") for name, _ in page.attributes)
    assert page.tags.count("body") == page.tags.count("style") == 1
    assert not {"\x1b", "\x00", "\u202e", "\ud800"} & set(html)


def test_nothing_measured_is_a_page_too(reported):
    """Without scenarios the reason stands alone; a scenario without runs says so in its plots."""
    text = Page(render_page(unfinished(HEADING, "no server", "measurable", BEGUN))).text
    assert "INCONCLUSIVE: neither PASS nor FAIL is proven" in text
    assert "no server" in text
    text = Page(render_page(reported(seconds=0))).text
    assert text.count("Nothing was measured.") == 8, "of two plots, each twice, the text and the description"


def test_plots_show_what_the_report_holds(measured):
    """Blocks, limits of whole runs with their decisions, the curve through the reported percentiles."""
    scenario = measured(latency=lambda due: 0.01 if int(due * 40) % 10 else 0.1)
    line = timeline_of(scenario)
    assert len(line.blocks) == len(scenario.timeline.blocks)
    assert line.judged_from_s == scenario.timeline.measured_from_s > 0
    assert [limit.words for limit in line.limits] == ["p95 ≤ 300 ms", "p99 ≤ 500 ms"]
    curve = curve_of(scenario, 0.05)
    assert curve.samples == scenario.succeeded
    assert {promise.state for promise in curve.promises} == {"kept"}
    median = min(curve.points, key=lambda point: abs(point.share - 0.5))
    assert median.ms == pytest.approx(scenario.latency.p50_ms, rel=1e-3)
    assert median.lower_ms <= median.ms <= median.upper_ms
    assert curve.points[-1].ms == pytest.approx(scenario.latency.max_ms, rel=1e-3)


def test_limits_of_a_part_are_not_drawn_over_the_whole(measured):
    """The curve is that of all runs: an objective about a step or a journey has no place in it."""
    scenario = measured()
    part = scenario.objectives[0].model_copy(update={"name": "browse/step:latency_p95_ms"})
    partial = scenario.model_copy(update={"objectives": (part,)})
    assert not timeline_of(partial).limits
    assert not curve_of(partial, 0.05).promises
    report = assemble(HEADING, [partial], BEGUN)
    assert "browse/step: latency p95" in Page(render_page(report)).text


def test_a_level_that_bounds_nothing_is_not_drawn_with(measured):
    """The curve is told with the usual 95% instead: figures that were measured always get their page."""
    scenario = measured()
    assert curve_of(scenario, 0.7) == curve_of(scenario, 0.05)
    assert curve_of(scenario, 0.01).confidence == 0.99


def drift(**changes) -> DriftResult:
    known = DriftResult(
        series="rss",
        unit="B",
        limit_per_run=100.0,
        slope_per_run=5.0,
        bounds=Bounds(lower=1.0, upper=9.0),
        trend_p=0.5,
        blocks=30,
        p_pass=0.001,
        p_fail=1.0,
        points=tuple((float(place), 1e6 + place) for place in range(40)),
        verdict=Verdict.PASS,
    )
    return known.model_copy(update=changes)


def test_a_slope_is_drawn_only_where_one_was_found():
    """Too few blocks have none; a series that never changes has a slope of 0."""
    series = series_of(drift())
    assert (series.name, series.used_from, series.slope, series.limit) == ("resident memory", 10, 5.0, 100.0)
    flat = {"slope_per_run": 0.0, "bounds": Bounds(lower=0.0, upper=0.0)}
    assert series_of(drift(verdict=Verdict.INCONCLUSIVE, **flat)).slope is None
    assert series_of(drift(**flat)).slope == 0.0
