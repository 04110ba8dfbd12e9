"""Metrics against absolute limits and against earlier runs, at the bound and one step beyond."""

import math

import pytest

from gatewright.core.verdict import State
from gatewright.evidence.report import Counts
from gatewright.evidence.results import Result
from gatewright.gate.baseline import Baseline, CheckBaseline, Sample, TestRun
from gatewright.gate.demands import FlakyBudget, Limit
from gatewright.gate.finding import Finding, Place
from gatewright.gate.limits import bounds, find_broken_limits, find_flaky_excess
from gatewright.gate.policy import Check

PLACE = Place("one", "unit")
FAIL, WARN, INCONCLUSIVE = State.FAIL, State.WARN, State.INCONCLUSIVE
ABOVE, BELOW = math.inf, -math.inf


def check(**settings: object) -> Check:
    return Check(steps=[["true"]], results=["a.json"], **settings)


def baseline(*values: float, profile: str = "quick", problem: str = "") -> Baseline:
    samples = tuple(Sample(run_id=f"r{number}", value=value) for number, value in enumerate(values))
    return Baseline(
        profile=profile, problem=problem, checks={"unit": CheckBaseline(metrics={"p95": samples})}
    )


def findings(value: float | None, limit: dict[str, object], earlier: Baseline | None = None) -> list[Finding]:
    metrics = {} if value is None else {"p95": value}
    results = (Result("a.json", State.PASS, metrics=metrics),)
    return list(find_broken_limits(PLACE, check(limits={"p95": limit}), results, earlier, "quick"))


def outcome(*arguments: object) -> list[tuple[State, str]]:
    return [(finding.state, finding.reason.rule) for finding in findings(*arguments)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("limit", "value", "state"),
    [
        ({"max": 100.0}, 100.0, None),
        ({"max": 100.0}, math.nextafter(100.0, ABOVE), FAIL),
        ({"min": 100.0}, 100.0, None),
        ({"min": 100.0}, math.nextafter(100.0, BELOW), FAIL),
        ({"min": 0, "max": 0}, 0.0, None),
        ({"warn_max": 100.0}, 100.0, None),
        ({"warn_max": 100.0}, math.nextafter(100.0, ABOVE), WARN),
        ({"warn_min": 100.0}, 100.0, None),
        ({"warn_min": 100.0}, math.nextafter(100.0, BELOW), WARN),
        ({"warn_max": 90.0, "max": 100.0}, 95.0, WARN),
        ({"warn_max": 90.0, "max": 100.0}, 101.0, FAIL),
        ({"warn_min": 9.0, "min": 8.0}, 8.5, WARN),
        ({"warn_min": 9.0, "min": 8.0}, 7.5, FAIL),
    ],
)
def test_a_value_on_the_bound_keeps_it_and_the_next_one_breaks_it(
    limit: dict[str, object], value: float, state: State | None
) -> None:
    rule = {FAIL: "limit", WARN: "limit-warning"}.get(state)
    assert outcome(value, limit) == ([(state, rule)] if state else [])


def test_a_metric_that_nobody_measured_proves_nothing() -> None:
    assert outcome(None, {"max": 1.0}) == [(INCONCLUSIVE, "limit-measured")]
    assert outcome(None, {"max_increase": 0.1}, baseline(*[1.0] * 9)) == [(INCONCLUSIVE, "limit-measured")]
    assert outcome(None, {"warn_max": 1.0}) == [(INCONCLUSIVE, "limit-measured")]


TEN = [90.0, 110.0] * 5


