"""Schedules per second in each lane of the race engine, on planted programs, right and racy.

    PYTHONPATH=src:tests python benchmarks/race_lanes.py [--schedules N]

Per second of processor time, so that a busy machine matters less; the lane of a real server waits for the
server most of the time, so it is measured by the clock. Prints one line for each figure.
"""

import argparse
import time
from collections.abc import Callable

from planted.dispatch_programs import GuardedDispatch
from planted.driver_programs import GuardedAsyncSqlAlchemyDispatch
from planted.postgres_programs import GuardedPostgresDispatch
from planted.spellings import DictItem, ThreadSpelling, in_lane
from planted.sqlalchemy_programs import GuardedSqlAlchemyDispatch
from planted.sync_programs import GuardedSyncDispatch
from planted.thread_programs import GuardedThreadDispatch, LockedCounter

from gatewright.race import (
    Budget,
    Exploration,
    ProcessModel,
    RandomWalk,
    Scenario,
    ThreadScenario,
    explore,
    explore_postgres,
    explore_threads,
)
from multyagents_api.scenarios.embedded_postgres import EmbeddedPostgres

MANY = Budget(failures=1_000_000, replays=0)
SERVER_SHARE = 10


def measure(what: str, run: Callable[[], Exploration], clock: Callable[[], float]) -> None:
    began = clock()
    found = run()
    print(f"{what}: {found.schedules / (clock() - began):,.0f} schedules/s, {found.verdict}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--schedules", type=int, default=1000)
    schedules = arguments.parse_args().schedules

    def walks() -> list[RandomWalk]:
        return [RandomWalk(1, schedules)]

    def async_lane(scenario: Scenario, model: ProcessModel) -> Callable[[], Exploration]:
        return lambda: explore(scenario, strategies=walks(), budget=MANY, model=model)

    def threads(scenario: ThreadScenario) -> Callable[[], Exploration]:
        return lambda: explore_threads(scenario, strategies=walks(), budget=MANY)

    separate, shared = ProcessModel.SEPARATE, ProcessModel.SHARED
    lanes = {
        "sqlite3 in async endpoints": async_lane(GuardedDispatch(), separate),
        "SQLAlchemy in async endpoints": async_lane(GuardedSqlAlchemyDispatch(), separate),
        "SQLAlchemy async over aiosqlite": async_lane(GuardedAsyncSqlAlchemyDispatch(), separate),
        "SQLAlchemy sessions in synchronous endpoints, processes": async_lane(
            GuardedSyncDispatch(), separate
        ),
        "SQLAlchemy sessions in synchronous endpoints, threads": async_lane(GuardedSyncDispatch(), shared),
        "threads by lines, racy": threads(in_lane(ThreadSpelling, DictItem, corrected=False)()),
        "threads by lines, locked": threads(in_lane(ThreadSpelling, DictItem, corrected=True)()),
        "threads by instructions, locked": threads(LockedCounter()),
        "threads by lines, sqlite3": threads(GuardedThreadDispatch()),
    }
    for what, run in lanes.items():
        measure(what, run, time.process_time)
    with EmbeddedPostgres() as server:
        few = [RandomWalk(1, max(1, schedules // SERVER_SHARE))]
        scenario, url = GuardedPostgresDispatch(), server.create_database("lanes")
        run_there = lambda: explore_postgres(scenario, url, strategies=few, budget=MANY)  # noqa: E731 - as above
        measure("asyncpg on a real server", run_there, time.perf_counter)


if __name__ == "__main__":
    main()
