"""Noise of the machine during a measurement: what other work took from the service and from the generator."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

__all__ = ["NoiseMeter", "NoiseReading"]

MICROSECONDS = 1e6
NANOSECONDS = 1e9
STEAL_FIELD = 8


@dataclass(frozen=True)
class NoiseReading:
    """Shares of the measured time, 0..1; None where this system doesn't tell.

    Attributes:
        elapsed_s: the measured time, in seconds.
        cpu_pressure: some task waited for a CPU (PSI, `/proc/pressure/cpu`).
        io_pressure: some task waited for a disk (PSI, `/proc/pressure/io`).
        steal: CPU time taken by other virtual machines, of all CPU time.
        own_run_delay: the generator's main thread was runnable and had no CPU.
        server_run_delay: the same of all threads of the server.
        own_cpu: CPU time of the generator.
        server_cpu: CPU time of the server.
    """

    elapsed_s: float
    cpu_pressure: float | None
    io_pressure: float | None
    steal: float | None
    own_run_delay: float | None
    server_run_delay: float | None
    own_cpu: float
    server_cpu: float | None


@dataclass(frozen=True)
class Counters:
    """Running totals of this machine at one moment, in seconds."""

    moment: float
    cpu_pressure: float | None
    io_pressure: float | None
    steal: float | None
    own_delay: float | None
    server_delay: float | None
    own_cpu: float
    server_cpu: float | None


class NoiseMeter:
    """Reads the machine's counters at its construction and again on `read`.

    Args:
        server_pid: the server's process id; None when it is not ours to look at.
    """

    def __init__(self, server_pid: int | None = None) -> None:
        self._server_pid = server_pid
        self._start = self._count()

    def read(self) -> NoiseReading:
        """The noise since the meter was constructed."""
        start, end = self._start, self._count()
        elapsed = max(end.moment - start.moment, 1e-9)

        def share(before: float | None, after: float | None) -> float | None:
            return None if before is None or after is None else max(0.0, after - before) / elapsed

        steal = share(start.steal, end.steal)
        return NoiseReading(
            elapsed_s=elapsed,
            cpu_pressure=share(start.cpu_pressure, end.cpu_pressure),
            io_pressure=share(start.io_pressure, end.io_pressure),
            steal=None if steal is None else steal / (os.cpu_count() or 1),
            own_run_delay=share(start.own_delay, end.own_delay),
            server_run_delay=share(start.server_delay, end.server_delay),
            own_cpu=(end.own_cpu - start.own_cpu) / elapsed,
            server_cpu=share(start.server_cpu, end.server_cpu),
        )

    def _count(self) -> Counters:
        server = None if self._server_pid is None else Path(f"/proc/{self._server_pid}")
        return Counters(
            moment=time.monotonic(),
            cpu_pressure=pressure("cpu"),
            io_pressure=pressure("io"),
            steal=steal_seconds(),
            own_delay=thread_times(Path("/proc/thread-self/schedstat"))[1],
            server_delay=None if server is None else process_times(server)[1],
            own_cpu=time.process_time(),
            server_cpu=None if server is None else process_times(server)[0],
        )


def pressure(resource: str) -> float | None:
    """Seconds in which some task waited for a resource, since the machine started."""
    try:
        first = Path("/proc/pressure", resource).read_text(encoding="ascii").splitlines()[0]
        return int(first.rpartition("total=")[2]) / MICROSECONDS
    except (OSError, ValueError, IndexError):
        return None


def steal_seconds() -> float | None:
    """CPU seconds that a hypervisor gave to others, summed over all CPUs."""
    try:
        first = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0]
        return int(first.split()[STEAL_FIELD]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return None


def process_times(process: Path) -> tuple[float | None, float | None]:
    """CPU seconds and run delay of all threads of a process that live now."""
    times = [thread_times(file) for file in process.glob("task/*/schedstat")]
    cpu = [value for value, _ in times if value is not None]
    delay = [value for _, value in times if value is not None]
    return (sum(cpu), sum(delay)) if cpu else (None, None)


def thread_times(schedstat: Path) -> tuple[float | None, float | None]:
    """CPU seconds and run delay of one thread."""
    try:
        cpu, delay, _ = schedstat.read_text(encoding="ascii").split()
        return int(cpu) / NANOSECONDS, int(delay) / NANOSECONDS
    except (OSError, ValueError):
        return None, None
