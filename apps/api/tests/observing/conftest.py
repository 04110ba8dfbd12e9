"""What operators see, of apps over SQLite: the other database changes nothing about it."""

import io
import json
import logging
import sys
import warnings
from collections.abc import Callable, Iterator

import pytest

from multyagents_api.observing import logs
from multyagents_api.observing.logs import LogFormat


@pytest.fixture
def database(sqlite_file):
    return sqlite_file


@pytest.fixture
def logged() -> Iterator[Callable[..., Callable[[], str]]]:
    """Lets the process log as a served one does, and afterwards as before; what it gives reads what was logged."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, logs.ACCESS.level, sys.excepthook, warnings.showwarning

    def configure(chosen: LogFormat | None = LogFormat.JSON, level: str = "info", *, access: bool = False):
        stream = io.StringIO()
        root.handlers.clear()  # pytest's own are not to be closed
        logs.configure(level, chosen, access=access, stream=stream)
        return stream.getvalue

    yield configure
    logging.captureWarnings(capture=False)
    root.handlers[:], root.level = before[0], before[1]
    root.setLevel(before[1])
    logs.ACCESS.setLevel(before[2])
    sys.excepthook, warnings.showwarning = before[3], before[4]


@pytest.fixture
def lines(logged) -> Callable[[], list[dict]]:
    """The lines of JSON that were logged since."""
    read = logged(access=True)
    return lambda: [json.loads(line) for line in read().splitlines()]
