"""Latency over time: each block of time with its percentiles, its stalls and its failures."""

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from gatewright.report.plots.axis import Scale, linear_scale, log_scale, number, usable
from gatewright.report.plots.canvas import (
    EDGE,
    LINE,
    WIDE,
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
    polyline,
    region,
    spread,
)

__all__ = ["Limit", "Timeline", "TimelineBlock", "find_stalls", "timeline_plot"]

FAR_RATIO = 3.0
FAR_DEVIATIONS = 4.0
TO_SIGMA = 1.4826
"""From the median absolute deviation to the standard deviation of a normal distribution."""
ROUNDING_S = 1e-6
RUG = 14
"""Height of the strip that shows failures, in pixels."""
LEAST_DISTANCE = 4.5
"""Between neighbouring blocks, in pixels; of more blocks the worst of several is drawn."""
UNITS = ((7200.0, 3600.0, "hours"), (300.0, 60.0, "minutes"), (0.0, 1.0, "seconds"))


@dataclass(frozen=True)
class TimelineBlock:
    """What happened to the runs that were due in one block of time.

    Attributes:
        start_s: when it begins, in seconds since the schedule's start.
        runs: how many were due.
        failed: how many of them failed.
        completed: how many runs, whenever due, succeeded within the block.
        p50_ms: percentiles of the latency in milliseconds; None or NaN when no run succeeded.
        p95_ms: likewise.
        p99_ms: likewise.
        max_ms: likewise.
    """

    start_s: float
    runs: int
    failed: int
    completed: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    max_ms: float | None

    def merge(self, other: "TimelineBlock") -> "TimelineBlock":
        """Both blocks as one, with the worse of each figure: percentiles are never averaged."""
        return TimelineBlock(
            start_s=min(self.start_s, other.start_s),
            runs=self.runs + other.runs,
            failed=self.failed + other.failed,
            completed=min(self.completed, other.completed),
            p50_ms=worse(self.p50_ms, other.p50_ms),
            p95_ms=worse(self.p95_ms, other.p95_ms),
            p99_ms=worse(self.p99_ms, other.p99_ms),
            max_ms=worse(self.max_ms, other.max_ms),
        )


@dataclass(frozen=True)
class Limit:
    """A threshold, in milliseconds, and the words beside it."""

    words: str
    ms: float


@dataclass(frozen=True)
class Timeline:
    """Latency over time.

    Attributes:
        blocks: equally long, in the order of time.
        block_s: how long, in seconds.
        judged_from_s: where the judged runs begin, in seconds since the schedule's start: after the warm-up.
        judged_to_s: where they end; None for the end of the last block.
        limits: what the latency is held to.
    """

    blocks: Sequence[TimelineBlock]
    block_s: float = 1.0
    judged_from_s: float = 0.0
    judged_to_s: float | None = None
    limits: Sequence[Limit] = ()

    @property
    def end_s(self) -> float:
        """Where the last block ends."""
        return self.blocks[-1].start_s + self.block_s if self.blocks else 0.0

    @property
    def judged_end_s(self) -> float:
        """Where the judged runs end."""
        return self.end_s if self.judged_to_s is None else min(self.judged_to_s, self.end_s)

    def judges(self, block: TimelineBlock) -> bool:
        """Whether all of a block lies within the judged time, but for rounding errors."""
        return (
            block.start_s >= self.judged_from_s - ROUNDING_S
            and block.start_s + self.block_s <= self.judged_end_s + ROUNDING_S
        )


def find_stalls(timeline: Timeline) -> list[bool]:
    """Which of the judged blocks stall: nothing succeeds, or the worst latency is far beyond the usual.

    Far means three times the median of the blocks' maxima, and four robust standard deviations of their
    logarithms above it.
    """
    judged = [block for block in timeline.blocks if timeline.judges(block)]
    logs = [math.log(value) for block in judged for value in positive(block.max_ms)]
    middle = statistics.median(logs) if logs else math.inf
    spread_of_logs = statistics.median(abs(value - middle) for value in logs) * TO_SIGMA if logs else 0.0
    far = middle + max(math.log(FAR_RATIO), FAR_DEVIATIONS * spread_of_logs)

    def stalls(block: TimelineBlock) -> bool:
        idle = block.runs > 0 and block.completed == 0
        return timeline.judges(block) and (idle or any(math.log(ms) > far for ms in positive(block.max_ms)))

    return [stalls(block) for block in timeline.blocks]


