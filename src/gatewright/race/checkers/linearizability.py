"""Linearizability: could the requests have come one after the other, and been answered as they were?

Each must take effect at one moment between its call and its answer. A refused one has changed nothing; one
that was never answered may have taken effect, also later. The state observed after the race counts, too.
"""

import json
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Generic

from gatewright.race.checkers.orders import Search, chains_of, end_of, find_order
from gatewright.race.checkers.sequential import Done, Refused, SequentialModel, State, fits
from gatewright.race.history import History, Operation, Response

__all__ = ["Linearizability", "Outcome", "check_linearizability"]

BUDGET = 100_000
SHOWN_OPERATIONS = 12
SHOWN_ORDER = 4
SHOWN_CHARACTERS = 400
NO_ANSWER = Response(0)


class Outcome(StrEnum):
    """What a check came to; a check that could not be finished is never taken for a good one."""

    LINEARIZABLE = "linearizable"
    NOT_LINEARIZABLE = "not linearizable"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Linearizability:
    """The outcome for a whole history.

    `violations` tells, for every key whose operations have no order, the shortest prefix that has none, a
    line for each operation; `explored` counts configurations over all keys.
    """

    outcome: Outcome
    violations: tuple[str, ...]
    explored: int


def check_linearizability(
    history: History, model: SequentialModel[Any], observed: Any = None, *, budget: int = BUDGET
) -> Linearizability:
    """Judge a history against a model, key by key.

    Args:
        history: what was asked and answered.
        model: what the service does to one request after the other.
        observed: the state after the race, for the model's `differences`; None where nobody looked.
        budget: configurations to explore at most for each key, before the outcome is unknown.
    """
    searches = [
        _Partition(model, key, operations, observed, budget).judge()
        for key, operations in _partitioned(history, model).items()
    ]
    violations = tuple(line for _, lines, _ in searches for line in lines)
    outcomes = {outcome for outcome, _, _ in searches}
    worst = next((known for known in _WORST_FIRST if known in outcomes), Outcome.LINEARIZABLE)
    return Linearizability(worst, violations, sum(explored for _, _, explored in searches))


_WORST_FIRST = (Outcome.NOT_LINEARIZABLE, Outcome.UNKNOWN)


def _partitioned(history: History, model: SequentialModel[Any]) -> dict[Hashable, list[Operation]]:
    """The operations that the model knows, by what they are about, in the order of their answers."""
    found: dict[Hashable, list[Operation]] = {key: [] for key in model.standing_keys()}
    for operation in history:
        for key in dict.fromkeys(model.key(part) for part in model.parts(operation)):
            found.setdefault(key, []).append(operation)
    return found


