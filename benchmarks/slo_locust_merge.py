"""Percentiles of three merged Locust workers against every latency that they saw, beside Locust's own.

Usage: uv venv .slo-locust
       uv pip install --python .slo-locust/bin/python '.[locust]'
       .slo-locust/bin/python benchmarks/slo_locust_merge.py [--rounds 5] [--seconds 20]   (3 minutes)

The server's service times are lognormal around 150 ms, and it stalls. Runs are of one request, so that a
run's latency is what Locust itself records of its request, rounded to two digits, and merges as well. Every
worker also writes all latencies down; the truth is the value at the rank in all of them together. An error is
the largest of all rounds. Processor time is that of the workers, with our records beside Locust's own.
"""

import argparse
import math
import sys
import tempfile
from array import array
from pathlib import Path

from figures import Circumstances, table
from slo_peers.clients import serving

from gatewright.core.interrupts import end_as_by_ctrl_c
from gatewright.load import Call, LogHistogram, RequestTemplate
from gatewright.plugins.locust import JourneyEntry, Pace, Places, Workload, run_locust
from gatewright.slo import SuccessObjective

WORKERS = 3
SHARES = (0.5, 0.9, 0.95, 0.99)
HEADERS = ("percentile", "all latencies, ms", "merged buckets, ms", "error", "Locust's own, ms", "error")


class Get:
    """A run of one request; workers import it from here."""

    steps = ("get",)

    def __init__(self, origin):
        self.request = RequestTemplate("GET", "/", origin).fill()

    def run(self):
        (yield Call(0, self.request)).expect(200)


def measure(url, rate, seconds, seed):
    """For each percentile: the truth, ours and Locust's, in ms; and the CPU of a request, in microseconds."""
    workload = Workload(
        target=url,
        journeys=(JourneyEntry(name="get", factory="slo_locust_merge:Get"),),
        objectives=(SuccessObjective(0.99),),
        deadline_s=5,
    )
    with tempfile.TemporaryDirectory(prefix="slo-locust-merge-") as folder:
        pace = Pace.spread(rate, seconds, WORKERS, seed=seed)
        measurement = run_locust(workload, pace, places=Places(raw=Path(folder)))
        if measurement.problems:
            sys.exit("; ".join(measurement.problems))
        latencies = array("d")
        for file in Path(folder).glob("*.raw"):
            latencies.frombytes(file.read_bytes())
    merged = LogHistogram()
    for window in measurement.counts.windows:
        merged = merged.merge(window.parts[0].restore())
    ordered = sorted(latencies)
    assert merged.count == len(ordered), "every run was counted once"
    own = {0.95: measurement.locust.p95_ms, 0.99: measurement.locust.p99_ms}
    figures = [
        (ordered[math.ceil(share * len(ordered)) - 1] * 1e3, merged.percentile(share) * 1e3, own.get(share))
        for share in SHARES
    ]
    requests = sum(worker.requests for worker in measurement.workers)
    return figures, sum(worker.cpu_s for worker in measurement.workers) / requests * 1e6


def row(share, rounds):
    """A line of the table: the figures of the last round, the largest errors of all."""
    truth, merged, own = rounds[-1]
    errors = [abs(ours / true - 1) for true, ours, _ in rounds]
    theirs = [abs(rounded / true - 1) for true, _, rounded in rounds if rounded is not None]
    return (
        f"p{share * 100:g}",
        f"{truth:.3f}",
        f"{merged:.3f}",
        f"{max(errors):.3%}",
        "-" if own is None else f"{own:g}",
        f"{max(theirs):.1%}" if theirs else "-",
    )


def main(rounds, seconds, rate):
    """Measure and print the table."""
    end_as_by_ctrl_c()
    circumstances = Circumstances()
    results = []
    with serving("--median-ms", 150, "--stall-ms", 200, longest_s=60 + rounds * (seconds + 60)) as (url, _):
        for number in range(1, rounds + 1):
            print(f"round {number} of {rounds}", file=sys.stderr)
            results.append(measure(url, rate, seconds, number))
    by_share = zip(*(figures for figures, _ in results), strict=True)
    print(table(HEADERS, [row(share, each) for share, each in zip(SHARES, by_share, strict=True)]))
    costs = sorted(cost for _, cost in results)
    print(
        f"\n{rounds} rounds of {seconds:g} s, {rate:g} runs/s, {WORKERS} workers; CPU of the workers for a "
        f"request: median {costs[len(costs) // 2]:.0f} us, {costs[0]:.0f} to {costs[-1]:.0f}. "
        "Goal: within 0.2%."
    )
    print(circumstances.words(packages=("locust", "gevent")))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="how often to measure")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each round")
    parser.add_argument("--rate", type=float, default=150.0, help="runs a second of all workers")
    try:
        main(**vars(parser.parse_args()))
    except KeyboardInterrupt:
        sys.exit("interrupted; all processes were ended")
