"""Swim-lanes of an interleaving as a table of a page: a column for each actor, a row for each statement."""

from collections.abc import Iterator, Mapping, Sequence

from gatewright.core.escape import html_text
from gatewright.core.interleaving import Interleaving, Row, RowKind
from gatewright.report.lanes_style import STYLE
from gatewright.report.page import folded, isolated

__all__ = ["STYLE", "broken_invariants", "swim_lanes"]

LANE_COLOURS = 6
NAME_CHARACTERS = 280
LABEL_CHARACTERS = 280
TAG_CHARACTERS = 120
ARROWS = {RowKind.CALL: ("→", "asks"), RowKind.ANSWER: ("←", "is answered")}
CAPTION = (
    "Time runs from top to bottom; each column is one actor. → a request begins, a box is one statement or "
    "point, ← its answer. At a dashed line an actor was stopped for another."
)


def broken_invariants(violations: Mapping[str, Sequence[str]], *, heading: int = 3) -> Iterator[str]:
    """A box for each violated invariant, with what it said, under a heading of this level."""
    for name, sentences in sorted(violations.items()):
        yield f'<section class="violation"><h{heading}>{isolated(name)}</h{heading}><ul>'
        yield from (f"<li>{folded(sentence)}</li>" for sentence in sentences)
        yield "</ul></section>"


def swim_lanes(picture: Interleaving, heading: str, *, most: int = LABEL_CHARACTERS) -> Iterator[str]:
    """The table, in a region that the keyboard scrolls.

    Roles are written out because a narrow screen shows it as a list.

    Args:
        picture: the rows.
        heading: the id of the element that names the region.
        most: how many characters of a label are shown at first.
    """
    yield f'<div class="lanes" role="region" aria-labelledby="{html_text(heading)}" tabindex="0">'
    yield f'<table role="table"><caption>{html_text(CAPTION)}</caption>'
    yield '<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">step</th>'
    for place, actor in enumerate(picture.actors):
        name = f'<span class="name">{isolated(actor[:NAME_CHARACTERS])}</span>'
        yield f'<th role="columnheader" scope="col" class="{colour(place)}">{name}</th>'
    yield '</tr></thead><tbody role="rowgroup">'
    places = {actor: place for place, actor in enumerate(picture.actors)}
    for row in picture.rows:
        yield from across(row, len(places) + 1) if not row.actor else in_lane(row, places, most)
    yield "</tbody></table></div>"


def across(row: Row, columns: int) -> Iterator[str]:
    """A row that belongs to nobody."""
    yield f'<tr role="row" class="across {row.kind}">'
    yield f'<td role="cell" colspan="{columns}">{folded(row.text)}</td></tr>'


def in_lane(row: Row, places: Mapping[str, int], most: int) -> Iterator[str]:
    """A row with a cell in the lane of its actor; the other lanes go on empty."""
    classes = [row.kind.value, *["waits"] * row.waited, *["preempts"] * bool(row.preempts)]
    yield f'<tr role="row" class="{" ".join(classes)}">'
    if row.number:
        yield f'<th role="rowheader" scope="row" class="row-number">{row.number}</th>'
    else:
        yield '<td role="cell" class="row-number"></td>'
    for actor, place in places.items():
        content = cell(row, most) if actor == row.actor else ""
        yield f'<td role="cell" class="lane {colour(place)}">{content}</td>'
    yield "</tr>"


def cell(row: Row, most: int) -> str:
    """What the actor did, and what was in its way."""
    arrow, spoken = ARROWS.get(row.kind, ("", ""))
    sign = f'<span aria-hidden="true">{arrow}</span><span class="unseen">{spoken}:</span> ' if arrow else ""
    tags = '<span class="tag wait">waits for a lock</span>' if row.waited else ""
    if row.preempts:
        tags += f'<span class="tag stop">{isolated(row.preempts[:TAG_CHARACTERS])} is stopped here</span>'
    name = f'<span class="actor">{isolated(row.actor[:TAG_CHARACTERS])}</span>'
    return f'{name}<div class="label">{sign}{folded(row.text, most)}{tags}</div>'


def colour(place: int) -> str:
    """The class of a lane's colour."""
    return f"lane-{place % LANE_COLOURS}"