@dataclass(frozen=True)
class _Partition(Generic[State]):
    model: SequentialModel[State]
    key: Hashable
    operations: Sequence[Operation]
    observed: Any
    budget: int

    def judge(self) -> tuple[Outcome, tuple[str, ...], int]:
        """Outcome, what violates it, and how many configurations it took."""
        search = self._search(self.operations, self._may_end)
        if search.legal is not False:
            return (Outcome.LINEARIZABLE if search.legal else Outcome.UNKNOWN), (), search.explored
        prefix = self._shortest_illegal_prefix(search.barrier)
        lines = self._told(*prefix) if prefix else self._told_of_the_end(search)
        return Outcome.NOT_LINEARIZABLE, tuple(_clipped(line) for line in lines), search.explored

    def _search(
        self, operations: Iterable[Operation], may_end: Callable[[State], bool] = lambda _: True
    ) -> Search[State]:
        groups = [tuple(self._parts(operation)) for operation in operations]
        return find_order(
            chains_of(group for group in groups if group),
            self.model.initial(self.key),
            self._step,
            may_end,
            budget=self.budget,
        )

    def _parts(self, operation: Operation) -> Iterator[Operation]:
        return (part for part in self.model.parts(operation) if self.model.key(part) == self.key)

    def _step(self, state: State, operation: Operation) -> State | None:
        outcome = self.model.step(state, operation)
        if operation.answered and not fits(outcome, operation.response):
            return None
        if isinstance(outcome, Done):
            return outcome.state
        return state if operation.answered else None

    def _may_end(self, state: State) -> bool:
        return self.observed is None or not any(self.model.differences(self.key, state, self.observed))

    def _shortest_illegal_prefix(self, barrier: float) -> tuple[list[Operation], Search[State]] | None:
        """The fewest operations, as they were answered, that have no order; None if only the end is wrong.

        Whatever was under way by then may have taken effect or not, so longer prefixes have no order either.
        No shorter one than to the barrier need be tried, because every answer before it was explained.
        """
        legal = sum(end_of(operation) < barrier for operation in self.operations)
        illegal, stride, found = legal, 1, None
        while found is None and illegal < len(self.operations):
            legal, illegal = illegal, min(illegal + stride, len(self.operations))
            found, stride = self._illegal(illegal), 2 * stride
        while found is not None and legal + 1 < illegal:
            middle = (legal + illegal) // 2
            shorter = self._illegal(middle)
            legal, illegal = (middle, illegal) if shorter is None else (legal, middle)
            found = shorter or found
        return found

    def _illegal(self, length: int) -> tuple[list[Operation], Search[State]] | None:
        """The prefix of this length with its search, if it has no order."""
        prefix = self._prefix(length)
        search = self._search(prefix)
        return (prefix, search) if search.legal is False else None

    def _prefix(self, length: int) -> list[Operation]:
        answered = list(self.operations[:length])
        now = max(operation.returned for operation in answered)
        under_way = (operation for operation in self.operations[length:] if operation.called <= now)
        return [*answered, *(replace(operation, response=NO_ANSWER) for operation in under_way)]

    def _told(self, prefix: list[Operation], search: Search[State]) -> Iterator[str]:
        answered = [operation for operation in prefix if operation.answered]
        yield f"{self._place()}no order of these {len(answered)} operations explains how they were answered"
        yield f"before: {self.model.describe(self.model.initial(self.key))}"
        yield from _numbered(prefix)
        yield from self._furthest(search)

    def _furthest(self, search: Search[State]) -> Iterator[str]:
        """How far an order can be followed, and what would have to be answered there."""
        state = self.model.describe(search.state)
        yield f"furthest: {_in_order(search.order)}; this leaves {state}"
        for operation in search.next_up:
            if operation.answered:
                outcome = self.model.step(search.state, operation)
                answer = _answer(operation, like=outcome.answer)
                yield f"there {_brief(operation)} must be answered {_expected(outcome)}, not {answer}"

    def _told_of_the_end(self, search: Search[State]) -> Iterator[str]:
        """The answers have an order, but none that ends where the race ended."""
        yield f"{self._place()}no order of these {len(self.operations)} operations ends in the state observed"
        yield f"before: {self.model.describe(self.model.initial(self.key))}"
        yield from _numbered(self.operations)
        yield f"{_in_order(search.order)} leads to {self.model.describe(search.state)}"
        for difference in self.model.differences(self.key, search.state, self.observed):
            yield f"but {difference}"

    def _place(self) -> str:
        return f"{self.key}: " if self.key else ""


def _numbered(operations: Sequence[Operation]) -> Iterator[str]:
    """A line for each operation; of many the last ones."""
    if (hidden := len(operations) - SHOWN_OPERATIONS) > 0:
        yield f"({hidden} operations before these)"
    for number, operation in list(enumerate(operations, start=1))[-SHOWN_OPERATIONS:]:
        yield (
            f"{number}. {operation.actor} {operation.method} {operation.path}{_body(operation.body)} "
            f"({operation.called} to {operation.returned}): {_answer(operation)}"
        )


def _in_order(operations: Sequence[Operation]) -> str:
    """An order in a few words; of many the last ones."""
    earlier = max(0, len(operations) - SHOWN_ORDER)
    first = [f"{earlier} others"] if earlier else []
    return ", then ".join([*first, *map(_brief, operations[earlier:])]) or "none of them"


def _brief(operation: Operation) -> str:
    return f"{operation.actor}'s {operation.method} {operation.path}"


def _answer(operation: Operation, *, like: object = None) -> str:
    """Status and body; of a body only the fields of the answer that it should be like."""
    if not operation.answered:
        return f"{operation.response.status or 'no answer yet'}"
    body = operation.response.json
    if isinstance(body, Mapping) and isinstance(like, Mapping):
        body = {name: body.get(name) for name in like}
    return f"{operation.response.status}{_body(body)}"


def _expected(outcome: Done[State] | Refused) -> str:
    return f"{'2xx' if isinstance(outcome, Done) else outcome.status}{_body(outcome.answer)}"


def _body(body: object) -> str:
    return "" if body is None else f" {json.dumps(body, ensure_ascii=False, default=str)}"


def _clipped(line: str) -> str:
    return f"{line[: SHOWN_CHARACTERS - 1]}…" if len(line) > SHOWN_CHARACTERS else line
