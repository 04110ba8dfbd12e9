"""Locks between threads under exploration: who waits for one stands still, and lets the holder go on.

`threading.Lock` and `RLock` are replaced, and the lock by which everything else in `threading` and `queue`
waits; so conditions, events, semaphores, barriers and queues need nothing of their own. To take a lock is a
point where the program itself does it, and an actor stands there for as long as the lock is held. Outside of
an exploration, and for code of nobody's, these locks are as the genuine ones.
"""

import _thread
import itertools
import queue
import sys
import threading
from collections.abc import Iterable
from types import ModuleType, TracebackType
from typing import Any

from gatewright.race.footprint import Footprint, Place
from gatewright.race.points.substitution import Replacement, frame_is_of_program, program_modules
from gatewright.race.schedule import Deadlock
from gatewright.race.scheduler import Scheduler, current_scheduler

__all__ = ["CooperativeLock", "CooperativeRLock", "lock_replacements"]

FOR_EVER = -1
_numbers = itertools.count()
NEVER_S = 5.0
WAITING_MODULES = frozenset({"threading", "queue", __name__})
GENUINE_LOCK: Any = _thread.LockType
GENUINE_RLOCK: Any = type(_thread.RLock())


def lock_replacements() -> list[Replacement]:
    """What stands in for the locks of the standard library, and for those that the program already made."""
    return [
        Replacement(threading, "Lock", CooperativeLock),
        Replacement(threading, "RLock", CooperativeRLock),
        Replacement(threading, "_allocate_lock", InnerLock),
        Replacement(queue, "SimpleQueue", queue._PySimpleQueue),  # type: ignore[attr-defined]  # noqa: SLF001 - waits by the locks above
        *_locks_made_before(),
    ]


class CooperativeLock:
    """Stands in for `threading.Lock`.

    Args:
        genuine: the lock to stand in for; a new one where there is none yet.
    """

    name = "Lock.acquire"

    def __init__(self, genuine: Any = None) -> None:
        self._genuine: Any = _thread.allocate_lock() if genuine is None else genuine
        self._footprint = Footprint.of(writes=[Place(f"lock {next(_numbers)}")])

    def acquire(self, blocking: bool = True, timeout: float = FOR_EVER) -> bool:  # noqa: FBT001, FBT002 - the genuine signature
        """Take the lock, or wait for it."""
        scheduler = current_scheduler()
        if scheduler is None or not scheduler.controls:
            return self._acquire_alone(scheduler, blocking, timeout)
        label = self._label()
        waits_for_ever = blocking and timeout < 0
        if label is not None:
            scheduler.pause(label, self._is_free if waits_for_ever else None)
        scheduler.touch_besides(self._footprint)
        if self._genuine.acquire(blocking=False):
            return True
        if not blocking:
            return False
        scheduler.wait(label or self.name, self._is_free, None if waits_for_ever else timeout)
        scheduler.touch_besides(self._footprint)
        return bool(self._genuine.acquire(blocking=False))

    def release(self) -> None:
        """Give the lock back."""
        self._genuine.release()
        if (scheduler := current_scheduler()) is not None:
            scheduler.touch_besides(self._footprint)

    def locked(self) -> bool:
        """Whether anybody holds it."""
        if (scheduler := current_scheduler()) is not None:
            scheduler.touch_besides(self._footprint)
        return bool(self._genuine.locked())

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _acquire_alone(self, scheduler: Scheduler | None, blocking: bool, timeout: float) -> bool:  # noqa: FBT001 - as above
        """Take it on behalf of no actor; who could give it back then is at most another thread."""
        if scheduler is None or not blocking or timeout >= 0:
            return bool(self._genuine.acquire(blocking, timeout))
        if not self._genuine.acquire(timeout=NEVER_S):
            raise Deadlock("a lock was never given back", remedy="make the program's locks anew in `reset`")
        return True

    def _is_free(self) -> bool:
        return not self._genuine.locked()

    def _label(self) -> str | None:
        """The call by which the program came here; None when a library takes a lock on its own behalf."""
        frame, label = sys._getframe(2), self.name  # noqa: SLF001 - a whole traceback would be slow
        while (module := frame.f_globals.get("__name__")) in WAITING_MODULES and frame.f_back is not None:
            if module != __name__:
                label = frame.f_code.co_qualname.removesuffix(".__enter__")
            frame = frame.f_back
        return label if frame_is_of_program(frame) else None

    def _at_fork_reinit(self) -> None:
        self._genuine._at_fork_reinit()  # noqa: SLF001 - the standard library asks for it