def timeline_plot(timeline: Timeline, canvas: Canvas = WIDE) -> str:
    """The plot: the median as a line, p95, p99 and maximum as marks, on a logarithmic axis over time.

    Stalls and what is not judged are shaded, thresholds are labelled lines, a cross stands below a block
    whose runs failed. Where there are more blocks than places, a mark shows the worst of several neighbours.
    """
    title = "Latency over time"
    drawn = thinned(timeline, canvas)
    latencies = usable(
        value for block in drawn.blocks for value in (block.p50_ms, block.p95_ms, block.p99_ms, block.max_ms)
    )
    if not drawn.blocks:
        return nothing(canvas, "timeline", title)
    stalls = stalls_of(timeline)
    key_parts, height = legend(list(keys(timeline, stalls)), canvas)
    divisor, unit = time_unit(timeline)
    top, bottom = frame(canvas, height, foot=RUG)
    up = log_scale([*latencies, *(limit.ms for limit in timeline.limits)], bottom, top)
    up = up.with_headroom(LINE) if timeline.limits else up
    across = linear_scale(
        [timeline.blocks[0].start_s / divisor, timeline.end_s / divisor],
        left_margin(up),
        canvas.width - EDGE,
        margin=0,
    )
    return picture(
        canvas,
        "timeline",
        title,
        describe(timeline, stalls),
        [
            *key_parts,
            *shades(timeline, stalls, across, up, divisor),
            *axes(
                across,
                up,
                canvas=canvas,
                across_words=across_words(unit, timeline, drawn),
                up_words="ms, from the schedule to the last answer",
                foot=RUG,
            ),
            *series(drawn, across, up, divisor),
            *limits(timeline, across, up),
            *rug(drawn, across, up, divisor),
        ],
    )


def worse(one: float | None, other: float | None) -> float | None:
    """The larger of two figures that may be missing."""
    return max(usable([one, other]), default=None)


def positive(value: float | None) -> list[float]:
    """The figure, if there is a positive one."""
    return [found for found in usable([value]) if found > 0]


