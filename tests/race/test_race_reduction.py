"""What reduction leaves out, and that nothing is lost with it."""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager

import pytest
from planted.dispatch_programs import (
    GuardedDispatch,
    ImpatientDispatch,
    LockedDispatch,
    RacyDispatch,
    SnapshotDispatch,
)
from planted.plain_programs import Crash, DeepRace, LockOrder, LostUpdate, Spin
from planted.random_programs import RandomProgram
from planted.sqlalchemy_programs import GuardedSqlAlchemyDispatch, SqlAlchemyDispatch

from gatewright.race import Arena, PreemptionBounding, Race, Scenario

pytestmark = pytest.mark.thorough

MOST = 400


def outcome(race: Race, state: Hashable) -> Hashable:
    """All that an oracle could look at: answers, their order, what preceded what, the final state."""
    operations = list(race.history)
    answers = tuple((op.actor, op.path, repr(op.response.json), op.error) for op in operations)
    precedes = frozenset(
        (one.actor, one.path, other.actor, other.path)
        for one in operations
        for other in operations
        if one.returned <= other.called
    )
    return answers, precedes, state, repr(sorted(race.violations.items()))


Outcomes = Callable[..., tuple[set[Hashable], int]]


@contextmanager
def explored(scenario: Scenario, max_steps: int = 20_000) -> Iterator[Outcomes]:
    """Tells all outcomes of a scenario within a bound, and how many schedules that took; in one arena."""
    states: list[Hashable] = []
    observe = scenario.observe

    async def remember(client: object) -> object:
        state = await observe(client)  # type: ignore[arg-type]  # whatever client the arena gives
        states.append(repr(state))
        return state

    scenario.observe = remember  # type: ignore[method-assign]  # looks on

    def outcomes(bound: int, *, reduction: bool) -> tuple[set[Hashable], int]:
        found, schedules = set(), 0
        strategy = PreemptionBounding(bound, most=MOST, reduction=reduction)
        while (picker := strategy.next_picker()) is not None:
            states.clear()
            race = arena.run(picker)
            assert not race.divergence
            assert not race.unchecked
            strategy.learn(race.trace)
            found.add(outcome(race, tuple(states)))
            schedules += 1
        return found, schedules

    with Arena(scenario, max_steps=max_steps) as arena:
        arena.prepare(scenario)
        yield outcomes


PLANTED = [
    RacyDispatch,
    GuardedDispatch,
    LockedDispatch,
    SnapshotDispatch,
    ImpatientDispatch,
    SqlAlchemyDispatch,
    GuardedSqlAlchemyDispatch,
    DeepRace,
    LockOrder,
    LostUpdate,
    Crash,
]


@pytest.mark.parametrize("scenario", PLANTED)
@pytest.mark.parametrize("bound", [1, pytest.param(2, marks=pytest.mark.thorough)])
def test_nothing_is_lost_on_planted_programs(scenario: type[Scenario], bound: int) -> None:
    """The same outcomes and violations as without reduction, at each bound, in no more schedules."""
    with explored(scenario()) as outcomes:
        full, all_schedules = outcomes(bound, reduction=False)
        reduced, fewer = outcomes(bound, reduction=True)
    assert reduced == full
    assert fewer <= all_schedules


def test_nothing_is_lost_where_a_schedule_does_not_end() -> None:
    """Who had no turn in a livelock might have done anything."""
    with explored(Spin(), max_steps=60) as outcomes:
        full, _ = outcomes(1, reduction=False)
        assert outcomes(1, reduction=True)[0] == full
    assert len(full) > 1


@pytest.mark.parametrize(
    "seed",
    [
        *range(6),
        *(pytest.param(seed, marks=pytest.mark.thorough) for seed in range(6, 20)),
        107,
        126,
        160,
        170,
    ],
)
def test_nothing_is_lost_on_random_programs(seed: int) -> None:
    """Transactions, snapshots, rows, unique names, views, clocks, conditions: every outcome is still found."""
    with explored(RandomProgram(seed)) as outcomes:
        for bound in (0, 1, 2):
            full, all_schedules = outcomes(bound, reduction=False)
            if all_schedules == MOST:
                break
            reduced, fewer = outcomes(bound, reduction=True)
            assert reduced == full
            assert fewer <= all_schedules
