"""Where a counterexample broke what must hold at every commit."""

import asyncio
from collections.abc import Iterable
from typing import Any

from planted.dispatch_programs import RacyDispatch
from planted.plain_programs import LostUpdate

from gatewright.race import (
    Arena,
    Budget,
    Client,
    Exploration,
    History,
    PreemptionBounding,
    ProcessModel,
    explore,
    invariant,
)
from gatewright.race.breaking import breaking_steps


class Watched(RacyDispatch):
    name = "watched"

    @invariant("at-most-once", "the task is never dispatched twice", at_every_commit=True)
    def at_most_once(self, history: History, state: Any) -> Iterable[str]:
        if state["n"] > 1:
            yield f"dispatched {state['n']} times"


class Never(Watched):
    name = "never"

    @invariant("never", "the task is never dispatched", at_every_commit=True)
    def never(self, history: History, state: Any) -> Iterable[str]:
        if state["n"]:
            yield "dispatched"


class Slow(Watched):
    name = "slow"

    async def observe(self, client: Client) -> Any:
        await asyncio.sleep(1)
        return await super().observe(client)


class Counted(LostUpdate):
    name = "counted"

    @invariant("grows", "the count never stands still", at_every_commit=True)
    def grows(self, history: History, state: Any) -> Iterable[str]:
        if self.count and self.count < 2:
            yield f"still {self.count}"


def explored(scenario: RacyDispatch) -> Exploration:
    return explore(scenario, strategies=[PreemptionBounding(1)], budget=Budget(failures=1, replays=5))


def test_the_step_that_broke_an_invariant_is_told() -> None:
    """The second of the two updates; what holds only at the end has no such step."""
    found = explored(Watched())
    assert found.finding is not None
    assert set(found.finding.tape.failed) == {"at-most-once", "single-dispatch"}
    assert dict(found.finding.broken_at) == {"at-most-once": 4}
    assert [label[:6] for _, label in found.finding.tape.steps] == ["SELECT", "SELECT", "UPDATE", "UPDATE"]


def test_an_early_break_is_told_where_it_was() -> None:
    """Not at the end, although it holds there no more."""
    found = explored(Never())
    assert found.finding is not None
    first = next(n for n, (_, label) in enumerate(found.finding.tape.steps, 1) if label.startswith("UPDATE"))
    assert found.finding.broken_at["never"] == first


def test_looking_changes_nothing_about_the_replays() -> None:
    """The schedule looked at is another one than those counted."""
    found = explored(Watched())
    assert found.finding is not None
    assert (found.finding.reproduced, found.finding.replays) == (5, 5)
    assert found.doubts == []


def test_a_state_that_takes_time_to_observe_is_looked_at_in_the_end_only() -> None:
    """Between two steps nobody waits."""
    found = explored(Slow())
    assert found.finding is not None
    assert dict(found.finding.broken_at) == {"at-most-once": len(found.finding.tape.steps)}


def test_one_event_loop_is_looked_into_as_well() -> None:
    """Where all actors share one app."""
    with Arena(Counted(), model=ProcessModel.SHARED) as arena:
        found = explore(Counted(), strategies=[PreemptionBounding(1)], arena=arena, budget=Budget(failures=1))
        assert found.finding is not None
        steps = found.finding.tape.steps
        assert found.finding.broken_at == breaking_steps(arena, Counted(), steps)
