"""What a server holds while it is loaded: memory, open files, threads, at numbers of cumulative runs."""

import os
import threading
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = [
    "DATABASE",
    "DATABASE_LOG",
    "FILES",
    "OF_PROCESSES",
    "RSS",
    "THREADS",
    "Gauge",
    "PolledGauge",
    "ResourceMeter",
    "ResourceSeries",
    "Series",
    "sqlite_gauges",
]

RSS, FILES, THREADS = "rss", "open_files", "threads"
OF_PROCESSES = (RSS, FILES, THREADS)
DATABASE, DATABASE_LOG = "database", "database_log"
KILOBYTE = 1024
LARGEST_PROC_FILE = 65536

Gauge = Callable[[], float | None]
"""Tells a figure of the service as it is now; None, or any exception, where it can't be told."""


@dataclass
class Series:
    """One resource over a measurement.

    Attributes:
        runs: cumulative runs at each point, ascending.
        values: the resource at these points.
        unknown: how often it was asked for and could not be told.
    """

    runs: "array[int]" = field(default_factory=lambda: array("q"))
    values: "array[float]" = field(default_factory=lambda: array("d"))
    unknown: int = 0


class ResourceSeries:
    """All resources of one measurement, by name."""

    def __init__(self) -> None:
        self._by_name: dict[str, Series] = {}

    def __getitem__(self, name: str) -> Series:
        """The series of a resource; an empty one when it was never asked for."""
        return self._by_name.get(name, Series())

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def add(self, runs: int, reading: Mapping[str, float | None]) -> None:
        """Note a reading after so many runs; what is not told is counted, never taken for zero."""
        for name, value in reading.items():
            series = self._by_name.setdefault(name, Series())
            if value is None:
                series.unknown += 1
            else:
                series.runs.append(runs)
                series.values.append(float(value))


class ResourceMeter:
    """Reads the resources of a server: those of all its processes together, and what gauges tell.

    A reading of one process costs about 50 us (see `benchmarks/slo_soak_leaks.py`), so that the generator can
    take it between two requests.

    Args:
        pid: the server's process, whose descendants count too; None when it is not ours to look at.
        gauges: further figures by name, e.g. the size of the database; asked at each reading, so they must
            answer at once (else see `PolledGauge`).
    """

    def __init__(self, pid: int | None, gauges: Mapping[str, Gauge] | None = None) -> None:
        self._pid = pid
        self._gauges = dict(gauges or {})

    def read(self) -> dict[str, float | None]:
        """Each resource as it is now: bytes or a count; None where it can't be told."""
        reading: dict[str, float | None] = {}
        if self._pid is not None:
            reading.update(usage_of_tree(self._pid))
        reading.update((name, ask(gauge)) for name, gauge in self._gauges.items())
        return reading


class PolledGauge:
    """A gauge that takes its time, e.g. a query: a thread asks it, a reading gets the latest answer.

    Args:
        gauge: asked by one thread at a time.
        interval_s: the least time from one answer to the next question, in seconds.
    """

    def __init__(self, gauge: Gauge, interval_s: float = 0.5) -> None:
        self._gauge = gauge
        self._interval_s = interval_s
        self._latest: float | None = None
        self._next = 0.0
        self._asking = threading.Lock()

    def __call__(self) -> float | None:
        """The latest answer; None before the first one."""
        if time.monotonic() >= self._next and self._asking.acquire(blocking=False):
            threading.Thread(target=self._ask, daemon=True).start()
        return self._latest

    def _ask(self) -> None:
        try:
            self._latest = ask(self._gauge)
            self._next = time.monotonic() + self._interval_s
        finally:
            self._asking.release()


def sqlite_gauges(database: Path) -> dict[str, Gauge]:
    """The sizes of a SQLite database in bytes: what it stores, and its log (write-ahead and shared memory).

    They are told apart, because the log may take a hundred times of what is stored, up to where it wraps.
    """
    beside = [database.with_name(database.name + ending) for ending in ("-wal", "-shm")]

    def log() -> float:
        return float(sum(file.stat().st_size for file in beside if file.exists()))

    return {DATABASE: lambda: float(database.stat().st_size), DATABASE_LOG: log}


def ask(gauge: Gauge) -> float | None:
    """What a gauge tells; None when it fails, since a soak must not end because a figure is missing."""
    try:
        return gauge()
    except Exception:  # noqa: BLE001 - whatever went wrong, the figure is unknown
        return None


def usage_of_tree(pid: int) -> dict[str, float | None]:
    """Memory in bytes, open files and threads of a process and its descendants; all None when it is gone.

    Memory is RssAnon and VmSwap: what the processes have allocated. Pages of files are left out, since they
    come and go with the kernel's cache; a page that a fork shares with its parent counts twice, but at both
    ends of a soak. Private memory of `smaps_rollup` would count it once and costs 1 ms per 100 MB, in which
    the process is kept from growing.

    Descendants are found through `/proc/PID/task/*/children`; where the kernel lacks it, or a child made
    itself a daemon, they are not seen.
    """
    total: Counter[str] = Counter()
    told = True
    try:
        for process in descendants(pid):
            try:
                total.update(usage_of_process(process))
            except (FileNotFoundError, ProcessLookupError):
                told = told and process != pid
    except (OSError, ValueError):
        told = False
    return {name: float(total[name]) if told else None for name in OF_PROCESSES}


def descendants(pid: int) -> Iterator[int]:
    """A process and all that it started, as far as they are still below it."""
    waiting = [pid]
    while waiting:
        process = waiting.pop()
        yield process
        waiting += children(process)


def children(pid: int) -> list[int]:
    """The direct children of a process; none when it has ended."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - names are all that is wanted
            found += map(int, read(f"/proc/{pid}/task/{thread}/children").split())
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def usage_of_process(pid: int) -> dict[str, int]:
    """Memory, open files and threads of one process.

    Raises:
        FileNotFoundError: it has ended, be it waited for or not.
        ProcessLookupError: it ended while it was looked at.
        PermissionError: it is not ours to look at.
    """
    status = read(f"/proc/{pid}/status")
    if b"\nRssAnon:" not in status:
        raise FileNotFoundError(f"process {pid} has no memory any more")
    memory = status_field(status, b"RssAnon") + status_field(status, b"VmSwap")
    return {
        RSS: memory * KILOBYTE,
        FILES: open_files(pid),
        THREADS: status_field(status, b"Threads"),
    }


def status_field(status: bytes, name: bytes) -> int:
    """A number of `/proc/PID/status`; ValueError where this kernel doesn't tell it."""
    return int(status.partition(b"\n" + name + b":")[2].partition(b"\n")[0].removesuffix(b"kB"))


def open_files(pid: int) -> int:
    """How many descriptors a process has open; since Linux 6.2 that is the size of the folder of them."""
    folder = f"/proc/{pid}/fd"
    return os.stat(folder).st_size or len(os.listdir(folder))  # noqa: PTH116, PTH208 - asked very often


def read(path: str) -> bytes:
    """A small file of the kernel's, in a third of the time that `Path.read_bytes` takes."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, LARGEST_PROC_FILE)
    finally:
        os.close(descriptor)