@pytest.mark.parametrize(
    ("limit", "value", "earlier", "found"),
    [
        ({"max_increase": 0.25}, 125.0, TEN, []),
        ({"max_increase": 0.25}, math.nextafter(125.0, ABOVE), TEN, [(FAIL, "limit-baseline")]),
        ({"max_increase": 0.25}, -1e9, TEN, []),
        ({"max_decrease": 0.25}, 75.0, TEN, []),
        ({"max_decrease": 0.25}, math.nextafter(75.0, BELOW), TEN, [(FAIL, "limit-baseline")]),
        ({"max_decrease": 0.25}, 1e9, TEN, []),
        ({"warn_increase": 0.25}, 125.0, TEN, []),
        ({"warn_increase": 0.25}, math.nextafter(125.0, ABOVE), TEN, [(WARN, "limit-baseline-warning")]),
        ({"warn_decrease": 0.25}, 75.0, TEN, []),
        ({"warn_decrease": 0.25}, math.nextafter(75.0, BELOW), TEN, [(WARN, "limit-baseline-warning")]),
        ({"warn_increase": 0.1, "max_increase": 0.5}, 120.0, TEN, [(WARN, "limit-baseline-warning")]),
        ({"warn_increase": 0.1, "max_increase": 0.5}, 151.0, TEN, [(FAIL, "limit-baseline")]),
        ({"max_increase": 0.0}, 100.0, TEN, []),
        ({"max_increase": 0.0}, math.nextafter(100.0, ABOVE), TEN, [(FAIL, "limit-baseline")]),
        # around zero every growth is a growth without bound
        ({"max_increase": 0.5}, 0.0, [0.0] * 5, []),
        ({"max_increase": 0.5}, 5e-324, [0.0] * 5, [(FAIL, "limit-baseline")]),
        # of a negative median the size counts
        ({"max_increase": 0.25}, -75.0, [-100.0] * 5, []),
        ({"max_increase": 0.25}, -74.0, [-100.0] * 5, [(FAIL, "limit-baseline")]),
        ({"max_decrease": 0.25}, -125.0, [-100.0] * 5, []),
        ({"max_decrease": 0.25}, -126.0, [-100.0] * 5, [(FAIL, "limit-baseline")]),
        # one run that was out of the ordinary moves no median
        ({"max_increase": 0.1}, 110.0, [100.0, 100.0, 100.0, 100.0, 1e6], []),
        ({"max_increase": 0.1}, 111.0, [100.0, 100.0, 100.0, 100.0, 1e6], [(FAIL, "limit-baseline")]),
        # only the latest runs count, also where more were recorded
        ({"max_increase": 0.1, "runs": 5}, 11.0, [1e6] * 5 + [10.0] * 5, []),
        ({"max_increase": 0.1, "runs": 5}, 12.0, [1e6] * 5 + [10.0] * 5, [(FAIL, "limit-baseline")]),
        # both kinds of limit hold
        ({"max_increase": 0.5, "max": 110.0}, 120.0, TEN, [(FAIL, "limit")]),
        (
            {"max_increase": 0.1, "max": 110.0},
            120.0,
            TEN,
            [(FAIL, "limit"), (FAIL, "limit-baseline")],
        ),
        # the history is long enough at exactly min_runs
        ({"max_increase": 0.1}, 1.0, [1.0] * 5, []),
        ({"max_increase": 0.1}, 1.0, [1.0] * 4, [(INCONCLUSIVE, "limit-comparable")]),
        ({"max_increase": 0.1}, 1.0, [], [(INCONCLUSIVE, "limit-comparable")]),
        ({"max_increase": 0.1, "first_runs": "warn"}, 1.0, [1.0] * 4, [(WARN, "limit-comparable")]),
        ({"max_increase": 0.1, "first_runs": "warn"}, 9.0, [], [(WARN, "limit-comparable")]),
        ({"max_increase": 0.1, "first_runs": "warn"}, 9.0, [1.0] * 5, [(FAIL, "limit-baseline")]),
        (
            {"max_increase": 0.1, "first_runs": "warn", "max": 5.0},
            9.0,
            [],
            [(FAIL, "limit"), (WARN, "limit-comparable")],
        ),
        ({"max_increase": 0.1, "min_runs": 1}, 1.0, [1.0], []),
        # numbers that can't be added up have no middle
        ({"max_increase": 0.1, "min_runs": 2}, 1.0, [1.7e308, 1.7e308], [(INCONCLUSIVE, "limit-comparable")]),
    ],
)
def test_a_metric_is_held_against_the_median_of_earlier_runs(
    limit: dict[str, object], value: float, earlier: list[float], found: list[tuple[State, str]]
) -> None:
    assert outcome(value, limit, baseline(*earlier)) == found


