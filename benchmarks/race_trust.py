"""May the race suite be trusted: false alarms on the correct API, and replays of what was found.

Usage: PYTHONPATH=src:tests:apps/api/src python benchmarks/race_trust.py [SCHEDULES]   (default: 10000)
"""

import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from planted.dispatch_programs import RacyDispatch

from gatewright.race import Budget, PreemptionBounding, PriorityChanges, RandomWalk, explore
from multyagents_api.concurrency_stress import SCENARIOS
from multyagents_api.scenarios.planted.faults import double_dispatch
from multyagents_api.scenarios.races.dispatches import ParallelDispatch

REPLAYS = 100
PROCESSES = 10
REPLAY = """
import sys
from pathlib import Path
from gatewright.suites.race.replay import replay
outcome = replay(Path(sys.argv[1]), 1, allowed=["planted"])
sys.exit(0 if outcome.reproduced == 1 else 1)
"""


def false_alarms(schedules):
    """Explore every scenario of the correct API in equal parts; returns schedules and failing ones."""
    part = -(-schedules // len(SCENARIOS))
    run = failing = 0
    for scenario in SCENARIOS:
        strategies = [
            PreemptionBounding(2, most=part // 2, reduction=False),
            PriorityChanges(2, 1, part // 6),
            PriorityChanges(3, 1, part // 6),
            RandomWalk(1, part),
        ]
        budget = Budget(schedules=part, wall_clock_s=3600, replays=0)
        found = explore(scenario(), strategies=strategies, budget=budget, keep=0)
        print(f"  {scenario.name}: {found.schedules} schedules, {found.verdict}", flush=True)
        run += found.schedules
        failing += sum(found.violated.values())
    return run, failing


def replays_in_process():
    """How often the counterexample of a planted double dispatch fails in the same way again."""
    with double_dispatch():
        budget = Budget(failures=1, replays=REPLAYS)
        finding = explore(ParallelDispatch(), strategies=[PreemptionBounding(2)], budget=budget).finding
    return finding.reproduced, finding.replays


def replays_across_processes():
    """The same in fresh processes, each under a hash seed of its own."""
    budget = Budget(failures=1, replays=1)
    tape = explore(RacyDispatch(), strategies=[PreemptionBounding(2)], budget=budget).finding.tape
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "racy.tape.json")
        file.write_text(tape.to_json(), encoding="utf-8")
        codes = [
            subprocess.run(
                [sys.executable, "-c", REPLAY, str(file)],
                env={**os.environ, "PYTHONHASHSEED": str(seed)},
                check=False,
            ).returncode
            for seed in range(PROCESSES)
        ]
    return codes.count(0), len(codes)


def main():
    schedules = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{machine}, {datetime.now(UTC):%Y-%m-%d}")
    began = time.perf_counter()
    run, failing = false_alarms(schedules)
    print(f"correct API: {failing} alarms in {run:,} schedules, {run / (time.perf_counter() - began):.0f}/s")
    print("replays in one process: {} of {}".format(*replays_in_process()))
    print("replays in fresh processes, other hash seeds: {} of {}".format(*replays_across_processes()))


if __name__ == "__main__":
    main()
