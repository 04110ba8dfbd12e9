"""How a suite tells how it goes on, part by part."""

from typing import Protocol, TextIO

__all__ = ["Lines", "Silent", "SuiteProgress"]

ERASE_LINE = "\r\x1b[2K"
COUNT_EVERY = 25


class SuiteProgress(Protocol):
    """Is told how a suite goes on."""

    def begin(self, what: str) -> None:
        """A part of the suite begins."""
        ...

    def count(self, done: int) -> None:
        """So many iterations of it are done."""
        ...

    def end(self, outcome: str) -> None:
        """It has ended."""
        ...


class Silent:
    """Tells nobody."""

    def begin(self, what: str) -> None:
        """Nothing."""

    def count(self, done: int) -> None:
        """Nothing."""

    def end(self, outcome: str) -> None:
        """Nothing."""


class Lines:
    """A line that counts on a terminal, a plain line for each part elsewhere.

    Args:
        stream: where to.
        every: so many iterations pass between two counts.
    """

    def __init__(self, stream: TextIO, *, every: int = COUNT_EVERY) -> None:
        self._stream = stream
        self._every = every
        self._counts = stream.isatty()
        self._what = ""

    def begin(self, what: str) -> None:
        """A part of the suite begins."""
        self._what = what
        if self._counts:
            self._write(f"{what} ...")

    def count(self, done: int) -> None:
        """So many iterations of it are done."""
        if self._counts and done % self._every == 0:
            self._write(f"{ERASE_LINE}{self._what} ... {done}")

    def end(self, outcome: str) -> None:
        """It has ended."""
        self._write(f"{ERASE_LINE if self._counts else ''}{self._what}: {outcome}\n")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
