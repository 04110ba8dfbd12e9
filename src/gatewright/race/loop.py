"""An event loop in which a strategy decides which actor goes on.

Work of one actor stays in order; work of nobody (preparation, clean-up) runs at once. A synchronous point
inside an `async def` handler parks the whole handler: callbacks of actors run in greenlets, and the loop's
current task is left and entered again around the switch, as if the actor lived in a process of its own. What
a program gives to a thread (a synchronous endpoint) runs in a greenlet too, and its points are points always.
"""

import asyncio
import itertools
import threading
from asyncio.tasks import _enter_task, _leave_task
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextvars import Context, copy_context
from functools import partial
from typing import Any, TypeVar

from greenlet import GreenletExit, getcurrent, greenlet

from gatewright.race.attributed_loop import ACTOR, AT_ONCE, AttributedLoop, run_handle, task_of
from gatewright.race.footprint import EVERYTHING, Footprint
from gatewright.race.lane import Lane, Stand
from gatewright.race.process_model import ProcessModel
from gatewright.race.schedule import (
    Choice,
    Deadlock,
    ForeignThread,
    Livelock,
    Picker,
    Step,
    Trace,
)
from gatewright.race.scheduler import THREAD, Ready
from gatewright.race.stuck import circling, waiting_place, whereabouts

__all__ = ["ACTOR", "ScheduledLoop", "scheduled_loop"]

T = TypeVar("T")

ABANDONED_TURNS = 10_000


