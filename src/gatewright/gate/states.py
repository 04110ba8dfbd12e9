"""How exit codes and results add up to the state of one check. Tables, tested as tables."""

from collections.abc import Iterable, Sequence
from pathlib import PurePath

from gatewright.core.verdict import State
from gatewright.evidence.manifest import Step

__all__ = ["WAIVABLE", "agree", "rank", "state_of_step", "worst"]

GRAVITY = (
    State.TAMPERED,
    State.MISMATCH,
    State.FAIL,
    State.INVALID,
    State.TIMEOUT,
    State.ERROR,
    State.MISSING,
    State.EMPTY,
    State.STALE,
    State.INCONCLUSIVE,
    State.SKIPPED,
    State.FLAKY,
    State.WARN,
    State.PASS,
)
"""States from the worst: broken evidence, then a proven failure, then the many ways of not knowing."""

WAIVABLE = frozenset({State.FAIL, State.FLAKY, State.SKIPPED, State.WARN})
"""States that somebody can answer for: something was measured, now, of this tree, and found.

Every other state says that nobody knows: no evidence (MISSING, EMPTY), none that was finished (ERROR,
TIMEOUT), too little to decide (INCONCLUSIVE), none of this tree or day (STALE), none to read (INVALID) or
believe (MISMATCH, TAMPERED). Doubt is no finding: measure again, or let the policy demand less, openly.
"""

SUITE_EXITS = {0: State.PASS, 1: State.FAIL, 3: State.INCONCLUSIVE}
PYTEST_EXITS = {0: State.PASS, 1: State.FAIL, 5: State.EMPTY}


def worst(states: Iterable[State]) -> State:
    """The worst of some states; of none, MISSING."""
    return min(states, key=rank, default=State.MISSING)


def rank(state: State) -> int:
    """The place of a state among all, 0 for the worst."""
    return GRAVITY.index(state)


def state_of_step(step: Step) -> State:
    """What the operating system's report on a command says; codes that nobody defined are errors."""
    if step.timed_out:
        return State.TIMEOUT
    if step.exit_code is None:
        return State.ERROR
    exits = PYTEST_EXITS if runs_pytest(step.argv) else SUITE_EXITS
    return exits.get(step.exit_code, State.ERROR)


def runs_pytest(argv: Sequence[str]) -> bool:
    """Whether a command is pytest, whose code 5 means that nothing was collected and 3 that it broke."""
    return any(PurePath(argument).name in {"pytest", "py.test"} for argument in argv[:4])


def agree(steps: State, results: State) -> State:
    """Hold exit codes and results against each other: only both together pass.

    A failure that a result proves stands, whatever the exit code. A command that broke is not believed for
    the result that it left. A command that complains beside a result that says PASS is an error.
    """
    if results.breaks_integrity or results is State.FAIL:
        return results
    if steps in {State.TIMEOUT, State.ERROR, State.EMPTY}:
        return steps
    if steps in {State.PASS, results}:
        return results
    return State.ERROR
