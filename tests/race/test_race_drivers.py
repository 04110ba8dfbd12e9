"""Points reach unmodified code behind drivers, locks and clients of others."""

import pytest
from planted.driver_programs import (
    AiosqliteDispatch,
    AsyncSqlAlchemyDispatch,
    EarlyRelease,
    GuardedAiosqliteDispatch,
    GuardedAsyncSqlAlchemyDispatch,
    LockAcrossAwait,
    Outbound,
    OutboundApp,
    Primitives,
    SyncOutbound,
)
from planted.spellings import AsyncSpelling, File, SqlRow, in_lane

from gatewright.core.verdict import Verdict
from gatewright.race import (
    Budget,
    Exploration,
    PreemptionBounding,
    ProcessModel,
    RandomWalk,
    Scenario,
    explore,
)

pytestmark = pytest.mark.thorough

SEPARATE, SHARED = ProcessModel.SEPARATE, ProcessModel.SHARED
BOTH = pytest.mark.parametrize("model", [SEPARATE, SHARED])


def bounded(scenario: type[Scenario], model: ProcessModel, bound: int = 1) -> Exploration:
    return explore(scenario(), strategies=[PreemptionBounding(bound)], budget=Budget(failures=1), model=model)


def labels(found: Exploration) -> set[str]:
    assert found.finding is not None
    return {label for _, label in found.finding.tape.steps}


@BOTH
@pytest.mark.parametrize("scenario", [AiosqliteDispatch, AsyncSqlAlchemyDispatch])
def test_statements_of_aiosqlite_are_points(scenario: type[Scenario], model: ProcessModel) -> None:
    """Alone and below SQLAlchemy, in both process models, without any thread."""
    found = bounded(scenario, model)
    assert found.finding is not None
    assert found.finding.tape.failed == {"single-dispatch": ("dispatched 2 times",)}
    assert found.finding.reproduced == found.finding.replays
    assert {"SELECT status FROM task", "COMMIT"} <= labels(found)


@BOTH
@pytest.mark.parametrize("scenario", [GuardedAiosqliteDispatch, GuardedAsyncSqlAlchemyDispatch])
def test_a_guard_through_aiosqlite_never_alarms(scenario: type[Scenario], model: ProcessModel) -> None:
    """Also where one waits for the other's transaction."""
    found = explore(scenario(), strategies=[PreemptionBounding(1), RandomWalk(4, 60)], model=model)
    assert (found.verdict, found.failed, found.doubts) == (Verdict.PASS, 0, [])


def test_operations_of_asyncio_s_primitives_are_points() -> None:
    """Each has a name in the schedule, and a right program passes."""
    found = explore(Primitives(), strategies=[PreemptionBounding(1)], model=SHARED, keep=1000)
    assert found.verdict is Verdict.PASS
    seen = {step.label for each in found.iterations for step in each.race.trace.steps}
    noted = {label for each in found.iterations for step in each.race.trace.steps for label in step.within}
    assert {"Lock.acquire", "Event.wait", "Semaphore.acquire", "Queue.get", "Queue.put"} <= seen
    assert {"Lock.release", "Event.set", "Condition.notify_all", "Semaphore.release"} <= noted


@BOTH
def test_a_lock_given_back_too_early_is_found(model: ProcessModel) -> None:
    """The point before a lock is taken lets another in, though nothing else yields."""
    assert bounded(EarlyRelease, model).verdict is Verdict.FAIL


def test_a_threads_lock_across_an_await_is_a_deadlock_in_one_loop() -> None:
    """The loop itself waits for a lock that only it could give back; between processes it would be none."""
    found = bounded(LockAcrossAwait, SHARED)
    assert found.finding is not None
    assert "at Lock.acquire" in found.finding.tape.failed["no-deadlock-or-livelock"][0]


@BOTH
@pytest.mark.parametrize("scenario", [Outbound, SyncOutbound, OutboundApp])
def test_outbound_requests_are_points(scenario: type[Scenario], model: ProcessModel) -> None:
    """Named without their query; the answer comes from where the program's own transport gets it."""
    found = bounded(scenario, model)
    assert found.verdict is Verdict.FAIL
    assert {"GET http://other.test/count", "PUT http://other.test/count"} <= labels(found)


@pytest.mark.thorough
@pytest.mark.parametrize(
    "scenario",
    [AiosqliteDispatch, AsyncSqlAlchemyDispatch, EarlyRelease, LockAcrossAwait, Primitives, Outbound]
    + [in_lane(AsyncSpelling, spelling, corrected=False) for spelling in (SqlRow, File)]
    + [in_lane(AsyncSpelling, spelling, corrected=True) for spelling in (SqlRow, File)],
    ids=lambda each: each.__name__,
)
def test_leaving_out_equivalent_schedules_loses_no_outcome(scenario: type[Scenario]) -> None:
    """Locks, files and requests are seen by the reduction: the same violations come out with it and without."""
    many = Budget(failures=1_000_000, replays=0)
    outcomes = [
        {
            str(sorted(each.race.failures.items()))
            for each in explore(
                scenario(),
                strategies=[PreemptionBounding(2, reduction=reduction)],
                budget=many,
                model=SEPARATE,
                keep=0,
            ).iterations
        }
        for reduction in (True, False)
    ]
    assert outcomes[0] == outcomes[1]
