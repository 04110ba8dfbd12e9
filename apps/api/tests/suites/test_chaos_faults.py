"""The chaos suite sees what it is there for: each drill fails, by the name of what is broken, under its fault."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from gatewright.core.verdict import Verdict
from gatewright.suites.drill import DrillReport
from multyagents_api.chaos import ChaosConfig, run_chaos_suite
from multyagents_api.scenarios.chaos.stage import Amount

pytestmark = pytest.mark.end_to_end

HAMPERED = """
import os, sys
from contextlib import ExitStack
from multyagents_api.__main__ import main
from multyagents_api.scenarios.planted import chaos as planted_chaos
from multyagents_api.scenarios.planted import restarts as planted_restarts
from multyagents_api.scenarios.skewed_server import VARIABLE, skewed
with ExitStack() as faults:
    if VARIABLE in os.environ:
        faults.enter_context(skewed())
    for name in sys.argv[1].split():
        module = planted_chaos if hasattr(planted_chaos, name) else planted_restarts
        faults.enter_context(getattr(module, name)())
    sys.exit(main(sys.argv[2:]))
"""
"""The service, or a runner, with faults planted for as long as it runs; the service itself stays as it is."""

ON_SQLITE = {
    ("runner-unreachable", "active_tasks_dispatched_again"): {"nothing-dispatched-twice"},
    ("disk-full", "full_disk_unhandled"): {"no-internal-error"},
    ("clock-jump", "clock_trusted"): {"recovers"},
    ("clock-jump", "stale_callbacks_applied"): {"stale-is-refused"},
    ("runner-unreachable", "nobody_sweeps"): {"recovers"},
    ("runner-unreachable", "delivered_twice"): {"delivered-once"},
    ("runner-killed", "leases_never_end careless_supervisor"): {"recovers", "no-survivors"},
}
ON_POSTGRESQL = {
    ("database-restarted", "lost_database_unhandled always_ready commits_not_waited_for"): {
        "no-internal-error",
        "ready-tells-the-truth",
        "nothing-acknowledged-lost",
    },
    ("network-cut", "no_time_limit"): {"answers-in-time"},
}
"""By drill and faults of the service, what must be seen of them."""

PATIENCE_S, LONGEST_S = 6.0, 5.0
UNHURRIED_S = 20.0
"""For an answer where none is missed on purpose: a dozen processes start at once here."""


def carried_out(asked: tuple[str, str]) -> DrillReport:
    """One drill of the service with faults."""
    drill, faults = asked
    command = (sys.executable, "-c", HAMPERED, faults)
    longest_s, places = (LONGEST_S, ("postgresql",)) if asked in ON_POSTGRESQL else (UNHURRIED_S, ("sqlite",))
    amount = Amount(patience_s=PATIENCE_S, longest_s=longest_s, command=command, skewed_command=command)
    return run_chaos_suite(ChaosConfig(drills=(drill,), places=places, amount=amount))


@pytest.fixture(scope="module")
def on_sqlite() -> dict[tuple[str, str], DrillReport]:
    """The reports; at the same time, since each drill waits a lot."""
    with ThreadPoolExecutor(4) as pool:
        return dict(zip(ON_SQLITE, pool.map(carried_out, ON_SQLITE), strict=True))


def check(report: DrillReport, expected: set[str]) -> None:
    """It fails, by the names of what is broken."""
    seen = {each.name for drill in report.drills for each in drill.expectations if each.violated}
    assert seen >= expected, [(drill.doubts, drill.timeline) for drill in report.drills]
    assert report.verdict is Verdict.FAIL
    assert {f"chaos/{name}" for name in expected} <= {reason.rule for reason in report.reasons}


@pytest.mark.parametrize("asked", ON_SQLITE)
def test_a_fault_is_seen_by_its_name(
    on_sqlite: dict[tuple[str, str], DrillReport], asked: tuple[str, str]
) -> None:
    """By the drill that takes away what the fault is about."""
    check(on_sqlite[asked], ON_SQLITE[asked])


@pytest.mark.postgresql
@pytest.mark.parametrize("asked", ON_POSTGRESQL)
def test_a_fault_on_postgresql_is_seen_by_its_name(asked: tuple[str, str]) -> None:
    """By the drill that takes away what the fault is about."""
    report = carried_out(asked)
    if report.skipped:
        pytest.skip(report.skipped[0].reason)
    check(report, ON_POSTGRESQL[asked])
