"""A terminal that remembers what it shows: enough of ECMA-48 for lines that are redrawn in place."""

import io
import os
import re

from gatewright.core.escape import columns

__all__ = ["FakeTerminal"]

SEQUENCE = re.compile(r"\x1b\[(\??)([\d;]*)([A-Za-z])|(\r)|(\n)|([^\x1b\r\n]+)")


class FakeTerminal(io.StringIO):
    """A stream that is a terminal of a size; what does not fit into a line wraps, as on a real one."""

    def __init__(self, width: int = 80, height: int = 24, encoding: str = "utf-8") -> None:
        super().__init__()
        self.width, self.height = width, height
        self.cursor_shown = True
        self.coloured = False
        self.wrapped = False
        self._encoding = encoding
        self._screen = [""]
        self._row = self._column = 0

    @property
    def encoding(self) -> str:
        return self._encoding

    def isatty(self) -> bool:
        return True

    def size(self) -> os.terminal_size:
        return os.terminal_size((self.width, self.height))

    @property
    def screen(self) -> list[str]:
        """The lines that are seen, without empty ones at the end."""
        shown = [line.rstrip() for line in self._screen]
        while shown and not shown[-1]:
            shown.pop()
        return shown

    def write(self, text: str) -> int:
        for private, numbers, letter, carriage_return, new_line, words in SEQUENCE.findall(text):
            if letter:
                self._control(private, numbers, letter)
            elif carriage_return:
                self._column = 0
            elif new_line:
                self._row, self._column = self._row + 1, 0
                self._screen += [""] * (self._row + 1 - len(self._screen))
            else:
                self._say(words)
        return super().write(text)

    def _say(self, words: str) -> None:
        line = self._screen[self._row].ljust(self._column)
        self._screen[self._row] = line[: self._column] + words + line[self._column + len(words) :]
        self._column += len(words)
        self.wrapped = self.wrapped or columns(self._screen[self._row]) >= self.width

    def _control(self, private: str, numbers: str, letter: str) -> None:
        if private and numbers == "25":
            self.cursor_shown = letter == "h"
        elif letter == "A":
            self._row = max(0, self._row - int(numbers or 1))
        elif letter == "K":
            self._screen[self._row] = "" if numbers == "2" else self._screen[self._row][: self._column]
        elif letter == "J":
            self._screen[self._row :] = [self._screen[self._row][: self._column]]
        elif letter == "m":
            self.coloured = self.coloured or numbers not in {"", "0"}
        else:
            raise AssertionError(f"the terminal does not know {private}{numbers}{letter}")
