"""The races of the API on a real PostgreSQL server: its own locks, one statement let through at a time."""

import itertools

import pytest

from gatewright.core.verdict import Verdict
from gatewright.race import Budget, PreemptionBounding, Scenario, explore_postgres
from gatewright.race.selfcheck import PlantedFault
from multyagents_api.scenarios.planted.dispatches import double_dispatch
from multyagents_api.scenarios.planted.on_postgres import POSTGRES_FAULTS
from multyagents_api.scenarios.races.suite import REQUIRED, STRESSED, ParallelDispatch

pytestmark = pytest.mark.postgresql

_numbers = itertools.count()


@pytest.fixture
def url(postgres_server) -> str:
    return postgres_server.create_database(f"raced{next(_numbers)}")


@pytest.mark.parametrize("scenario", STRESSED)
def test_the_api_holds_on_a_real_server(scenario: type[Scenario], url):
    """No schedule of the first sixty breaks anything, and nothing about them is in doubt."""
    budget = Budget(schedules=60, failures=1)
    found = explore_postgres(scenario(), url, strategies=[PreemptionBounding(1)], budget=budget)
    assert (found.verdict, found.doubts) == (Verdict.PASS, [])
    assert found.schedules > (20 if scenario in REQUIRED else 3)


def test_a_planted_fault_is_found_there_too(url):
    """Double dispatch, with the tape replayed exactly each time."""
    with double_dispatch():
        found = explore_postgres(
            ParallelDispatch(), url, strategies=[PreemptionBounding(1)], budget=Budget(failures=1, replays=5)
        )
    assert found.finding is not None
    assert "one-active-attempt" in found.finding.tape.failed
    assert (found.finding.reproduced, found.best_effort) == (5, False)


@pytest.mark.parametrize(
    ("fault", "invariant"),
    list(zip(POSTGRES_FAULTS, ["exclusive-paths", "rerun-by-the-rules"], strict=True)),
    ids=[fault.name for fault in POSTGRES_FAULTS],
)
def test_a_lock_taken_out_is_seen_where_transactions_run_side_by_side(
    fault: PlantedFault, invariant: str, url
):
    """SQLite, which lets one transaction write at a time, could not show it."""
    budget = Budget(schedules=60, failures=1, replays=3)
    with fault.plant():
        found = explore_postgres(fault.scenario(), url, strategies=[PreemptionBounding(1)], budget=budget)
    assert found.finding is not None
    assert invariant in found.finding.tape.failed
