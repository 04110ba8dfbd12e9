"""Histories of a task under concurrent clients, right and wrong ones, and a judge that tries every order."""

import random
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from itertools import combinations, permutations
from typing import Any, NamedTuple

from gatewright.race import Done, History, Operation, Refused, Response, SequentialModel

READY, DISPATCHED, ENDED = "ready", "dispatched", "ended"
CHANGES = {"dispatch": (READY, DISPATCHED), "complete": (DISPATCHED, ENDED), "rerun": (ENDED, READY)}
REQUESTS = (*CHANGES, "read", "read")


class Task(NamedTuple):
    status: str = READY
    attempt: int = 0


class TaskModel(SequentialModel[Task]):
    """Dispatched, completed and rerun in turn; each attempt has its number, and reading tells both."""

    def key(self, operation: Operation) -> str:
        return operation.path.split("/")[1]

    def initial(self, key: Hashable) -> Task:
        return Task()

    def step(self, state: Task, operation: Operation) -> Done[Task] | Refused:
        request = operation.path.split("/")[2]
        if request == "read":
            return Done(state, {"status": state.status, "attempt": state.attempt})
        before, after = CHANGES[request]
        if state.status != before:
            return Refused()
        return Done(Task(after, state.attempt + (request == "dispatch")))

    def differences(self, key: Hashable, state: Task, observed: Any) -> Iterable[str]:
        if observed[key] != state:
            yield f"{key} was observed {observed[key].status} at attempt {observed[key].attempt}"

    def describe(self, state: Task) -> str:
        return f"{state.status} at attempt {state.attempt}"


def operation(
    request: str, status: int, called: int, returned: int, body: Any = None, *, actor: str = ""
) -> Operation:
    """One request to the task `t1`, by an actor of its own unless one is named."""
    path = request if "/" in request else f"/t1/{request}"
    return Operation(
        actor or f"{called}-{returned}", "POST", path, None, Response(status, body), called, returned
    )


def random_history(
    rng: random.Random, size: int, clients: int, *, lies: int = 0, lost: float = 0.0, tasks: int = 1
) -> tuple[History, dict[str, Task]]:
    """What clients are answered by a right service, and its final state; but for so many answers that lie.

    `lost` is the share of answers that never arrive.
    """
    model, states = TaskModel(), {f"t{number}": Task() for number in range(1, tasks + 1)}
    free = [0] * clients
    planned = []
    for _ in range(size):
        client = min(range(clients), key=free.__getitem__)
        called = free[client] + rng.randrange(10)
        effect = called + rng.randrange(10)
        returned = effect + 1 + rng.randrange(10)
        free[client] = returned + 1
        path = f"/{rng.choice(list(states))}/{rng.choice(REQUESTS)}"
        planned.append((effect, operation(path, 0, called, returned, actor=f"client-{client}")))
    done = []
    for _, asked in sorted(planned, key=lambda entry: entry[0]):
        key = model.key(asked)
        outcome = model.step(states[key], asked)
        if isinstance(outcome, Done):
            states[key] = outcome.state
        response = Response(200 if isinstance(outcome, Done) else outcome.status, outcome.answer)
        done.append(replace(asked, response=Response(0) if rng.random() < lost else response))
    for place in rng.sample(range(size // 2, size), lies):
        status = 409 if done[place].response.status == 200 else 200
        done[place] = replace(done[place], response=Response(status, {"status": ENDED, "attempt": 99}))
    return History(sorted(done, key=lambda each: each.returned)), states


def has_order(operations: Sequence[Operation], observed: dict[str, Task] | None = None) -> bool:
    """Whether any order of the answered operations, with any of the others, explains all; tries every one."""
    answered = [each for each in operations if each.answered]
    lost = [each for each in operations if not each.answered]
    return any(
        _explains(order, observed)
        for number in range(len(lost) + 1)
        for heard in combinations(lost, number)
        for order in permutations([*answered, *heard])
    )


def _explains(order: Sequence[Operation], observed: dict[str, Task] | None) -> bool:
    for place, later in enumerate(order):
        if any(each.answered and each.returned <= later.called for each in order[place + 1 :]):
            return False
    state = Task()
    for each in order:
        request = each.path.split("/")[2]
        status, body = each.response.status, each.response.json
        if request == "read":
            if status == 409 or (
                each.answered and body != {"status": state.status, "attempt": state.attempt}
            ):
                return False
            continue
        before, after = CHANGES[request]
        if each.answered and (status == 200) != (state.status == before):
            return False
        if state.status == before:
            state = Task(after, state.attempt + (request == "dispatch"))
    return observed is None or state == observed["t1"]
