"""Growth in a soak: a series over the runs that were made, its slope, and the slope that is allowed."""

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gatewright.report.plots.axis import Scale, linear_scale, number, usable
from gatewright.report.plots.canvas import (
    EDGE,
    HALF,
    Canvas,
    Key,
    area,
    axes,
    frame,
    left_margin,
    legend,
    line,
    marks,
    nothing,
    picture,
)

__all__ = ["SlopeSeries", "slope_plot"]

PREFIXES = {
    "B": ((2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB")),
    "us": ((1e6, "s"), (1e3, "ms"), (0.0, "us")),
    "ms": ((1e3, "s"), (0.0, "ms")),
}
"""Larger units by the base unit of a series, the largest first."""


@dataclass(frozen=True)
class SlopeSeries:
    """One series of a soak and the slope that was found; all in one unit.

    Attributes:
        name: of the series.
        unit: of its values: `B`, `us`, `ms` are shown in larger units where they are large.
        points: cumulative runs, ascending, and the value there.
        used_from: how many points at the beginning were skipped as warm-up.
        slope: growth per run; None when there are too few points to tell.
        lower: its lower bound.
        upper: its upper bound.
        limit: growth per run that is allowed; None when there is no limit.
    """

    name: str
    unit: str
    points: Sequence[tuple[float, float]]
    used_from: int = 0
    slope: float | None = None
    lower: float | None = None
    upper: float | None = None
    limit: float | None = None


def slope_plot(series: SlopeSeries, canvas: Canvas = HALF) -> str:
    """The plot: points (rings where they were skipped), the slope with the fan of its bounds, and the limit.

    All lines start where the slope's line does, so that the limit is surely exceeded when the whole fan lies
    above it. The slope's line goes through the medians of runs and values (Sen, JASA 1968).
    """
    title = f"Growth of {series.name}"
    points = [(x, y) for x, y in series.points if len(usable([x, y])) == 2]  # noqa: PLR2004 - both of them
    if not points:
        return nothing(canvas, "slopes", title)
    skipped = min(series.used_from, len(points))
    start, end = origin(points[skipped:], series.slope), max(x for x, _ in points)
    ends = [
        start[1] + slope * (end - start[0]) for slope in usable([series.slope, series.lower, series.upper])
    ]
    divisor, unit = unit_for([y for _, y in points], series.unit)
    key_parts, height = legend(list(keys(series, skipped)), canvas)
    top, bottom = frame(canvas, height)
    up = linear_scale([y / divisor for y in [*(y for _, y in points), start[1], *ends]], bottom, top)
    across = linear_scale([x for x, _ in points], left_margin(up), canvas.width - 2 * EDGE, margin=0.02)
    place = Places(across, up, divisor)
    return picture(
        canvas,
        "slopes",
        title,
        describe(series, points),
        [
            *key_parts,
            *axes(across, up, canvas=canvas, across_words="runs made", up_words=f"{series.name}, {unit}"),
            *fan(series, start, end, place),
            marks("ring", (place(point) for point in points[:skipped]), "stroke-quiet"),
            marks("dot", (place(point) for point in points[skipped:]), "stroke-b"),
        ],
    )


@dataclass(frozen=True)
class Places:
    """Where a point of runs and value stands; values are shown in a unit of `divisor` base units."""

    across: Scale
    up: Scale
    divisor: float

    def __call__(self, point: tuple[float, float]) -> tuple[float, float]:
        return self.across.place(point[0]), self.up.place(point[1] / self.divisor)


def origin(points: Sequence[tuple[float, float]], slope: float | None) -> tuple[float, float]:
    """Where the slope's line starts: at the first point that was used."""
    if not points:
        return 0.0, 0.0
    first = points[0][0]
    middle = statistics.median(x for x, _ in points)
    return first, statistics.median(y for _, y in points) - (slope or 0.0) * (middle - first)


def unit_for(values: Sequence[float], unit: str) -> tuple[float, str]:
    """The largest unit in which the largest value is at least one: its size, and its name."""
    largest = max(map(abs, values))
    for size, name in PREFIXES.get(unit, ()):
        if size and largest >= size:
            return size, name
    return 1.0, unit


def keys(series: SlopeSeries, skipped: int) -> Iterator[Key]:
    """The legend, with the figures."""
    unit = f"{series.unit} per run"
    yield Key("dot", "stroke-b", series.name)
    if skipped:
        yield Key("ring", "stroke-quiet", "warm-up, skipped")
    if series.slope is not None:
        yield Key("line", "stroke-a bold", f"{number(series.slope)} {unit}")
    if (found := usable([series.lower, series.upper])) and len(found) == 2:  # noqa: PLR2004 - both of them
        yield Key("band", "band", f"bounds {number(found[0])} to {number(found[1])}")
    if series.limit is not None:
        yield Key("line", "stroke-fail dashed", f"limit {number(series.limit)} {unit}")


def fan(series: SlopeSeries, start: tuple[float, float], end: float, place: Places) -> Iterator[str]:
    """The slope's line, the fan between its bounds, and the limit, from the same start to the last run."""

    def tip(slope: float) -> tuple[float, float]:
        return end, start[1] + slope * (end - start[0])

    bounds = usable([series.lower, series.upper])
    if len(bounds) == 2:  # noqa: PLR2004 - both of them
        yield area([place(start), place(tip(bounds[0])), place(tip(bounds[1]))], "band")
    for slope, style in ((series.slope, "stroke-a bold"), (series.limit, "stroke-fail dashed")):
        for found in usable([slope]):
            yield line(*place(start), *inside(place(start), start, tip(found), place), style)


def inside(
    drawn: tuple[float, float], start: tuple[float, float], tip: tuple[float, float], place: Places
) -> tuple[float, float]:
    """The end of a line, cut where it leaves the plot: a steep limit keeps its direction."""
    ceiling = place.up.high * place.divisor
    floor = place.up.low * place.divisor
    rise = tip[1] - start[1]
    room = (ceiling if rise > 0 else floor) - start[1]
    if not math.isfinite(rise) or abs(rise) <= abs(room):
        return place(tip) if math.isfinite(rise) else drawn
    share = room / rise
    return place((start[0] + share * (tip[0] - start[0]), start[1] + room))


def describe(series: SlopeSeries, points: Sequence[tuple[float, float]]) -> str:
    """The plot in words."""
    unit = f"{series.unit} per run"
    parts = [f"{len(points)} points over {number(points[-1][0])} runs."]
    if series.slope is not None:
        bounds = usable([series.lower, series.upper])
        told = f" (bounds {number(bounds[0])} to {number(bounds[-1])})" if bounds else ""
        parts.append(f"It grows by {number(series.slope)} {unit}{told}.")
    if series.limit is not None:
        parts.append(f"{number(series.limit)} {unit} are allowed.")
    return " ".join(parts)
