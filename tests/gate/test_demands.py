"""Limits and budgets that contradict themselves, or bound nothing, are refused."""

import pytest
from pydantic import ValidationError

from gatewright.gate.demands import FlakyBudget, Limit


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "needs a min or a max"),
        ({"runs": 10}, "needs a min or a max"),
        ({"max": 1.0, "runs": 10}, "runs is about max_increase and its like"),
        ({"max": 1.0, "min_runs": 1}, "min_runs is about max_increase and its like"),
        ({"max": 1.0, "first_runs": "warn"}, "first_runs is about max_increase and its like"),
        ({"max_increase": 0.1, "runs": 4}, "min_runs can't be more than the 4 runs"),
        ({"max_increase": 0.1, "min_runs": 11}, "min_runs can't be more than the 10 runs"),
        ({"max_increase": 0.1, "first_runs": "pass"}, "first_runs"),
        ({"max_increase": -0.1}, "max_increase"),
        ({"max_decrease": 1.1}, "max_decrease"),
        ({"warn_decrease": 1.1}, "warn_decrease"),
        ({"max_increase": 0.1, "runs": 0}, "runs"),
        ({"max_increase": 0.1, "runs": 1001}, "runs"),
        ({"max_increase": 0.1, "min_runs": 0}, "min_runs"),
        ({"max": "1"}, "max"),
        ({"max": True}, "max"),
        ({"max": float("nan")}, "max"),
        ({"max": float("inf")}, "max"),
        ({"max_increase": float("inf")}, "max_increase"),
        ({"min": 2.0, "max": 1.0}, "min is above max"),
        ({"min": 2.0, "warn_min": 1.0}, "min is above warn_min"),
        ({"warn_max": 2.0, "max": 1.0}, "warn_max is above max"),
        ({"warn_min": 2.0, "warn_max": 1.0}, "warn_min is above warn_max"),
        ({"warn_increase": 0.2, "max_increase": 0.1}, "warn_increase is above max_increase"),
        ({"warn_decrease": 0.2, "max_decrease": 0.1}, "warn_decrease is above max_decrease"),
        ({"maximum": 1.0}, "maximum"),
    ],
)
def test_a_limit_that_can_not_be_meant_is_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Limit(**settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"min": 1},
        {"max": 1},
        {"warn_min": 1},
        {"warn_max": 0},
        {"min": 1, "max": 1, "warn_min": 1, "warn_max": 1},
        {"max_increase": 0},
        {"max_decrease": 1.0},
        {"warn_increase": 7},
        {"warn_decrease": 0.0},
        {"max_increase": 0.1, "warn_increase": 0.1, "runs": 5},
        {"max_increase": 0.1, "runs": 1000, "min_runs": 1000},
        {"max_increase": 0.1, "runs": 1, "min_runs": 1},
    ],
)
def test_a_limit_needs_one_bound_of_any_kind(settings: dict[str, object]) -> None:
    limit = Limit(**settings)
    assert limit.is_relative == any("crease" in name for name in settings)


def test_defaults_compare_with_ten_runs_and_stay_in_doubt_until_five() -> None:
    limit = Limit(max_increase=0.1)
    assert (limit.runs, limit.min_runs, limit.first_runs) == (10, 5, "inconclusive")
    assert FlakyBudget(rate=0.02).runs == 20


@pytest.mark.parametrize(
    "settings",
    [{}, {"rate": -0.1}, {"rate": 1.1}, {"rate": 0.1, "runs": 0}, {"rate": "0.1"}, {"rate": 0.1, "run": 3}],
)
def test_a_flaky_budget_is_a_share_over_some_runs(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        FlakyBudget(**settings)
