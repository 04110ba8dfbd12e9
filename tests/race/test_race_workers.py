"""Synchronous endpoints and other work that an async program hands to threads."""

import pytest
from planted.sync_programs import GuardedSyncDispatch, Handed, LockedSyncDispatch, SyncDispatch

from gatewright.core.verdict import Verdict
from gatewright.race import (
    Budget,
    Fifo,
    PreemptionBounding,
    ProcessModel,
    RandomWalk,
    compare_process_models,
    explore,
)

pytestmark = pytest.mark.thorough

MODELS = (ProcessModel.SEPARATE, ProcessModel.SHARED)


@pytest.mark.parametrize("model", MODELS)
def test_a_race_between_synchronous_endpoints_is_found(model: ProcessModel) -> None:
    """Threads of one process race as processes do: every statement of a session is a point."""
    found = explore(SyncDispatch(), strategies=[PreemptionBounding(2)], model=model)
    assert found.finding is not None
    assert found.finding.tape.failed == {"single-dispatch": ("dispatched 2 times",)}
    assert found.finding.tape.preemptions == 1
    assert found.finding.reproduced == found.finding.replays


@pytest.mark.parametrize("model", MODELS)
def test_a_guarded_synchronous_endpoint_never_alarms(model: ProcessModel) -> None:
    """A guard in the statement holds between threads and between processes."""
    found = explore(GuardedSyncDispatch(), strategies=[PreemptionBounding(2), RandomWalk(3, 50)], model=model)
    assert (found.verdict, found.failed, found.doubts) == (Verdict.PASS, 0, [])


def test_a_lock_between_threads_is_no_guard_between_processes() -> None:
    """What holds in one process breaks in several."""
    compared = compare_process_models(LockedSyncDispatch)
    assert (compared.shared.verdict, compared.separate.verdict) == (Verdict.PASS, Verdict.FAIL)
    assert compared.sentences == (
        "single-dispatch holds in one process and breaks between several: what guards it is no guard",
    )


def test_a_guard_that_is_one_in_both_models_or_in_none_is_no_finding() -> None:
    """Nor is anything said where one model was inconclusive."""
    once = Budget(schedules=1)
    assert compare_process_models(GuardedSyncDispatch, budget=once).false_guards == ()
    assert compare_process_models(SyncDispatch, budget=Budget(failures=1, replays=0)).false_guards == ()
    cut_short = compare_process_models(LockedSyncDispatch, budget=Budget(wall_clock_s=0, replays=0))
    assert cut_short.shared.verdict is Verdict.INCONCLUSIVE
    assert cut_short.false_guards == ()


@pytest.mark.parametrize("model", MODELS)
def test_work_sees_what_it_would_see_in_a_thread(model: ProcessModel) -> None:
    """No event loop; the context of who handed it over, where AnyIO and asyncio copy it; and a way back."""
    found = explore(Handed(), strategies=[Fifo(), RandomWalk(1, 5)], model=model)
    assert {race.race.failures["seen"] for race in found.iterations} == {
        ("nobody, no loop; somebody, a loop again; somebody, no loop",)
    }
