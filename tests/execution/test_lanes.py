"""Jobs side by side: as many as allowed, exclusive ones alone, and none that goes on when all are to end."""

import contextlib
import signal
import threading
import time
from collections.abc import Callable

import pytest

from gatewright.execution.lanes import Job, Watch, find_startable, run_jobs

DEADLINE_S = 20.0
Tick = Callable[[], None]


def job(name: str, work: Callable[[Tick], None] = lambda tick: None) -> Job:
    """`a@p!` needs the place p and is exclusive."""
    title, _, place = name.rstrip("!").partition("@")
    return Job(title, place, name.endswith("!"), work)


@pytest.mark.parametrize(
    ("waiting", "running", "width", "begun"),
    [
        ("a b c", "", 1, "a"),
        ("a b c", "", 2, "a b"),
        ("a b c", "", 3, "a b c"),
        ("a b c", "", 9, "a b c"),
        ("b c", "a", 1, ""),
        ("b c", "a", 2, "b"),
        ("", "", 2, ""),
        # an exclusive one waits for all others, and all others wait for it
        ("a! b", "", 2, "a"),
        ("b c", "a!", 2, ""),
        ("b! c", "a", 2, ""),
        ("a b! c", "", 9, "a"),
        ("b!", "", 1, "b"),
        ("a! b!", "", 2, "a"),
        # two of one place don't run at once, and let others by, except an exclusive one
        ("a@x b@x c", "", 3, "a c"),
        ("b@x c", "a@x", 3, "c"),
        ("b@x c@y", "a@x", 3, "c"),
        ("b@x c!", "a@x", 3, ""),
        ("a@x b! c", "", 3, "a"),
        ("a b", "", 3, "a b"),
    ],
)
def test_which_jobs_may_begin(waiting: str, running: str, width: int, begun: str) -> None:
    found = find_startable([*map(job, waiting.split())], [*map(job, running.split())], width)
    assert [each.name for each in found] == begun.split()


class Diary:
    """What was begun and ended, in the order in which it was told."""

    def __init__(self, on_tick: Tick = lambda: None) -> None:
        self.lines: list[str] = []
        self.threads: set[int] = set()
        self.watch = Watch(
            lambda name: self._write(f"+{name}"), on_tick, lambda name: self._write(f"-{name}")
        )

    def _write(self, line: str) -> None:
        self.lines.append(line)
        self.threads.add(threading.get_ident())


def test_one_after_the_other_in_their_order() -> None:
    diary = Diary()
    run_jobs([*map(job, ("a", "b!", "c", "d@x"))], 1, diary.watch)
    assert diary.lines == ["+a", "-a", "+b", "-b", "+c", "-c", "+d", "-d"]
    assert diary.threads == {threading.get_ident()}, "progress is told in the thread that waits"


def test_jobs_run_at_once() -> None:
    """Each waits for all three, which would never come if they ran one after the other."""
    meeting = threading.Barrier(3, timeout=DEADLINE_S)
    diary = Diary()
    run_jobs([job(name, lambda _: meeting.wait() and None) for name in "abc"], 3, diary.watch)
    assert diary.lines[:3] == ["+a", "+b", "+c"]
    assert sorted(diary.lines[3:]) == ["-a", "-b", "-c"]


@pytest.mark.parametrize("width", [1, 2, 3])
def test_never_more_than_allowed_and_nothing_beside_an_exclusive_one(width: int) -> None:
    lock, at_once, seen = threading.Lock(), set[str](), list[frozenset[str]]()

    def measure(name: str) -> Callable[[Tick], None]:
        def work(_: Tick) -> None:
            with lock:
                at_once.add(name)
                seen.append(frozenset(at_once))
            with lock:
                at_once.discard(name)

        return work

    marks = {"a": "", "b": "", "loud": "!", "c": "@x", "d": "@x", "e": ""}
    names = [f"{title}{number}{mark}" for number in range(3) for title, mark in marks.items()]
    jobs = [job(name) for name in names]
    run_jobs(
        [Job(each.name, each.place, each.exclusive, measure(each.name)) for each in jobs],
        width,
        Diary().watch,
    )
    assert len(seen) == len(names)
    assert max(map(len, seen)) <= width
    assert all(len(group) == 1 for group in seen if any(name.startswith("loud") for name in group))
    assert not any(len([name for name in group if name[0] in "cd"]) > 1 for group in seen)


def hang(tick: Tick) -> None:
    """Go on until told to end."""
    patience = threading.Event()
    while not patience.wait(0.001):
        tick()


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_whatever_ends_the_waiting_ends_every_job(error: type[BaseException]) -> None:
    """Ctrl-C reaches the thread that waits; the jobs are told, and those that wait are never begun."""
    ended: list[str] = []

    def work(tick: Tick) -> None:
        try:
            hang(tick)
        finally:
            ended.append("x")

    def interrupt() -> None:
        raise error

    diary = Diary(interrupt)
    with pytest.raises(error):
        run_jobs([job(name, work) for name in "abc"], 2, diary.watch)
    assert ended == ["x", "x"]
    assert diary.lines == ["+a", "+b"]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("job ")]


def test_a_job_that_breaks_ends_the_others_and_is_heard() -> None:
    def break_down(_: Tick) -> None:
        raise OSError(28, "No space left on device")

    diary = Diary()
    with pytest.raises(OSError, match="No space left"):
        run_jobs([job("a", hang), job("b", break_down), job("c")], 2, diary.watch)
    assert diary.lines == ["+a", "+b"]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("job ")]


def test_no_jobs_are_done_at_once() -> None:
    diary = Diary()
    run_jobs([], 2, diary.watch)
    assert diary.lines == []


def test_a_second_interrupt_leaves_no_job_running() -> None:
    """It comes while the jobs are waited for that the first one ended."""
    main, waited_for, ended = threading.main_thread().ident, threading.Event(), []

    def interrupt_twice(tick: Tick) -> None:
        waited_for.wait(DEADLINE_S)
        signal.pthread_kill(main, signal.SIGINT)
        try:
            while True:
                tick()
        except BaseException:
            signal.pthread_kill(main, signal.SIGINT)
            threading.Event().wait(0.3)  # what takes a moment to end
            ended.append(True)
            raise

    with pytest.raises(KeyboardInterrupt):
        run_jobs([job("a", interrupt_twice)], 1, Diary(waited_for.set).watch)
    assert ended == [True]


def test_a_job_that_deals_with_its_errors_ends_all_the_same() -> None:
    begun, outlasted = threading.Event(), []

    def careful(tick: Tick) -> None:
        begun.set()
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            with contextlib.suppress(Exception):
                tick()
        outlasted.append(True)

    def broken(_: Tick) -> None:
        begun.wait(DEADLINE_S)
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        run_jobs([job("a", careful), job("b", broken)], 2, Diary().watch)
    assert not outlasted
