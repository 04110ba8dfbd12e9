"""What an exploration finds in planted programs, and what it must never find in right ones."""

import pytest
from planted.dispatch_programs import (
    BlindDispatch,
    Dispatch,
    FailingSetup,
    GuardedDispatch,
    ImpatientDispatch,
    LockedDispatch,
    LonelyDispatch,
    MoodyDispatch,
    RacyDispatch,
    SnapshotDispatch,
    ThreadedDispatch,
)
from planted.plain_programs import AsyncLockOrder, Crash, DeepRace, LockOrder, LostUpdate, Sleepers, Spin
from planted.sqlalchemy_programs import GuardedSqlAlchemyDispatch, SqlAlchemyDispatch

from gatewright.core.verdict import Verdict
from gatewright.race import (
    Arena,
    Budget,
    Fifo,
    PreemptionBounding,
    ProcessModel,
    RandomWalk,
    Scenario,
    SetupFailed,
    explore,
)

MANY = Budget(failures=1_000_000)


def test_check_then_act_is_found_with_one_preemption() -> None:
    """The minimal counterexample of a check-then-act race preempts once, and replays every time."""
    found = explore(RacyDispatch(), strategies=[PreemptionBounding(2)], budget=MANY)
    assert found.verdict is Verdict.FAIL
    assert found.finding is not None
    assert found.finding.tape.preemptions == 1
    assert found.finding.replays == found.finding.reproduced == 20
    assert found.finding.tape.failed == {
        "single-dispatch": ("dispatched 2 times", "2 actors were told that they dispatched it")
    }


@pytest.mark.parametrize("scenario", [GuardedDispatch, LockedDispatch, GuardedSqlAlchemyDispatch])
def test_a_guarded_program_never_alarms(scenario: type[Scenario]) -> None:
    """A guard in the statement or a lock taken before the read holds under every schedule."""
    found = explore(scenario(), strategies=[Fifo(), PreemptionBounding(3), RandomWalk(7, 100)])
    assert (found.verdict, found.failed, found.doubts) == (Verdict.PASS, 0, [])
    assert found.evaluated["single-dispatch"] == found.schedules


def test_an_unmodified_sqlalchemy_service_is_reached() -> None:
    """Statements of SQLAlchemy are points, though nothing in the service knows of them."""
    found = explore(SqlAlchemyDispatch(), strategies=[PreemptionBounding(1)])
    assert found.verdict is Verdict.FAIL
    assert found.finding is not None
    assert ("alice", "COMMIT") in found.finding.tape.steps


def test_what_one_event_loop_makes_atomic_is_found_out_between_processes() -> None:
    """A check-then-act without an await in between holds in one process and breaks in several."""
    shared = explore(RacyDispatch(), strategies=[PreemptionBounding(2)], model=ProcessModel.SHARED)
    separate = explore(RacyDispatch(), strategies=[PreemptionBounding(2)], model=ProcessModel.SEPARATE)
    assert (shared.verdict, separate.verdict) == (Verdict.PASS, Verdict.FAIL)


def test_a_lost_update_is_found_within_one_event_loop() -> None:
    """In the shared model actors interleave where code really yields."""
    found = explore(LostUpdate(), strategies=[PreemptionBounding(1)], model=ProcessModel.SHARED)
    assert found.violated["counted"] == found.failed > 0


def test_the_deep_race_takes_few_schedules() -> None:
    """A window of one step against a rival of fifteen is found by bounding within 25 schedules."""
    natural = explore(DeepRace(), strategies=[Fifo()])
    bounded = explore(DeepRace(), strategies=[PreemptionBounding(1)], budget=Budget(failures=1))
    assert natural.failed == 0
    assert bounded.failed == 1
    assert bounded.first_failure <= 25


def test_a_deadlock_between_databases_is_a_failure() -> None:
    """Two actors that lock two files in opposite orders stand still for ever in some schedule."""
    found = explore(LockOrder(), strategies=[PreemptionBounding(1)])
    assert found.finding is not None
    assert "BEGIN IMMEDIATE" in found.finding.tape.failed["no-deadlock-or-livelock"][0]
    assert found.finding.reproduced == found.finding.replays


