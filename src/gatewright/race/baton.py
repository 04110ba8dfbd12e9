"""OS threads of which one runs at a time: it passes a baton on at its points, to whom a strategy picks."""

import itertools
import threading
from _thread import LockType, allocate_lock
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from gatewright.race.attributed_loop import thread_name
from gatewright.race.footprint import Footprint
from gatewright.race.schedule import (
    Choice,
    Deadlock,
    ForeignThread,
    Livelock,
    Picker,
    ScheduleError,
    Step,
    Trace,
)
from gatewright.race.scheduler import THREAD, Ready
from gatewright.race.stuck import circling, whereabouts

__all__ = ["Baton"]

STALLED_S = 20.0


class _Abandoned(BaseException):
    """Unwinds a thread whose schedule is over; programs that catch Exception let this through."""


def _held() -> LockType:
    lock = allocate_lock()
    lock.acquire()
    return lock


@dataclass(eq=False)
class _Runner:
    """One actor's thread; it stands wherever it does not hold the baton."""

    name: str
    gate: LockType = field(default_factory=_held)
    label: str = ""
    arrival: int = 0
    ready: Ready | None = None
    deadline: float | None = None
    blocked: bool = False
    holders: tuple[str, ...] = ()
    done: bool = False
    fresh: bool = False
    thread: threading.Thread | None = None

    def can_go(self, now: float) -> bool:
        if self.done or self.blocked:
            return False
        out_of_time = self.deadline is not None and now >= self.deadline
        return self.ready is None or out_of_time or self.ready()

    def whereabouts(self) -> str:
        """Where it stands, and what it waits for."""
        ready = self.ready is None or self.ready()
        return f"{self.name} {whereabouts(ready, self.blocked, self.holders)} at {self.label}"


class _Mine(threading.local):
    runner: _Runner | None = None


