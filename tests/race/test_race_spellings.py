"""However a check-then-act race is spelled, both lanes find it, and never its corrected twin."""

from typing import Any

import pytest
from planted.spellings import (
    SPELLINGS,
    AsyncSpelling,
    File,
    JsonColumn,
    Spelling,
    SqlRow,
    ThreadSpelling,
    in_lane,
)

from gatewright.core.verdict import Verdict
from gatewright.race import Budget, Exploration, PreemptionBounding, ProcessModel, explore, explore_threads

pytestmark = pytest.mark.thorough

SPELLED = pytest.mark.parametrize("spelling", SPELLINGS, ids=lambda each: each.__name__)
BETWEEN_PROCESSES = pytest.mark.parametrize(
    "spelling", [SqlRow, JsonColumn, File], ids=lambda each: each.__name__
)


def found_by(lane: type[Any], spelling: type[Spelling], model: ProcessModel) -> Exploration:
    scenario = in_lane(lane, spelling, corrected=False)()
    strategies, budget = [PreemptionBounding(1)], Budget(failures=1, replays=5)
    if lane is ThreadSpelling:
        return explore_threads(scenario, strategies=strategies, budget=budget)
    return explore(scenario, strategies=strategies, budget=budget, model=model)


def twin_of(lane: type[Any], spelling: type[Spelling], model: ProcessModel) -> Exploration:
    scenario = in_lane(lane, spelling, corrected=True)()
    if lane is ThreadSpelling:
        return explore_threads(scenario, strategies=[PreemptionBounding(2)])
    return explore(scenario, strategies=[PreemptionBounding(2)], model=model)


def assert_found(found: Exploration) -> None:
    assert found.finding is not None
    assert found.finding.tape.failed == {"one-taker": ("taken by 2",)}
    assert found.finding.tape.preemptions <= 1
    assert found.finding.reproduced == found.finding.replays == 5
    assert found.doubts == []


def assert_quiet(found: Exploration) -> None:
    assert (found.verdict, found.failed, found.doubts) == (Verdict.PASS, 0, [])
    assert found.achieved == {"icb": "all schedules with up to 2 preemptions"}


@SPELLED
def test_an_await_between_check_and_act_is_found(spelling: type[Spelling]) -> None:
    """In one event loop, with one preemption at most, and the tape replays."""
    assert_found(found_by(AsyncSpelling, spelling, ProcessModel.SHARED))


@SPELLED
def test_a_statement_between_check_and_act_is_found(spelling: type[Spelling]) -> None:
    """Between threads, though no await says where to look."""
    assert_found(found_by(ThreadSpelling, spelling, ProcessModel.THREADS))


@BETWEEN_PROCESSES
def test_what_processes_share_is_found_between_them(spelling: type[Spelling]) -> None:
    """Rows, documents and files are raced for by processes too."""
    assert_found(found_by(AsyncSpelling, spelling, ProcessModel.SEPARATE))


@SPELLED
@pytest.mark.parametrize("lane", [pytest.param(AsyncSpelling, marks=pytest.mark.thorough), ThreadSpelling])
def test_a_corrected_twin_never_alarms(lane: type[Any], spelling: type[Spelling]) -> None:
    """Whether a lock or a guarded write corrects it, in all schedules with up to two preemptions."""
    assert_quiet(twin_of(lane, spelling, ProcessModel.SHARED))


@BETWEEN_PROCESSES
def test_a_guarded_write_holds_between_processes(spelling: type[Spelling]) -> None:
    """A guard in the write needs nobody's lock."""
    assert_quiet(twin_of(AsyncSpelling, spelling, ProcessModel.SEPARATE))
