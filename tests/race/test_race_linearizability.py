"""The linearizability checker: against every order, against time-outs, and inside of an exploration."""

import asyncio
import random
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from fakes.proofs import tried
from hypothesis import given
from hypothesis import strategies as st
from planted.dispatch_programs import GuardedDispatch, RacyDispatch
from planted.histories import DISPATCHED, ENDED, READY, Task, TaskModel, has_order, operation, random_history
from planted.plain_programs import LostUpdate

from gatewright.core.verdict import Verdict
from gatewright.race import (
    Actor,
    Client,
    Done,
    History,
    Operation,
    PreemptionBounding,
    Refused,
    Response,
    SequentialModel,
    explore,
)
from gatewright.race.checkers import Outcome, check_linearizability

AFTER = {"t1": Task(DISPATCHED, 1)}


def judged(*operations: Operation, observed: Any = None, budget: int = 1000) -> Outcome:
    return check_linearizability(History(list(operations)), TaskModel(), observed, budget=budget).outcome


def agrees_with_every_order(seeds: Iterable[int]) -> bool:
    for seed in seeds:
        rng = random.Random(seed)
        history, observed = random_history(rng, rng.randrange(1, 7), 3, lies=seed % 2, lost=0.15)
        found = check_linearizability(history, TaskModel(), observed).outcome
        assert (found is Outcome.LINEARIZABLE) == has_order(history.operations, observed), f"seed {seed}"
    return True


def test_it_agrees_with_trying_every_order() -> None:
    """On small random histories, right and wrong ones, with answers that never came."""
    assert agrees_with_every_order(range(300))


@pytest.mark.end_to_end
def test_it_agrees_with_trying_every_order_ten_thousand_times() -> None:
    """The same, often enough to be a figure."""
    assert agrees_with_every_order(range(10_000))


requests = st.tuples(
    st.sampled_from(["dispatch", "complete", "rerun"]),
    st.sampled_from([0, 200, 409, 500]),
    st.integers(0, 4),
    st.integers(0, 3),
)


@tried(100)
@given(
    st.lists(requests, min_size=1, max_size=5), st.sampled_from([Task(), Task(DISPATCHED, 1), Task(ENDED, 1)])
)
def test_it_agrees_on_whatever_was_answered(asked: list[tuple[str, int, int, int]], end: Task) -> None:
    """Histories that no service would give; requests that take no step at all stay apart from the others."""
    history = [
        operation(request, status, 2 * called, 2 * (called + length) + 1, actor=str(number))
        for number, (request, status, called, length) in enumerate(asked)
    ]
    history.sort(key=lambda each: each.returned)
    found = check_linearizability(History(history), TaskModel(), {"t1": end}).outcome
    assert (found is Outcome.LINEARIZABLE) == has_order(history, {"t1": end})


def test_requests_at_once_may_have_come_in_either_order() -> None:
    """And requests one after the other only in theirs."""
    assert judged(operation("complete", 200, 0, 5), operation("dispatch", 200, 1, 6)) is Outcome.LINEARIZABLE
    assert (
        judged(operation("complete", 200, 0, 2), operation("dispatch", 200, 2, 6)) is Outcome.NOT_LINEARIZABLE
    )


def test_a_refused_request_has_changed_nothing() -> None:
    """A conflict must be due when it is answered, and leaves everything as it was."""
    refused = operation("dispatch", 409, 2, 3)
    assert judged(operation("dispatch", 200, 0, 1), refused, observed=AFTER) is Outcome.LINEARIZABLE
    assert judged(refused, observed=AFTER) is Outcome.NOT_LINEARIZABLE


@pytest.mark.parametrize("status", [0, 500, 503])
@pytest.mark.parametrize("end", [Task(), Task(DISPATCHED, 1)])
def test_a_request_without_an_answer_may_have_been_heard(status: int, end: Task) -> None:
    """Either way, and also later than its sender waited; but not earlier than it was sent, and only once."""
    lost, read = operation("dispatch", status, 2, 3), {"status": READY, "attempt": 0}
    assert judged(lost, operation("read", 200, 4, 5, read), observed={"t1": end}) is Outcome.LINEARIZABLE
    early = operation("read", 200, 0, 1, {"status": DISPATCHED, "attempt": 1})
    assert judged(early, lost) is Outcome.NOT_LINEARIZABLE
    assert judged(lost, observed={"t1": Task(DISPATCHED, 2)}) is Outcome.NOT_LINEARIZABLE