class Baton:
    """Controls the threads of one schedule after the other; `race()` runs one.

    Args:
        max_steps: points that one schedule may pass before it counts as a livelock.
        stalled_s: real seconds after which a thread that reaches no point counts as out of control.
    """

    def __init__(self, *, max_steps: int = 20_000, stalled_s: float = STALLED_S) -> None:
        self.trace = Trace()
        self.keeps_open: Callable[[], bool] = bool
        self._max_steps = max_steps
        self._stalled_s = stalled_s
        self._mine = _Mine()
        self._runners: list[_Runner] = []
        self._picker: Picker | None = None
        self._current: _Runner | None = None
        self._holder: _Runner | None = None
        self._lost: _Runner | None = None
        self._main = _held()
        self._starting = False
        self._failure: ScheduleError | None = None
        self._arrivals = itertools.count()
        self._virtual_time = 0.0
        self._progress = False
        self._foreign: set[str] = set()
        self._owner = threading.get_ident()

    def race(self, actors: Mapping[str, Callable[[], None]], picker: Picker) -> Trace:
        """Run every actor in a thread of its own under one picker, until all of them are done.

        Raises:
            ScheduleError: the schedule did not end: deadlock, livelock, divergence, foreign threads.
        """
        self.trace, self._failure = Trace(), None
        self._current = self._holder = self._lost = None
        self._runners = [_Runner(name) for name in actors]
        self._arrivals, self._virtual_time, self._progress = itertools.count(), 0.0, False
        self._foreign.clear()
        self._picker = picker
        try:
            self._let_all_start(list(actors.values()))
            self._pass_on()
            self._await_baton()
        finally:
            self._abandon()
        if self._failure is not None:
            raise self._failure
        if self._foreign:
            raise ForeignThread(f"uncontrolled threads worked along: {', '.join(sorted(self._foreign))}")
        self.trace.is_finished = True
        return self.trace

    # What points ask -------------------------------------------------------------------------------------

    @property
    def is_racing(self) -> bool:
        """Whether a schedule is under way."""
        return self._picker is not None

    @property
    def actor(self) -> str:
        """The actor whose thread is running; empty for others."""
        return self._mine.runner.name if self._mine.runner is not None else ""

    @property
    def controls(self) -> bool:
        """Whether the running thread is an actor's, and its points count now."""
        return self._picker is not None and self._mine.runner is not None

    @property
    def can_block(self) -> bool:
        """Every actor's thread can be made to wait."""
        return self.controls

    def time(self) -> float:
        """Virtual seconds; they pass only when every actor waits."""
        return self._virtual_time

    def pause(self, label: str, ready: Ready | None = None) -> None:
        """Stand at a point until the strategy lets the actor go on.

        A statement that is the first on its line adds no point to the line's own.
        """
        runner = self._mine.runner
        if runner is None or self._picker is None:
            return
        if runner.fresh and (ready is None or ready()):
            runner.fresh = False
            self.trace.steps[-1].within.append(label)
            return
        self._stand(runner, label, ready)

    def pause_at_line(self, label: str) -> None:
        """Stand at a line of the program."""
        runner = self._mine.runner
        if runner is not None and self._picker is not None:
            self._stand(runner, label, None)
            runner.fresh = True

    def wait(self, label: str, ready: Ready, timeout_s: float | None = None) -> None:
        """Stand still until it is ready, or out of time."""
        runner = self._mine.runner
        if runner is not None and self._picker is not None:
            deadline = None if timeout_s is None else self._virtual_time + timeout_s
            self._stand(runner, label, ready, deadline)

    def block(self, holders: Iterable[str] = ()) -> None:
        """The running actor met a lock: it is no candidate until another's transaction has ended."""
        if self._mine.runner is not None:
            self._mine.runner.blocked, self._mine.runner.holders = True, tuple(holders)
            self.trace.steps[-1].waited = True

    def transaction_ended(self) -> None:
        """A transaction has ended, so that locks may be free: who waited may try again."""
        self.moved()
        for runner in self._runners:
            runner.blocked = False

    def touch(self, statement: Footprint) -> None:
        """Nothing: besides its statements a thread touches whatever is in memory."""

    def touch_besides(self, footprint: Footprint) -> None:
        """Nothing, likewise."""

    def distrust(self) -> None:
        """Nothing, likewise."""

    def moved(self) -> None:
        """A statement has been done, so a second try at a lock is no mere repetition."""
        self._progress = True

    def note_thread(self, started: str = "") -> None:
        """Remember it when the calling thread is no actor's, or what thread it starts."""
        if started:
            self._foreign.add(thread_name(started))
        elif self._mine.runner is None and threading.get_ident() != self._owner:
            self._foreign.add(thread_name(threading.current_thread().name))

    def identity(self) -> object:
        """The thread."""
        return threading.get_ident()

    # The baton -------------------------------------------------------------------------------------------

    def _stand(self, runner: _Runner, label: str, ready: Ready | None, deadline: float | None = None) -> None:
        runner.label, runner.ready, runner.deadline, runner.fresh = label, ready, deadline, False
        runner.arrival = next(self._arrivals)
        if self._starting:
            self._main.release()
            runner.gate.acquire()
        elif not self._pass_on(runner):
            runner.gate.acquire()
        if self._picker is None:
            raise _Abandoned

    def _pass_on(self, giver: _Runner | None = None) -> bool:
        """Hand the baton to whom the strategy picks, or back to the engine; True if the giver keeps it."""
        try:
            chosen = self._choose()
        except ScheduleError as error:
            self._failure = error
            chosen = None
        if chosen is None:
            self._main.release()
        elif chosen is giver:
            return True
        else:
            self._holder = chosen
            chosen.gate.release()
        return False

    def _choose(self) -> _Runner | None:
        candidates = self._candidates()
        if not candidates:
            return None
        assert self._picker is not None
        if len(self.trace.steps) >= self._max_steps:
            others = [each.whereabouts() for each in candidates if each is not self._current]
            places = "; ".join([circling(self.trace), *others])
            raise Livelock(f"no end after {self._max_steps} steps: {places}")
        choice = Choice(
            index=len(self.trace.steps),
            candidates=tuple(runner.name for runner in candidates),
            labels=tuple(runner.label for runner in candidates),
            arrivals=tuple(runner.arrival for runner in candidates),
            current=self._current.name if self._current is not None else None,
        )
        chosen = candidates[choice.candidates.index(self._picker.pick(choice))]
        self.trace.steps.append(Step(chosen.name, chosen.label, choice))
        self._current = chosen
        return chosen

    def _candidates(self) -> list[_Runner]:
        """Who can go on; empty when all are done.

        Raises:
            Deadlock: nobody can, and somebody is not done.
        """
        left = [runner for runner in self._runners if not runner.done]
        while left:
            if candidates := [runner for runner in left if runner.can_go(self._virtual_time)]:
                return candidates
            deadlines = [runner.deadline for runner in left if runner.deadline is not None]
            if deadlines:
                self._virtual_time = max(self._virtual_time, min(deadlines))
            elif self._progress and any(runner.blocked for runner in left):
                self._progress = False
                for runner in left:
                    runner.blocked = False
            else:
                raise Deadlock(f"no actor can go on: {'; '.join(runner.whereabouts() for runner in left)}")
        return []

    # Beginning and end -----------------------------------------------------------------------------------

    def _let_all_start(self, works: list[Callable[[], None]]) -> None:
        """Let each actor run up to its first point; before that it touches nothing shared."""
        self._starting = True
        for runner, work in zip(self._runners, works, strict=True):
            runner.thread = threading.Thread(
                target=self._perform, args=(runner, work), name=runner.name, daemon=True
            )
            self._holder = runner
            runner.thread.start()
            self._await_baton()
        self._starting = False

    def _perform(self, runner: _Runner, work: Callable[[], None]) -> None:
        self._mine.runner, THREAD.scheduler = runner, self
        try:
            work()
        except _Abandoned:
            pass
        finally:
            runner.done = True
        if self._starting or self._picker is None:
            self._main.release()
        else:
            self._pass_on()

    def _await_baton(self) -> None:
        """Wait until a thread gives the baton back, for as long as the threads get on.

        Raises:
            ForeignThread: a thread reaches no point any more.
        """
        seen = -1
        while not self._main.acquire(timeout=self._stalled_s):
            if seen == len(self.trace.steps):
                self._lost = self._holder
                where = f"{self._lost.name}, past {self._lost.label or 'its start'}," if self._lost else "it"
                raise ForeignThread(f"{where} waits for something that no strategy controls", remedy=REMEDY)
            seen = len(self.trace.steps)

    def _abandon(self) -> None:
        """End whatever has not ended, one thread after the other."""
        self._picker = None
        self._starting = False
        for runner in self._runners:
            if runner.thread is None or runner is self._lost:
                continue
            if not runner.done:
                runner.gate.release()
                if not self._main.acquire(timeout=self._stalled_s):
                    continue  # a daemon that catches everything and never ends
            runner.thread.join()


REMEDY = "use the locks and queues of threading, or shorten what takes so long between two points"
