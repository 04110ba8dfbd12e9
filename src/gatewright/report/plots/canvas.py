"""What plots are made of: a canvas, SVG elements whose text is only text, marks, axes, a legend."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gatewright.core.escape import columns, html_text, printable
from gatewright.report.plots.axis import Scale

__all__ = [
    "EDGE",
    "HALF",
    "LINE",
    "NARROW",
    "WIDE",
    "Canvas",
    "Key",
    "Label",
    "Mark",
    "area",
    "axes",
    "fitted",
    "frame",
    "left_margin",
    "legend",
    "line",
    "marks",
    "nothing",
    "picture",
    "polyline",
    "region",
    "spread",
    "text",
    "width_of",
]

FONT = 13
"""Size of all text, in pixels."""
COLUMN = 7.2
"""About the mean width of a character, in pixels; fonts differ, so room is left where it matters."""
LINE = 18
"""From one line of text to the next."""
SAMPLE = 26
"""Width of a legend's sample with the gap after it."""
BETWEEN_KEYS = 18
EDGE = 10
TITLE_CHARACTERS = 200
NOTHING = "Nothing was measured."


@dataclass(frozen=True)
class Canvas:
    """Size of a plot, in CSS pixels."""

    width: int
    height: int

    @property
    def most_ticks(self) -> int:
        """How many labels of a horizontal axis stand side by side."""
        return max(3, self.width // 85)


WIDE = Canvas(1020, 360)
HALF = Canvas(488, 360)
NARROW = Canvas(360, 330)

Mark = str
"""`dot`, `ring`, `diamond`, `dash`, `cross`, `check`: forms that differ without their colours."""

FORMS = {
    "dot": "M{x} {y}h0",
    "ring": "M{x} {y}m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0",
    "diamond": "M{x} {y}m0-4l4 4l-4 4l-4-4z",
    "dash": "M{x} {y}m-3.5 0h7",
    "cross": "M{x} {y}m-4-4l8 8m0-8l-8 8",
    "check": "M{x} {y}m-6 0l4 5l8-10",
    "question": "M{x} {y}m-4-3a4 4 0 1 1 5 4q-1 0-1 2m0 3.5h0",
}


def at(value: float) -> str:
    """A coordinate."""
    return f"{value:.1f}".removesuffix(".0")


def text(x: float, y: float, words: str, style: str = "", *, anchor: str = "start") -> str:
    """A line of text whose baseline begins (or ends, or has its middle: `anchor`) at a place."""
    return f'<text class="{style}" x="{at(x)}" y="{at(y)}" text-anchor="{anchor}">{html_text(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    """A straight line."""
    return f'<line class="{style}" x1="{at(x1)}" y1="{at(y1)}" x2="{at(x2)}" y2="{at(y2)}"/>'


def region(left: float, top: float, right: float, bottom: float, style: str, words: str = "") -> str:  # noqa: PLR0917 - four numbers are a rectangle
    """A rectangle; `words` are shown where a pointer rests on it."""
    title = f"<title>{html_text(words)}</title>" if words else ""
    size = f'width="{at(max(0.0, right - left))}" height="{at(max(0.0, bottom - top))}"'
    return f'<rect class="{style}" x="{at(left)}" y="{at(top)}" {size}>{title}</rect>'


def polyline(points: Sequence[tuple[float, float] | None], style: str) -> str:
    """A line through the points, broken where one is missing; a lone point between gaps is a dot."""
    words: list[str] = []
    for before, point, after in zip([None, *points], points, [*points[1:], None], strict=False):
        if point is not None:
            words.append(f"{'L' if before else 'M'}{at(point[0])} {at(point[1])}")
            words += ["h0"] * (before is None and after is None)
    return f'<path class="{style}" d="{"".join(words)}"/>'


def area(points: Sequence[tuple[float, float]], style: str) -> str:
    """A filled polygon."""
    corners = " ".join(f"{at(x)},{at(y)}" for x, y in points)
    return f'<polygon class="{style}" points="{corners}"/>'


def marks(form: Mark, points: Iterable[tuple[float, float]], style: str) -> str:
    """One mark for each point, all in one path."""
    path = "".join(FORMS[form].format(x=at(x), y=at(y)) for x, y in points)
    return f'<path class="{form} {style}" d="{path}"/>'


def width_of(words: str) -> float:
    """About how wide a text is, in pixels."""
    return COLUMN * columns(printable(words))


def fitted(words: str, width: float) -> str:
    """As much of a text as fits into a width; what is cut off is told."""
    shown = printable(words[: int(width)])
    if shown == words and width_of(shown) <= width:
        return shown
    while shown and width_of(shown) > width - COLUMN:
        shown = shown[:-1]
    return shown if shown == words else f"{shown}…"


@dataclass(frozen=True)
class Label:
    """Words that belong to the height `y`, beginning or ending (`anchor`) at `x`."""

    x: float
    y: float
    words: str
    style: str
    anchor: str = "end"


def spread(labels: Iterable[Label], *, top: float, bottom: float) -> list[str]:
    """Labels as text just above their heights, moved up or down where they would cover each other."""
    placed: list[str] = []
    floor = bottom
    ordered = sorted(labels, key=lambda label: -label.y)
    for place, label in enumerate(ordered):
        above = (len(ordered) - place - 1) * LINE
        y = max(top + FONT + above, min(label.y - 6, floor))
        floor = y - LINE
        placed.append(text(label.x, y, label.words, label.style, anchor=label.anchor))
    return placed


@dataclass(frozen=True)
class Key:
    """An entry of a legend: how a series is drawn (`line`, `band` or a mark) and in which style."""

    form: Mark
    style: str
    words: str


def legend(keys: Sequence[Key], canvas: Canvas) -> tuple[list[str], float]:
    """The legend along the top of a canvas, in as many rows as it needs; and the height that it takes."""
    parts: list[str] = []
    x, y = float(EDGE), EDGE + LINE / 2
    for key in keys:
        words = fitted(key.words, canvas.width - 2 * EDGE - SAMPLE)
        needed = SAMPLE + width_of(words)
        if x > EDGE and x + needed > canvas.width - EDGE:
            x, y = float(EDGE), y + LINE
        parts += [sample(key, x, y), text(x + SAMPLE, y + 4.5, words)]
        x += needed + BETWEEN_KEYS
    return parts, y + LINE / 2 + 4 if keys else float(EDGE)


def sample(key: Key, x: float, y: float) -> str:
    """How a series looks, in small."""
    if key.form == "line":
        return line(x, y, x + 18, y, key.style)
    if key.form == "band":
        return region(x, y - 6, x + 18, y + 6, key.style)
    return marks(key.form, [(x + 9, y)], key.style)


def axes(
    across: Scale, up: Scale, *, canvas: Canvas, across_words: str, up_words: str, foot: float = 0.0
) -> list[str]:
    """Grid, ticks and names of both axes; the name of the upward one stands above its end.

    Args:
        across: the horizontal axis.
        up: the vertical one; it starts at the bottom.
        canvas: what they are drawn on.
        across_words: what the horizontal axis shows, with its unit.
        up_words: what the vertical axis shows, with its unit.
        foot: room between the plot and the labels below it.
    """
    parts = [
        part
        for place, words in up.labelled(max(3, int(up.start - up.end) // 38))
        for part in (
            line(across.start, place, across.end, place, "grid"),
            text(across.start - 7, place + 4.5, words, "quiet", anchor="end"),
        )
    ]
    below, room = up.start + foot, canvas.width - 2 * EDGE
    for place, words in across.labelled(canvas.most_ticks):
        parts += [
            line(place, below, place, below + 5, "axis"),
            text(place, below + LINE, words, "quiet", anchor="middle"),
        ]
    return [
        *parts,
        line(across.start, below, across.end, below, "axis"),
        text(across.end, below + 2 * LINE, fitted(across_words, room), "quiet", anchor="end"),
        text(EDGE, up.end - 9, fitted(up_words, room), "quiet"),
    ]


def frame(canvas: Canvas, above: float, foot: float = 0.0) -> tuple[float, float]:
    """Top and bottom of the plot proper, between what is above (legend and the axis' name) and below it."""
    return above + 2 * EDGE + 4, canvas.height - foot - 2 * LINE - 6


def left_margin(up: Scale) -> float:
    """The room that the labels of a vertical axis take, in pixels."""
    labels = up.labelled(max(3, int(up.start - up.end) // 38))
    return EDGE + 7 + max((width_of(words) for _, words in labels), default=0.0)


def picture(canvas: Canvas, kind: str, title: str, description: str, parts: Iterable[str]) -> str:
    """The plot as an `svg` element: an image with a name and a description for those who don't see it."""
    size = f'width="{canvas.width}" height="{canvas.height}" viewBox="0 0 {canvas.width} {canvas.height}"'
    head = f"<title>{html_text(title[:TITLE_CHARACTERS])}</title><desc>{html_text(description)}</desc>"
    return "\n".join([f'<svg class="plot {kind}" role="img" {size}>', head, *parts, "</svg>"])


def nothing(canvas: Canvas, kind: str, title: str) -> str:
    """The plot without figures: a sentence."""
    small = Canvas(canvas.width, 60)
    return picture(small, kind, title, NOTHING, [text(EDGE, 36, NOTHING, "quiet")])
