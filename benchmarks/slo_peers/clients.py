"""The clients that are measured beside each other; each block is a process of its own, ended with us."""

import contextlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from gatewright.execution.process import ChildProcess
from gatewright.execution.server import ServerProcess

HERE = Path(__file__).resolve().parent
BENCHMARKS = HERE.parent
GRACE_S = 60.0
"""Beyond the seconds of its block, until a client is given up."""


@dataclass(frozen=True)
class Client:
    """A client: its name, its script, and the package or the program that it can't do without."""

    name: str
    script: str
    package: str = ""
    program: str = ""

    @property
    def missing(self):
        """What is not installed; empty when it can be measured."""
        if self.program and shutil.which(self.program) is None:
            return f"{self.name} is not measured: the program {self.program} is not installed"
        if self.package and importlib.util.find_spec(self.package) is None:
            return f"{self.name} is not measured: the package {self.package} is not installed"
        return ""


OURS = Client("gatewright", "ours.py", package="httptools")
WRK = Client("wrk", "with_wrk.py", program="wrk")
AIOHTTP = Client("aiohttp", "with_aiohttp.py", package="aiohttp")
LOCUST = Client("Locust FastHttpUser", "with_locust.py", package="locust")
HTTPX = Client("httpx", "with_httpx.py", package="httpx")


@dataclass(frozen=True)
class Result:
    """What a client tells of a block: moments on the monotonic clock, times in seconds."""

    begin: float
    end: float
    requests: int
    failed: int
    cpu_s: float
    p95_s: float
    p99_s: float

    @property
    def rate(self):
        """Requests a second."""
        return self.requests / (self.end - self.begin)

    @property
    def cpu_us(self):
        """Microseconds of processor time for each request."""
        return self.cpu_s / self.requests * 1e6


class BlockError(Exception):
    """A client told no result."""


def run_block(client, url, *, workers, rate, seconds, seed):
    """Measure one block.

    Raises:
        BlockError: it ended without a result, or with requests that failed.
    """
    argv = [sys.executable, HERE / client.script, url, workers, rate, seconds, seed]
    child = ChildProcess(
        list(map(str, argv)),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with child:
        code = child.wait(seconds + GRACE_S)
        if code is None:
            raise BlockError(f"{client.name} did not end within {seconds + GRACE_S:g} s")
        said, complaint = child.stdout.read().decode(), child.stderr.read().decode()
    if code != 0 or not said:
        raise BlockError(f"{client.name}: {(complaint.strip().splitlines() or ['said nothing'])[-1]}")
    result = Result(**json.loads(said.splitlines()[-1]))
    if result.failed or not result.requests:
        raise BlockError(f"{client.name}: {result.failed} of {result.requests} requests failed")
    return result


def environment():
    """Ours, and the toolkit can be imported."""
    return {**os.environ, "PYTHONPATH": str(BENCHMARKS.parent / "src")}


@contextlib.contextmanager
def serving(*options, longest_s):
    """The stalling server, ready; its URL and the file with its stalls."""
    with tempfile.TemporaryDirectory(prefix="slo-peers-") as name:
        port_file, stalls = Path(name) / "port", Path(name) / "stalls"
        argv = [sys.executable, BENCHMARKS / "stalling_server.py", "--port-file", port_file]
        argv += ["--stall-log", stalls, *map(str, ("--longest-s", longest_s, *options))]
        with ServerProcess(argv, port_file=port_file, env=environment(), ready_path="/") as server:
            yield server.base_url, stalls


def in_turns(rounds, lanes, measure):
    """Measure every lane once a round; a lane that fails is told of and not measured again.

    Args:
        rounds: how many.
        lanes: what takes turns.
        measure: gives the result of a lane in a round (from 1 on), or raises `BlockError`.

    Returns:
        The results of each lane that never failed, and what went wrong with the others.
    """
    results = {lane: [] for lane in lanes}
    complaints = []
    for number in range(1, rounds + 1):
        for lane in list(results):
            print(f"round {number} of {rounds}: {lane}", file=sys.stderr)
            try:
                results[lane].append(measure(lane, number))
            except BlockError as error:
                complaints.append(f"not measured: {lane}: {error}")
                del results[lane]
    return results, complaints


def middle(results, figure):
    """The median of a figure of each result."""
    return median(figure(each) for each in results)
