"""Strategies: which schedules they propose, and when they have nothing left."""

import itertools

import pytest
from planted.dispatch_programs import GuardedDispatch, LockedDispatch, RacyDispatch

from gatewright.race import (
    Arena,
    Deviation,
    DeviationTape,
    Diverged,
    Fifo,
    PreemptionBounding,
    RandomWalk,
    Replay,
    Strategy,
)
from gatewright.race.schedule import Choice, Picker, Step, Trace

ACTORS = ("a", "b")


def run(strategy: Strategy, lengths: dict[str, int]) -> list[str]:
    """Every schedule that a strategy proposes for actors that each make so many independent steps."""
    schedules = []
    while (picker := strategy.next_picker()) is not None:
        trace = trace_of(picker, lengths)
        strategy.learn(trace)
        schedules.append("".join(step.actor for step in trace.steps))
    return schedules


def run_one(strategy: Strategy, lengths: dict[str, int]) -> None:
    """Only the first schedule."""
    picker = strategy.next_picker()
    assert picker is not None
    strategy.learn(trace_of(picker, lengths))


def trace_of(picker: Picker, lengths: dict[str, int]) -> Trace:
    trace, done = Trace(), dict.fromkeys(lengths, 0)
    current = None
    while going := tuple(name for name, length in lengths.items() if done[name] < length):
        labels = tuple(f"{name}{done[name]}" for name in going)
        choice = Choice(len(trace.steps), going, labels, tuple(range(len(going))), current)
        current = picker.pick(choice)
        trace.steps.append(Step(current, choice.label_of(current), choice))
        done[current] += 1
    return trace


def all_interleavings(lengths: dict[str, int]) -> set[str]:
    whole = "".join(name * length for name, length in lengths.items())
    return {"".join(order) for order in itertools.permutations(whole)}


def preemptions(schedule: str) -> int:
    left = {name: schedule.count(name) for name in ACTORS}
    switches = 0
    for one, other in itertools.pairwise(schedule):
        left[one] -= 1
        switches += one != other and left[one] > 0
    return switches


@pytest.mark.parametrize("bound", [0, 1, 2, 3])
def test_bounding_proposes_exactly_the_schedules_within_its_bound(bound: int) -> None:
    """Each schedule with at most so many preemptions is proposed once, and no other; then it is exhausted."""
    strategy = PreemptionBounding(bound)
    lengths = {"a": 3, "b": 3}
    schedules = run(strategy, lengths)
    expected = {schedule for schedule in all_interleavings(lengths) if preemptions(schedule) <= bound}
    assert sorted(schedules) == sorted(expected)
    assert strategy.is_complete
    assert strategy.exhausted_bound == bound


def test_bounding_proposes_fewest_preemptions_first() -> None:
    """The order of proposals never goes back to fewer preemptions."""
    costs = [preemptions(schedule) for schedule in run(PreemptionBounding(3), {"a": 3, "b": 3})]
    assert costs == sorted(costs)


def test_bounding_stops_at_its_budget_and_says_how_far_it_came() -> None:
    """A budget is a proper end, and the report tells which bound is exhausted."""
    strategy = PreemptionBounding(3, most=4)
    assert len(run(strategy, {"a": 3, "b": 3})) == 4
    assert strategy.is_complete
    assert strategy.achieved() == "all schedules with up to 0 preemptions, some with 1"


def test_bounding_notices_a_program_that_ends_earlier_than_before() -> None:
    """A schedule whose last turn never came is not taken for one that was run."""
    strategy = PreemptionBounding(1)
    run_one(strategy, {"a": 3, "b": 3})
    with pytest.raises(Diverged, match="the program ended before step 2 came again"):
        run(strategy, {"a": 1, "b": 1})


def test_random_walks_are_the_same_for_the_same_seed() -> None:
    """A seed names its walks, and another seed names others."""
    lengths = {"a": 6, "b": 6}
    one, again, other = (run(RandomWalk(seed, 20), lengths) for seed in (5, 5, 6))
    assert one == again != other
    assert len(set(one)) > 10


