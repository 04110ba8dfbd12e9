"""A candidate against its base: the ratio in each block, the overall ratio, and the margins that decide."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gatewright.report.plots.axis import Scale, linear_scale, linear_ticks, log_scale, number, usable
from gatewright.report.plots.canvas import (
    EDGE,
    HALF,
    LINE,
    Canvas,
    Key,
    Label,
    axes,
    fitted,
    frame,
    left_margin,
    legend,
    line,
    marks,
    nothing,
    picture,
    region,
    spread,
)

__all__ = ["RatioSeries", "percent", "ratio_plot"]

LEAST_RATIO = 1.2
"""Between the ends of the axis."""


@dataclass(frozen=True)
class RatioSeries:
    """Candidate over base, block by block; 1 means that they are equal, more that the candidate takes more.

    Attributes:
        name: what was compared.
        ratios: of the blocks, in their order; None, NaN and what is not positive are gaps.
        overall: the ratio over all blocks; None when it is not known.
        lower: its lower bound.
        upper: its upper bound.
        fail_above: FAIL when the lower bound lies above this ratio.
        pass_below: PASS when the upper bound lies below this ratio.
    """

    name: str
    ratios: Sequence[float | None]
    overall: float | None = None
    lower: float | None = None
    upper: float | None = None
    fail_above: float = 1.02
    pass_below: float = 1.08


@dataclass(frozen=True)
class RatioScale(Scale):
    """A logarithmic axis of ratios, labelled by their distance from 1."""

    def labelled(self, most: int) -> list[tuple[float, str]]:
        """Ticks at round percentages, or at round ratios when those differ by far."""
        if self.high / self.low > 4:  # noqa: PLR2004 - here a percentage tells less than a factor
            return [(self.place(tick), f"x {number(tick)}") for tick in self.ticks(most)]
        ticks = linear_ticks(100 * (self.low - 1), 100 * (self.high - 1), most)
        return [(self.place(1 + tick / 100), percent(1 + tick / 100)) for tick in ticks]


def percent(ratio: float) -> str:
    """A ratio as its distance from 1."""
    return "equal" if abs(ratio - 1) < 5e-5 else f"{(ratio - 1) * 100:+.4g}%"  # noqa: PLR2004 - is shown as 0


def ratio_plot(series: RatioSeries, canvas: Canvas = HALF) -> str:
    """The plot: a mark for each block on a logarithmic axis around "equal", so that x2 and x1/2 are as far.

    The overall ratio is a line with the band of its bounds; both margins are labelled lines.
    """
    title = f"{series.name}: candidate against base"
    drawn = [
        (place, found[0]) for place, ratio in enumerate(series.ratios, start=1) if (found := positive(ratio))
    ]
    if not drawn:
        return nothing(canvas, "ratios", title)
    key_parts, height = legend(list(keys(series)), canvas)
    top, bottom = frame(canvas, height)
    around = [1.0, *positive(series.fail_above), *positive(series.pass_below)]
    bounds = [value for each in (series.overall, series.lower, series.upper) for value in positive(each)]
    figures = [*(y for _, y in drawn), *around, *bounds]
    up_plain = log_scale(figures, bottom, top, least_ratio=LEAST_RATIO).with_headroom(LINE)
    up = RatioScale(up_plain.low, up_plain.high, bottom, top, log=True)
    across = linear_scale([0.5, len(series.ratios) + 0.5], left_margin(up), canvas.width - 2 * EDGE, margin=0)
    return picture(
        canvas,
        "ratios",
        title,
        describe(series, len(drawn)),
        [
            *key_parts,
            *overall_band(series, across, up),
            *axes(across, up, canvas=canvas, across_words="block", up_words="candidate against base"),
            line(across.start, up.place(1), across.end, up.place(1), "axis"),
            marks("dot", [(across.place(x), up.place(y)) for x, y in drawn], "stroke-b"),
            *overall_line(series, across, up),
            *margins(series, across, up),
        ],
    )


def positive(value: float | None) -> list[float]:
    """The figure, if there is a positive one."""
    return [found for found in usable([value]) if found > 0]


def keys(series: RatioSeries) -> Iterator[Key]:
    """The legend, with the figures."""
    yield Key("dot", "stroke-b", "one block")
    for overall in positive(series.overall):
        yield Key("line", "stroke-a bold", f"overall {percent(overall)}")
    bounds = [*positive(series.lower), *positive(series.upper)]
    if len(bounds) == 2:  # noqa: PLR2004 - both of them
        yield Key("band", "band", f"bounds {percent(bounds[0])} to {percent(bounds[1])}")


def overall_band(series: RatioSeries, across: Scale, up: Scale) -> Iterator[str]:
    """The bounds of the overall ratio."""
    for lower in positive(series.lower):
        for upper in positive(series.upper):
            yield region(across.start, up.place(upper), across.end, up.place(lower), "band")


def overall_line(series: RatioSeries, across: Scale, up: Scale) -> Iterator[str]:
    """The overall ratio."""
    for overall in positive(series.overall):
        yield line(across.start, up.place(overall), across.end, up.place(overall), "stroke-a bold")


def margins(series: RatioSeries, across: Scale, up: Scale) -> Iterator[str]:
    """Both margins, with what they decide."""
    labels = []
    for ratio, style, words in (
        (series.fail_above, "fail", f"FAIL if all bounds are above {percent(series.fail_above)}"),
        (series.pass_below, "pass", f"PASS if all bounds are below {percent(series.pass_below)}"),
    ):
        for found in positive(ratio):
            height = up.place(found)
            yield line(across.start, height, across.end, height, f"stroke-{style} dashed")
            room = across.end - across.start - EDGE
            labels.append(Label(across.end - 4, height, fitted(words, room), f"{style} haloed"))
    yield from spread(labels, top=up.end, bottom=up.start)


def describe(series: RatioSeries, blocks: int) -> str:
    """The plot in words."""
    parts = [f"{blocks} blocks."]
    for overall in positive(series.overall):
        bounds = [percent(value) for each in (series.lower, series.upper) for value in positive(each)]
        told = f" (bounds {' to '.join(bounds)})" if bounds else ""
        parts.append(f"Overall the candidate takes {percent(overall)}{told}.")
    parts.append(f"FAIL needs all bounds above {percent(series.fail_above)}.")
    parts.append(f"PASS needs all bounds below {percent(series.pass_below)}.")
    return " ".join(parts)
