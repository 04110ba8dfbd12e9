"""Schedules of preemption bounding with and without reduction, and whether both find the same.

Usage: PYTHONPATH=src:tests:apps/api/src python benchmarks/race_reduction.py [BOUND ...]   (default: 1 2)
"""

import sys
import time

from planted.dispatch_programs import GuardedDispatch, LockedDispatch, RacyDispatch, SnapshotDispatch
from planted.plain_programs import DeepRace, LockOrder
from planted.sqlalchemy_programs import GuardedSqlAlchemyDispatch, SqlAlchemyDispatch
from tabulate import tabulate

from gatewright.race import Arena, Budget, PreemptionBounding, explore
from multyagents_api.scenarios.races.dispatches import SCENARIOS

PLANTED = (
    RacyDispatch,
    GuardedDispatch,
    LockedDispatch,
    SnapshotDispatch,
    SqlAlchemyDispatch,
    GuardedSqlAlchemyDispatch,
    DeepRace,
    LockOrder,
)
EVERYTHING = Budget(schedules=100_000, failures=1_000_000, wall_clock_s=3600, replays=0)
HEADERS = (
    "scenario", "bound", "schedules without", "with", "left out", "CPU s without", "with", "same violated"
)  # fmt: skip


def measure(scenario, bound, *, reduction):
    """The exploration, and the seconds of CPU that it took."""
    with Arena(scenario()) as arena:
        began = time.process_time()
        strategy = PreemptionBounding(bound, reduction=reduction)
        found = explore(scenario(), strategies=[strategy], budget=EVERYTHING, arena=arena, keep=0)
        return found, time.process_time() - began


def compare(scenario, bound):
    """One row of the table."""
    full, slow = measure(scenario, bound, reduction=False)
    reduced, fast = measure(scenario, bound, reduction=True)
    same = {name for name, count in full.violated.items() if count} == {
        name for name, count in reduced.violated.items() if count
    }
    counts = (full.schedules, reduced.schedules, reduced.pruned)
    return scenario.name, bound, *counts, f"{slow:.2f}", f"{fast:.2f}", "yes" if same else "NO"


def main(bounds):
    """Compare at each bound."""
    rows = [compare(scenario, bound) for bound in bounds for scenario in (*SCENARIOS, *PLANTED)]
    print(tabulate(rows, headers=HEADERS))


if __name__ == "__main__":
    main([int(bound) for bound in sys.argv[1:]] or [1, 2])
