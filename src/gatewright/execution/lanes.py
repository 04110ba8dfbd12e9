"""Jobs side by side: exclusive ones alone, those that share a place one after the other."""

import queue
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

__all__ = ["Job", "Watch", "find_startable", "run_jobs"]

TICK_INTERVAL_S = 0.2


class StoppedError(BaseException):
    """Raised in a job whose time is over because all jobs are to end; no error that a job may deal with."""


@dataclass(frozen=True)
class Job:
    """Something that takes time.

    Attributes:
        name: what it is called; no other job is called so.
        place: what it needs for itself: no two jobs of one place run at once. Empty when it needs nothing.
        exclusive: whether nothing else may run beside it.
        work: does it, in a thread of its own. It calls the function that it is given several times a second,
            and lets pass what that raises: then all jobs are to end.
    """

    name: str
    place: str
    exclusive: bool
    work: Callable[[Callable[[], None]], None]


@dataclass(frozen=True)
class Watch:
    """Who is told how far the jobs are, always in the thread that waits for them."""

    begin: Callable[[str], None]
    tick: Callable[[], None]
    end: Callable[[str], None]


@dataclass(frozen=True)
class Ending:
    """The end of a job, and what it raised."""

    name: str
    error: BaseException | None


def run_jobs(jobs: Sequence[Job], width: int, watch: Watch) -> None:
    """Run all jobs, at most `width` at once, begun in their order; come back when the last has ended.

    Whatever this raises, also KeyboardInterrupt, no job goes on: each is told to end, and waited for.

    Raises:
        BaseException: what a job raised; the others are ended, and those that wait are not begun.
    """
    waiting, running = list(jobs), dict[str, Job]()
    ended: dict[str, threading.Event] = {}
    endings: queue.SimpleQueue[Ending] = queue.SimpleQueue()
    stop = threading.Event()
    try:
        while waiting or running:
            for job in list(find_startable(waiting, running.values(), width)):
                waiting.remove(job)
                running[job.name] = job
                watch.begin(job.name)
                ended[job.name] = threading.Event()
                start(job, endings, stop, ended[job.name])
            try:
                ending = endings.get(timeout=TICK_INTERVAL_S)
            except queue.Empty:
                watch.tick()
                continue
            del running[ending.name]
            if ending.error:
                raise ending.error
            watch.end(ending.name)
    finally:
        end_all(ended.values(), stop)


def end_all(ended: Collection[threading.Event], stop: threading.Event) -> None:
    """Tell all jobs to end and wait for them, also when somebody presses Ctrl-C again meanwhile.

    Whoever left them running would judge and seal what they still write. None takes long: a command that does
    not end by itself is killed. Threads are not joined: in Python 3.11 a join that is interrupted takes the
    thread for ended.
    """
    while not all(each.is_set() for each in ended):
        try:
            stop.set()
            for each in ended:
                each.wait()
        except KeyboardInterrupt:
            continue


def find_startable(waiting: Sequence[Job], running: Collection[Job], width: int) -> Iterator[Job]:
    """The jobs that may begin now.

    Nobody overtakes an exclusive one, so that its turn comes; a job whose place is taken lets others by.
    """
    beside = list(running)
    for job in waiting:
        if len(beside) >= width or any(other.exclusive for other in beside):
            return
        if job.exclusive:
            if not beside and job is waiting[0]:
                yield job
            return
        if not job.place or job.place not in {other.place for other in beside}:
            beside.append(job)
            yield job


def start(
    job: Job, endings: "queue.SimpleQueue[Ending]", stop: threading.Event, ended: threading.Event
) -> None:
    """Begin a job in a thread of its own, which never keeps this process from ending."""

    def check_stop() -> None:
        if stop.is_set():
            raise StoppedError

    def work() -> None:
        error: BaseException | None = None
        try:
            job.work(check_stop)
        except BaseException as raised:  # noqa: BLE001 - it is raised again by whoever waits
            error = raised
        ended.set()
        endings.put(Ending(job.name, error))

    thread = threading.Thread(target=work, name=f"job {job.name}", daemon=True)
    try:
        thread.start()
    except BaseException:
        if thread.ident is None:  # nobody else will say that it has ended
            ended.set()
        raise