def test_a_deadlock_between_locks_of_the_loop_is_a_failure() -> None:
    """An actor that waits for a future that never comes is stuck, not done."""
    found = explore(AsyncLockOrder(), strategies=[PreemptionBounding(1)], model=ProcessModel.SHARED)
    assert found.violated["no-deadlock-or-livelock"] > 0


def test_a_livelock_ends_at_the_step_budget() -> None:
    """An actor that asks for ever, while nobody else gets a turn, is stopped and reported."""
    with Arena(Spin(), max_steps=500) as arena:
        found = explore(Spin(), strategies=[PreemptionBounding(1)], arena=arena, budget=Budget(schedules=40))
    assert found.violated["no-deadlock-or-livelock"] > 0
    assert found.failed < found.schedules


def test_a_snapshot_too_old_to_write_is_not_waited_for() -> None:
    """BUSY_SNAPSHOT reaches the program at once, because waiting never helps."""
    found = explore(SnapshotDispatch(), strategies=[PreemptionBounding(1)], budget=MANY)
    assert found.violated["no-server-error"] > 0
    assert found.violated["no-deadlock-or-livelock"] == 0


def test_a_connection_that_refuses_to_wait_is_not_made_to() -> None:
    """A busy timeout of zero is taken at its word: the lock of another is an error at once."""
    found = explore(ImpatientDispatch(), strategies=[PreemptionBounding(1)], budget=MANY)
    assert found.violated["no-server-error"] > 0


def test_an_actor_that_crashes_is_a_failure() -> None:
    """Whatever an actor raises is a violation, and says who raised what."""
    found = explore(Crash(), strategies=[PreemptionBounding(1)], model=ProcessModel.SHARED)
    assert found.finding is not None
    assert "RuntimeError: somebody was faster" in found.finding.tape.failed["no-actor-crash"][0]


def test_time_is_virtual() -> None:
    """Hours of sleep pass in no time, in their order."""
    found = explore(Sleepers(), strategies=[Fifo(), PreemptionBounding(1)])
    assert found.failed == 0


@pytest.mark.parametrize(
    ("scenario", "doubt"),
    [
        (LonelyDispatch, "in no schedule did two actors overlap"),
        (ThreadedDispatch, "threads"),
        (MoodyDispatch, "the same schedule never did the same twice"),
        (BlindDispatch, "KeyError"),
    ],
)
def test_what_could_not_be_raced_is_inconclusive(scenario: type[Dispatch], doubt: str) -> None:
    """No overlap, foreign threads, another program each time, a blind oracle: never PASS, and a reason."""
    found = explore(
        scenario(), strategies=[PreemptionBounding(1)], budget=Budget(schedules=10, failures=1, replays=1)
    )
    assert found.doubts
    assert any(doubt in why for why in found.doubts)
    assert found.verdict is not Verdict.PASS


def test_a_wall_clock_that_runs_out_forbids_a_pass() -> None:
    """An exploration that was cut off says so."""
    found = explore(GuardedDispatch(), budget=Budget(wall_clock_s=0.0))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "stopped by the wall clock" in found.doubts[0]


def test_the_natural_order_alone_is_no_proof() -> None:
    """One schedule that found nothing is INCONCLUSIVE, also where it meets a budget of one."""
    assert explore(GuardedDispatch(), strategies=[Fifo()]).verdict is Verdict.INCONCLUSIVE
    met = explore(GuardedDispatch(), strategies=[Fifo()], budget=Budget(schedules=1))
    assert met.verdict is Verdict.INCONCLUSIVE
    assert met.doubts == ["only the natural order was run: one schedule proves nothing"]


def test_no_strategy_is_no_proof() -> None:
    """Zero schedules are INCONCLUSIVE."""
    found = explore(GuardedDispatch(), strategies=[])
    assert (found.verdict, found.schedules) == (Verdict.INCONCLUSIVE, 0)


def test_a_set_up_that_fails_is_told() -> None:
    """Where the state before the race can't be brought about, nothing is raced."""
    with pytest.raises(SetupFailed, match="failing-setup: the set-up failed: AssertionError: no such route"):
        explore(FailingSetup())


def test_schedules_start_from_the_same_state() -> None:
    """A thousand dispatches later the next schedule still finds the task ready."""
    found = explore(GuardedDispatch(), strategies=[RandomWalk(1, 200)])
    assert found.violated["single-dispatch"] == 0
    assert found.schedules == 200
