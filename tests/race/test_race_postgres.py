"""Races on a real PostgreSQL server: real connections, one statement let through at a time."""

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from planted.postgres_programs import (
    Embrace,
    GuardedPostgresDispatch,
    GuardedPsycopgDispatch,
    LockingPostgresDispatch,
    PostgresDispatch,
    PsycopgDispatch,
    SqlAlchemyPostgresDispatch,
)

from gatewright.core.errors import ConfigurationError
from gatewright.core.verdict import Verdict
from gatewright.race import Budget, PreemptionBounding, RandomWalk, Scenario, explore_postgres
from gatewright.suites.race.replay import replay
from multyagents_api.scenarios.embedded_postgres import EmbeddedPostgres, PostgresError, PostgresMissing

pytestmark = pytest.mark.postgresql

_numbers = count(1)


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    """Tests that want it are skipped where none starts, and fail in CI."""
    started = EmbeddedPostgres()
    try:
        started.start()
    except (PostgresMissing, PostgresError) as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    yield started
    started.stop()


@pytest.fixture
def url(server: EmbeddedPostgres) -> str:
    return server.create_database(f"race{next(_numbers)}")


@pytest.mark.parametrize("scenario", [PostgresDispatch, PsycopgDispatch, SqlAlchemyPostgresDispatch])
def test_a_race_on_a_real_server_is_found(scenario: type[Scenario], url: str, tmp_path: Path) -> None:
    """By each driver, with one preemption; replays that all come out the same prove the schedule exact.

    The tape names no server, so it is not replayed without one.
    """
    found = explore_postgres(
        scenario(), url, strategies=[PreemptionBounding(1)], budget=Budget(failures=1, replays=5)
    )
    assert found.finding is not None
    assert found.finding.tape.failed == {"single-dispatch": ("dispatched 2 times",)}
    assert found.finding.tape.preemptions <= 1
    assert {"SELECT status FROM task", "UPDATE task SET status = 'gone', n = n + 1", "COMMIT"} <= {
        label for _, label in found.finding.tape.steps
    }
    assert (found.finding.reproduced, found.best_effort, found.doubts) == (5, False, [])
    file = tmp_path / "tape.json"
    file.write_text(found.finding.tape.to_json())
    with pytest.raises(ConfigurationError, match="recorded on a database server"):
        replay(file, times=1, allowed=["planted"])


@pytest.mark.parametrize(
    "scenario", [GuardedPostgresDispatch, LockingPostgresDispatch, GuardedPsycopgDispatch]
)
def test_a_guard_on_a_real_server_never_alarms(scenario: type[Scenario], url: str) -> None:
    """A guarded write or a locked row holds; who waits for the lock stops nobody else."""
    found = explore_postgres(
        scenario(), url, strategies=[PreemptionBounding(2), RandomWalk(1, 10)], keep=1000
    )
    assert (found.verdict, found.failed, found.doubts) == (Verdict.PASS, 0, [])
    assert found.best_effort
    steps = [step for each in found.iterations for step in each.race.trace.steps]
    assert any(step.within == ["waited for a lock"] for step in steps)


def test_an_embrace_ends_as_the_server_ends_it(url: str) -> None:
    """Two that wait for each other are told apart by the server, and the request that it ends is a finding."""
    found = explore_postgres(
        Embrace(), url, strategies=[PreemptionBounding(1)], budget=Budget(failures=1, replays=0)
    )
    assert found.finding is not None
    assert "DeadlockDetectedError" in found.finding.tape.failed["no-server-error"][0]


def test_no_server_is_told_in_one_line() -> None:
    """With its address."""
    with pytest.raises(ConfigurationError, match="no PostgreSQL server at postgresql://"):
        explore_postgres(PostgresDispatch(), "postgresql://nobody@127.0.0.1:1/none")