@pytest.mark.parametrize(
    ("earlier", "observed"),
    [
        (None, "the run recorded nothing of earlier runs"),
        (baseline(problem="line 3 is torn"), "the history can't be used: line 3 is torn"),
        (
            baseline(*[1.0] * 9, profile="full"),
            "the run recorded earlier runs of profile full, and this is quick",
        ),
        (Baseline(profile="quick"), "the run recorded nothing of p95 in earlier runs"),
        (
            Baseline(profile="quick", checks={"unit": CheckBaseline()}),
            "the run recorded nothing of p95 in earlier runs",
        ),
        (
            Baseline(profile="quick", checks={"other": CheckBaseline(metrics={"p95": ()})}),
            "the run recorded nothing of p95 in earlier runs",
        ),
    ],
)
def test_a_history_that_can_not_be_used_is_doubt_also_in_first_runs(
    earlier: Baseline | None, observed: str
) -> None:
    """A history that was tampered with is no first run."""
    [finding] = findings(1.0, {"max_increase": 0.1, "first_runs": "warn"}, earlier)
    assert (finding.state, finding.reason.rule) == (INCONCLUSIVE, "limit-comparable")
    assert finding.reason.observed == observed


def test_reasons_name_the_bound_the_median_and_where_it_comes_from() -> None:
    [finding] = findings(130.0, {"max_increase": 0.25}, baseline(*TEN))
    assert finding.reason.message == "unit: p95 is beyond its limit"
    assert finding.reason.expected == "p95 <= 125 (the median of earlier runs is 100)"
    assert finding.reason.observed == "130"
    assert finding.reason.see == "gatewright show 'runs/one/baseline.json#/checks/unit/metrics/p95'"
    [warned] = findings(130.0, {"warn_max": 125.0})
    assert warned.reason.message == "unit: p95 nears its limit"
    [first] = findings(130.0, {"max_increase": 0.25}, baseline(1.0))
    assert first.reason.observed == "1 earlier runs"
    assert first.reason.expected == "5 earlier runs that passed"
    assert "first_runs" in first.reason.command
    [warned] = findings(130.0, {"max_increase": 0.25, "first_runs": "warn"}, baseline(1.0))
    assert warned.reason.command == "gatewright gate", "what it would be told to set is set"


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ({"min": 1.0, "max": 2.0}, ">= 1 and <= 2"),
        ({"max": 2.0, "warn_max": 1.5}, "<= 2, <= 1.5 or it warns"),
        ({"max_increase": 0.1}, "at most 10% above the median of 10 runs"),
        (
            {"warn_decrease": 0.05, "max_decrease": 0.5},
            "at most 50% below the median of 10 runs, at most 5% below the median of 10 runs or it warns",
        ),
        ({"warn_increase": 0.05}, "at most 5% above the median of 10 runs or it warns"),
    ],
)
def test_a_limit_is_told_in_words(limit: dict[str, object], words: str) -> None:
    assert bounds(Limit(**limit)) == words


def earlier_tests(*runs: tuple[int, int], profile: str = "quick") -> Baseline:
    recorded = tuple(TestRun(run_id="r", collected=collected, flaky=flaky) for collected, flaky in runs)
    return Baseline(profile=profile, checks={"unit": CheckBaseline(tests=recorded)})


