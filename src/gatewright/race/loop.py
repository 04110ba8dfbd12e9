"""An asyncio event loop with virtual time, in which a strategy decides which actor goes on.

An actor is one client's request with everything that it starts; it is known by a context variable. Work of
one actor stays in order; work of nobody (preparation, clean-up) runs at once. A synchronous point inside an
`async def` handler parks the whole handler: callbacks of actors run in greenlets, and the loop's current task
is left and entered again around the switch, as if the actor lived in a process of its own.
"""

import asyncio
import heapq
import itertools
import threading
import weakref
from asyncio.tasks import _enter_task, _leave_task
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from greenlet import GreenletExit, getcurrent, greenlet

from gatewright.race.schedule import (
    Choice,
    Deadlock,
    ForeignThread,
    Livelock,
    Picker,
    Step,
    Trace,
)
from gatewright.race.stuck import circling, waiting_place

__all__ = ["ACTOR", "ProcessModel", "ScheduledLoop", "scheduled_loop"]

ACTOR: ContextVar[str | None] = ContextVar("gatewright_actor", default=None)
"""The actor on whose behalf code runs; None for the engine's own work."""

RESUMED = "resumed"
"""The label of a point at which asyncio itself yielded."""

T = TypeVar("T")

ABANDONED_TURNS = 10_000


class ProcessModel(StrEnum):
    """What the actors share besides the database."""

    SEPARATE = "separate"
    """Each actor drives an app of its own, as if in another process: every statement is a point."""

    SHARED = "shared"
    """One app for all of them: points are where the code really yields."""


@dataclass(slots=True)
class Lane:
    """One actor's place in the schedule."""

    name: str
    queue: deque[tuple[asyncio.Handle, str]] = field(default_factory=deque)
    parked: greenlet | None = None
    label: str = ""
    announced: str = ""
    arrival: int = 0
    blocked: bool = False
    holders: tuple[str, ...] = ()


