"""What a request costs a load client in processor time, recording included: ours and others in turns.

Usage: uv venv .slo-peers
       uv pip install --python .slo-peers/bin/python -r benchmarks/requirements-slo-peers.txt
       apt-get install wrk
       PYTHONPATH=src .slo-peers/bin/python benchmarks/slo_clients.py [--rounds 7] [--seconds 3]   (6 minutes)

The server answers everything at once. *Saturated*: 32 workers, users or runs that never wait. *Paced*:
1,000 requests a second; ours by an open loop of runs of one request each (its dearest case), the others by 32
workers who wait for their turns; wrk knows no rate. aiohttp and httpx are given uvloop, keep-alive and the
least recording there is (a float for each request); Locust records as it does. Processor time is that of the
client's process, kernel included, from open connections to known percentiles. A client that is not installed
is skipped, and named.
"""

import argparse
import math
import sys
from dataclasses import dataclass

from figures import Circumstances, table
from slo_peers.clients import AIOHTTP, HTTPX, LOCUST, OURS, WRK, Client, in_turns, middle, run_block, serving

from gatewright.core.interrupts import end_as_by_ctrl_c

WORKERS = 32
START_UP_S = 2.0
GOAL = "Goal: ours at most 20 us, saturated."
HEADERS = ("load", "client", "requests/s", "us of CPU a request", "from - to", "times ours")


@dataclass(frozen=True)
class Lane:
    """A client under a load; rate 0 saturates it."""

    client: Client
    rate: float = 0.0

    @property
    def load(self):
        return f"{self.rate:,.0f}/s" if self.rate else "saturated"

    def __str__(self):
        return f"{self.load}, {self.client.name}"


def row(lane, blocks, ours):
    """A line of the table: medians over rounds."""
    cost = middle(blocks, lambda block: block.cpu_us)
    costs = [block.cpu_us for block in blocks]
    ratio = cost / middle(ours, lambda block: block.cpu_us) if ours else math.nan
    return (
        lane.load,
        lane.client.name,
        f"{middle(blocks, lambda block: block.rate):,.0f}",
        f"{cost:,.1f}",
        f"{min(costs):,.1f} - {max(costs):,.1f}",
        f"{ratio:,.1f}",
    )


def main(rounds, seconds, rate):
    """Measure all lanes in turns and print the table."""
    end_as_by_ctrl_c()
    clients = (OURS, WRK, AIOHTTP, LOCUST, HTTPX)
    skipped = [client.missing for client in clients if client.missing]
    there = [client for client in clients if not client.missing]
    lanes = [Lane(client) for client in there] + [Lane(client, rate) for client in there if client != WRK]
    longest_s = math.ceil(rounds * len(lanes) * (seconds + START_UP_S))
    print(f"about {longest_s / 60:.1f} minutes", file=sys.stderr)
    circumstances = Circumstances()
    with serving("--median-ms", 0, "--stall-ms", 0, longest_s=10 * longest_s) as (url, _):

        def measure(lane, number):
            return run_block(lane.client, url, workers=WORKERS, rate=lane.rate, seconds=seconds, seed=number)

        results, complaints = in_turns(rounds, lanes, measure)
    rows = [row(lane, blocks, results.get(Lane(OURS, lane.rate))) for lane, blocks in results.items()]
    print(table(HEADERS, rows))
    print(f"\nMedians of {rounds} blocks of {seconds:g} s in turns; ratios are of medians. {GOAL}")
    print("\n".join(skipped + complaints))
    packages = ("uvloop", "httptools", "aiohttp", "locust", "httpx")
    print(circumstances.words(packages=packages, programs=("wrk",)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7, help="turns of each client")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each block")
    parser.add_argument("--rate", type=float, default=1000.0, help="requests a second, where paced")
    try:
        main(**vars(parser.parse_args()))
    except KeyboardInterrupt:
        sys.exit("interrupted; all processes were ended")
