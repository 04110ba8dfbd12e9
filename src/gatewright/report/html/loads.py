"""Loads: what was promised and seen, latency over time and by percentile, from the reports of SLO suites."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Annotated

from pydantic import Field, FiniteFloat

from gatewright.core.buckets import values_of
from gatewright.core.escape import html_text
from gatewright.core.verdict import Verdict
from gatewright.report import plots
from gatewright.report.html.links import Links
from gatewright.report.html.material import Drawn
from gatewright.report.html.parts import SIGNS, Tone, cut, drawn, heading, note
from gatewright.report.page import isolated
from gatewright.report.plots import Canvas, Limit, PercentileCurve, PercentilePoint, Timeline, TimelineBlock
from gatewright.report.plots.axis import number

__all__ = ["LoadDrawing", "ShownLoad", "loads"]

MOST_SCENARIOS = 4
MOST_OBJECTIVES = 16
NAME_CHARACTERS = 120
MILLISECONDS = 1000
LOW = Canvas(plots.WIDE.width, 300)
TONES: dict[Verdict, Tone] = {Verdict.PASS: "pass", Verdict.FAIL: "fail", Verdict.INCONCLUSIVE: "doubt"}
TIMELINE_CAPTION = "Each block of {block} s: the median as a line, p95, p99 and the slowest run as marks."
CURVE_CAPTION = "Each further nine takes the same space. The report's own page has the bounds too."

Count = Annotated[int, Field(ge=0)]


class DrawnObjective(Drawn):
    """What was promised and seen."""

    name: str
    threshold: FiniteFloat
    observed: FiniteFloat | None
    samples: Count = 0
    verdict: Verdict
    missing: str = ""


class DrawnTimeline(Drawn):
    """Latency over time."""

    block_s: FiniteFloat = 0.0
    measured_from_s: FiniteFloat = 0.0
    measured_to_s: FiniteFloat = 0.0
    blocks: tuple[TimelineBlock, ...] = ()


class DrawnHistogram(Drawn):
    """Latencies, in seconds, by buckets."""

    zeros: Count = 0
    buckets: tuple[tuple[int, Count], ...] = ()


class DrawnLoad(Drawn):
    """One scenario."""

    name: str
    verdict: Verdict
    in_process: bool = False
    runs: Count = 0
    succeeded: Count = 0
    measured_s: FiniteFloat = 0.0
    objectives: tuple[DrawnObjective, ...] = ()
    timeline: DrawnTimeline = DrawnTimeline()
    histogram: DrawnHistogram = DrawnHistogram()
    remarks: tuple[str, ...] = ()

    @property
    def promises(self) -> tuple[plots.Promise, ...]:
        """The latency objectives about all runs."""
        found = (plots.latency_promise(each.name, each.threshold, each.verdict) for each in self.objectives)
        return tuple(promise for promise in found if promise)[:MOST_OBJECTIVES]


class LoadDrawing(Drawn):
    """What is drawn of an SLO report."""

    scenarios: tuple[DrawnLoad, ...] = ()


@dataclass(frozen=True)
class ShownLoad:
    """The report of an SLO suite, and where it lies."""

    check: str
    artifact: str
    report: LoadDrawing


def loads(shown: Sequence[ShownLoad], links: Links) -> Iterator[str]:
    """The section; nothing where no load was offered."""
    if not shown:
        return
    yield "<section>"
    yield heading("loads", "Service levels")
    measured = [(load, scenario) for load in shown for scenario in load.report.scenarios]
    # What failed first: of many scenarios only some are drawn.
    measured.sort(key=lambda pair: pair[1].verdict is Verdict.PASS)
    for load, scenario in measured[:MOST_SCENARIOS]:
        name = scenario.name[:NAME_CHARACTERS]
        yield from drawn(f"the load {name}", lambda: one_load(load, scenario, links))  # noqa: B023 - drawn at once
    if len(measured) > MOST_SCENARIOS:
        yield note(f"{len(measured) - MOST_SCENARIOS} further loads are in the reports")
    yield "</section>"


def one_load(load: ShownLoad, scenario: DrawnLoad, links: Links) -> Iterator[str]:
    """All of one load that is shown here."""
    words = (
        f"{scenario.succeeded:,} of {scenario.runs:,} runs succeeded in {number(scenario.measured_s)} s, "
        f"measured by {load.check}."
    )
    yield '<article class="load">'
    yield f"<h3>{isolated(cut(scenario.name, NAME_CHARACTERS))}</h3>"
    yield f'<p class="lead">{html_text(words)} {links.to(load.artifact, "The report")} has every figure.</p>'
    yield from objectives(scenario)
    yield from figures(scenario)
    yield "</article>"


def objectives(scenario: DrawnLoad) -> Iterator[str]:
    """What was promised and seen, as a list of figures."""
    if not scenario.objectives:
        return
    yield '<ul class="promises">'
    for each in scenario.objectives[:MOST_OBJECTIVES]:
        tone = TONES[each.verdict]
        sign, unit = ("≤", " ms") if each.name.endswith("_ms") else ("≥", "")
        seen = "not measured" if each.observed is None else f"{number(each.observed)}{unit}"
        words = each.name.removesuffix("_ms").replace("_runs_per_s", ", runs/s").replace("_", " ")
        missing = f'<span class="why">{isolated(cut(each.missing, 300))}</span>' if each.missing else ""
        yield (
            f'<li class="{tone}"><span class="what">{isolated(cut(words, NAME_CHARACTERS))}</span>'
            f'<span class="seen">{html_text(seen)}</span>'
            f'<span class="held"><span aria-hidden="true">{SIGNS[tone]}</span> '
            f"{html_text(f'{sign} {each.threshold:g}{unit}')}"
            f'<span class="unseen">: {each.verdict.value}</span></span>{missing}</li>'
        )
    yield "</ul>"
    if (rest := len(scenario.objectives) - MOST_OBJECTIVES) > 0:
        yield note(f"{rest} further objectives are in the report")


def figures(scenario: DrawnLoad) -> Iterator[str]:
    """Latency over time and by percentile, each once for wide screens and once for phones."""
    line = timeline_of(scenario)
    yield '<div class="plots">'
    if line.blocks:
        caption = TIMELINE_CAPTION.format(block=number(line.block_s))
        yield from figure(
            "Latency over time", caption, lambda canvas: plots.timeline_plot(line, canvas), plots.WIDE
        )
    curve = curve_of(scenario)
    if curve.points:
        yield from figure(
            "Latency by percentile",
            CURVE_CAPTION,
            lambda canvas: plots.percentile_plot(curve, canvas),
            LOW,
        )
    yield "</div>"


def figure(title: str, caption: str, draw: Callable[[Canvas], str], wide: Canvas) -> Iterator[str]:
    """A plot with its caption."""
    yield f"<figure><figcaption><b>{html_text(title)}</b> <span>{html_text(caption)}</span></figcaption>"
    yield f'<div class="on-screen">{draw(wide)}</div>'
    yield f'<div class="on-phone">{draw(plots.NARROW)}</div></figure>'


def timeline_of(scenario: DrawnLoad) -> Timeline:
    """Latency over time, with the limits of all runs."""
    line = scenario.timeline
    return Timeline(
        blocks=line.blocks,
        block_s=line.block_s,
        judged_from_s=line.measured_from_s,
        judged_to_s=line.measured_to_s or None,
        limits=[Limit(promise.words, promise.ms) for promise in scenario.promises],
    )


def curve_of(scenario: DrawnLoad) -> PercentileCurve:
    """Latency by percentile, without the bounds, which take a library that a gate need not have."""
    values, counts = values_of(scenario.histogram.zeros, scenario.histogram.buckets)
    ranks = list(accumulate(counts))
    samples = ranks[-1] if ranks else 0
    points = [
        PercentilePoint(
            share, values[bisect_left(ranks, max(1, -int(-share * samples // 1)))] * MILLISECONDS, None, None
        )
        for share in (plots.even_shares(samples) if samples else [])
    ]
    return PercentileCurve(points, promises=scenario.promises, confidence=None, samples=samples)
