"""The search for an order: Wing and Gong's, with Lowe's memory of configurations that led nowhere.

J. M. Wing, C. Gong: Testing and Verifying Concurrent Objects (1993). G. Lowe: Testing for Linearizability
(2017). A configuration is how far each client has come, which of the unanswered operations have taken effect,
and the state. Clients are few, so it is small; and a configuration is no better than another that comes to
the same with fewer of the unanswered ones used up.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Generic

from gatewright.race.checkers.sequential import State
from gatewright.race.history import Operation

__all__ = ["Search", "chains_of", "end_of", "find_order"]


@dataclass(frozen=True, slots=True)
class Search(Generic[State]):
    """What a search found.

    `legal` is None when the budget ended it. `order` is the order found, or else the one that is legal for
    the most answered operations; `state` is where it leads, `next_up` what could have come next there.
    `barrier` is the earliest end (`end_of`) that no order gets past, infinite where one has all answers.
    `explored` counts configurations.
    """

    legal: bool | None
    order: tuple[Operation, ...]
    state: State
    next_up: tuple[Operation, ...]
    barrier: float
    explored: int


def chains_of(groups: Iterable[Sequence[Operation]]) -> list[list[Operation]]:
    """Operations in as few sequences as there were clients at once, each in the only order it can have had.

    Nothing is known to follow an operation that was never answered: it has a sequence of its own.

    Args:
        groups: the parts of each operation, in the order in which operations returned.
    """
    chains: list[list[Operation]] = []
    for group in sorted(groups, key=lambda parts: parts[0].called):
        free = [chain for chain in chains if group[0].answered and _follows(group[0], chain[-1])]
        own = next((chain for chain in free if chain[-1].actor == group[0].actor), None)
        if chain := own or (free[0] if free else None):
            chain.extend(group)
        else:
            chains.append(list(group))
    return chains


def find_order(
    chains: Sequence[Sequence[Operation]],
    initial: State,
    step: Callable[[State, Operation], State | None],
    may_end: Callable[[State], bool],
    *,
    budget: int,
) -> Search[State]:
    """Look for an order of all answered operations, and any of the others, that is legal step by step.

    Args:
        chains: from `chains_of`.
        initial: the state before them.
        step: the state after an operation; None where it can't have been answered so.
        may_end: whether all may end in a state.
        budget: configurations to explore at most.
    """
    return _Searcher(chains, initial, step, may_end).run(budget)


def end_of(operation: Operation) -> float:
    """When it was answered, on a clock that parts what stands between two steps from the steps.

    Who was never answered may still be under way at the end.
    """
    if not operation.answered:
        return math.inf
    return 2 * operation.returned + (operation.called == operation.returned)


def _begin(operation: Operation) -> int:
    """When it was called, on the same clock."""
    return 2 * operation.called + (operation.called < operation.returned)


def _follows(later: Operation, earlier: Operation) -> bool:
    """Whether one was surely called after the other had returned; an actor's own order is always known."""
    own = earlier.actor == later.actor and earlier.answered and earlier.returned <= later.called
    return own or end_of(earlier) < _begin(later)


class _Searcher(Generic[State]):
    def __init__(
        self,
        chains: Sequence[Sequence[Operation]],
        initial: State,
        step: Callable[[State, Operation], State | None],
        may_end: Callable[[State], bool],
    ) -> None:
        self._chains = chains
        self._step = step
        self._may_end = may_end
        self._begins = [[*map(_begin, chain), math.inf] for chain in chains]
        self._ends = [[*map(end_of, chain), math.inf] for chain in chains]
        *self._strides, _ = accumulate((len(chain) + 1 for chain in chains), int.__mul__, initial=1)
        *self._offsets, _ = accumulate(map(len, chains), initial=0)
        self._places = [0] * len(chains)
        self._state = initial
        self._progress = 0
        self._used = 0
        self._left = sum(operation.answered for chain in chains for operation in chain)
        self._path: list[tuple[int, State, int, int]] = []
        self._seen: dict[tuple[int, State], list[int]] = {}
        self._explored = 0
        self._barrier = 0.0
        self._reach = (0, 0)
        self._longest: tuple[list[int], State] = ([], initial)

    def run(self, budget: int) -> Search[State]:
        """Go deep first; who has returned first is tried first."""
        if self._is_new(0, self._state, 0) and self._is_done():
            return self._found(legal=True)
        options = [self._candidates()]
        while options:
            if not options[-1]:
                options.pop()
                self._go_back()
            elif self._go_on(options[-1].pop()):
                if self._is_done():
                    return self._found(legal=True)
                if self._explored >= budget:
                    return self._found(legal=None)
                options.append(self._candidates())
        return self._found(legal=False)

    def _is_done(self) -> bool:
        return not self._left and self._may_end(self._state)

    def _candidates(self) -> list[int]:
        """The chains whose next operation nobody's return forbids to come next; the best is the last."""
        places, ends, begins = self._places, self._ends, self._begins
        first_end = min((ends[chain][place] for chain, place in enumerate(places)), default=math.inf)
        self._barrier = max(self._barrier, first_end)
        allowed = [
            (ends[chain][place], chain)
            for chain, place in enumerate(places)
            if begins[chain][place] <= first_end and place < len(self._chains[chain])
        ]
        allowed.sort(reverse=True)
        return [chain for _, chain in allowed]

    def _go_on(self, chain: int) -> bool:
        """Let a chain's next operation be the next of all; False where it is illegal or leads nowhere new."""
        operation = self._chains[chain][self._places[chain]]
        after = self._step(self._state, operation)
        if after is None:
            return False
        progress, used = self._progress, self._used
        if operation.answered:
            progress += self._strides[chain]
        elif after == self._state:
            return False  # the same as if it had never taken effect
        else:
            used |= 1 << (self._offsets[chain] + self._places[chain])
        if not self._is_new(progress, after, used):
            return False
        self._path.append((chain, self._state, self._progress, self._used))
        self._places[chain] += 1
        self._state, self._progress, self._used = after, progress, used
        self._left -= operation.answered
        return True

    def _is_new(self, progress: int, state: State, used: int) -> bool:
        """Note a configuration, unless one that is at least as good was there before."""
        before = self._seen.setdefault((progress, state), [])
        if any(known & used == known for known in before):
            return False
        before.append(used)
        self._explored += 1
        return True

    def _go_back(self) -> None:
        """Take back the last operation."""
        unanswered = self._used.bit_count()
        reach = (len(self._path) - unanswered, -unanswered)
        if reach > self._reach:
            self._reach, self._longest = reach, ([chain for chain, *_ in self._path], self._state)
        if self._path:
            chain, self._state, self._progress, self._used = self._path.pop()
            self._places[chain] -= 1
            self._left += self._chains[chain][self._places[chain]].answered

    def _found(self, *, legal: bool | None) -> Search[State]:
        path, state = ([chain for chain, *_ in self._path], self._state) if legal else self._longest
        barrier = self._barrier
        self._places = [0] * len(self._chains)
        order = []
        for chain in path:
            order.append(self._chains[chain][self._places[chain]])
            self._places[chain] += 1
        next_up = tuple(self._chains[chain][self._places[chain]] for chain in reversed(self._candidates()))
        return Search(legal, tuple(order), state, next_up, barrier, self._explored)
