"""A server's resources are told with those of its children, or not told at all."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gatewright.load import (
    DATABASE,
    DATABASE_LOG,
    FILES,
    RSS,
    THREADS,
    PolledGauge,
    ResourceMeter,
    ResourceSeries,
    resources,
    sqlite_gauges,
)

HOLDING = """
import os, sys, threading
held = b"x" * 32_000_000
files = [open(os.devnull) for _ in range(20)]
for _ in range(3):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
"""
PARENT = f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {HOLDING!r}])
"""


@pytest.fixture
def started():
    """Starts Python programs and waits for their first line; they end with the test."""
    processes = []

    def start(program):
        process = subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        processes.append(process)
        process.stdout.readline()
        return process

    yield start
    for process in processes:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def test_memory_files_and_threads_of_a_process(started):
    """32 MB, 20 open files beside the standard ones, and three threads beside the main one."""
    reading = ResourceMeter(started(HOLDING).pid).read()
    assert reading[RSS] >= 32e6
    assert reading[FILES] >= 23
    assert reading[THREADS] == 4


def test_children_count_too(started):
    """What a worker holds is what the server holds."""
    process = started(PARENT)
    alone = resources.usage_of_process(process.pid)
    reading = ResourceMeter(process.pid).read()
    assert reading[RSS] >= alone[RSS] + 32e6
    assert reading[FILES] >= alone[FILES] + 20
    assert reading[THREADS] == alone[THREADS] + 4


def test_memory_of_files_is_left_out(started, tmp_path):
    """Pages of a mapped file belong to the kernel's cache."""
    file = tmp_path / "mapped"
    file.write_bytes(b"x" * 32_000_000)
    mapping = (
        f"file = open({str(file)!r}); held = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ); held[::4096]"
    )
    process = started(f"import mmap, sys; {mapping}; print('ready', flush=True); sys.stdin.read()")
    assert ResourceMeter(process.pid).read()[RSS] < 32e6


@pytest.mark.parametrize("waited_for", [True, False])
def test_a_process_that_has_ended_holds_nothing_that_is_known(waited_for):
    """Neither a number that is free again nor a zombie is read as zero."""
    with subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        if waited_for:
            process.wait()
        assert ResourceMeter(process.pid).read() == {RSS: None, FILES: None, THREADS: None}


def test_a_system_without_proc_tells_nothing(monkeypatch):
    """Unknown, not zero."""
    monkeypatch.setattr(resources, "read", missing)
    assert ResourceMeter(os.getpid()).read() == {RSS: None, FILES: None, THREADS: None}


def missing(path):
    raise FileNotFoundError(path)


def test_a_process_of_others_tells_nothing(monkeypatch):
    """A part of the tree that may not be looked at makes the sum unknown."""

    def forbidden(pid):
        raise PermissionError(pid)

    monkeypatch.setattr(resources, "open_files", forbidden)
    assert ResourceMeter(os.getpid()).read() == {RSS: None, FILES: None, THREADS: None}


def test_files_are_counted_one_by_one_on_older_kernels(monkeypatch):
    """Before Linux 6.2 the folder of descriptors has no size."""
    stat = Path("/").stat()
    monkeypatch.setattr(os, "stat", lambda _path: os.stat_result((*stat[:6], 0, *stat[7:10])))
    assert resources.open_files(os.getpid()) >= 3


def test_gauges_are_read_beside_the_process():
    """What the service tells comes along; a gauge that fails leaves its figure unknown."""
    meter = ResourceMeter(None, {"tasks": lambda: 7, "broken": lambda: 1 / 0, "silent": lambda: None})
    assert meter.read() == {"tasks": 7, "broken": None, "silent": None}


def test_a_slow_gauge_is_asked_in_the_background():
    """A reading never waits: it gets the latest answer, and one question is under way at a time."""
    asked, answered = threading.Semaphore(0), threading.Semaphore(0)

    def slow():
        asked.release()
        answered.acquire()
        return 5

    gauge = PolledGauge(slow, interval_s=0)
    assert gauge() is None
    assert asked.acquire(timeout=10)
    assert gauge() is None
    assert not asked.acquire(blocking=False)
    answered.release()
    while gauge() is None:
        pass
    assert gauge() == 5
    answered.release(10)


def test_the_sizes_of_a_sqlite_database(tmp_path):
    """What is stored apart from its log; a missing database is unknown, a missing log is empty."""
    gauges = sqlite_gauges(tmp_path / "runs.db")
    assert ResourceMeter(None, gauges).read() == {DATABASE: None, DATABASE_LOG: 0}
    for name, size in (("runs.db", 4096), ("runs.db-wal", 100), ("runs.db-shm", 20)):
        (tmp_path / name).write_bytes(b"x" * size)
    assert ResourceMeter(None, gauges).read() == {DATABASE: 4096, DATABASE_LOG: 120}


def test_a_series_counts_what_was_unknown():
    """Missing figures are neither zeros nor points."""
    series = ResourceSeries()
    for runs, value in ((0, 5.0), (10, None), (20, 7.0)):
        series.add(runs, {RSS: value})
    assert list(series) == [RSS]
    assert list(series[RSS].runs) == [0, 20]
    assert list(series[RSS].values) == [5.0, 7.0]
    assert series[RSS].unknown == 1
    assert len(series["never asked for"].values) == 0
