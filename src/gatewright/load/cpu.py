"""CPU time of a server and of all that it started, exact to the nanosecond."""

import os
import sys
import time

__all__ = ["tree_cpu_seconds"]

ATTEMPTS = 5
CPUCLOCK_SCHED = 2
PARENT, CHILDREN_USER, CHILDREN_SYSTEM = 1, 13, 14
"""Fields of `/proc/PID/stat`, counted from the one after the name."""


def tree_cpu_seconds(root: int) -> float | None:
    """CPU seconds that a process and all its descendants have used so far.

    Of each live process its CPU clock is read (`clock_getcpuclockid(3)`): nanoseconds of all its threads,
    ended ones too. `/proc/PID/task/*/schedstat` would lose the ended ones, and utime + stime of
    `/proc/PID/stat` are cut to 10 ms each, too coarse for a block of half a second. What ended children
    used their parent adds up in cutime + cstime, which exist in units of 10 ms only; a server that starts
    no children is not affected. Lost is what children used whose parent ignores SIGCHLD: the kernel adds it
    nowhere.

    Args:
        root: a process id; of a server, its supervisor's, so that who lost its parent counts as well.

    Returns:
        None where this system does not tell, `root` is gone, or processes came and went at each try.
    """
    if sys.platform != "linux":
        return None
    for _ in range(ATTEMPTS):
        before = ended_children(root)
        try:
            running = sum(time.clock_gettime_ns(cpu_clock(pid)) for pid in before)
        except OSError:  # one ended, and its time has moved to its parent
            continue
        if before and ended_children(root) == before:
            return running / 1e9 + sum(before.values()) / os.sysconf("SC_CLK_TCK")
    return None


def cpu_clock(pid: int) -> int:
    """The id of a process's CPU clock, as `clock_getcpuclockid(3)` makes it."""
    return (~pid << 3) | CPUCLOCK_SCHED


def ended_children(root: int) -> dict[int, int]:
    """A process and its descendants, each with the ticks that its ended children used; empty when gone."""
    known = {int(name): stat_fields(int(name)) for name in os.listdir("/proc") if name.isdigit()}  # noqa: PTH208 - pathlib costs 10 ms
    offspring: dict[int, list[int]] = {}
    for pid, fields in known.items():
        if fields:
            offspring.setdefault(int(fields[PARENT]), []).append(pid)
    found: dict[int, int] = {}
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        if line := known.get(pid):
            found[pid] = int(line[CHILDREN_USER]) + int(line[CHILDREN_SYSTEM])
            waiting += offspring.get(pid, [])
    return found


def stat_fields(pid: int) -> list[bytes]:
    """The fields of `/proc/PID/stat` after the name, which may hold spaces and brackets; none when gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - pathlib costs 10 ms
            return file.read().rpartition(b")")[2].split()
    except OSError:
        return []
