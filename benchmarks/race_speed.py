"""Schedules per second of the race engine on planted programs, and how soon it finds a deep race.

Usage: PYTHONPATH=src:tests python benchmarks/race_speed.py [SECONDS]   (default: 3 a figure)
"""

import sys
import time

from planted.dispatch_programs import GuardedDispatch
from planted.memory_programs import GuardedMemoryDispatch
from planted.plain_programs import DeepRace
from planted.sqlalchemy_programs import GuardedSqlAlchemyDispatch

from gatewright.race import Arena, Budget, PreemptionBounding, RandomWalk, explore

MANY = 1_000_000


class ThreeInMemory(GuardedMemoryDispatch):
    size = 3


class ThreeWithSqlite(GuardedDispatch):
    size = 3


FIGURES = (
    ("in-memory ASGI, 2 actors", GuardedMemoryDispatch, 2000),
    ("in-memory ASGI, 3 actors", ThreeInMemory, 2000),
    ("FastAPI + sqlite3, 2 actors", GuardedDispatch, None),
    ("FastAPI + sqlite3, 3 actors", ThreeWithSqlite, None),
    ("FastAPI + SQLAlchemy + SQLite, 2 actors", GuardedSqlAlchemyDispatch, 300),
)


def speed(scenario, seconds):
    """Random schedules a second, oracles included; those per second of CPU tell it on a busy machine too."""
    with Arena(scenario()) as arena:
        arena.prepare(scenario())
        explore(scenario(), strategies=[RandomWalk(1, 20)], arena=arena)
        began, cpu = time.perf_counter(), time.process_time()
        budget = Budget(schedules=MANY, failures=MANY, wall_clock_s=seconds)
        found = explore(scenario(), strategies=[RandomWalk(1, MANY)], budget=budget, arena=arena)
        wall, cpu = time.perf_counter() - began, time.process_time() - cpu
        return f"{found.schedules / wall:.0f} schedules/s, {found.schedules / cpu:.0f} per second of CPU"


def main(seconds):
    """Print all figures."""
    for name, scenario, goal in FIGURES:
        aim = f" (goal: {goal})" if goal else ""
        print(f"{name}: {speed(scenario, seconds)}{aim}")
    found = explore(DeepRace(), strategies=[PreemptionBounding(1)], budget=Budget(failures=1))
    print(f"deep race: found by preemption bounding with schedule {found.first_failure} (goal: <= 25)")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 3.0)
