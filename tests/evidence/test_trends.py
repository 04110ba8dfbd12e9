"""What follows from many runs, by hand-made histories whose answers are known."""

import pytest
from fakes.ledgers import entry, ledger_check

from gatewright.core.verdict import State
from gatewright.evidence.trends import (
    DURATION,
    check_names,
    flake_rate,
    metric_names,
    pass_rate,
    series,
    trend,
)


def runs(*states: State | tuple[str, State], profile: str = "quick") -> list:
    """One run for each state, of the same tree unless another is named."""
    found = [state if isinstance(state, tuple) else ("sha256:tree", state) for state in states]
    return [
        entry(number, tree=tree, profile=profile, unit=ledger_check(state))
        for number, (tree, state) in enumerate(found)
    ]


PASS, FAIL = State.PASS, State.FAIL
RATES = {
    "no run": ((), (0, 0, 0, 0.0)),
    "one run": ((PASS,), (1, 0, 0, 0.0)),
    "always the same": ((PASS, PASS, PASS), (3, 2, 0, 0.0)),
    "a change on the same tree": ((PASS, FAIL, PASS, PASS), (4, 3, 2, 0.5)),
    "a change with the tree": ((("a", PASS), ("b", FAIL), ("c", PASS)), (3, 0, 0, 0.0)),
    "a tree that comes back": ((("a", PASS), ("b", FAIL), ("a", FAIL)), (3, 1, 1, 1 / 3)),
    "a warning is a pass": ((PASS, State.WARN, PASS), (3, 2, 0, 0.0)),
    "a time-out is no pass": ((PASS, State.TIMEOUT), (2, 1, 1, 0.5)),
    "what did not measure says nothing": (
        (PASS, State.MISSING, State.STALE, State.SKIPPED, State.EMPTY, State.TAMPERED, PASS),
        (2, 1, 0, 0.0),
    ),
    "a state of flaky": ((State.FLAKY, State.FLAKY), (2, 1, 0, 1.0)),
}


@pytest.mark.parametrize("name", RATES)
def test_a_check_flakes_when_its_verdict_changes_and_nothing_else_did(name: str) -> None:
    states, (count, repeats, changes, rate) = RATES[name]
    found = flake_rate(runs(*states), "unit")
    assert (found.runs, found.repeats, found.changes) == (count, repeats, changes)
    assert found.rate == pytest.approx(rate)


def test_tests_that_passed_at_a_second_try_count_once() -> None:
    """Also where the verdict changed in the same run."""
    entries = [
        entry(0, unit=ledger_check(PASS)),
        entry(1, unit=ledger_check(PASS, flaky=2)),
        entry(2, unit=ledger_check(State.FLAKY, flaky=1)),
    ]
    found = flake_rate(entries, "unit")
    assert (found.changes, found.flaky) == (1, 2)
    assert found.rate == pytest.approx(2 / 3)


def test_other_profiles_and_policies_are_other_runs() -> None:
    """The full profile may fail where the quick one does not look."""
    entries = [*runs(PASS), *runs(FAIL, profile="full")]
    assert flake_rate(entries, "unit").changes == 0
    other = runs(FAIL)[0].model_copy(update={"policy": "1" * 64})
    assert flake_rate([*runs(PASS), other], "unit").changes == 0


def test_figures_are_drawn_from_the_runs_that_measured_them() -> None:
    entries = [
        entry(0, unit=ledger_check(duration_s=2.0, p95_ms=10.0)),
        entry(1, unit=ledger_check(State.MISSING, duration_s=0.0)),
        entry(2, unit=ledger_check(duration_s=4.0)),
        entry(3, stress=ledger_check()),
        entry(4, unit=ledger_check(FAIL, duration_s=9.0, p95_ms=30.0)),
    ]
    assert [(point.run_id, point.value) for point in series(entries, "unit", "p95_ms")] == [
        ("run-0", 10.0),
        ("run-4", 30.0),
    ]
    found = trend(entries, "unit", DURATION)
    assert found
    assert (found.values, found.median, found.minimum, found.maximum) == ((2.0, 4.0, 9.0), 4.0, 2.0, 9.0)
    assert trend(entries, "unit", "p99_ms") is None
    assert metric_names(entries, "unit") == (DURATION, "p95_ms")
    assert check_names(entries) == ("unit", "stress")
    assert (pass_rate(entries).passed, pass_rate(entries).runs) == (3, 5)
