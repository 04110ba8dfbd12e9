"""Threads that a program hands work to, under exploration: synchronous endpoints, `to_thread`, executors.

The work runs on the loop's own thread, as a worker of its actor: the statements in it are points, and it sees
no event loop, as in a thread. `asyncio.to_thread` and executors come through the loop itself; AnyIO, by which
Starlette and FastAPI run synchronous endpoints, does not.
"""

import importlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from typing import Any

from gatewright.race.attributed_loop import name_of
from gatewright.race.loop import ScheduledLoop, scheduled_loop
from gatewright.race.points.substitution import Replacement
from gatewright.race.scheduler import THREAD, current_scheduler

__all__ = ["anyio_token", "worker_replacements"]

genuine_sleep, genuine_start = time.sleep, threading.Thread.start


def worker_replacements() -> list[Replacement]:
    """What stands in for AnyIO's worker threads, for sleeping, and for threads that nobody controls."""
    return [
        Replacement(threading.Thread, "start", start),
        Replacement(time, "sleep", sleep),
        *_anyio_replacements(),
    ]


def sleep(seconds: float) -> None:
    """Stand in for `time.sleep`: the time passes in no time, and others go on meanwhile."""
    scheduler = current_scheduler()
    if scheduler is None or not scheduler.controls:
        genuine_sleep(seconds)
        return
    scheduler.wait("sleep", _never, seconds)


def start(thread: threading.Thread) -> None:
    """Stand in for `Thread.start`: where an actor starts one, it works along unseen, and nothing counts."""
    scheduler = current_scheduler()
    if scheduler is not None and scheduler.controls:
        scheduler.note_thread(thread.name)
    THREAD.scheduler = None  # nobody's turn can be given to it while it starts
    try:
        genuine_start(thread)
    finally:
        THREAD.scheduler = scheduler


def _never() -> bool:
    return False


def _anyio_replacements() -> list[Replacement]:
    try:
        backend: Any = importlib.import_module("anyio._backends._asyncio").AsyncIOBackend
        cancel_scope = importlib.import_module("anyio").CancelScope
    except (ImportError, AttributeError):
        return []
    genuine = backend.run_sync_in_worker_thread

    async def run_sync_in_worker_thread(
        _backend: object,
        func: Callable[..., Any],
        args: tuple[object, ...],
        abandon_on_cancel: bool = False,  # noqa: FBT001, FBT002 - AnyIO's own signature
        limiter: Any = None,
    ) -> Any:
        loop = scheduled_loop()
        if loop is None:
            return await genuine(func, args, abandon_on_cancel, limiter)
        async with limiter or nullcontext():
            with cancel_scope(shield=not abandon_on_cancel):
                return await _as_thread(loop, func, args)

    return [Replacement(backend, "run_sync_in_worker_thread", classmethod(run_sync_in_worker_thread))]


async def _as_thread(loop: ScheduledLoop, func: Callable[..., Any], args: tuple[object, ...]) -> Any:
    """Run it with a copy of the caller's context, as AnyIO does."""
    future = loop.create_future()
    loop.run_as_thread(partial(func, *args), future, label=f"thread {name_of(func)}")
    return await future


@contextmanager
def anyio_token(loop: ScheduledLoop) -> Iterator[None]:
    """Let workers call back into the loop by `anyio.from_thread`, where the installed AnyIO has tokens."""
    with ExitStack() as stack:
        try:
            claim = importlib.import_module("anyio._core._eventloop").claim_worker_thread
            backend = importlib.import_module("anyio._backends._asyncio").AsyncIOBackend
        except (ImportError, AttributeError):
            pass
        else:
            stack.enter_context(claim(backend, loop))
        yield
