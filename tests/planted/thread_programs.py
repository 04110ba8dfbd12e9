"""Racy and right programs of plain threads; nothing in them knows that it is explored."""

import queue
import sqlite3
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gatewright.race import Granularity, History, ThreadActor, ThreadScenario, invariant


class Counter(ThreadScenario):
    """Two threads count up, in one line each."""

    name = "counter"

    def reset(self, folder: Path) -> None:
        self.count = 0

    def actors(self) -> Mapping[str, ThreadActor]:
        return {"alice": self.increment, "bob": self.increment}

    def increment(self) -> int:
        self.count += 1
        return self.count

    def observe(self) -> int:
        return self.count

    @invariant("counted", "every increment counts")
    def counted(self, history: History, state: int) -> Iterable[str]:
        if state != 2:
            yield f"counted {state}"


class FineCounter(Counter):
    """The same, seen instruction by instruction."""

    name = "fine-counter"
    granularity = Granularity.OPCODE


class LockedCounter(FineCounter):
    """Guarded by a lock that may be taken twice."""

    name = "locked-counter"

    def reset(self, folder: Path) -> None:
        super().reset(folder)
        self.lock = threading.RLock()

    def increment(self) -> int:
        with self.lock, self.lock:
            return super().increment()


class ThreadLockOrder(ThreadScenario):
    """Two locks, taken in opposite orders."""

    name = "thread-lock-order"

    def reset(self, folder: Path) -> None:
        self.one, self.two = threading.Lock(), threading.Lock()

    def actors(self) -> Mapping[str, ThreadActor]:
        def upward() -> None:
            with self.one, self.two:
                pass

        def downward() -> None:
            with self.two, self.one:
                pass

        return {"alice": upward, "bob": downward}


class ThreadSpin(ThreadScenario):
    """Waits for another by asking again and again."""

    name = "thread-spin"

    def reset(self, folder: Path) -> None:
        self.done = False

    def actors(self) -> Mapping[str, ThreadActor]:
        def wait() -> None:
            while not self.done:
                pass

        def finish() -> None:
            self.done = True

        return {"alice": wait, "bob": finish}


class Handover(ThreadScenario):
    """Two threads that meet by every means of the standard library."""

    name = "handover"

    def reset(self, folder: Path) -> None:
        self.box: queue.Queue[int] = queue.Queue(maxsize=1)
        self.mail: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.event = threading.Event()
        self.condition = threading.Condition()
        self.permits = threading.Semaphore(0)
        self.barrier = threading.Barrier(2)
        self.ready = False
        self.got: list[int] = []

    def actors(self) -> Mapping[str, ThreadActor]:
        return {"alice": self.give, "bob": self.take}

    def give(self) -> None:
        for number in range(2):
            self.box.put(number)
        self.event.set()
        with self.condition:
            self.ready = True
            self.condition.notify_all()
        self.permits.release()
        self.mail.put(2)
        self.barrier.wait()

    def take(self) -> None:
        self.got += [self.box.get(), self.box.get()]
        self.event.wait()
        with self.condition:
            while not self.ready:
                self.condition.wait()
        self.permits.acquire()
        self.got.append(self.mail.get())
        self.barrier.wait()

    @invariant("met", "all that was given is taken, in its order")
    def met(self, history: History, state: Any) -> None:
        assert self.got == [0, 1, 2], str(self.got)


class Patience(ThreadScenario):
    """Waits for a lock that is never given back, but not for ever; and sleeps for hours."""

    name = "patience"

    def reset(self, folder: Path) -> None:
        self.lock = threading.Lock()
        self.lock.acquire()

    def actors(self) -> Mapping[str, ThreadActor]:
        def wait() -> bool:
            return self.lock.acquire(timeout=3600)

        def sleep() -> float:
            began = time.monotonic()
            time.sleep(7200)
            return time.monotonic() - began

        return {"alice": wait, "bob": sleep}

    @invariant("gave-up", "the wait ends without the lock, and two hours have passed")
    def gave_up(self, history: History, state: Any) -> None:
        answers = {op.actor: op.response.json for op in history}
        assert answers["alice"] is False
        assert 7200 <= answers["bob"] < 7201


class ThreadCrash(Counter):
    name = "thread-crash"

    def increment(self) -> int:
        before = self.count
        self.count = before + 1
        if self.count != before + 1:
            raise RuntimeError("somebody was in between")
        return self.count


class Stranger(Counter):
    """Starts a thread of its own, which no strategy controls."""

    name = "stranger"

    def increment(self) -> int:
        thread = threading.Thread(target=super().increment)
        thread.start()
        thread.join()
        return self.count


class Stalled(Counter):
    """Waits for something real, which comes to nobody whose turn it is not."""

    name = "stalled"

    def reset(self, folder: Path) -> None:
        super().reset(folder)
        self.pipe = None

    def increment(self) -> int:
        lock = REAL[0]
        lock.acquire()
        self.count += 1
        lock.release()
        return self.count


REAL = [threading.Lock()]  # in a list, out of sight of any instrument


class ThreadDispatch(ThreadScenario):
    """Two threads dispatch the one task, each on a connection of its own."""

    name = "thread-dispatch"
    guard = ""

    def reset(self, folder: Path) -> None:
        self.path = folder / "tasks.db"
        with sqlite3.connect(self.path) as database:
            database.executescript("DROP TABLE IF EXISTS task; CREATE TABLE task (status TEXT, n INTEGER)")
            database.execute("INSERT INTO task VALUES ('ready', 0)")
        database.close()

    def actors(self) -> Mapping[str, ThreadActor]:
        return {"alice": self.dispatch, "bob": self.dispatch}

    def dispatch(self) -> bool:
        database = sqlite3.connect(self.path)
        try:
            if database.execute("SELECT status FROM task").fetchone()[0] != "ready":
                return False
            done = database.execute(f"UPDATE task SET status = 'gone', n = n + 1 {self.guard}").rowcount == 1
            database.commit()
            return done
        finally:
            database.close()

    def observe(self) -> int:
        database = sqlite3.connect(self.path)
        try:
            return int(database.execute("SELECT n FROM task").fetchone()[0])
        finally:
            database.close()

    @invariant("single-dispatch", "the task is dispatched once")
    def single_dispatch(self, history: History, state: int) -> Iterable[str]:
        if state != 1 or sum(op.response.json is True for op in history) != 1:
            yield f"dispatched {state} times"


class GuardedThreadDispatch(ThreadDispatch):
    name = "guarded-thread-dispatch"
    guard = "WHERE status = 'ready'"