class ScheduledLoop(AttributedLoop):
    """The loop; `race()` runs one schedule, `run_until_complete()` runs work of nobody.

    Args:
        max_steps: callbacks and points that one schedule may take before it counts as a livelock.
    """

    def __init__(self, *, max_steps: int = 20_000) -> None:
        super().__init__()
        self.max_steps = max_steps
        self.trace = Trace()
        self._model = ProcessModel.SEPARATE
        self._picker: Picker | None = None
        self._current: str | None = None
        self._hub: greenlet | None = None
        self._task_runners: dict[asyncio.Task[Any], greenlet] = {}
        self._turns = 0
        self._progress = False
        self.keeps_open: Callable[[], bool] = bool
        self._main: asyncio.Task[Any] | None = None
        self._known_threads = set(threading.enumerate())

    def run_forever(self) -> None:
        """Run, as the scheduler of this thread."""
        outer, THREAD.scheduler = THREAD.scheduler, self
        try:
            super().run_forever()
        finally:
            THREAD.scheduler = outer

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
            run_handle(self._unattributed.popleft())
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
            self.trace.is_finished = True
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
    def actor(self) -> str:
        """The actor on whose behalf the calling code runs; empty for the engine's own."""
        return ACTOR.get() or ""

    @property
    def controls(self) -> bool:
        """Whether the running code belongs to an actor whose points count now."""
        return self.is_racing and ACTOR.get() in self._lanes

    @property
    def can_block(self) -> bool:
        """Whether the running actor can be made to wait inside synchronous code."""
        return (
            self.controls
            and (self._in_worker or self._model is ProcessModel.SEPARATE)
            and self._hub is not None
            and getcurrent() is not self._hub
        )

    def pause(self, label: str, ready: Ready | None = None) -> None:
        """Stand at a point inside synchronous code until the strategy lets the actor go on.

        Code on the loop itself does not yield in the shared model, so nothing can come in between: the point
        is only noted there.
        """
        if self.can_block:
            self._note_what_is_open()
            self._park(label, ready)
        elif self.controls:
            self.trace.steps[-1].within.append(label)

    def _note_what_is_open(self) -> None:
        """What was read and is still open keeps its snapshot: this step and the next one see more."""
        lane = self._lanes[self.actor]
        lane.keeps_open = self.keeps_open()
        if lane.keeps_open:
            self.trace.touch_besides(EVERYTHING)

    def touch(self, statement: Footprint) -> None:
        """The running step's statement touched this and no more.

        It is left at everything where the process is shared, or where something read earlier is still open.
        """
        if self._model is ProcessModel.SEPARATE and self.can_block:
            lane = self._lanes[self.actor]
            if not (lane.keeps_open or lane.is_distrusted):
                self.trace.steps[-1].statement = statement

    def touch_besides(self, footprint: Footprint) -> None:
        """The running step touched this besides, whoever's code it was."""
        if self.is_racing:
            self.trace.touch_besides(footprint)

    def distrust(self) -> None:
        """From here on nobody knows what the running actor's steps touch."""
        if self.controls:
            self._lanes[self.actor].is_distrusted = True
            self.trace.touch_besides(EVERYTHING)

    def wait(self, label: str, ready: Ready, timeout_s: float | None = None) -> None:
        """Stand still inside synchronous code until it is ready, or out of time.

        Code on the loop itself makes the whole loop stand still with it.
        """
        if timeout_s is None:
            self._park(label, ready)
            return
        deadline = self.time() + timeout_s
        self.call_at(deadline, _let_time_pass, context=Context())  # so that time passes
        self._park(label, lambda: ready() or self.time() >= deadline)

    def identity(self) -> object:
        """A worker is a thread of its own; code on the loop belongs to its process's loop."""
        if self._in_worker:
            return getcurrent()
        return ACTOR.get() if self._model is ProcessModel.SEPARATE else self._owner

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

    # The turns -------------------------------------------------------------------------------------------

    def _run_once(self) -> None:
        self._turns += 1
        if self._turns > self.max_steps:
            raise Livelock(f"no end after {self.max_steps} steps: {self._circles()}")
        if self._unattributed:
            run_handle(self._unattributed.popleft())
        elif not (self._lanes and self._give_turn()) and not self._advance_time():
            self._admit_deadlock()

    def _give_turn(self) -> bool:
        """Let one actor do something; False when none can."""
        separate = self._model is ProcessModel.SEPARATE
        held = separate or any(lane.holds_loop for lane in self._lanes.values())
        for lane in self._lanes.values():
            if self._goes_at_once(lane, separate=separate, held=held):
                if lane.name != self._current:  # something woke it, whatever that was
                    self.trace.touch_besides(EVERYTHING)
                self._switch_to(*self._callback(lane))  # up to its next point it touches nothing shared
                return True
        candidates: list[tuple[Lane, Stand | None]] = []
        for lane in self._lanes.values():
            if lane.stands and (stand := lane.next_stand()) is not None:
                candidates.append((lane, stand))
            elif lane.queue and not held:
                candidates.append((lane, None))
        if candidates:
            self._grant(candidates)
        return bool(candidates)

    @staticmethod
    def _goes_at_once(lane: Lane, *, separate: bool, held: bool) -> bool:
        """Whether the actor's next callback is no point.

        Where all that stands there waits in workers, the actor's event loop goes on.
        """
        if not lane.queue or not (separate or (lane.queue[0][1] is AT_ONCE and not held)):
            return False
        return not lane.stands or (not lane.holds_loop and lane.next_stand() is None)

    def _grant(self, candidates: list[tuple[Lane, Stand | None]]) -> None:
        assert self._picker is not None
        choice = Choice(
            index=len(self.trace.steps),
            candidates=tuple(lane.name for lane, _ in candidates),
            labels=tuple(stand.label if stand else lane.queue[0][1] for lane, stand in candidates),
            arrivals=tuple(stand.arrival if stand else lane.arrival for lane, stand in candidates),
            current=self._current,
        )
        chosen = self._picker.pick(choice)
        self.trace.steps.append(Step(chosen, choice.label_of(chosen), choice))
        self._current = chosen
        lane, stand = candidates[choice.candidates.index(chosen)]
        if stand is None:
            self._switch_to(*self._callback(lane))
        else:
            lane.stands.remove(stand)
            self._switch_to(stand.greenlet)

    def _callback(self, lane: Lane) -> tuple[greenlet, asyncio.Handle]:
        """An actor's next callback, and the greenlet that runs it.

        All steps of one task run in the same one: code that bridges to asyncio by greenlets of its own
        (SQLAlchemy does) finds its way back to where it began.
        """
        handle, _ = lane.queue.popleft()
        if lane.queue:
            lane.arrival = next(self._arrivals)
        task = task_of(handle)
        if task is None:
            return greenlet(run_handle), handle
        runner = self._task_runners.get(task)
        if runner is None or runner.dead:
            runner = self._task_runners[task] = greenlet(partial(self._run_steps, task))
        return runner, handle

    def _run_steps(self, task: asyncio.Task[Any], handle: asyncio.Handle) -> None:
        run_handle(handle)
        while not task.done():
            assert self._hub is not None
            run_handle(self._hub.switch())

    def _switch_to(self, going: greenlet, *handle: asyncio.Handle) -> None:
        outer, self._hub = self._hub, getcurrent()
        try:
            going.switch(*handle)
        finally:
            self._hub = outer

    def _park(self, label: str, ready: Ready | None) -> None:
        assert self._hub is not None
        lane = self._lanes[ACTOR.get() or ""]
        inside, running = self._in_worker, asyncio._get_running_loop()  # noqa: SLF001 - None in workers
        task = asyncio.current_task(running) if running is not None else None
        lane.stands.append(Stand(getcurrent(), label, next(self._arrivals), inside, ready))
        if running is not None and task is not None:
            _leave_task(running, task)
        self._enter(self, in_worker=False)
        try:
            self._hub.switch()
        finally:
            self._enter(running, in_worker=inside)
            if running is not None and task is not None:
                _enter_task(running, task)

    def _enter(self, running: asyncio.AbstractEventLoop | None, *, in_worker: bool) -> None:
        self._in_worker = in_worker
        asyncio._set_running_loop(running)  # noqa: SLF001 - what every loop calls

    def _advance_time(self) -> bool:
        """Let time pass; whatever is due then may touch anything."""
        has_passed = super()._advance_time()
        if has_passed:
            self.trace.touch_besides(EVERYTHING)
        return has_passed

    def _admit_deadlock(self) -> None:
        """Nobody can go on; who waits for a lock gets another try if anything has moved since the last."""
        if self._foreign or set(threading.enumerate()) - self._known_threads:
            raise ForeignThread("the actors wait for threads that no strategy controls", remedy=THREAD_REMEDY)
        blocked = [lane for lane in self._lanes.values() if lane.blocked]
        if blocked and self._progress:
            self._progress = False
            self.trace.touch_besides(EVERYTHING)
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
        if lane.stands:
            stand = lane.stands[0]
            return f"{lane.name} {whereabouts(stand.can_go, lane.blocked, lane.holders)} at {stand.label}"
        tasks = [task for task, actor in self._actor_tasks.items() if actor == lane.name and not task.done()]
        return f"{lane.name} waits {waiting_place(tasks[-1])}" if tasks else ""

    # The end ---------------------------------------------------------------------------------------------

    def _abandon(self) -> None:
        """End whatever has not ended, so that the next schedule starts clean."""
        self._abandoning = True
        outer, THREAD.scheduler = THREAD.scheduler, self
        asyncio._set_running_loop(self)  # noqa: SLF001 - what every loop calls
        try:
            for lane in self._lanes.values():
                while lane.stands:
                    self._end(lane.stands.pop().greenlet)
            self._cancel_timers()
            tasks = [*self._actor_tasks, *([self._main] if self._main else [])]
            for task in tasks:
                task.cancel()
            self._drain()
            self._task_runners.clear()
            for task in tasks:
                if task.done() and not task.cancelled():
                    task.exception()  # looked at, so that nobody complains about it later
        finally:
            asyncio._set_running_loop(None)  # noqa: SLF001 - what every loop calls
            self._stopping = False  # asked for by work that was done just when it was abandoned
            THREAD.scheduler = outer
            self._abandoning = False

    def _end(self, going: greenlet) -> None:
        """End code that stands at a point, and all greenlets of the program's own in which it runs."""
        chain, hub = [going], getcurrent()
        while (outer := chain[-1].parent) is not None and outer is not hub:
            chain.append(outer)
        for each in chain:
            each.parent = hub
            if not each.dead:
                each.throw(GreenletExit)
        self._enter(self, in_worker=False)

    def _drain(self) -> None:
        """Run what cancelled work still wants to do, in order and within a limit."""
        for _ in range(ABANDONED_TURNS):
            lanes = (lane for lane in self._lanes.values() if lane.queue)
            if self._unattributed:
                run_handle(self._unattributed.popleft())
            elif (lane := next(lanes, None)) is not None:
                self._switch_to(*self._callback(lane))
            else:
                break


def _let_time_pass() -> None:
    pass


THREAD_REMEDY = "race a program that starts threads of its own in the thread lane"


def scheduled_loop() -> ScheduledLoop | None:
    """The scheduled loop under which the calling code runs, if it does."""
    return THREAD.scheduler if isinstance(THREAD.scheduler, ScheduledLoop) else None
