"""Suites of drills: something is done to a service, and what must hold all the same is looked at."""

from gatewright.core.errors import NotHere
from gatewright.suites.drill.command import drill_command
from gatewright.suites.drill.logbook import Drill, Expectation, Logbook
from gatewright.suites.drill.report import DrillReport, DrillResult
from gatewright.suites.drill.suite import (
    DrillSuite,
    DrillSuiteConfig,
    publish_drill_report,
    run_drill_suite,
)

__all__ = [
    "Drill",
    "DrillReport",
    "DrillResult",
    "DrillSuite",
    "DrillSuiteConfig",
    "Expectation",
    "Logbook",
    "NotHere",
    "drill_command",
    "publish_drill_report",
    "run_drill_suite",
]
