"""The self-check: faults are planted one after the other, and a suite that misses one is told so."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from planted import dispatch_programs
from planted.dispatch_programs import GuardedDispatch
from planted.planted_faults import ALARMING, harmless, unguarded

from gatewright.race import Arena, Budget, History
from gatewright.race.selfcheck import FaultOutcome, PlantedFault, self_check


@contextmanager
def crashing() -> Iterator[None]:
    genuine = dispatch_programs.ACT
    dispatch_programs.ACT = "UPDATE nothing SET n = 1 WHERE 1"
    try:
        yield
    finally:
        dispatch_programs.ACT = genuine


class Silent(dispatch_programs.RacyDispatch):
    """Has nothing of its own to say about answers."""

    name = "silent"

    def violations(self, history: History, state: object) -> dict[str, tuple[str, ...]]:
        return {"no-server-error": tuple(self.no_server_error(history, state))}


@contextmanager
def impossible() -> Iterator[None]:
    raise LookupError("no such guard")
    yield


@pytest.fixture(scope="module")
def outcomes() -> dict[str, FaultOutcome]:
    plants = {"unguarded": unguarded, "harmless": harmless, "impossible": impossible}
    faults = [PlantedFault(name, name, GuardedDispatch, plant) for name, plant in plants.items()]
    with Arena(GuardedDispatch()) as arena:
        found = self_check(faults, arena, bound=2, budget=Budget(schedules=100, failures=1, replays=0))
    return {outcome.fault.name: outcome for outcome in found}


def test_a_fault_that_breaks_an_invariant_is_killed(outcomes: dict[str, FaultOutcome]) -> None:
    """With the invariant that saw it, and the fewest preemptions it took."""
    outcome = outcomes["unguarded"]
    assert (outcome.killed, outcome.killed_by, outcome.preemptions) == (True, ("single-dispatch",), 1)


def test_a_fault_that_nothing_sees_survives(outcomes: dict[str, FaultOutcome]) -> None:
    """Exhausted, and not killed."""
    outcome = outcomes["harmless"]
    assert (outcome.killed, outcome.schedules) == (False, 2)


def test_a_fault_that_cannot_be_planted_is_no_crash(outcomes: dict[str, FaultOutcome]) -> None:
    """A service whose guard is gone already does not end the suite."""
    outcome = outcomes["impossible"]
    assert outcome.killed is False
    assert outcome.doubts == ("not planted: LookupError: no such guard",)


def test_a_mere_crash_kills_no_fault() -> None:
    """A fault that breaks the service outright shows nothing about the oracles."""
    fault = PlantedFault("crashing", "crashing", Silent, crashing)
    with Arena(Silent()) as arena:
        (outcome,) = self_check([fault], arena, bound=0, budget=Budget(failures=1, replays=0))
    assert outcome.schedules == 1
    assert outcome.killed is False


def test_the_killing_schedule_is_silent_without_the_fault(outcomes: dict[str, FaultOutcome]) -> None:
    """Each oracle that was asked has its answer; none alarms when the guard is there."""
    outcome = outcomes["unguarded"]
    assert outcome.oracles["single-dispatch"] is True
    assert set(outcome.oracles) >= {"single-dispatch"}
    assert outcome.false_alarms == ()


def test_an_alarm_without_the_fault_is_told() -> None:
    """Who alarms anyway has seen no fault."""
    with Arena(ALARMING[0].scenario()) as arena:
        (outcome,) = self_check(ALARMING, arena, bound=1, budget=Budget(failures=1, replays=0))
    assert outcome.false_alarms == ("single-dispatch",)
