"""What a long history costs a gate: PYTHONPATH=src:tests python benchmarks/long_history.py [RUNS]."""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from fakes.ledgers import entry, ledger_check

from gatewright.evidence.ledger import append_entry, find_breaks, head_now, read_ledger, read_recent
from gatewright.evidence.trends import flake_rate, trend

CHECKS = 10
METRICS = 6
TRIES = 5


def main() -> None:
    """Write a history of ten checks with six metrics each, then time what readers and runs do with it."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.jsonl"
        start = time.perf_counter()
        for number in range(runs):
            metrics = {f"metric_{place}_ms": number % 97 + place / 10 for place in range(METRICS)}
            checks = {f"check-{place}": ledger_check(**metrics) for place in range(CHECKS)}
            append_entry(path, entry(number % 1000, **checks))
        took = time.perf_counter() - start
        print(f"{runs} runs, {CHECKS} checks of {METRICS} metrics: {path.stat().st_size / 1e6:.1f} MB")
        print(f"append and fsync, mean over all: {took / runs * 1e3:.2f} ms")
        show("find its end (every run)", lambda: head_now(path))
        show("follow the chain (every run)", lambda: find_breaks(path))
        show("read the newest 100 runs (every run)", lambda: read_recent(path, 100))
        recent = read_recent(path, 100)
        show(
            "flake rate and trend of one check over 100 runs",
            lambda: (flake_rate(recent, "check-1"), trend(recent, "check-1", "metric_1_ms")),
        )
        show("read and validate all runs", lambda: read_ledger(path), tries=1)
        print(f"load average at the end: {os.getloadavg()[0]:.1f}")


def show(what: str, work: Callable[[], object], tries: int = TRIES) -> None:
    """Print the fastest of some tries."""
    times = []
    for _ in range(tries):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    print(f"{what}: {min(times) * 1e3:.1f} ms")


if __name__ == "__main__":
    main()