@pytest.mark.parametrize(
    ("rate", "now", "earlier", "state"),
    [
        (0.02, (100, 2), [], None),
        (0.02, (100, 3), [], State.FLAKY),
        (0.29, (100, 29), [], None),
        (0.29, (100, 30), [], State.FLAKY),
        (0.0, (100, 0), [(100, 0)], None),
        (0.0, (100, 0), [(100, 1)], State.FLAKY),
        (0.02, (100, 3), [(100, 0)], None),
        (0.02, (100, 5), [(100, 0)], State.FLAKY),
        (0.02, (100, 0), [(100, 2), (100, 4)], None),
        (0.02, (100, 0), [(100, 2), (100, 5)], State.FLAKY),
        (1.0, (1, 1), [], None),
    ],
)
def test_flaky_tests_have_a_budget_over_several_runs(
    rate: float, now: tuple[int, int], earlier: list[tuple[int, int]], state: State | None
) -> None:
    budget = check(flaky_budget=FlakyBudget(rate=rate))
    counts = Counts(collected=now[0], flaky=now[1])
    found = [
        each.state for each in find_flaky_excess(PLACE, budget, counts, earlier_tests(*earlier), "quick")
    ]
    assert found == ([state] if state else [])


def test_the_budget_that_was_spent_is_told_in_figures() -> None:
    budget = check(flaky_budget=FlakyBudget(rate=0.02, runs=4))
    [found] = find_flaky_excess(PLACE, budget, Counts(collected=50, flaky=1), earlier_tests((50, 4)), "quick")
    assert found.reason.rule == "flaky-budget"
    assert found.reason.expected == "at most 0.02 of all tests in 4 runs"
    assert found.reason.observed == "5 of 100 tests in 2 runs"


@pytest.mark.parametrize(
    ("earlier", "observed"),
    [
        (None, "nothing was recorded of earlier runs"),
        (Baseline(profile="quick", problem="torn"), "torn"),
        (Baseline(profile="quick"), "nothing was recorded of earlier runs"),
        (earlier_tests(profile="full"), "nothing was recorded of earlier runs"),
    ],
)
def test_a_budget_without_a_history_that_can_be_used_is_doubt(
    earlier: Baseline | None, observed: str
) -> None:
    budget = check(flaky_budget=FlakyBudget(rate=1.0))
    [found] = find_flaky_excess(PLACE, budget, Counts(collected=1), earlier, "quick")
    assert (found.state, found.reason.rule) == (INCONCLUSIVE, "flaky-history")
    assert found.reason.observed == observed


def test_without_a_budget_nothing_is_asked_of_the_history() -> None:
    assert not list(find_flaky_excess(PLACE, check(), Counts(flaky=9), None, "quick"))


@pytest.mark.parametrize(
    ("limit", "earlier", "observed", "see", "command"),
    [
        (
            {},
            baseline(1.0, 1.0),
            "2 earlier runs",
            True,
            'set first_runs = "warn" in gate.toml until enough runs have passed',
        ),
        ({}, None, "the run recorded nothing of earlier runs", False, "gatewright run unit"),
        (
            {"min_runs": 2},
            baseline(1.7e308, 1.7e308),
            "a median that is not finite",
            True,
            "gatewright run unit",
        ),
    ],
)
def test_what_can_not_be_compared_says_why_and_what_to_do(
    limit: dict, earlier: Baseline | None, observed: str, command: str, *, see: bool
) -> None:
    """The history that there is can be looked at; where there is none, the manifest is shown."""
    (finding,) = findings(1.0, {"max_increase": 0.1} | limit, earlier)
    reason = finding.reason
    assert (finding.state, reason.rule) == (INCONCLUSIVE, "limit-comparable")
    assert reason.message == "unit: p95 can't be compared with earlier runs"
    assert reason.expected == f"{limit.get('min_runs', 5)} earlier runs that passed"
    assert (reason.observed, reason.command) == (observed, command)
    history = "gatewright show 'runs/one/baseline.json#/checks/unit/metrics/p95'"
    assert reason.see == (history if see else "gatewright show 'runs/one/unit/manifest.json#/counts'")
