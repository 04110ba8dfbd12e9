"""Statements on a real database, on asyncio's real loop: each waits at a gate until its actor is picked.

A statement that waits for another actor's lock is under way, and the next actor goes on; it ends by itself
when the lock is given back. Nobody is picked before everyone stands at the gate, waits for a lock or is done.
"""

import asyncio
import contextlib
import itertools
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from gatewright.race.attributed_loop import ACTOR
from gatewright.race.schedule import Choice, Deadlock, Livelock, Picker, ScheduleError, Step, Trace

__all__ = ["Gate", "WaitersAmong"]

WaitersAmong: TypeAlias = Callable[[Sequence[int]], Awaitable[set[int]]]
"""Asks the database which of these sessions wait for a lock."""

IDLE_S = 0.3
"""An actor that neither asks nor ends for so long counts as waiting in memory, for another actor."""

WAITED = "waited for a lock"


@dataclass(eq=False)
class _Visitor:
    """One actor: its statements at the gate, the session of the one under way, and connections it opens."""

    name: str
    queue: deque[tuple[str, asyncio.Future[None]]] = field(default_factory=deque)
    arrival: int = 0
    session: int | None = None
    connecting: int = 0
    done: bool = False


class Gate:
    """Lets statements through one by one; `race()` runs one schedule.

    Args:
        waiters: asks the database who waits for a lock.
        max_steps: statements that one schedule may take before it counts as a livelock.
        patience_s: real seconds after which a statement that neither ends nor waits for a lock is given up.
    """

    def __init__(self, waiters: WaitersAmong, *, max_steps: int = 5_000, patience_s: float = 10.0) -> None:
        self.trace = Trace()
        self._waiters = waiters
        self._max_steps = max_steps
        self._patience_s = patience_s
        self._visitors: dict[str, _Visitor] = {}
        self._arrivals = itertools.count()
        self._changes = 0
        self._current: str | None = None

    @contextlib.asynccontextmanager
    async def statement(self, label: str, session: int) -> AsyncIterator[None]:
        """Stand at the gate with a statement; it is under way until the block ends."""
        visitor = self._visitors.get(ACTOR.get() or "")
        if visitor is None:
            yield
            return
        permit = asyncio.get_running_loop().create_future()
        visitor.queue.append((label, permit))
        visitor.arrival = 0
        self._changes += 1
        await permit
        visitor.session = session
        try:
            yield
        finally:
            visitor.session = None
            self._changes += 1

    @contextlib.contextmanager
    def connecting(self) -> Iterator[None]:
        """The running actor opens a connection: nobody is picked before it is there."""
        visitor = self._visitors.get(ACTOR.get() or "")
        if visitor is None:
            yield
            return
        visitor.connecting += 1
        try:
            yield
        finally:
            visitor.connecting -= 1
            self._changes += 1

    async def race(
        self, actors: Mapping[str, Callable[[], Coroutine[Any, Any, None]]], picker: Picker
    ) -> Trace:
        """Run the actors against each other under one picker, until all of them are done.

        Raises:
            ScheduleError: the schedule did not end: deadlock, livelock, divergence.
        """
        self.trace, self._current = Trace(), None
        self._arrivals = itertools.count(1)
        self._visitors = {name: _Visitor(name) for name in actors}
        tasks = [self._start(self._visitors[name], actor) for name, actor in actors.items()]
        try:
            while await self._settle():
                self._let_through(picker)
            self.trace.is_finished = True
        finally:
            for task in tasks:
                task.cancel()
            self._visitors = {}
            await asyncio.gather(*tasks, return_exceptions=True)
        return self.trace

    def _start(self, visitor: _Visitor, actor: Callable[[], Coroutine[Any, Any, None]]) -> asyncio.Task[None]:
        async def perform() -> None:
            try:
                await actor()
            finally:
                visitor.done = True
                self._changes += 1

        context = copy_context()
        context.run(ACTOR.set, visitor.name)
        return asyncio.get_running_loop().create_task(perform(), name=visitor.name, context=context)

    async def _settle(self) -> bool:
        """Wait until somebody can be picked and all others are known to wait; False when all are done.

        Raises:
            ScheduleError: nobody gets on any more.
        """
        changed = began = time.monotonic()
        seen = self._changes
        while moving := [each for each in self._visitors.values() if not (each.done or each.queue)]:
            waiting = await self._waiters([each.session for each in moving if each.session is not None])
            now = time.monotonic()
            if seen != self._changes:
                seen, changed = self._changes, now
                continue
            asking = [each for each in moving if each.session is not None]
            at_gate = any(each.queue for each in self._visitors.values())
            settled = all(each.session in waiting for each in asking) and not any(
                each.connecting for each in moving
            )
            if settled and at_gate and (len(asking) == len(moving) or now - changed > IDLE_S):
                self._note_waits(asking)
                return True
            if now - began > self._patience_s:
                raise self._despair(moving, waiting)
        return any(each.queue for each in self._visitors.values())

    def _note_waits(self, asking: list[_Visitor]) -> None:
        """Say in the schedule that the statement let through last ran into a lock."""
        last = self.trace.steps[-1] if self.trace.steps else None
        if last is not None and any(each.name == last.actor for each in asking) and not last.within:
            last.within.append(WAITED)

    def _despair(self, moving: list[_Visitor], waiting: set[int]) -> ScheduleError:
        names = ", ".join(each.name for each in moving)
        if all(each.session is None or each.session in waiting for each in moving):
            return Deadlock(f"no actor can go on: {names} wait for each other")
        return ScheduleError(f"{names}: a statement did not end within {self._patience_s:g} s")

    def _let_through(self, picker: Picker) -> None:
        candidates = [each for each in self._visitors.values() if each.queue]
        for each in candidates:  # which of them came first since the last pick is the server's chance
            each.arrival = each.arrival or next(self._arrivals)
        if len(self.trace.steps) >= self._max_steps:
            raise Livelock(f"the work was not done after {self._max_steps} statements")
        choice = Choice(
            index=len(self.trace.steps),
            candidates=tuple(each.name for each in candidates),
            labels=tuple(each.queue[0][0] for each in candidates),
            arrivals=tuple(each.arrival for each in candidates),
            current=self._current,
        )
        chosen = candidates[choice.candidates.index(picker.pick(choice))]
        self._current = chosen.name
        label, permit = chosen.queue.popleft()
        self.trace.steps.append(Step(chosen.name, label, choice))
        self._changes += 1
        if not permit.done():
            permit.set_result(None)
