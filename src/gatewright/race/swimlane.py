"""The interleaving of a schedule as plain text: one column for each actor, one line for each statement."""

from collections.abc import Sequence

__all__ = ["swim_lanes"]

NARROWEST = 24


def swim_lanes(steps: Sequence[tuple[str, str]], *, width: int = 110) -> list[str]:
    """Who ran which statement when, read from top to bottom.

    Args:
        steps: actor and label of every step.
        width: of the whole text; labels are shortened to fit.
    """
    actors = list(dict.fromkeys(actor for actor, _ in steps))
    if not actors:
        return []
    number = len(str(len(steps)))
    column = max(NARROWEST, (width - number) // len(actors) - 2)
    lines = [_line(" " * number, actors, column), _line(" " * number, ["-" * column] * len(actors), column)]
    for index, (actor, label) in enumerate(steps, start=1):
        cells = [_shortened(label, column) if actor == name else "" for name in actors]
        lines.append(_line(f"{index:>{number}}", cells, column))
    return lines


def _line(number: str, cells: Sequence[str], column: int) -> str:
    return "  ".join([number, *(f"{cell:<{column}}" for cell in cells)]).rstrip()


def _shortened(label: str, column: int) -> str:
    line = "".join(character if character.isprintable() else "?" for character in label)
    return f"{line[: column - 1]}…" if len(line) > column else line
