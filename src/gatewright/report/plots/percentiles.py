"""Latency by percentile, on an axis that gives each further nine the same space, with its band of doubt."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from gatewright.core.verdict import Verdict
from gatewright.report.plots.axis import Scale, log_scale, number, usable
from gatewright.report.plots.canvas import (
    EDGE,
    HALF,
    LINE,
    Canvas,
    Key,
    Label,
    area,
    axes,
    fitted,
    frame,
    left_margin,
    legend,
    marks,
    nothing,
    picture,
    polyline,
    spread,
    width_of,
)

__all__ = [
    "PercentileCurve",
    "PercentilePoint",
    "Promise",
    "even_shares",
    "latency_promise",
    "nines",
    "percentile_plot",
]

LATENCY = re.compile(r"latency_p(\d{1,2}(?:\.\d{1,9})?)_ms")
"""An objective about all runs; one about a journey or a step has its name before it."""
STATES: dict[Verdict, Literal["kept", "broken", "open"]] = {Verdict.PASS: "kept", Verdict.FAIL: "broken"}
CURVE_POINTS = 120

MOST_NINES = 9.0
TICKS = (0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999, 0.9999999)
FORMS = {"kept": "check", "broken": "cross", "open": "question"}
STYLES = {"kept": "pass", "broken": "fail", "open": "doubt"}
WORDS = {"kept": "kept", "broken": "broken", "open": "not decided"}


@dataclass(frozen=True)
class PercentilePoint:
    """A share of runs, the latency in milliseconds that it does not exceed, and the bounds of that latency.

    `lower_ms` and `upper_ms` are None where the sample does not bound it.
    """

    share: float
    ms: float
    lower_ms: float | None
    upper_ms: float | None


@dataclass(frozen=True)
class Promise:
    """A share of runs takes at most `ms` milliseconds; `state` is what was decided about it."""

    share: float
    ms: float
    words: str
    state: Literal["kept", "broken", "open"]


@dataclass(frozen=True)
class PercentileCurve:
    """Latency by percentile: points in the order of their shares, and what was promised.

    Attributes:
        points: the curve with its band.
        promises: percentiles and their thresholds.
        confidence: of each bound of the band, one-sided; None where there is no band.
        samples: how many runs the curve is made of.
    """

    points: Sequence[PercentilePoint]
    promises: Sequence[Promise] = ()
    confidence: float | None = 0.95
    samples: int = 0


def latency_promise(name: str, threshold_ms: float, verdict: Verdict) -> Promise | None:
    """The promise behind an objective such as `latency_p95_ms`; None for any other objective."""
    if not (found := LATENCY.fullmatch(name)):
        return None
    words = f"p{found[1]} ≤ {threshold_ms:g} ms"
    return Promise(float(found[1]) / 100, threshold_ms, words, STATES.get(verdict, "open"))


def even_shares(samples: int) -> list[float]:
    """The percentiles at which a curve of so many samples is drawn: even in nines, up to the largest one."""
    most = math.log10(samples) if samples > 1 else 1.0
    return [1 - 10 ** (-most * place / CURVE_POINTS) for place in range(CURVE_POINTS + 1)]


@dataclass(frozen=True)
class NinesScale(Scale):
    """An axis of shares on which each further nine takes the same space; ends are given in nines."""

    def place(self, value: float) -> float:
        """Where a share stands."""
        return super().place(nines(value))

    def labelled(self, most: int) -> list[tuple[float, str]]:
        """The shares 0, 90%, 99% ... and the median, where there is room."""
        ticks = [share for share in TICKS if nines(share) <= self.high + 1e-9]
        apart = width_of("99.999%")
        found = [(self.place(share), f"{share * 100:.10g}%") for share in ticks if share != 0.5]  # noqa: PLR2004 - the median
        stride = -(-len(found) // max(1, most))
        found = found[::stride]
        median = self.place(0.5)
        if all(abs(median - place) > apart for place, _ in found):
            found.append((median, "50%"))
        return sorted(found)


def nines(share: float) -> float:
    """How many nines a share has: 0.9 one, 0.99 two; at most nine."""
    if not share < 1:
        return MOST_NINES
    return min(MOST_NINES, -math.log10(1 - max(0.0, share)))


def percentile_plot(curve: PercentileCurve, canvas: Canvas = HALF) -> str:
    """The plot: the curve, its band, and each promise as a mark at its percentile and threshold.

    A check tells a promise kept (the curve passes below it), a cross a broken one, a question mark an
    undecided one. Where the sample does not bound the latency from above the band is open to the top.
    """
    title = "Latency by percentile"
    points = [point for point in curve.points if usable([point.ms]) and point.share == point.share]
    if not points:
        return nothing(canvas, "percentiles", title)
    key_parts, height = legend(list(keys(curve)), canvas)
    top, bottom = frame(canvas, height)
    bounds = [bound for point in points for bound in (point.lower_ms, point.upper_ms) if bound is not None]
    figures = [*(point.ms for point in points), *(each.ms for each in curve.promises)]
    up = log_scale([*figures, *(bound for bound in bounds if bound < math.inf)], bottom, top)
    up = up.with_headroom(LINE) if curve.promises else up
    furthest = max(1.0, nines(points[-1].share), *(nines(each.share) for each in curve.promises))
    across = NinesScale(0.0, furthest, left_margin(up), canvas.width - 2 * EDGE)
    return picture(
        canvas,
        "percentiles",
        title,
        describe(curve, points),
        [
            *key_parts,
            *axes(
                across,
                up,
                canvas=canvas,
                across_words="share of the runs that succeeded",
                up_words="ms, at most so much",
            ),
            *([] if curve.confidence is None else [band(points, across, up)]),
            polyline([(across.place(point.share), up.place(point.ms)) for point in points], "stroke-a bold"),
            *promises(curve.promises, across, up),
        ],
    )


def keys(curve: PercentileCurve) -> Iterator[Key]:
    """The legend; of the promises' marks those that are there."""
    yield Key("line", "stroke-a bold", f"{curve.samples:,} runs" if curve.samples else "runs")
    if curve.confidence is not None:
        yield Key("band", "band", f"bounds, each {number(curve.confidence * 100)}% sure")
    for state, form in FORMS.items():
        if any(each.state == state for each in curve.promises):
            yield Key(form, f"stroke-{STYLES[state]}", WORDS[state])


