"""aiosqlite under exploration: no threads; what its connections queue is done as work of the asking actor.

So the statements of a program that uses aiosqlite, alone or below SQLAlchemy, are the points of `sqlite3`.
"""

import asyncio
import importlib
import threading
from collections.abc import Callable
from typing import Any

from gatewright.race.attributed_loop import AT_ONCE
from gatewright.race.loop import scheduled_loop
from gatewright.race.points.substitution import Replacement

__all__ = ["aiosqlite_replacements"]


def aiosqlite_replacements() -> list[Replacement]:
    """What stands in for the threads and queues of aiosqlite, where it is installed."""
    try:
        core: Any = importlib.import_module("aiosqlite.core")
    except ImportError:
        return []
    queue = Replacement(core, "SimpleQueue", lambda: WorkQueue(core.set_result, core.set_exception))
    if issubclass(core.Connection, threading.Thread):  # before 0.22
        return [queue, Replacement(core.Connection, "start", lambda _connection: None)]
    return [queue, Replacement(core, "Thread", NoThread)]


class NoThread:
    """Stands in for the thread of a connection."""

    daemon = True

    def __init__(self, **options: Any) -> None:
        """Nothing to keep."""

    def start(self) -> None:
        """Nothing to start."""


class WorkQueue:
    """Stands in for the queue of a connection: does at once what others would do in the thread."""

    def __init__(self, set_result: Callable[..., None], set_exception: Callable[..., None]) -> None:
        self._set_result = set_result
        self._set_exception = set_exception

    def put_nowait(self, item: tuple[asyncio.Future[Any] | None, Callable[[], Any]]) -> None:
        """Do it as a thread of the running actor; on the spot where no loop runs any more."""
        future, function = item
        loop = scheduled_loop()
        if loop is None:
            self._do(future, function)
        else:
            loop.run_as_thread(function, future, label=AT_ONCE)

    def _do(self, future: asyncio.Future[Any] | None, function: Callable[[], Any]) -> None:
        try:
            result = function()
        except Exception as error:  # noqa: BLE001 - the future carries it
            if future is not None:
                self._set_exception(future, error)
            return
        if future is not None:
            self._set_result(future, result)
