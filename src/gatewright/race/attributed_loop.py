"""An asyncio event loop with virtual time that knows for which actor each callback works.

An actor is one client's request with everything that it starts; it is known by a context variable. Work of
one actor stays in order.
"""

import asyncio
import functools
import heapq
import itertools
import re
import threading
import weakref
from collections import deque
from collections.abc import Callable
from contextvars import Context, ContextVar, copy_context
from typing import Any

from gatewright.race.lane import Lane

__all__ = ["ACTOR", "AT_ONCE", "AttributedLoop", "context_of", "name_of", "run_handle", "task_of"]

ACTOR: ContextVar[str | None] = ContextVar("gatewright_actor", default=None)
"""The actor on whose behalf code runs; None for the engine's own work."""

RESUMED = "resumed"
"""The label of a point at which asyncio itself yielded."""

AT_ONCE = "at once"
"""The label of a callback that touches nothing shared before its first point, so that it is none itself."""


class AttributedLoop(asyncio.BaseEventLoop):
    """What asyncio asks of a loop; who decides on turns comes on top."""

    def __init__(self) -> None:
        super().__init__()
        self.complaints: list[str] = []
        self._virtual_time = 0.0
        self._unattributed: deque[asyncio.Handle] = deque()
        self._lanes: dict[str, Lane] = {}
        self._arrivals = itertools.count()
        self._in_worker = False
        self._abandoning = False
        self._actor_tasks: weakref.WeakKeyDictionary[asyncio.Task[Any], str] = weakref.WeakKeyDictionary()
        self._foreign: set[str] = set()
        self._owner = threading.get_ident()
        self.set_exception_handler(lambda _, context: self._complain(context))

    def time(self) -> float:
        """Virtual seconds; they pass only when every actor waits for a timer."""
        return self._virtual_time

    def call_soon(
        self, callback: Callable[..., object], *args: object, context: Context | None = None
    ) -> asyncio.Handle:
        """Queue a callback behind the earlier ones of the same actor."""
        context = copy_context() if context is None else context
        handle = asyncio.Handle(callback, args, self, context)
        self._enqueue(handle, context.get(ACTOR))
        return handle

    def call_soon_threadsafe(
        self, callback: Callable[..., object], *args: object, context: Context | None = None
    ) -> asyncio.Handle:
        """The same, and a note when it is another thread that calls: no strategy controls that one."""
        self.note_thread()
        return self.call_soon(callback, *args, context=context)

    def create_task(self, coro: Any, **options: Any) -> asyncio.Task[Any]:
        """Start a task, and remember it if it works for an actor: it must not outlive the schedule."""
        task = super().create_task(coro, **options)
        context = options.get("context")
        actor = ACTOR.get() if context is None else context.get(ACTOR)
        if actor is not None:
            self._actor_tasks[task] = actor
        return task

    def run_in_executor(
        self,
        executor: object,  # noqa: ARG002 - there is only this thread
        func: Callable[..., Any],
        *args: object,
    ) -> asyncio.Future[Any]:
        """Run the function as a thread of its actor's, without the caller's context, as executors do."""
        context = Context()
        context.run(ACTOR.set, ACTOR.get())
        future = self.create_future()
        self.run_as_thread(lambda: func(*args), future, context, label=f"thread {name_of(func)}")
        return future

    def run_as_thread(
        self,
        func: Callable[[], Any],
        future: asyncio.Future[Any] | None,
        context: Context | None = None,
        *,
        label: str,
    ) -> None:
        """Run a function as a thread would: its points are points in every model, and it has no event loop.

        The strategy decides who goes on there, and the actor's own event loop goes on while it waits.
        """
        self.announce(label)
        self.call_soon(self._work, func, future, context=context)

    def _work(self, func: Callable[[], Any], future: asyncio.Future[Any] | None) -> None:
        if future is not None and future.cancelled():
            return
        inside, self._in_worker = self._in_worker, True
        asyncio._set_running_loop(None)  # noqa: SLF001 - as in a thread
        result, raised = None, None
        try:
            result = func()
        except Exception as error:  # noqa: BLE001 - the future carries it
            raised = error
        finally:
            asyncio._set_running_loop(self)  # noqa: SLF001 - back on the loop
            self._in_worker = inside
        if future is None or future.done():
            return
        if raised is None:
            future.set_result(result)
        else:
            future.set_exception(raised)

    def note_thread(self, started: str = "") -> None:
        """Remember it when the calling thread is not the loop's own, or what thread it starts."""
        if started:
            self._foreign.add(thread_name(started))
        elif threading.get_ident() != self._owner:
            self._foreign.add(thread_name(threading.current_thread().name))

    def announce(self, label: str) -> None:
        """Name the place at which the running actor yields next."""
        lane = self._lanes.get(ACTOR.get() or "")
        if lane is not None:
            lane.announced = label

    def _enqueue(self, handle: asyncio.Handle, actor: str | None) -> None:
        lane = self._lanes.get(actor) if actor is not None else None
        if lane is None:
            self._unattributed.append(handle)
            return
        lane.queue.append((handle, lane.announced or RESUMED))
        lane.announced = ""
        if len(lane.queue) == 1:
            lane.arrival = next(self._arrivals)

    def _advance_time(self) -> bool:
        """Jump to the next timer and queue all that are due; False when there is none."""
        timers = self._scheduled  # type: ignore[attr-defined]  # the base class's own heap
        while timers and timers[0].cancelled():
            heapq.heappop(timers)._scheduled = False  # noqa: SLF001 - as the base class does
        if not timers:
            return False
        self._virtual_time = max(self._virtual_time, timers[0].when())
        while timers and timers[0].when() <= self._virtual_time:
            timer = heapq.heappop(timers)
            timer._scheduled = False  # noqa: SLF001 - as the base class does
            if not timer.cancelled():
                self._enqueue(timer, context_of(timer).get(ACTOR))
        return True

    def _cancel_timers(self) -> None:
        """Cancel those of racers, and let go of all that were cancelled: each statement leaves its limit."""
        timers = self._scheduled  # type: ignore[attr-defined]  # the base class's own heap
        for timer in timers:
            if self._is_racers(timer):
                timer.cancel()
            timer._scheduled = not timer.cancelled()  # noqa: SLF001 - as the base class does
        timers[:] = [timer for timer in timers if not timer.cancelled()]
        heapq.heapify(timers)

    def _is_racers(self, handle: asyncio.Handle) -> bool:
        return context_of(handle).get(ACTOR) is not None

    def _complain(self, context: dict[str, Any]) -> None:
        """Keep what a callback raised; what the garbage collector finds is of another schedule."""
        if not self._abandoning and "handle" in context:
            self.complaints.append(f"{context.get('message')}: {context.get('exception')!r}")


def name_of(func: Callable[..., Any]) -> str:
    """A function's own name, also where it is wrapped in a partial."""
    while isinstance(func, functools.partial):
        func = func.args[0] if getattr(func.func, "__name__", "") == "run" and func.args else func.func
    return str(getattr(func, "__name__", type(func).__name__))


def thread_name(name: str) -> str:
    """A thread's name without its number, which is another one in every run."""
    return re.sub(r"^Thread-\d+", "thread", name)


def task_of(handle: asyncio.Handle) -> asyncio.Task[Any] | None:
    """The task of which a callback is a step, if it is one."""
    owner = getattr(handle._callback, "__self__", None)  # type: ignore[attr-defined]  # noqa: SLF001 - as its repr does
    return owner if isinstance(owner, asyncio.Task) else None


def context_of(handle: asyncio.Handle) -> Context:
    """The context in which a callback will run."""
    return handle._context  # type: ignore[attr-defined,no-any-return]  # noqa: SLF001 - public from 3.12 on


def run_handle(handle: asyncio.Handle) -> None:
    """Run a callback, unless it was cancelled."""
    if not handle.cancelled():
        handle._run()  # noqa: SLF001 - what every loop calls
