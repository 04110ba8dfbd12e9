"""Random priorities: the horizon is measured, deep races are found, and the bound on misses is honest."""

import itertools

import pytest
from planted.dispatch_programs import GuardedDispatch
from planted.plain_programs import DeepRace
from race.test_race_strategies import run, run_one

from gatewright.race import (
    Budget,
    MissBound,
    PreemptionBounding,
    PriorityChanges,
    RandomWalk,
    Share,
    explore,
)


def test_the_horizon_is_measured_on_a_probe() -> None:
    """The first schedule is the natural order; its length is the horizon, and it guarantees nothing."""
    strategy = PriorityChanges(2, seed=1, count=9)
    assert run(strategy, {"a": 3, "b": 4})[0] == "aaabbbb"
    assert strategy.is_complete
    assert strategy.miss_bound() == MissBound(depth=2, actors=2, horizon=7, runs=9)


def test_a_longer_schedule_moves_the_horizon_and_voids_the_runs_before() -> None:
    """Runs whose changes could not fall into the end of a schedule are not counted."""
    strategy = PriorityChanges(2, seed=1, count=9)
    for lengths in ({"a": 2, "b": 2}, {"a": 2, "b": 2}, {"a": 5, "b": 2}):
        run_one(strategy, lengths)
    assert strategy.miss_bound() == MissBound(depth=2, actors=2, horizon=7, runs=0)
    run(strategy, {"a": 5, "b": 2})
    assert strategy.miss_bound().runs == 7


def test_priorities_are_the_same_for_the_same_seed() -> None:
    """A seed names its schedules; depth and seed change them."""
    lengths = {"a": 6, "b": 6, "c": 6}
    one, again = (run(PriorityChanges(3, 5, 20), lengths) for _ in range(2))
    assert one == again
    assert one != run(PriorityChanges(3, 6, 20), lengths)
    assert one != run(PriorityChanges(2, 5, 20), lengths)


@pytest.mark.parametrize(("depth", "most"), [(1, 2), (2, 3), (3, 4)])
def test_an_actor_is_stopped_at_most_as_often_as_the_depth_allows(depth: int, most: int) -> None:
    """Depth d changes priorities d - 1 times, so there are few switches."""
    schedules = run(PriorityChanges(depth, 2, 50), {"a": 5, "b": 5})[1:]
    blocks = [1 + sum(one != other for one, other in itertools.pairwise(each)) for each in schedules]
    assert max(blocks) <= most + 1
    assert len({each[0] for each in schedules}) == 2


def test_the_deep_race_is_found_where_random_walks_are_blind() -> None:
    """A window of one step against a rival of fifteen is of depth 2."""
    walks = explore(DeepRace(), strategies=[RandomWalk(1, 200)])
    found = explore(DeepRace(), strategies=[PriorityChanges(2, 1, 200)], budget=Budget(failures=1))
    assert walks.failed == 0
    assert found.failed == 1
    (bound,) = found.miss_bounds
    assert (bound.actors, bound.horizon) == (2, 17)


def test_shards_of_random_strategies_make_up_the_whole() -> None:
    """Every number of a seed belongs to exactly one shard."""
    lengths = {"a": 6, "b": 6}
    shares = [Share(index, 3) for index in (1, 2, 3)]
    whole = run(PriorityChanges(2, 5, 20), lengths)
    parts = [run(PriorityChanges(2, 5, 20, share=share), lengths) for share in shares]
    assert {part[0] for part in parts} == {whole[0]}
    assert sorted(each for part in parts for each in part[1:]) == sorted(whole[1:])
    walks = [run(RandomWalk(5, 20, share=share), lengths) for share in shares]
    assert sorted(each for part in walks for each in part) == sorted(run(RandomWalk(5, 20), lengths))


def test_the_bound_is_the_formula_also_where_it_is_no_comfort() -> None:
    """(1 - 1/(n*k^(d-1)))^N; without runs a miss is certain."""
    assert MissBound(depth=2, actors=2, horizon=10, runs=20).chance == pytest.approx(0.95**20)
    assert MissBound(depth=3, actors=3, horizon=35, runs=100).chance > 0.97
    assert MissBound(depth=2, actors=2, horizon=10, runs=0).chance == 1.0
    assert MissBound(depth=2, actors=0, horizon=0, runs=0).chance == 1.0
    assert "at most 0.358" in str(MissBound(depth=2, actors=2, horizon=10, runs=20))


def test_only_runs_of_pct_count_towards_the_bound() -> None:
    """Preemption bounding and random walks add nothing."""
    strategies = [PreemptionBounding(1), PriorityChanges(2, 1, 5), RandomWalk(1, 30)]
    found = explore(GuardedDispatch(), strategies=strategies)
    assert [bound.runs for bound in found.miss_bounds] == [5]
    assert "a miss has a chance of at most" in found.achieved["pct-2"]


def test_the_default_is_bounding_then_priorities_then_chance() -> None:
    """With the natural order as the baseline."""
    found = explore(GuardedDispatch())
    assert list(found.by_strategy) == ["fifo", "icb", "pct-2", "pct-3", "random"]
    assert [bound.depth for bound in found.miss_bounds] == [2, 3]
