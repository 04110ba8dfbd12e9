"""The service with a clock that a drill can turn: `python -m ...scenarios.skewed_server serve ...`.

The file that `DRILL_CLOCK` names holds by how many seconds its clock is ahead.
"""

import os
import runpy
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from multyagents_api import bootstrap
from multyagents_api.scenarios.planted.planting import replaced
from multyagents_api.service.ports import SystemClock

__all__ = ["VARIABLE", "SkewedClock", "skewed"]

VARIABLE = "DRILL_CLOCK"


class SkewedClock:
    """The system's clock, and as many seconds as a file says at that moment."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._true = SystemClock()

    def now(self) -> datetime:
        """The time, put forward or back."""
        return self._true.now() + timedelta(seconds=float(self._file.read_text(encoding="ascii")))


@contextmanager
def skewed() -> Iterator[None]:
    """Let apps that are made meanwhile go by that clock."""
    file = Path(os.environ[VARIABLE])
    with replaced(bootstrap, "SystemClock", lambda: SkewedClock(file)):
        yield


if __name__ == "__main__":
    with skewed():
        runpy.run_module("multyagents_api", run_name="__main__", alter_sys=True)
