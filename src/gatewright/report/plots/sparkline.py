"""Small plots for rows and cards: figures of runs one after the other, and how each run ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gatewright.report.plots.axis import Scale, linear_scale, number, usable
from gatewright.report.plots.canvas import Canvas, line, marks, picture, polyline, region

__all__ = ["SMALL", "Ending", "history_strip", "sparkline"]

SMALL = Canvas(240, 56)
INSET = 6.0
BAR, STEP, STRIP_HEIGHT = 7, 10, 20
HEIGHTS = {"pass": 7.0, "warn": 11.0, "doubt": 15.0, "fail": 20.0}


@dataclass(frozen=True)
class Ending:
    """How one run ended, and what is said about it."""

    tone: Literal["pass", "warn", "doubt", "fail"]
    words: str


def sparkline(
    values: Sequence[float | None], title: str, *, unit: str = "", limit: float | None = None
) -> str:
    """Figures of runs, oldest first, as a line with a dot at the newest; a gap where a run had none.

    A limit is a dashed line, drawn where it does not squeeze the figures flat.
    """
    found = usable(values)
    held = usable([limit])
    spread = (max(found) - min(found)) or max(map(abs, found)) if found else 0.0
    shown = [each for each in held if found and min(found) - 4 * spread <= each <= max(found) + 4 * spread]
    up = linear_scale([*found, *shown], SMALL.height - INSET, INSET, margin=0.02)
    across = Scale(0, max(1, len(values) - 1), INSET, SMALL.width - INSET)
    points = [
        (across.place(place), up.place(value[0])) if (value := usable([each])) else None
        for place, each in enumerate(values)
    ]
    last = [point for point in points[-1:] if point]
    return picture(
        SMALL,
        "sparkline",
        title,
        describe(found, unit, held),
        [
            *(
                line(INSET, up.place(each), SMALL.width - INSET, up.place(each), "stroke-fail dashed")
                for each in shown
            ),
            polyline(points, "stroke-a bold"),
            marks("dot", last, "stroke-a"),
        ],
    )


def describe(found: Sequence[float], unit: str, limit: Sequence[float]) -> str:
    """The figures in words."""
    if not found:
        return "No run had this figure."
    words = f"{len(found)} runs, from {number(min(found))} to {number(max(found))}{unit}"
    held = f"; the limit is {number(limit[0])}{unit}" if limit else ""
    return f"{words}; the newest has {number(found[-1])}{unit}{held}."


def history_strip(endings: Sequence[Ending], title: str) -> str:
    """How runs ended, oldest first: the worse, the higher its bar."""
    canvas = Canvas(max(STEP, STEP * len(endings) - (STEP - BAR)), STRIP_HEIGHT)
    bars = [
        region(
            STEP * place,
            STRIP_HEIGHT - HEIGHTS[each.tone],
            STEP * place + BAR,
            STRIP_HEIGHT,
            f"ended-{each.tone}",
            each.words,
        )
        for place, each in enumerate(endings)
    ]
    counted = {tone: sum(each.tone == tone for each in endings) for tone in HEIGHTS}
    words = {"pass": "passed", "warn": "warned", "doubt": "left doubt", "fail": "failed"}
    told = ", ".join(f"{count} {words[tone]}" for tone, count in counted.items() if count)
    return picture(canvas, "strip", title, f"Of {len(endings)} runs {told}.", bars)
