"""On which line of a TOML document each setting stands; `tomllib` reads values and forgets their places.

Source: TOML v1.0.0 (https://toml.io/en/v1.0.0). Only documents that `tomllib` has read are scanned, so
nothing is refused here: all that is needed of the grammar is where keys, strings, arrays and tables end.
"""

import tomllib
from bisect import bisect_right
from collections.abc import Iterator, Sequence

__all__ = ["Lines", "Path"]

Path = tuple[str | int, ...]
"""Keys and indices from the top of a document."""

CLOSING = {'"""': '"', "'''": "'"}


class Lines:
    """The lines of all settings of a document.

    Args:
        text: a document that `tomllib` reads.
    """

    def __init__(self, text: str) -> None:
        text = text.replace("\r\n", "\n")
        breaks = [index for index, character in enumerate(text) if character == "\n"]
        self._lines: dict[Path, int] = {}
        for path, offset in Scanner(text).scan():
            self._lines.setdefault(path, bisect_right(breaks, offset - 1) + 1)

    def of(self, path: Sequence[str | int]) -> int:
        """The line of a setting, counted from 1; of one that is not there, that of what is around it."""
        for length in range(len(path), 0, -1):
            if line := self._lines.get(tuple(path[:length])):
                return line
        return 1


class Scanner:
    """Walks through a document and tells where each key and each item of an array begins."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._tables: dict[Path, int] = {}
        """Arrays of tables, with the index of their last one."""

    def scan(self) -> Iterator[tuple[Path, int]]:
        """Every place with its offset, in the order of the document."""
        table: Path = ()
        while self._skip("\n"):
            offset = self._at
            if self._text[self._at] != "[":
                yield from self._pair(table)
                continue
            is_array = self._text.startswith("[[", self._at)
            self._at += 2 if is_array else 1
            table = self._enter(self._keys("]"), is_array=is_array)
            self._at += 2 if is_array else 1
            yield from ((table[:length], offset) for length in range(1, len(table) + 1))

    def _enter(self, keys: Path, *, is_array: bool) -> Path:
        """The table that a header opens; a key that names an array of tables means the last one of it."""
        path: Path = ()
        for number, key in enumerate(keys, start=1):
            path = (*path, key)
            if is_array and number == len(keys):
                self._tables[path] = self._tables.get(path, -1) + 1
            if path in self._tables:
                path = (*path, self._tables[path])
        return path

    def _pair(self, table: Path) -> Iterator[tuple[Path, int]]:
        offset = self._at
        keys = self._keys("=")
        self._at += 1
        path = (*table, *keys)
        yield from ((path[:length], offset) for length in range(len(table) + 1, len(path) + 1))
        yield from self._value(path)

    def _keys(self, end: str) -> Path:
        """A key, dotted or not, up to a character that ends it; `tomllib` says what it means."""
        begin = self._at
        while self._text[self._at] != end:
            if self._text[self._at] in "\"'":
                self._string()
            else:
                self._at += 1
        keys: list[str] = []
        value: object = tomllib.loads(f"{self._text[begin : self._at].strip()} = 0")
        while isinstance(value, dict):
            [(key, value)] = value.items()
            keys.append(key)
        return tuple(keys)

    def _value(self, path: Path) -> Iterator[tuple[Path, int]]:
        self._skip("\n")
        first = self._text[self._at]
        if first == "[":
            yield from self._array(path)
        elif first == "{":
            yield from self._inline_table(path)
        elif first in "\"'":
            self._string()
        else:
            while self._at < len(self._text) and self._text[self._at] not in ",]}#\n":
                self._at += 1

    def _array(self, path: Path) -> Iterator[tuple[Path, int]]:
        self._at += 1
        index = 0
        while self._skip("\n,") and self._text[self._at] != "]":
            yield (*path, index), self._at
            yield from self._value((*path, index))
            index += 1
        self._at += 1

    def _inline_table(self, path: Path) -> Iterator[tuple[Path, int]]:
        self._at += 1
        while self._skip("\n,") and self._text[self._at] != "}":
            yield from self._pair(path)
        self._at += 1

    def _string(self) -> None:
        """Pass a string of any of the four kinds."""
        quote = self._text[self._at : self._at + 3]
        if quote not in CLOSING:
            quote = quote[0]
        self._at += len(quote)
        while not self._text.startswith(quote, self._at):
            self._at += 2 if self._text[self._at] == "\\" and quote[0] == '"' else 1
        self._at += len(quote)
        if quote in CLOSING:  # up to two quotes may stand before the three that close
            while self._text.startswith(CLOSING[quote], self._at):
                self._at += 1

    def _skip(self, more: str) -> bool:
        """Pass blanks, comments and some more characters; whether anything is left."""
        while self._at < len(self._text):
            if self._text[self._at] == "#":
                end = self._text.find("\n", self._at)
                self._at = len(self._text) if end < 0 else end
            elif self._text[self._at] in " \t" + more:
                self._at += 1
            else:
                return True
        return False
