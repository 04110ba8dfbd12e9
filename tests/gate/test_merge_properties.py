"""Laws of the merge, for all runs that there can be: worse evidence never makes a better verdict."""

from itertools import combinations_with_replacement

import pytest
from fakes.proofs import tried
from hypothesis import given
from hypothesis import strategies as st

from gatewright.core.verdict import ExitCode, State, Verdict, merge_states, merge_verdicts
from gatewright.evidence.report import Counts, Reason
from gatewright.gate.aggregate import CheckVerdict
from gatewright.gate.decision import decide, incident
from gatewright.gate.states import agree, rank, worst

PROVEN = tried(300)
STATES = st.sampled_from(State)
ENDINGS = (State.PASS, State.FAIL, State.INCONCLUSIVE, State.TIMEOUT, State.ERROR, State.EMPTY)
"""The states that a command can end in."""
GOODNESS = {Verdict.FAIL: 0, Verdict.INCONCLUSIVE: 1, Verdict.PASS: 2}
SEVERITY = (ExitCode.PASS, ExitCode.INCONCLUSIVE, ExitCode.FAIL, ExitCode.INTEGRITY)
"""Exit codes from the best."""


def check(state: State, number: int = 0, *, required: bool = True) -> CheckVerdict:
    return CheckVerdict(
        check=f"check-{number}",
        state=state,
        required=required,
        isolated=None,
        counts=Counts(),
        metrics={},
        duration_s=0,
        started_at=None,
        finished_at=None,
        manifest="",
        manifest_sha256=None,
        reasons=() if state is State.PASS else (Reason(rule="r", message=f"{number} is {state}"),),
    )


@st.composite
def runs(draw: st.DrawFn) -> tuple[CheckVerdict, ...]:
    pairs = draw(st.lists(st.tuples(STATES, st.booleans()), max_size=8))
    return tuple(check(state, number, required=required) for number, (state, required) in enumerate(pairs))


def test_nothing_is_a_pass_but_all_settled() -> None:
    """Every set of up to three required checks, all of them tried."""
    assert merge_states([]) == (Verdict.INCONCLUSIVE, ExitCode.INCONCLUSIVE)
    for size in (1, 2, 3):
        for states in combinations_with_replacement(State, size):
            verdict, code = merge_states(states)
            assert (verdict is Verdict.PASS) == all(state in {State.PASS, State.WARN} for state in states)
            assert (code is ExitCode.PASS) == (verdict is Verdict.PASS)


def test_each_state_leads_to_the_exit_code_that_is_documented() -> None:
    integrity = {State.TAMPERED: ExitCode.INTEGRITY, State.MISMATCH: ExitCode.INTEGRITY}
    known = integrity | {State.FAIL: ExitCode.FAIL, State.PASS: ExitCode.PASS, State.WARN: ExitCode.PASS}
    assert {state: merge_states([state])[1] for state in State} == {
        state: known.get(state, ExitCode.INCONCLUSIVE) for state in State
    }


@PROVEN
@given(st.lists(STATES, min_size=1), st.data())
def test_a_worse_state_never_makes_a_better_verdict(states: list[State], data: st.DataObject) -> None:
    """By the rank of states; the exit code only goes toward integrity."""
    place = data.draw(st.integers(0, len(states) - 1))
    worse = data.draw(STATES.filter(lambda state: rank(state) <= rank(states[place])))
    changed = [*states[:place], worse, *states[place + 1 :]]
    (before, code), (after, changed_code) = merge_states(states), merge_states(changed)
    assert GOODNESS[after] <= GOODNESS[before]
    assert SEVERITY.index(changed_code) >= SEVERITY.index(code)


@PROVEN
@given(st.lists(STATES, min_size=1), STATES)
def test_one_more_required_check_never_makes_a_better_verdict(states: list[State], more: State) -> None:
    assert GOODNESS[merge_states([*states, more])[0]] <= GOODNESS[merge_states(states)[0]]


@PROVEN
@given(st.lists(STATES), st.randoms(use_true_random=False))
def test_the_order_of_checks_has_no_say(states: list[State], random) -> None:
    shuffled = random.sample(states, len(states))
    assert merge_states(shuffled) == merge_states(states)
    assert worst(shuffled) is worst(states)
    assert merge_states(states * 2) == merge_states(states)


@PROVEN
@given(st.lists(STATES, min_size=1), st.lists(STATES, min_size=1))
def test_the_worst_of_parts_is_the_worst_of_all(one: list[State], other: list[State]) -> None:
    assert worst([worst(one), worst(other)]) is worst(one + other)
    verdicts = [merge_states(one)[0], merge_states(other)[0]]
    assert merge_verdicts(verdicts) is merge_states(one + other)[0]


@pytest.mark.parametrize("steps", ENDINGS)
@pytest.mark.parametrize("results", State)
def test_worse_results_or_endings_never_agree_on_something_better(steps: State, results: State) -> None:
    """Where either gets worse, what both agree on never becomes a PASS, and a proven failure never a doubt."""
    together = GOODNESS[agree(steps, results).verdict]
    for worse in State:
        if worse in ENDINGS and rank(worse) <= rank(steps):
            assert GOODNESS[agree(worse, results).verdict] <= together
        if rank(worse) <= rank(results):
            assert GOODNESS[agree(steps, worse).verdict] <= together


@PROVEN
@given(checks=runs(), interrupted=st.booleans(), data=st.data())
def test_a_run_passes_only_when_all_that_counts_is_settled(
    checks: tuple[CheckVerdict, ...], *, interrupted: bool, data: st.DataObject
) -> None:
    incidents = (incident("x", "x", expected="", observed="", command=""),) if interrupted else ()
    verdict, reasons = decide(checks, incidents)
    required = [each for each in checks if each.required]
    is_good = (
        bool(required)
        and not interrupted
        and all(each.state.settles for each in required)
        and not any(each.state.breaks_integrity for each in checks)
    )
    assert (verdict is Verdict.PASS) == is_good
    assert reasons[: len(incidents)] == incidents
    if verdict is not Verdict.PASS and required:
        assert reasons
    shuffled = data.draw(st.permutations(checks))
    assert decide(tuple(shuffled), incidents)[0] is verdict


@PROVEN
@given(runs(), st.data())
def test_spoiling_a_check_or_requiring_it_never_makes_a_run_better(
    checks: tuple[CheckVerdict, ...], data: st.DataObject
) -> None:
    if not any(each.required for each in checks):
        return
    place = data.draw(st.integers(0, len(checks) - 1))
    worse = data.draw(STATES.filter(lambda state: rank(state) <= rank(checks[place].state)))
    for update in ({"state": worse}, {"required": True}):
        changed = (*checks[:place], checks[place].model_copy(update=update), *checks[place + 1 :])
        assert GOODNESS[decide(changed, ())[0]] <= GOODNESS[decide(checks, ())[0]]
