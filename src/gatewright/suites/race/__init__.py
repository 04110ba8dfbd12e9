"""Race suites: scenarios are explored and stressed, and what was found becomes evidence."""

from gatewright.suites.race.config import RaceSuiteConfig
from gatewright.suites.race.replay import ReplayOutcome, replay
from gatewright.suites.race.report import RaceReport
from gatewright.suites.race.self_check import check_faults, find_faults
from gatewright.suites.race.shards import merge, read_shards
from gatewright.suites.race.suite import (
    RaceSuite,
    announce_race,
    publish_race_report,
    run_race_suite,
)

__all__ = [
    "RaceReport",
    "RaceSuite",
    "RaceSuiteConfig",
    "ReplayOutcome",
    "announce_race",
    "check_faults",
    "find_faults",
    "merge",
    "publish_race_report",
    "read_shards",
    "replay",
    "run_race_suite",
]