def test_the_state_at_the_end_counts() -> None:
    """Answers that are all explained, and an end that is not."""
    told = check_linearizability(History([operation("dispatch", 200, 0, 1)]), TaskModel(), {"t1": Task()})
    assert told.outcome is Outcome.NOT_LINEARIZABLE
    assert told.violations == (
        "t1: no order of these 1 operations ends in the state observed",
        "before: ready at attempt 0",
        "1. 0-1 POST /t1/dispatch (0 to 1): 200",
        "0-1's POST /t1/dispatch leads to dispatched at attempt 1",
        "but t1 was observed ready at attempt 0",
    )


def test_a_budget_that_runs_out_is_unknown() -> None:
    """Never taken for an order that was found."""
    history, observed = random_history(random.Random(1), 40, 4)
    assert check_linearizability(history, TaskModel(), observed).outcome is Outcome.LINEARIZABLE
    few = check_linearizability(history, TaskModel(), observed, budget=10)
    assert (few.outcome, few.violations) == (Outcome.UNKNOWN, ())


def test_a_violation_outweighs_what_is_unknown() -> None:
    """One task found wrong is found wrong, whatever could not be found out about another."""
    endless, observed = random_history(random.Random(1), 40, 4)
    wrong = operation("/t2/complete", 200, 0, 1)
    both = History([*endless, wrong])
    found = check_linearizability(both, TaskModel(), observed | {"t2": Task()}, budget=10)
    assert found.outcome is Outcome.NOT_LINEARIZABLE
    assert found.violations[0].startswith("t2: ")


def test_keys_are_judged_apart() -> None:
    """Many tasks take no longer than one."""
    one = check_linearizability(*_with_model(random_history(random.Random(2), 60, 6)))
    four = check_linearizability(*_with_model(random_history(random.Random(2), 60, 6, tasks=4)))
    assert one.outcome is four.outcome is Outcome.LINEARIZABLE
    assert four.explored <= one.explored + 3


def _with_model(made: tuple[History, dict[str, Task]]) -> tuple[History, TaskModel, dict[str, Task]]:
    return made[0], TaskModel(), made[1]


def test_the_shortest_illegal_prefix_is_told() -> None:
    """The operations up to the first answer that can't be explained, what else was under way, and what was due."""
    told = check_linearizability(
        History(
            [
                operation("dispatch", 200, 0, 3, actor="alice"),
                operation("dispatch", 200, 1, 5, actor="bob"),
                operation("complete", 200, 4, 8, actor="carol"),
                operation("rerun", 200, 9, 10, actor="alice"),
            ]
        ),
        TaskModel(),
    )
    assert told.violations == (
        "t1: no order of these 2 operations explains how they were answered",
        "before: ready at attempt 0",
        "1. alice POST /t1/dispatch (0 to 3): 200",
        "2. bob POST /t1/dispatch (1 to 5): 200",
        "3. carol POST /t1/complete (4 to 8): no answer yet",
        "furthest: alice's POST /t1/dispatch; this leaves dispatched at attempt 1",
        "there bob's POST /t1/dispatch must be answered 409, not 200",
    )


def test_no_prefix_shorter_than_the_told_one_is_illegal() -> None:
    """Compared with every order of every prefix."""
    compared = 0
    for seed in range(200):
        history, _ = random_history(random.Random(seed), 6, 3, lies=1, lost=0.1)
        told = check_linearizability(history, TaskModel()).violations
        if told:
            shortest = next(n for n in range(1, 7) if not _prefix_has_an_order(history.operations, n))
            answered = sum(each.answered for each in history.operations[:shortest])
            assert told[0].startswith(f"t1: no order of these {answered} operations"), f"seed {seed}"
            compared += 1
    assert compared > 80


def _prefix_has_an_order(operations: list[Operation], length: int) -> bool:
    now = operations[length - 1].returned
    later = [replace(each, response=Response(0)) for each in operations[length:] if each.called <= now]
    return has_order([*operations[:length], *later])


def test_long_histories_are_told_in_brief() -> None:
    """The end of the prefix, and no line without an end."""
    history, _ = random_history(random.Random(3), 300, 4, lies=1)
    history.operations[-1] = replace(history.operations[-1], body="x" * 10_000)
    told = check_linearizability(History(history.operations), TaskModel())
    assert told.outcome is Outcome.NOT_LINEARIZABLE
    assert len(told.violations) < 25
    assert all(len(line) <= 400 for line in told.violations)


class Relay(TaskModel):
    """A service that does a relay in two steps: dispatch, then complete."""

    def parts(self, operation: Operation) -> Iterable[Operation]:
        if not operation.path.endswith("/relay"):
            return (operation,)
        return [replace(operation, path=f"/t1/{part}") for part in ("dispatch", "complete")]