class ScheduledLoop(asyncio.BaseEventLoop):
    """The loop; `race()` runs one schedule, `run_until_complete()` runs work of nobody.

    Args:
        max_steps: callbacks and points that one schedule may take before it counts as a livelock.
    """

    def __init__(self, *, max_steps: int = 20_000) -> None:
        super().__init__()
        self.max_steps = max_steps
        self.trace = Trace()
        self.complaints: list[str] = []
        self._virtual_time = 0.0
        self._unattributed: deque[asyncio.Handle] = deque()
        self._lanes: dict[str, Lane] = {}
        self._model = ProcessModel.SEPARATE
        self._picker: Picker | None = None
        self._current: str | None = None
        self._hub: greenlet | None = None
        self._arrivals = itertools.count()
        self._turns = 0
        self._progress = False
        self._abandoning = False
        self._actor_tasks: weakref.WeakKeyDictionary[asyncio.Task[Any], str] = weakref.WeakKeyDictionary()
        self._main: asyncio.Task[Any] | None = None
        self._foreign: set[str] = set()
        self._owner = threading.get_ident()
        self._known_threads = set(threading.enumerate())
        self.set_exception_handler(lambda _, context: self._complain(context))

    # What asyncio asks of a loop -------------------------------------------------------------------------

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
        """Run the function on this very thread, in its actor's turn."""
        future = self.create_future()
        self.call_soon(_settle, future, func, args)
        return future

    def close(self) -> None:
        """Give up what is left and close."""
        self._abandon()
        super().close()

    def perform(self, work: Coroutine[Any, Any, T]) -> T:
        """Run work of nobody to its end, within the step budget.

        Raises:
            ScheduleError: it did not end.
        """
        self._turns = 0
        self._main = self.create_task(work)
        result: T = self.run_until_complete(self._main)
        return result

    def perform_between(self, work: Coroutine[Any, Any, T]) -> T:
        """Run work of nobody to its end between two steps of a schedule; no actor gets a turn meanwhile.

        Raises:
            Deadlock: it waits for something that only a turn, or time, could bring.
        """
        task = self.create_task(work)
        while not task.done():
            if not self._unattributed:
                task.cancel()
                raise Deadlock("work between two steps must not wait")
            _run(self._unattributed.popleft())
        result: T = task.result()
        return result

    # One schedule ----------------------------------------------------------------------------------------

    def race(
        self,
        actors: Mapping[str, Callable[[], Coroutine[Any, Any, None]]],
        picker: Picker,
        model: ProcessModel = ProcessModel.SEPARATE,
    ) -> Trace:
        """Run the actors against each other under one picker, until all of them are done.

        Raises:
            ScheduleError: the schedule did not end: deadlock, livelock, divergence, foreign threads.
        """
        self.trace = Trace()
        self.complaints = []
        self._lanes = {name: Lane(name) for name in actors}
        self._model, self._picker, self._current = model, picker, None
        self._arrivals, self._virtual_time = itertools.count(), 0.0
        self._foreign.clear()
        try:
            self.perform(self._run_all(actors))
        finally:
            self._abandon()
            self._lanes, self._picker = {}, None
        if self._foreign:
            raise ForeignThread(f"uncontrolled threads worked along: {', '.join(sorted(self._foreign))}")
        return self.trace

    async def _run_all(self, actors: Mapping[str, Callable[[], Coroutine[Any, Any, None]]]) -> None:
        tasks = []
        for name, start in actors.items():
            context = copy_context()
            context.run(ACTOR.set, name)
            tasks.append(self.create_task(start(), name=name, context=context))
        await asyncio.gather(*tasks)

    # What points ask of a loop ---------------------------------------------------------------------------

    @property
    def is_racing(self) -> bool:
        """Whether a schedule is under way."""
        return self._picker is not None and not self._abandoning

    @property
    def controls(self) -> bool:
        """Whether the running code belongs to an actor whose points count now."""
        return self.is_racing and ACTOR.get() in self._lanes

    @property
    def can_block(self) -> bool:
        """Whether the running actor can be made to wait inside synchronous code."""
        return (
            self.controls
            and self._model is ProcessModel.SEPARATE
            and self._hub is not None
            and getcurrent() is not self._hub
        )

    def pause(self, label: str) -> None:
        """Stand at a point inside synchronous code until the strategy lets the actor go on.

        In the shared model nothing can come in between, because the code does not yield: it is only noted.
        """
        if self.can_block:
            self._park(self._lanes[ACTOR.get() or ""], label)
        elif self.controls:
            self.trace.steps[-1].within.append(label)

    def announce(self, label: str) -> None:
        """Name the place at which the running actor yields next, in the shared model."""
        if self.controls:
            self._lanes[ACTOR.get() or ""].announced = label

    def block(self, holders: Iterable[str] = ()) -> None:
        """The running actor met a lock: it is no candidate until another's transaction has ended.

        Args:
            holders: the actors whose lock it is, where that is known.
        """
        lane = self._lanes[ACTOR.get() or ""]
        lane.blocked, lane.holders = True, tuple(holders)
        self.trace.steps[-1].waited = True

    def transaction_ended(self) -> None:
        """A transaction has ended, so that locks may be free: who waited may try again."""
        self.moved()
        for lane in self._lanes.values():
            lane.blocked = False

    def moved(self) -> None:
        """A statement has been done, so a second try at a lock is no mere repetition."""
        self._progress = True

    def note_thread(self) -> None:
        """Remember it when the calling thread is not the loop's own."""
        if threading.get_ident() != self._owner:
            self._foreign.add(threading.current_thread().name)

    # The turns -------------------------------------------------------------------------------------------

    def _enqueue(self, handle: asyncio.Handle, actor: str | None) -> None:
        lane = self._lanes.get(actor) if actor is not None else None
        if lane is None:
            self._unattributed.append(handle)
            return
        lane.queue.append((handle, lane.announced or RESUMED))
        lane.announced = ""
        if len(lane.queue) == 1:
            lane.arrival = next(self._arrivals)

    def _run_once(self) -> None:
        self._turns += 1
        if self._turns > self.max_steps:
            raise Livelock(f"no end after {self.max_steps} steps: {self._circles()}")
        if self._unattributed:
            _run(self._unattributed.popleft())
        elif not (self._lanes and self._give_turn()) and not self._advance_time():
            self._admit_deadlock()

    def _give_turn(self) -> bool:
        """Let one actor do something; False when none can."""
        if self._model is ProcessModel.SEPARATE:
            for lane in self._lanes.values():
                if lane.parked is None and lane.queue:  # up to its next point it touches nothing shared
                    self._switch_to(self._callback(lane))
                    return True
        candidates = [lane for lane in self._lanes.values() if self._is_candidate(lane)]
        if candidates:
            self._grant(candidates)
        return bool(candidates)

    def _is_candidate(self, lane: Lane) -> bool:
        if self._model is ProcessModel.SHARED:
            return bool(lane.queue)
        return lane.parked is not None and not lane.blocked

    def _grant(self, candidates: list[Lane]) -> None:
        assert self._picker is not None
        choice = Choice(
            index=len(self.trace.steps),
            candidates=tuple(lane.name for lane in candidates),
            labels=tuple(lane.label if lane.parked else lane.queue[0][1] for lane in candidates),
            arrivals=tuple(lane.arrival for lane in candidates),
            current=self._current,
        )
        chosen = self._picker.pick(choice)
        self.trace.steps.append(Step(chosen, choice.label_of(chosen), choice))
        self._current = chosen
        lane = self._lanes[chosen]
        going, lane.parked = lane.parked, None
        self._switch_to(going or self._callback(lane))

    def _callback(self, lane: Lane) -> greenlet:
        handle, _ = lane.queue.popleft()
        if lane.queue:
            lane.arrival = next(self._arrivals)
        return greenlet(lambda: _run(handle))

    def _switch_to(self, going: greenlet) -> None:
        self._hub = getcurrent()
        try:
            going.switch()
        finally:
            self._hub = None

    def _park(self, lane: Lane, label: str) -> None:
        assert self._hub is not None
        task = asyncio.current_task(self)
        lane.parked, lane.label, lane.arrival = getcurrent(), label, next(self._arrivals)
        if task is not None:
            _leave_task(self, task)
        try:
            self._hub.switch()
        finally:
            if task is not None:
                _enter_task(self, task)

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
                self._enqueue(timer, _context_of(timer).get(ACTOR))
        return True

    def _admit_deadlock(self) -> None:
        """Nobody can go on; who waits for a lock gets another try if anything has moved since the last."""
        if self._foreign or set(threading.enumerate()) - self._known_threads:
            raise ForeignThread("the actors wait for threads that no strategy controls", remedy=THREAD_REMEDY)
        blocked = [lane for lane in self._lanes.values() if lane.blocked]
        if blocked and self._progress:
            self._progress = False
            for lane in blocked:
                lane.blocked = False
            return
        places = [place for lane in self._lanes.values() if (place := self._whereabouts(lane))]
        raise Deadlock(f"no actor can go on: {'; '.join(places) or 'no callback, no timer'}")

    def _circles(self) -> str:
        """Who went round in circles, and where the others were meanwhile."""
        going = self.trace.steps[-1].actor if self.trace.steps else ""
        others = [self._whereabouts(lane) for lane in self._lanes.values() if lane.name != going]
        return "; ".join([circling(self.trace), *filter(None, others)])

    def _whereabouts(self, lane: Lane) -> str:
        """Where an actor stands, and what it waits for; nothing once it is done."""
        if lane.parked is not None:
            lock = f" of {' and '.join(lane.holders)}" if lane.holders else ""
            return f"{lane.name} {f'waits for a lock{lock}' if lane.blocked else 'stands'} at {lane.label}"
        tasks = [task for task, actor in self._actor_tasks.items() if actor == lane.name and not task.done()]
        return f"{lane.name} waits {waiting_place(tasks[-1])}" if tasks else ""

    # The end ---------------------------------------------------------------------------------------------

    def _abandon(self) -> None:
        """End whatever has not ended, so that the next schedule starts clean."""
        self._abandoning = True
        asyncio._set_running_loop(self)  # noqa: SLF001 - what every loop calls
        try:
            for lane in self._lanes.values():
                if lane.parked is not None:
                    going, lane.parked = lane.parked, None
                    going.parent = getcurrent()
                    going.throw(GreenletExit)
            for timer in self._scheduled:  # type: ignore[attr-defined]  # the base class's own heap
                if self._is_racers(timer):
                    timer.cancel()
            tasks = [*self._actor_tasks, *([self._main] if self._main else [])]
            for task in tasks:
                task.cancel()
            self._drain()
            for task in tasks:
                if task.done() and not task.cancelled():
                    task.exception()  # looked at, so that nobody complains about it later
        finally:
            asyncio._set_running_loop(None)  # noqa: SLF001 - what every loop calls
            self._abandoning = False

    def _drain(self) -> None:
        """Run what cancelled work still wants to do, in order and within a limit."""
        for _ in range(ABANDONED_TURNS):
            queues = (lane.queue for lane in self._lanes.values() if lane.queue)
            if self._unattributed:
                _run(self._unattributed.popleft())
            elif (queue := next(queues, None)) is not None:
                _run(queue.popleft()[0])
            else:
                break

    def _is_racers(self, handle: asyncio.Handle) -> bool:
        return _context_of(handle).get(ACTOR) is not None

    def _complain(self, context: dict[str, Any]) -> None:
        """Keep what a callback raised; what the garbage collector finds is of another schedule."""
        if not self._abandoning and "handle" in context:
            self.complaints.append(f"{context.get('message')}: {context.get('exception')!r}")


THREAD_REMEDY = "make the endpoints `async def`, or race them in the thread lane"


def scheduled_loop() -> ScheduledLoop | None:
    """The scheduled loop in which the calling code runs, if it does."""
    loop = asyncio._get_running_loop()  # noqa: SLF001 - the public one raises where there is none
    return loop if isinstance(loop, ScheduledLoop) else None


def _context_of(handle: asyncio.Handle) -> Context:
    return handle._context  # type: ignore[attr-defined,no-any-return]  # noqa: SLF001 - public from 3.12 on


def _run(handle: asyncio.Handle) -> None:
    if not handle.cancelled():
        handle._run()  # noqa: SLF001 - what every loop calls


def _settle(future: "asyncio.Future[Any]", func: Callable[..., Any], args: tuple[object, ...]) -> None:
    if future.cancelled():
        return
    try:
        future.set_result(func(*args))
    except Exception as error:  # noqa: BLE001 - the future carries it
        future.set_exception(error)