def thinned(timeline: Timeline, canvas: Canvas) -> Timeline:
    """No more blocks than can be told apart, each the worst of equally many neighbours."""
    most = max(1, int(canvas.width / LEAST_DISTANCE))
    group = -(-len(timeline.blocks) // most)
    if group <= 1:
        return timeline
    merged = []
    for first in range(0, len(timeline.blocks), group):
        block = timeline.blocks[first]
        for other in timeline.blocks[first + 1 : first + group]:
            block = block.merge(other)
        merged.append(block)
    return replace(timeline, blocks=merged, block_s=timeline.block_s * group)


def across_words(unit: str, timeline: Timeline, drawn: Timeline) -> str:
    """The name of the axis of time; and what a mark shows where it shows several blocks."""
    if drawn is timeline:
        return f"{unit} since the schedule began"
    return f"{unit}; a mark is the worst of {number(drawn.block_s)} s"


def time_unit(timeline: Timeline) -> tuple[float, str]:
    """What to divide seconds by, and the unit that comes of it."""
    return next((divisor, unit) for least, divisor, unit in UNITS if timeline.end_s >= least or not least)


@dataclass(frozen=True)
class Stall:
    """Neighbouring blocks that stall, in seconds, with their worst latency in milliseconds."""

    start_s: float
    end_s: float
    max_ms: float | None

    @property
    def words(self) -> str:
        """When it was, and how bad."""
        worst = "nothing completed" if self.max_ms is None else f"up to {number(self.max_ms)} ms"
        return f"stall from {number(self.start_s)} to {number(self.end_s)} s: {worst}"


def stalls_of(timeline: Timeline) -> list[Stall]:
    """The stalls, each of as many neighbouring blocks as it takes."""
    flagged = zip(find_stalls(timeline), timeline.blocks, strict=True)
    found = []
    for stalled, group in groupby(flagged, key=lambda pair: pair[0]):
        blocks = [block for _, block in group]
        if stalled:
            worst = max(usable(block.max_ms for block in blocks), default=None)
            found.append(Stall(blocks[0].start_s, blocks[-1].start_s + timeline.block_s, worst))
    return found


def keys(timeline: Timeline, stalls: Sequence[Stall]) -> Iterator[Key]:
    """The legend; it names what is there."""
    yield Key("line", "stroke-a bold", "p50")
    yield Key("dot", "stroke-b", "p95")
    yield Key("diamond", "stroke-c", "p99")
    yield Key("dash", "stroke-ink", "max")
    if unjudged(timeline):
        yield Key("band", "unjudged", "warm-up, not judged" if timeline.judged_from_s > 0 else "not judged")
    if stalls:
        yield Key("band", "stall", "stall")
    if any(block.failed for block in timeline.blocks):
        yield Key("cross", "stroke-fail small", "failed runs")


def unjudged(timeline: Timeline) -> list[tuple[float, float]]:
    """The beginning and the end that are not judged, in seconds; parts of a block are no matter."""
    begin, end = timeline.blocks[0].start_s, timeline.end_s
    parts = [(begin, min(timeline.judged_from_s, end)), (timeline.judged_end_s, end)]
    return [(left, right) for left, right in parts if right - left >= timeline.block_s]


def shades(
    timeline: Timeline, stalls: Sequence[Stall], across: Scale, up: Scale, divisor: float
) -> Iterator[str]:
    """What is not judged and what stalls, behind everything; a stall has a bar on top."""
    for start_s, end_s in unjudged(timeline):
        left, right = across.place(start_s / divisor), across.place(end_s / divisor)
        yield region(left, up.end, right, up.start, "unjudged", "not judged")
    for stall in stalls:
        left, right = across.place(stall.start_s / divisor), across.place(stall.end_s / divisor)
        right = max(right, left + 2)
        yield region(left, up.end, right, up.start, "stall", stall.words)
        yield region(left, up.end - 3, right, up.end, "stall-bar")


def series(timeline: Timeline, across: Scale, up: Scale, divisor: float) -> Iterator[str]:
    """The percentiles of every block, at its middle."""
    middles = [across.place((block.start_s + timeline.block_s / 2) / divisor) for block in timeline.blocks]
    for form, style, values in (
        ("dash", "stroke-ink", [block.max_ms for block in timeline.blocks]),
        ("diamond", "stroke-c", [block.p99_ms for block in timeline.blocks]),
        ("dot", "stroke-b", [block.p95_ms for block in timeline.blocks]),
    ):
        found = [(x, up.place(y)) for x, value in zip(middles, values, strict=True) for y in usable([value])]
        yield marks(form, found, style)
    medians = [
        (x, up.place(median[0])) if (median := usable([block.p50_ms])) else None
        for x, block in zip(middles, timeline.blocks, strict=True)
    ]
    yield polyline(medians, "stroke-a bold")


def limits(timeline: Timeline, across: Scale, up: Scale) -> Iterator[str]:
    """The thresholds as dashed lines; their words stand at the right end."""
    usable_limits = [limit for limit in timeline.limits if positive(limit.ms)]
    for limit in usable_limits:
        yield line(across.start, up.place(limit.ms), across.end, up.place(limit.ms), "stroke-fail dashed")
    room = across.end - across.start - 2 * EDGE
    labels = [
        Label(across.end - 4, up.place(limit.ms), fitted(limit.words, room), "fail haloed")
        for limit in usable_limits
    ]
    yield from spread(labels, top=up.end, bottom=up.start)


def rug(timeline: Timeline, across: Scale, up: Scale, divisor: float) -> Iterator[str]:
    """A cross below each block in which runs failed."""
    failed = [
        across.place((block.start_s + timeline.block_s / 2) / divisor)
        for block in timeline.blocks
        if block.failed
    ]
    if failed:
        yield marks("cross", [(x, up.start + RUG / 2) for x in failed], "stroke-fail small")


def describe(timeline: Timeline, stalls: Sequence[Stall]) -> str:
    """The plot in words."""
    blocks = timeline.blocks
    parts = [f"{len(blocks)} blocks of {number(timeline.block_s)} s."]
    medians = usable(block.p50_ms for block in blocks)
    if medians:
        parts.append(
            f"The median of a block lies between {number(min(medians))} and {number(max(medians))} ms."
        )
        worst = max(usable(block.max_ms for block in blocks), default=max(medians))
        parts.append(f"The largest latency is {number(worst)} ms.")
    else:
        parts.append("No run succeeded.")
    parts += [
        f"From {number(start)} to {number(end)} s nothing is judged." for start, end in unjudged(timeline)
    ]
    parts += [f"Limit: {limit.words}." for limit in timeline.limits]
    parts += [f"{stall.words.capitalize()}." for stall in stalls[:5]]
    parts += [f"And {len(stalls) - 5} further stalls."] * (len(stalls) > 5)  # noqa: PLR2004 - enough to hear
    failed = sum(block.failed for block in blocks)
    return " ".join([*parts, f"{failed} of {sum(block.runs for block in blocks)} runs failed."])
