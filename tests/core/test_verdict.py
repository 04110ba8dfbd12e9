"""How states and verdicts merge."""

import itertools

import pytest

from gatewright.core.verdict import ExitCode, State, Verdict, merge_states, merge_verdicts

FAILING = {State.FAIL, State.TAMPERED, State.MISMATCH}
PASSING = {State.PASS, State.WARN}


def test_nothing_measured_never_passes() -> None:
    assert merge_states([]) == (Verdict.INCONCLUSIVE, ExitCode.INCONCLUSIVE)
    assert merge_verdicts([]) is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("state", State)
def test_a_single_state_has_one_verdict(state: State) -> None:
    verdict, code = merge_states([state])
    if state in PASSING:
        assert (verdict, code) == (Verdict.PASS, ExitCode.PASS)
    elif state.breaks_integrity:
        assert (verdict, code) == (Verdict.FAIL, ExitCode.INTEGRITY)
    elif state is State.FAIL:
        assert (verdict, code) == (Verdict.FAIL, ExitCode.FAIL)
    else:
        assert (verdict, code) == (Verdict.INCONCLUSIVE, ExitCode.INCONCLUSIVE)


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations_with_replacement(State, 2)))
def test_two_states_merge_to_the_graver_word_in_either_order(first: State, second: State) -> None:
    """Integrity outranks FAIL, FAIL outranks doubt, doubt outranks PASS."""
    verdict, code = merge_states([first, second])
    assert (verdict, code) == merge_states([second, first])
    both = {first, second}
    if any(state.breaks_integrity for state in both):
        assert code is ExitCode.INTEGRITY
    elif State.FAIL in both:
        assert (verdict, code) == (Verdict.FAIL, ExitCode.FAIL)
    else:
        assert (verdict is Verdict.PASS) == (both <= PASSING)


def test_merging_verdicts_is_merging_their_states() -> None:
    for verdicts in itertools.product(Verdict, repeat=2):
        assert merge_verdicts(verdicts) is merge_states(State[verdict.name] for verdict in verdicts)[0]
