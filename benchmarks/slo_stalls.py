"""The p95 and p99 of a server that stalls, as load clients tell them, beside the truth.

Usage: uv venv .slo-peers
       uv pip install --python .slo-peers/bin/python -r benchmarks/requirements-slo-peers.txt
       apt-get install wrk
       PYTHONPATH=src .slo-peers/bin/python benchmarks/slo_stalls.py [--windows 5] [--seconds 30] (14 minutes)

The clients take turns within each window, on one server (benchmarks/stalling_server.py: lognormal service
times with a median of 10 ms, no answers for 200 ms every 2.5 to 3.5 s). The truth of each block is what users
would have met who come evenly over its time: computed from the server's own log of its stalls and its
distribution of service times, and from nothing that a client measured. A client that is not installed is
skipped, and named.
"""

import argparse
import math
import sys
from bisect import bisect_right
from dataclasses import dataclass
from itertools import islice

from figures import Circumstances, table
from slo_peers.block import percentile
from slo_peers.clients import AIOHTTP, LOCUST, OURS, WRK, Client, Result, in_turns, middle, run_block, serving
from stalling_server import lognormal

from gatewright.core.interrupts import end_as_by_ctrl_c

MEDIAN_S = 0.010
VISITS = 100_000
"""Of simulated users, for the truth of a block."""
WORKERS = 10
START_UP_S = 2.0
GOALS = (
    "Goals: ours within 15% at p95 and within 5% at p99; a closed loop was found 85% below the truth at p99."
)
HEADERS = ("client", "load", "requests/s", "p95 ms", "truth", "error", "p99 ms", "truth", "error")


@dataclass(frozen=True)
class Lane:
    """A client and the way in which it makes load."""

    client: Client
    load: str
    rate: float = 0.0

    def __str__(self):
        return f"{self.client.name}, {self.load}"


@dataclass(frozen=True)
class Window:
    """What a client told of one block, and the truth about it, in seconds."""

    told: Result
    true_p95_s: float
    true_p99_s: float

    @property
    def error_p95(self):
        return self.told.p95_s / self.true_p95_s - 1

    @property
    def error_p99(self):
        return self.told.p99_s / self.true_p99_s - 1


def true_latencies(stalls, begin, end, seed):
    """Latencies of users who come evenly between two moments, each from when it came.

    A request that comes within a stall is read when it ends, and an answer due within one is written then.
    """
    begins = [began for began, _ in stalls]

    def released(moment):
        last = bisect_right(begins, moment) - 1
        return max(moment, stalls[last][1]) if last >= 0 else moment

    step = (end - begin) / VISITS
    for number, service_s in enumerate(islice(lognormal(MEDIAN_S, seed), VISITS)):
        came = begin + (number + 0.5) * step
        yield released(released(came) + service_s) - came


def read_stalls(log):
    """Beginnings and ends, on the monotonic clock."""
    return [tuple(map(float, line.split())) for line in log.read_text(encoding="ascii").splitlines()]


def lanes_at(rate):
    """All that is compared."""
    closed = f"closed loop, {WORKERS}"
    return [
        Lane(OURS, f"open loop, {rate:g}/s", rate),
        Lane(WRK, f"{closed} connections, its own correction"),
        Lane(AIOHTTP, f"{closed} workers"),
        Lane(LOCUST, f"{closed} users"),
        Lane(LOCUST, f"{closed} users with constant_throughput, {rate:g}/s", rate),
    ]


def row(lane, windows):
    """A line of the table: medians over windows."""
    cells = [str(lane.client.name), lane.load, f"{middle(windows, lambda each: each.told.rate):,.0f}"]
    for told, truth, error in (("p95_s", "true_p95_s", "error_p95"), ("p99_s", "true_p99_s", "error_p99")):
        cells += [
            f"{middle(windows, lambda each, name=told: getattr(each.told, name)) * 1e3:.1f}",
            f"{middle(windows, lambda each, name=truth: getattr(each, name)) * 1e3:.1f}",
            f"{middle(windows, lambda each, name=error: getattr(each, name)):+.0%}",
        ]
    return cells


def main(windows, seconds, rate):
    """Measure all lanes in turns and print the table."""
    end_as_by_ctrl_c()
    lanes = lanes_at(rate)
    skipped = sorted({lane.client.missing for lane in lanes} - {""})
    lanes = [lane for lane in lanes if not lane.client.missing]
    longest_s = math.ceil(windows * len(lanes) * (seconds + START_UP_S))
    print(f"about {longest_s / 60:.1f} minutes", file=sys.stderr)
    circumstances = Circumstances()
    with serving(longest_s=10 * longest_s) as (url, log):

        def measure(lane, number):
            told = run_block(lane.client, url, workers=WORKERS, rate=lane.rate, seconds=seconds, seed=number)
            latencies = list(true_latencies(read_stalls(log), told.begin, told.end, number))
            return Window(told, percentile(latencies, 0.95), percentile(latencies, 0.99))

        results, complaints = in_turns(windows, lanes, measure)
    print(table(HEADERS, [row(lane, found) for lane, found in results.items()]))
    print(f"\nMedians of {windows} windows of {seconds:g} s in turns, of errors as well. {GOALS}")
    print("\n".join(skipped + complaints))
    print(circumstances.words(packages=("uvloop", "aiohttp", "locust"), programs=("wrk",)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--windows", type=int, default=5, help="turns of each client")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each block")
    parser.add_argument("--rate", type=float, default=500.0, help="of the open loop, and of paced users")
    try:
        main(**vars(parser.parse_args()))
    except KeyboardInterrupt:
        sys.exit("interrupted; all processes were ended")
