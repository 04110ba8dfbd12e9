"""A block of lines on a terminal that is redrawn in place."""

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TextIO

from gatewright.core.escape import columns, printable

__all__ = ["LivingBlock", "Span", "is_living", "terminal_size"]

HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
ERASE_LINE, ERASE_BELOW = "\x1b[2K", "\x1b[J"


@dataclass(frozen=True)
class Span:
    """Text in one style: numbers of SGR (ECMA-48, 8.3.117) such as `1;32`; none when empty."""

    text: str
    style: str = ""


def is_living(stream: TextIO) -> bool:
    """Whether a stream is a terminal that can redraw what it shows."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def terminal_size(stream: TextIO) -> os.terminal_size:
    """Columns and lines of the stream's terminal; what the environment says where it does not tell."""
    try:
        size = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        return shutil.get_terminal_size()
    return size if size.columns and size.lines else shutil.get_terminal_size()


class LivingBlock:
    """Lines that stay where they are while what they say changes; no line is ever wider than the terminal.

    The cursor is hidden from the first drawing until `close`, which belongs into a `finally`.

    Args:
        stream: a terminal.
        size: asked before each drawing, since terminals are resized.
        colour: whether styles are written.
    """

    def __init__(self, stream: TextIO, size: Callable[[], os.terminal_size], *, colour: bool) -> None:
        self._stream = stream
        self._size = size
        self._colour = colour
        self._height = 0

    def show(self, lines: Sequence[Sequence[Span]]) -> None:
        """Draw these lines in place of those before."""
        size = self._size()
        # The last column stays empty: terminals differ in when they wrap behind it.
        drawn = [self._line(line, size.columns - 1) for line in lines[: max(1, size.lines - 1)]]
        start = self._home() if self._height else HIDE_CURSOR
        self._height = len(drawn)
        self._write(start + "\n".join(ERASE_LINE + line for line in drawn) + ERASE_BELOW)

    def close(self) -> None:
        """Take the lines away, and give the cursor back."""
        if self._height:
            self._write(self._home() + ERASE_BELOW + SHOW_CURSOR)
        self._height = 0

    def _home(self) -> str:
        """To where the block begins."""
        return "\r" + (f"\x1b[{self._height - 1}A" if self._height > 1 else "")

    def _line(self, spans: Sequence[Span], width: int) -> str:
        parts = []
        for span in spans:
            shown = cut(printable(span.text), width)
            width -= columns(shown)
            parts.append(f"\x1b[{span.style}m{shown}\x1b[0m" if self._colour and span.style else shown)
        return "".join(parts)

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def cut(text: str, width: int) -> str:
    """As much of a printable text as fits into so many columns."""
    shown = text[: max(0, width)]
    while columns(shown) > width:
        shown = shown[:-1]
    return shown
