"""Synchronous endpoints and other work that an async program hands to threads."""

import pytest
from planted.sync_programs import GuardedSyncDispatch, Handed, LockedSyncDispatch, SyncDispatch

from gatewright.core.verdict import Verdict
from gatewright.race import Fifo, PreemptionBounding, ProcessModel, RandomWalk, Scenario, explore

MODELS = (ProcessModel.SEPARATE, ProcessModel.SHARED)


def bounded(scenario: Scenario, model: ProcessModel) -> Verdict:
    return explore(scenario, strategies=[PreemptionBounding(2)], model=model).verdict


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
    assert bounded(LockedSyncDispatch(), ProcessModel.SHARED) is Verdict.PASS
    assert bounded(LockedSyncDispatch(), ProcessModel.SEPARATE) is Verdict.FAIL


@pytest.mark.parametrize("model", MODELS)
def test_work_sees_what_it_would_see_in_a_thread(model: ProcessModel) -> None:
    """No event loop; the context of who handed it over, where AnyIO and asyncio copy it; and a way back."""
    found = explore(Handed(), strategies=[Fifo(), RandomWalk(1, 5)], model=model)
    assert {race.race.failures["seen"] for race in found.iterations} == {
        ("nobody, no loop; somebody, a loop again; somebody, no loop",)
    }
