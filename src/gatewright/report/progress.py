"""Live progress: a line that updates on a terminal, plain lines elsewhere."""

import os
import shutil
from collections.abc import Mapping
from typing import TextIO

from gatewright.core.clock import Clock
from gatewright.core.escape import clipped
from gatewright.gate.aggregate import CheckVerdict
from gatewright.report.text import describe_counts, paint

__all__ = ["ProgressLines", "wants_colour"]

ERASE_LINE = "\r\x1b[2K"


def wants_colour(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a stream is a terminal whose user did not refuse colours (https://no-color.org)."""
    return stream.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


class ProgressLines:
    """Says which checks run, for how long, and how each ended, in the order in which they end.

    Args:
        stream: where to write.
        clock: measures how long they take.
    """

    def __init__(self, stream: TextIO, clock: Clock) -> None:
        self._stream = stream
        self._clock = clock
        self._updates = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._colour = wants_colour(stream)
        self._starts: dict[str, float] = {}

    def begin(self, check: str) -> None:
        """A check begins."""
        self._starts[check] = self._clock.monotonic()
        if not self._updates:
            self._write(f"{check}: running\n")

    def tick(self) -> None:
        """They still run: on a terminal one line shows for how long."""
        if self._updates and self._starts:
            line = ", ".join(f"{check}: {self._elapsed(start)}" for check, start in self._starts.items())
            self._write(f"{ERASE_LINE}{clipped(line, shutil.get_terminal_size().columns - 1)}")

    def end(self, verdict: CheckVerdict) -> None:
        """A check has ended."""
        start = self._starts.pop(verdict.check, self._clock.monotonic())
        state = paint(verdict.state.verdict, verdict.state.value, colour=self._colour)
        line = f"{verdict.check}: {state} in {self._elapsed(start)}"
        erase = ERASE_LINE if self._updates else ""
        self._write(f"{erase}{line} ({describe_counts(verdict.counts)})\n")

    def _elapsed(self, start: float) -> str:
        return f"{self._clock.monotonic() - start:.1f} s"

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