def band(points: Sequence[PercentilePoint], across: Scale, up: Scale) -> str:
    """Between the lower and the upper bounds; without a bound to the plot's edge."""
    places = [across.place(point.share) for point in points]
    above = [up.end if bound is None else up.place(bound) for bound in (point.upper_ms for point in points)]
    below = [up.start if bound is None else up.place(bound) for bound in (point.lower_ms for point in points)]
    return area(
        [*zip(places, above, strict=True), *zip(reversed(places), reversed(below), strict=True)], "band"
    )


def promises(found: Sequence[Promise], across: Scale, up: Scale) -> Iterator[str]:
    """Each promise: a mark, and its words on the side where they fit."""
    drawn = [each for each in found if usable([each.ms]) and each.ms > 0]
    for each in drawn:
        spot = across.place(each.share), up.place(each.ms)
        yield marks(FORMS[each.state], [spot], f"stroke-{STYLES[each.state]}")
    yield from spread((promise_label(each, across, up) for each in drawn), top=up.end, bottom=up.start)


def promise_label(each: Promise, across: Scale, up: Scale) -> Label:
    """The words of a promise, on the left of its mark, where the curve runs lower, if they fit there."""
    place, height, style = across.place(each.share), up.place(each.ms), f"{STYLES[each.state]} haloed"
    left, right = place - EDGE - across.start, across.end - place
    if width_of(each.words) <= left or left >= right:
        return Label(place - EDGE, height, fitted(each.words, left), style)
    return Label(place + EDGE, height, fitted(each.words, right), style, anchor="start")


def describe(curve: PercentileCurve, points: Sequence[PercentilePoint]) -> str:
    """The plot in words."""
    parts = []
    for share in (0.5, 0.9, 0.99):
        nearest = min(points, key=lambda point: abs(nines(point.share) - nines(share)))
        if abs(nines(nearest.share) - nines(share)) < 0.1:  # noqa: PLR2004 - near enough to bear its name
            bounds = "" if curve.confidence is None else bounds_words(nearest)
            parts.append(f"p{share * 100:g} is {number(nearest.ms)} ms{bounds}.")
    parts += [f"{each.words}: {WORDS[each.state]}." for each in curve.promises]
    return " ".join(parts) or f"{len(points)} percentiles."


def bounds_words(point: PercentilePoint) -> str:
    """The bounds of a point, in brackets."""
    lower = "no lower bound" if point.lower_ms is None else f"at least {number(point.lower_ms)}"
    upper = "no upper bound" if point.upper_ms is None else f"at most {number(point.upper_ms)}"
    return f" ({lower}, {upper})"