class InnerLock(CooperativeLock):
    """The lock by which conditions and what is built on them wait: never a point, only a place to stand."""

    name = "wait"

    def _label(self) -> str | None:
        return None


class CooperativeRLock(CooperativeLock):
    """Stands in for `threading.RLock`; an actor's thread may take it again and again."""

    name = "RLock.acquire"

    def __init__(self, genuine: Any = None) -> None:
        super().__init__()
        del genuine
        self._owner: object = None
        self._count = 0

    def acquire(self, blocking: bool = True, timeout: float = FOR_EVER) -> bool:  # noqa: FBT001, FBT002 - the genuine signature
        """Take the lock once more, or wait for it."""
        if self._is_owned():
            self._count += 1
            return True
        if not super().acquire(blocking, timeout):
            return False
        self._owner, self._count = _identity(), 1
        return True

    def release(self) -> None:
        """Give it back, if this was the last time that it was taken."""
        if not self._is_owned():
            raise RuntimeError("cannot release un-acquired lock")
        self._count -= 1
        if not self._count:
            self._owner = None
            super().release()

    def _is_owned(self) -> bool:
        return self._count > 0 and self._owner == _identity()

    def _release_save(self) -> tuple[int, object]:
        """What conditions ask for: give it back whole, however often it was taken."""
        state = (self._count, self._owner)
        self._count, self._owner = 0, None
        super().release()
        return state

    def _acquire_restore(self, state: tuple[int, object]) -> None:
        super().acquire()
        self._count, self._owner = state


def _identity() -> object:
    scheduler = current_scheduler()
    if scheduler is None or not scheduler.controls:
        return threading.get_ident()
    return scheduler.identity()


def _locks_made_before() -> list[Replacement]:
    """Stand-ins for locks that modules of the program, their classes and their objects hold already."""
    stand_ins: dict[int, Any] = {}
    kinds = _kinds_of(GENUINE_LOCK, GENUINE_RLOCK)
    found = []
    for owner in _holders():
        if kinds.isdisjoint(map(type, list(vars(owner).values()))):
            continue
        for attribute, held in list(vars(owner).items()):
            # By the type itself: a proxy (Flask's `current_app`) raises when it is asked for its class.
            if issubclass(type(held), (GENUINE_LOCK, GENUINE_RLOCK)):
                kind = CooperativeLock if issubclass(type(held), GENUINE_LOCK) else CooperativeRLock
                stand_in = stand_ins.setdefault(id(held), kind(held))
                found.append(Replacement(owner, attribute, stand_in))
    return found


def _holders() -> list[Any]:
    held = [(module, list(vars(module).values())) for module in program_modules()]
    metaclasses = _kinds_of(type)
    classes = [
        value
        for module, values in held
        for value in _of_kinds(metaclasses, values)
        if value.__module__ == module.__name__
    ]
    own = set(classes)
    objects = [
        value
        for _, values in held
        for value in _of_kinds(own, values)
        if not issubclass(type(value), ModuleType) and _has_attributes(value)
    ]
    return [*(module for module, _ in held), *classes, *objects]


def _kinds_of(*types: Any) -> set[type]:
    """Types, and all that derive from them."""
    return set(types).union(*(_kinds_of(*type.__subclasses__(each)) for each in types))


def _of_kinds(kinds: set[type], values: list[Any]) -> Iterable[Any]:
    """Those whose very type is one of some; C code sees to it, for a program holds a hundred thousand."""
    return itertools.compress(values, map(kinds.__contains__, map(type, values)))


def _has_attributes(value: object) -> bool:
    """Whether an object has a `__dict__` of its own, and no proxy answers for it."""
    try:
        return value.__dict__ is object.__getattribute__(value, "__dict__")
    except Exception:  # noqa: BLE001 - what a proxy raises is for it to choose
        return False