def test_fifo_takes_turns_in_the_order_of_arrival() -> None:
    """The baseline is one schedule, and no proof."""
    strategy = Fifo()
    assert run(strategy, {"a": 2, "b": 2}) == ["aabb"]
    assert not strategy.is_complete


def test_a_strict_replay_follows_its_tape_or_raises() -> None:
    """The very steps, else a divergence that names the place."""
    steps = [("a", "a0"), ("b", "b0"), ("a", "a1")]
    assert run(Replay(steps), {"a": 2, "b": 1}) == ["aba"]
    with pytest.raises(Diverged, match="step 1: b can't go on"):
        run(Replay(steps), {"a": 3})
    with pytest.raises(Diverged, match="the tape has ended"):
        run(Replay(steps), {"a": 2, "b": 2})
    with pytest.raises(Diverged, match="the program ended"):
        run(Replay([*steps, ("a", "a2")]), {"a": 2, "b": 1})
    with pytest.raises(Diverged, match="stands at a0, not at a9"):
        run(Replay([("a", "a9")]), {"a": 1})


def test_a_lenient_replay_goes_on_where_it_can() -> None:
    """Steps that are impossible are left out, and the rest runs to completion."""
    steps = [("a", "a0"), ("c", "c0"), ("b", "b0"), ("a", "other")]
    assert run(Replay(steps, strict=False), {"a": 3, "b": 2}) == ["abaab"]


def test_a_lenient_replay_counts_where_it_left_its_tape() -> None:
    """An impossible step, another statement, an end that comes too late or too early: one departure each."""
    steps = [("a", "a0"), ("c", "c0"), ("b", "b0"), ("a", "other")]
    for tape, expected in [(steps, 3), (steps[:1], 1), ([("a", "a0"), ("b", "b0"), ("a", "a1")], 1)]:
        strategy = Replay(tape, strict=False)
        run(strategy, {"a": 2, "b": 2})
        assert strategy.departures == expected
    early = Replay([("a", "a0"), ("b", "b0"), ("b", "b1")], strict=False)
    run(early, {"a": 1, "b": 1})
    assert early.departures == 1


def test_a_schedule_can_be_told_by_its_deviations() -> None:
    """Stop alice before her write, let bob go: three words in place of a whole tape."""
    racy = RacyDispatch()
    with Arena(racy) as arena:
        arena.prepare(racy)
        strategy = DeviationTape("alice", [Deviation("alice", "UPDATE task", then="bob")])
        picker = strategy.next_picker()
        assert picker is not None
        race = arena.run(picker)
        strategy.learn(race.trace)
    assert race.failed
    assert [step.actor for step in race.trace.steps] == ["alice", "bob", "bob", "alice"]


def test_a_deviation_that_never_comes_diverges() -> None:
    """A schedule that was told wrongly is not taken for one that was run."""
    guarded = GuardedDispatch()
    with Arena(guarded) as arena:
        arena.prepare(guarded)
        strategy = DeviationTape("alice", [Deviation("alice", "DELETE", then="bob")])
        picker = strategy.next_picker()
        assert picker is not None
        race = arena.run(picker)
        with pytest.raises(Diverged, match="alice never stood at DELETE"):
            strategy.learn(race.trace)


def test_running_into_a_lock_is_not_built_upon() -> None:
    """Preempting for an actor that only meets a lock changes nothing, so bounding leaves the rest out."""
    locked = LockedDispatch()
    with Arena(locked) as arena:
        arena.prepare(locked)
        strategy = PreemptionBounding(2)
        waits = []
        while (picker := strategy.next_picker()) is not None:
            trace = arena.run(picker).trace
            strategy.learn(trace)
            waits.append(sum(step.waited for step in trace.steps))
    assert strategy.exhausted_bound == 2
    assert max(waits) == 1
