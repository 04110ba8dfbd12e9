"""The thread lane: real threads of which one runs at a time, stopped at lines or instructions."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from planted.thread_programs import (
    Counter,
    FineCounter,
    GuardedThreadDispatch,
    Handover,
    LockedCounter,
    Patience,
    Stalled,
    Stranger,
    ThreadCrash,
    ThreadDispatch,
    ThreadLockOrder,
    ThreadSpin,
)

from gatewright.core.errors import ConfigurationError
from gatewright.core.verdict import Verdict
from gatewright.race import (
    Arena,
    Budget,
    Fifo,
    PreemptionBounding,
    ProcessModel,
    RandomWalk,
    SetupFailed,
    ThreadArena,
    ThreadScenario,
    explore_threads,
)
from gatewright.suites.race.replay import replay

pytestmark = pytest.mark.thorough

MANY = Budget(failures=1_000_000)
PROGRAM = "from race.test_race_threads import tape_text; print(tape_text(), end='')"


def bounded(scenario: ThreadScenario, bound: int = 2):
    return explore_threads(scenario, strategies=[PreemptionBounding(bound)], budget=MANY)


def tape_text() -> str:
    finding = bounded(FineCounter(), 1).finding
    assert finding is not None
    return finding.tape.to_json()


def test_a_lost_update_within_a_line_needs_instructions() -> None:
    """Lines are coarse: `count += 1` is one step there, and three where every instruction is a point."""
    assert bounded(Counter()).verdict is Verdict.PASS
    found = bounded(FineCounter(), 1)
    assert found.finding is not None
    assert found.finding.tape.preemptions == 1
    assert found.finding.reproduced == found.finding.replays == 20
    assert {label for _, label in found.finding.tape.steps} == {
        "thread_programs.py: self.count += 1",
        "thread_programs.py: return self.count",
    }


def test_a_lock_that_may_be_taken_twice_guards() -> None:
    """The right program never alarms, and nobody spends turns on a lock that is held."""
    found = explore_threads(LockedCounter(), strategies=[Fifo(), PreemptionBounding(2), RandomWalk(5, 50)])
    assert (found.verdict, found.failed, found.doubts) == (Verdict.PASS, 0, [])


def test_a_deadlock_of_threads_is_a_failure() -> None:
    """Each thread is named with the place at which it waits for the other."""
    found = bounded(ThreadLockOrder(), 1)
    assert found.finding is not None
    assert found.finding.tape.failed["no-deadlock-or-livelock"] == (
        "no actor can go on: alice waits at Lock.acquire; bob waits at Lock.acquire",
    )
    assert found.finding.reproduced == found.finding.replays


def test_a_thread_that_asks_for_ever_is_stopped() -> None:
    """At the step budget, as a livelock."""
    with ThreadArena(max_steps=200) as arena:
        found = explore_threads(ThreadSpin(), strategies=[PreemptionBounding(1)], arena=arena)
    assert found.violated["no-deadlock-or-livelock"] > 0
    assert found.failed < found.schedules


def test_threads_meet_by_every_means_of_the_standard_library() -> None:
    """Queues, events, conditions, semaphores and barriers wait by locks, so none of them hangs or alarms."""
    found = explore_threads(Handover(), strategies=[PreemptionBounding(1), RandomWalk(2, 30)])
    assert (found.verdict, found.doubts) == (Verdict.PASS, [])


def test_time_of_threads_is_virtual() -> None:
    """A wait with a limit ends when nobody else can go on, and hours of sleep take no time."""
    found = bounded(Patience())
    assert (found.verdict, found.doubts) == (Verdict.PASS, [])


def test_a_thread_that_crashes_is_a_failure() -> None:
    """And says who raised what."""
    found = bounded(ThreadCrash(), 1)
    crashes = {crash for each in found.iterations for crash in each.race.failures.get("no-actor-crash", ())}
    assert crashes == {f"{who}: RuntimeError: somebody was in between" for who in ("alice", "bob")}


def test_statements_of_threads_are_points_too() -> None:
    """A check-then-act on a row is found, its guarded twin never alarms, and locks are waited for."""
    found = bounded(ThreadDispatch(), 1)
    assert found.finding is not None
    assert found.finding.tape.preemptions == 1
    guarded = bounded(GuardedThreadDispatch(), 2)
    assert (guarded.verdict, guarded.failed, guarded.doubts) == (Verdict.PASS, 0, [])


@pytest.mark.parametrize(
    ("scenario", "doubt"), [(Stranger, "uncontrolled threads"), (Stalled, "no strategy controls")]
)
def test_what_no_strategy_controls_forbids_a_pass(scenario: type[ThreadScenario], doubt: str) -> None:
    """Threads of the program's own, and waits for something real, are INCONCLUSIVE with the reason."""
    with ThreadArena(stalled_s=0.2) as arena:
        found = explore_threads(
            scenario(), strategies=[PreemptionBounding(1)], arena=arena, budget=Budget(schedules=6, replays=1)
        )
    assert any(doubt in why for why in found.doubts)
    assert found.verdict is not Verdict.PASS


def test_a_state_that_can_t_be_brought_about_is_told() -> None:
    """Nothing is raced."""

    class Broken(Counter):
        name = "broken"

        def reset(self, folder: Path) -> None:
            raise KeyError("id")

    with pytest.raises(SetupFailed, match="broken: the set-up failed: KeyError: 'id'"):
        explore_threads(Broken())


def test_the_models_of_apps_and_of_threads_are_kept_apart() -> None:
    """The lane of threads races ThreadScenarios only."""
    with pytest.raises(ConfigurationError, match="explore_threads"):
        Arena(Counter(), model=ProcessModel.THREADS)  # type: ignore[arg-type]


def test_a_tape_of_threads_is_replayed(tmp_path: Path) -> None:
    """As any other tape is, in an arena of its own."""
    file = tmp_path / "tape.json"
    file.write_text(tape_text())
    outcome = replay(file, times=5, allowed=["planted"])
    assert (outcome.verdict, outcome.reproduced) == (Verdict.FAIL, 5)


@pytest.mark.parametrize("hash_seed", ["0", "4711"])
def test_threads_race_the_same_in_every_process(hash_seed: str) -> None:
    """The tape of the counterexample is equal across processes and hash seeds."""
    path = os.pathsep.join(path for path in sys.path if path)
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": path}
    output = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
    )
    assert output.stdout == tape_text()
