"""An interleaving as plain text: one column for each actor, one line for each statement."""

from collections.abc import Sequence

from gatewright.core.escape import columns, printable
from gatewright.race.interleaving import Interleaving, Row, RowKind

__all__ = ["swim_lanes"]

NARROWEST = 24
WIDEST = 100
WAITS = " [waits]"
MARKS = {RowKind.CALL: "→ ", RowKind.ANSWER: "← "}
RED, YELLOW, DIM, BOLD = "31;1", "33", "2", "1"


def swim_lanes(picture: Interleaving, *, width: int = 110, colour: bool = False) -> list[str]:
    """Who ran which statement when, read from top to bottom.

    Args:
        picture: what to show.
        width: of the whole text; labels are shortened to fit, and lanes too narrow become one.
        colour: whether the terminal understands colours.
    """
    actors = picture.actors
    if not actors:
        return []
    number = len(str(max(row.number for row in picture.rows)))
    column = min(WIDEST, (width - number) // len(actors) - 2)
    if column < NARROWEST:
        return [_stacked(row, number, width, picture, colour=colour) for row in picture.rows]
    lines = [
        _line(" " * number, [_painted(_fitted(actor, column), BOLD, colour=colour) for actor in actors]),
        _line(" " * number, ["-" * column] * len(actors)),
    ]
    for row in picture.rows:
        if not row.actor:
            lines.append(_across(row, number, width, colour=colour))
            continue
        cell = _painted(_fitted(_told(row), column, _suffix(row)), _style(row), colour=colour)
        cells = [cell if actor == row.actor else " " * column for actor in actors]
        lines.append(_line(f"{row.number or '':>{number}}", cells))
    return lines


def _stacked(row: Row, number: int, width: int, picture: Interleaving, *, colour: bool) -> str:
    """One lane for all of them: the actor's name stands before what it does."""
    if not row.actor:
        return _across(row, number, width, colour=colour)
    name = min(max(map(columns, picture.actors)), NARROWEST // 2)
    rest = max(NARROWEST // 2, width - number - name - 4)
    told = _painted(_fitted(_told(row), rest, _suffix(row)), _style(row), colour=colour)
    return _line(f"{row.number or '':>{number}}", [_fitted(row.actor, name), told])


def _across(row: Row, number: int, width: int, *, colour: bool) -> str:
    mark = "!" if row.kind is RowKind.BROKEN else ":"
    text = _fitted(printable(row.text), max(NARROWEST, width - number - 2)).rstrip()
    return _painted(f"{mark:>{number}}  {text}", _style(row), colour=colour)


def _told(row: Row) -> str:
    return f"{MARKS.get(row.kind, '')}{row.text}"


def _suffix(row: Row) -> str:
    return WAITS if row.waited else ""


def _style(row: Row) -> str:
    if row.kind is RowKind.BROKEN:
        return RED
    if row.waited:
        return YELLOW
    return "" if row.kind is RowKind.STEP else DIM


def _painted(text: str, style: str, *, colour: bool) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if colour and style else text


def _line(number: str, cells: Sequence[str]) -> str:
    return "  ".join([number, *cells]).rstrip()


def _fitted(text: str, width: int, suffix: str = "") -> str:
    """The text in exactly so many columns of a terminal; what is cut off is always told."""
    shown = printable(text[: 4 * width])
    room = width - len(suffix)
    if columns(shown) > room or len(text) > 4 * width:
        while columns(shown) > room - 1:
            shown = shown[:-1]
        shown += "…"
    shown += suffix
    return shown + " " * (width - columns(shown))
