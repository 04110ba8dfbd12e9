"""Schedules that come to no end: the report says who waits for what, and who goes round in circles."""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from planted.plain_programs import AsyncLockOrder, LockOrder, Spin

from gatewright.race import (
    Actor,
    Arena,
    Budget,
    Client,
    Fifo,
    PreemptionBounding,
    ProcessModel,
    Scenario,
    explore,
)

STUCK = "no-deadlock-or-livelock"


def report_of(scenario: Scenario, model: ProcessModel = ProcessModel.SEPARATE) -> str:
    """What the first failing schedule with at most one preemption says, after its replays said the same."""
    with Arena(scenario, max_steps=500, model=model) as arena:
        found = explore(
            scenario, strategies=[PreemptionBounding(1)], arena=arena, budget=Budget(schedules=40, failures=1)
        )
    assert found.finding is not None
    assert found.finding.reproduced == found.finding.replays
    (sentence,) = found.finding.tape.failed[STUCK]
    return sentence


def test_a_deadlock_between_databases_names_who_holds_whose_lock() -> None:
    """Two files, locked in opposite orders."""
    assert report_of(LockOrder()) == (
        "no actor can go on: alice waits for a lock of bob at BEGIN IMMEDIATE; "
        "bob waits for a lock of alice at BEGIN IMMEDIATE"
    )


@pytest.mark.parametrize("model", [ProcessModel.SEPARATE, ProcessModel.SHARED])
def test_a_deadlock_between_locks_names_the_lines_that_wait(model: ProcessModel) -> None:
    """Two locks of the event loop, in opposite orders, whatever the actors share besides."""
    line = r"waits in lock_all \(plain_programs\.py:\d+: async with locks\[1\]:\) for a Lock"
    assert re.fullmatch(f"no actor can go on: alice {line}; bob {line}", report_of(AsyncLockOrder(), model))


def test_a_livelock_names_who_goes_round_in_circles() -> None:
    """And where the others stand meanwhile."""
    assert report_of(Spin()) == (
        "no end after 500 steps: of the last 200 steps alice 200 times at ask; bob stands at finish"
    )


class Forgotten(Scenario):
    """One waits for an event that nobody sets, one for a bare future, one for nothing."""

    name = "forgotten"

    def create_app(self, folder: Path) -> None:
        return None

    def actors(self) -> Mapping[str, Actor]:
        async def wait(client: Client) -> None:
            await asyncio.gather(asyncio.Event().wait())

        async def hang(client: Client) -> None:
            await asyncio.get_running_loop().create_future()

        async def leave(client: Client) -> None:
            return None

        return {"alice": wait, "bob": hang, "carol": leave}


def test_who_waits_for_what_never_comes_is_named_and_who_is_done_is_not() -> None:
    """Events, and futures that nothing is known of."""
    with Arena(Forgotten()) as arena:
        arena.prepare(Forgotten())
        (sentence,) = arena.run(Fifo().next_picker()).failures[STUCK]
    assert re.fullmatch(
        r"no actor can go on: alice waits for an Event; "
        r"bob waits in hang \(test_race_stuck\.py:\d+: await asyncio\.get_running_loop\(\)\.create_future\(\)\)",
        sentence,
    )


class Restless(Forgotten):
    """Nobody comes to a point."""

    name = "restless"

    def actors(self) -> Mapping[str, Actor]:
        async def turn(client: Client) -> None:
            while True:  # noqa: ASYNC110 - it is the wrong that is looked for
                await asyncio.sleep(0)

        return {"alice": turn}


def test_a_livelock_without_any_point_says_so() -> None:
    """Where statements are the points, turns of the loop are none."""
    with Arena(Restless(), max_steps=100) as arena:
        arena.prepare(Restless())
        (sentence,) = arena.run(Fifo().next_picker()).failures[STUCK]
    assert sentence.startswith("no end after 100 steps: nobody came to a point; alice waits in turn (")


def test_requests_that_never_came_back_stand_in_the_history() -> None:
    """Without an answer, so that the counterexample shows what was asked."""

    class Asking(Forgotten):
        name = "asking"

        def create_app(self, folder: Path) -> None:
            async def app(scope: dict[str, object], receive: object, send: object) -> None:
                assert scope["type"] == "http"
                await asyncio.get_running_loop().create_future()

            return app  # type: ignore[return-value]

        def actors(self) -> Mapping[str, Actor]:
            async def ask(client: Client) -> None:
                await client.get("/never")

            return {"alice": ask, "bob": ask}

    with Arena(Asking()) as arena:
        arena.prepare(Asking())
        race = arena.run(Fifo().next_picker())
    assert [(op.actor, op.response.status) for op in race.history] == [("alice", 0), ("bob", 0)]


class TimeLimits(Scenario):
    """Waits for what comes at once, but not for ever."""

    name = "time-limits"

    def create_app(self, folder: Path) -> None:
        return None

    def actors(self) -> Mapping[str, Actor]:
        async def wait(_client: Client) -> None:
            async with asyncio.timeout(30):
                await asyncio.sleep(0)

        return {"alice": wait, "bob": wait}


def test_time_limits_of_schedules_gone_by_are_forgotten() -> None:
    """A schedule must not look through those of all before it."""
    scenario = TimeLimits()
    with Arena(scenario) as arena:
        arena.prepare(scenario)
        for _ in range(3):
            assert not arena.run(Fifo().next_picker()).failures
        assert arena._loop._scheduled == []