def test_an_operation_may_take_place_in_parts() -> None:
    """In their order, with others in between; without an answer none, some or all of them."""
    between = operation("read", 200, 1, 2, {"status": DISPATCHED, "attempt": 1})

    def legal(*operations: Operation, end: Task) -> bool:
        found = check_linearizability(History(list(operations)), Relay(), {"t1": end})
        return found.outcome is Outcome.LINEARIZABLE

    assert legal(between, operation("relay", 200, 0, 5), end=Task(ENDED, 1))
    assert not legal(between, operation("relay", 200, 3, 5), end=Task(ENDED, 1))
    lost = operation("relay", 0, 0, 5)
    assert [legal(lost, end=Task(*end)) for end in ((READY, 0), (DISPATCHED, 1), (ENDED, 1), (ENDED, 0))] == [
        True,
        True,
        True,
        False,
    ]


class Watchful(TaskModel):
    def standing_keys(self) -> Iterable[str]:
        return ("t1",)


def test_what_nobody_asked_for_must_not_happen() -> None:
    """A key that the model names is judged by its end alone where it has no operations."""
    silent = check_linearizability(History(), Watchful(), AFTER)
    assert silent.outcome is Outcome.NOT_LINEARIZABLE
    assert silent.violations[-1] == "but t1 was observed dispatched at attempt 1"
    assert check_linearizability(History(), Watchful(), {"t1": Task()}).outcome is Outcome.LINEARIZABLE


class OneDispatch(SequentialModel[int]):
    """The task is dispatched once; later ones are refused."""

    def initial(self, key: Hashable) -> int:
        return 0

    def step(self, state: int, operation: Operation) -> Done[int] | Refused:
        return Refused() if state else Done(1)

    def differences(self, key: Hashable, state: int, observed: Any) -> Iterable[str]:
        if observed["n"] != state:
            yield f"dispatched {observed['n']} times"


class ModelledRacy(RacyDispatch):
    def model(self) -> OneDispatch:
        return OneDispatch()


class ModelledGuarded(GuardedDispatch):
    def model(self) -> OneDispatch:
        return OneDispatch()


def test_a_scenario_with_a_model_has_the_oracle() -> None:
    """Evaluated in every schedule beside the invariants, violated where they are, silent over right programs."""
    racy = explore(ModelledRacy(), strategies=[PreemptionBounding(1)])
    assert racy.violated["linearizability"] == racy.violated["single-dispatch"] > 0
    assert racy.finding is not None
    told = racy.finding.tape.failed["linearizability"]
    assert told[0] == "no order of these 2 operations explains how they were answered"
    guarded = explore(ModelledGuarded(), strategies=[PreemptionBounding(2)])
    assert guarded.verdict is Verdict.PASS
    assert guarded.evaluated["linearizability"] == guarded.schedules


def test_a_scenario_without_a_model_has_it_not() -> None:
    """It is neither evaluated nor missed."""
    assert "linearizability" not in {mark.name for mark in RacyDispatch.invariants()}
    assert "linearizability" in {mark.name for mark in ModelledRacy.invariants()}


class Endless(ModelledGuarded):
    name = "endless"

    def linearizable(self, history: History, state: Any) -> Iterable[str]:
        return super().linearizable(History(history.operations * 3), state)

    def model(self) -> Any:
        raise RuntimeError("no model today")


def test_an_oracle_that_cannot_check_leaves_the_others_their_say() -> None:
    """The invariants count, the model's oracle does not, and there is no PASS."""
    found = explore(Endless(), strategies=[PreemptionBounding(1)])
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.evaluated["single-dispatch"] == found.schedules
    assert found.evaluated["linearizability"] == 0
    assert any("linearizability: RuntimeError: no model today" in doubt for doubt in found.doubts)


class Impatient(LostUpdate):
    """Actors that give up waiting for an answer."""

    name = "impatient"

    def create_app(self, folder: Any) -> Any:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await asyncio.sleep(10)

        return app

    def actors(self) -> Mapping[str, Actor]:
        async def ask(client: Client) -> None:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.post("/slow"), 1)
            self.count += 1

        return {"alice": ask, "bob": ask, "carol": ask}


def test_a_request_given_up_is_recorded_without_an_answer() -> None:
    """It may have been heard, so the history must know of it."""
    found = explore(Impatient(), strategies=[PreemptionBounding(0)], keep=1)
    history = found.iterations[0].race.history
    assert [(op.response.status, op.answered, op.error) for op in history] == [(0, False, "")] * 3
