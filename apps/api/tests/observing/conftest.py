"""What operators see, of apps over SQLite: the other database changes nothing about it."""

import io
import json
from collections.abc import Callable

import pytest

from multyagents_api.observing import logs
from multyagents_api.observing.logs import LogFormat


@pytest.fixture
def database(sqlite_file):
    return sqlite_file


@pytest.fixture
def logged(restored_logging) -> Callable[..., Callable[[], str]]:
    """Lets the process log as a served one does; what it gives reads what was logged."""

    def configure(chosen: LogFormat | None = LogFormat.JSON, level: str = "info", *, access: bool = False):
        stream = io.StringIO()
        logs.configure(level, chosen, access=access, stream=stream)
        return stream.getvalue

    return configure


@pytest.fixture
def lines(logged) -> Callable[[], list[dict]]:
    """The lines of JSON that were logged since."""
    read = logged(access=True)
    return lambda: [json.loads(line) for line in read().splitlines()]
