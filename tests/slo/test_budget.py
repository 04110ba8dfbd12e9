"""Error budgets are judged by bounds, and an alarm aborts only what is surely lost."""

import math
import random

import pytest

from gatewright.core.errors import ConfigurationError, GatewrightError
from gatewright.core.verdict import Verdict
from gatewright.slo.budget import ErrorBudget, deflated_bounds, judge_budget
from gatewright.slo.burn_alarm import BurnAlarm, BurnRules
from gatewright.slo.judge import Requirements, Tally

TWO_NINES = ErrorBudget(0.99)
RATE = 40.0


def judged(samples, bad=(), *, budget=TWO_NINES, elapsed_s=20.0, **options):
    return judge_budget(budget, Tally(samples, list(bad), RATE), elapsed_s, **options)


def spread(count, samples):
    """Exceedances at even distances, but not too even."""
    return [int((number + 0.5) * samples / count) + number % 3 for number in range(count)]


def fed(alarm, seconds):
    """The readings after each second of (good, bad)."""
    return [alarm.feed(good, bad) for good, bad in seconds]


def test_the_burn_rate_is_the_share_of_bad_runs_over_what_is_allowed():
    """2% bad of 1% allowed burn twice as fast as the period allows."""
    decision = judged(1000, spread(20, 1000))
    assert decision.burn == pytest.approx(2)
    assert decision.lower < 2 < decision.upper


def test_a_burn_that_is_surely_above_one_fails():
    """5% bad of 1% allowed."""
    decision = judged(1000, spread(50, 1000))
    assert decision.verdict is Verdict.FAIL
    assert decision.lower > 1
    assert decision.missing == ""


def test_a_burn_that_is_surely_within_the_budget_passes():
    """299 clean runs bound 1% at 5% error, 298 don't."""
    assert judged(299).verdict is Verdict.PASS
    assert judged(298).verdict is Verdict.INCONCLUSIVE
    assert judged(298).missing == "needs about 2 more runs at 40/s (1 s)"


def test_bounds_are_those_of_clopper_and_pearson():
    """A textbook case: no event in 100 has the upper bound 1 - 0.05^(1/100)."""
    lower, upper = deflated_bounds(100, 0, 0.05, factor=1.0)
    assert lower == 0
    assert upper == pytest.approx(1 - 0.05**0.01)
    assert deflated_bounds(100, 100, 0.05, factor=1.0) == (pytest.approx(0.05**0.01), 1.0)
    assert deflated_bounds(0, 0, 0.05, factor=1.0) == (0.0, 1.0)


def test_one_stall_fails_no_budget():
    """40 bad runs in a row are one event, though 40 of 1,000 burn at 4."""
    decision = judged(1000, range(500, 540))
    assert decision.burn == pytest.approx(4)
    assert decision.factor > 30
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert "more runs" in decision.missing


def test_a_stall_that_may_have_been_missed_counts_against_passing():
    """The same clean sample passes only where a stall would not have made runs bad."""
    assert judged(400).verdict is Verdict.PASS
    assert judged(400, unseen_s=0.25).verdict is Verdict.INCONCLUSIVE


def test_looking_often_takes_more_samples():
    """The error is shared among the looks."""
    assert judged(300, looks=1).verdict is Verdict.PASS
    assert judged(300, looks=10).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(("samples", "elapsed_s"), [(99, 20.0), (299, 9.9)])
def test_too_few_runs_and_too_short_ones_never_pass(samples, elapsed_s):
    """However generous the target."""
    decision = judged(samples, budget=ErrorBudget(0.5), elapsed_s=elapsed_s)
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert decision.missing.startswith("needs about ")


def test_too_short_a_measurement_fails_nothing():
    """The least duration of FAIL holds for budgets too."""
    assert judged(200, range(0, 200, 2), elapsed_s=3.9).verdict is Verdict.INCONCLUSIVE
    assert judged(200, range(0, 200, 2), elapsed_s=4.0).verdict is Verdict.FAIL


def test_no_runs_are_no_proof():
    """Nothing burnt, nothing known."""
    decision = judged(0)
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert decision.burn == 0
    assert decision.upper == pytest.approx(100)


def test_a_burn_of_exactly_one_is_said_to_be_close():
    """No number of samples decides what sits on the limit."""
    decision = judged(1000, spread(10, 1000))
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert "too close to 1" in decision.missing


def test_spending_is_told_for_the_period():
    """An hour at a burn of 14.4 spends 2% of 30 days' budget, which then lasts 50 hours."""
    budget = ErrorBudget(0.999, period_s=30 * 86_400)
    samples = 100_000
    decision = judged(samples, spread(1440, samples), budget=budget, elapsed_s=3600.0)
    assert decision.spent == pytest.approx(0.02)
    assert decision.remaining == pytest.approx(0.98)
    assert decision.spent_at_most > decision.spent
    assert decision.lasts_s == pytest.approx(50 * 3600)
    assert judged(1000).lasts_s == math.inf


@pytest.mark.parametrize("target", [0.0, 1.0, -0.1, 1.5, math.nan, math.inf, 100.0])
def test_targets_that_promise_nothing_or_everything_are_refused(target):
    """A target of 1 leaves no budget, one of 0 promises nothing."""
    with pytest.raises(ConfigurationError, match="target of an error budget"):
        ErrorBudget(target)


@pytest.mark.parametrize("period", [0.0, -1.0, math.nan, math.inf])
def test_periods_that_no_calendar_has_are_refused(period):
    """NaN included."""
    with pytest.raises(ConfigurationError, match="period"):
        ErrorBudget(0.9, period)


@pytest.mark.parametrize(
    ("tally", "elapsed_s", "looks"),
    [
        ((10, [10], RATE), 1.0, 1),
        ((10, [-1], RATE), 1.0, 1),
        ((1, [0, 0], RATE), 1.0, 1),
        ((-1, [], RATE), math.nan, 1),
        ((10, [], RATE), math.inf, 1),
        ((10, [], RATE), -1.0, 1),
        ((10, [], math.nan), 1.0, 1),
        ((10, [], 0.0), 1.0, 1),
        ((10, [], RATE), 1.0, 0),
    ],
)
def test_figures_that_no_measurement_has_are_refused_in_a_line(tally, elapsed_s, looks):
    """Impossible counts, times and rates."""
    with pytest.raises(GatewrightError) as refused:
        judge_budget(TWO_NINES, Tally(*tally), elapsed_s, looks=looks)
    assert "\n" not in str(refused.value)


def test_services_at_the_limit_are_seldom_decided():
    """At a burn of exactly 1, at most 6% of measurements pass and at most 6% fail."""
    chance = random.Random(7)
    needs = Requirements(least_samples=100)
    verdicts = [
        judged(2000, [n for n in range(2000) if chance.random() < 0.01], requirements=needs).verdict
        for _ in range(200)
    ]
    assert verdicts.count(Verdict.PASS) <= 12
    assert verdicts.count(Verdict.FAIL) <= 12


def test_an_outage_that_goes_on_is_aborted():
    """At 99%, a burn of 14.4 in 60 s takes 8.64 s in which everything fails, and it must still fail."""
    alarm = BurnAlarm(0.99)
    readings = fed(alarm, [(40, 0)] * 60 + [(0, 40)] * 10)
    assert [reading.rings for reading in readings] == [False] * 68 + [True] * 2
    assert "burn rate 15.0 over 60 s and 100.0 over 5 s" in readings[68].words
    assert readings[0].words == ""


def test_an_outage_that_is_over_is_not_aborted_any_more():
    """The long window still burns, the short one shows that it is past."""
    readings = fed(BurnAlarm(0.99), [(0, 40)] * 12 + [(40, 0)] * 6)
    assert readings[11].rings
    assert readings[17].long.burn > 14.4
    assert not readings[17].rings


def test_an_outage_from_the_start_needs_as_long_as_a_later_one():
    """Seconds that the long window still lacks count as good ones."""
    readings = fed(BurnAlarm(0.99), [(0, 40)] * 10)
    assert [reading.rings for reading in readings] == [False] * 8 + [True] * 2


def test_one_bad_run_of_three_aborts_nothing():
    """Windows that hold hardly any runs say nothing, whatever their share."""
    readings = fed(BurnAlarm(0.99), [(0, 0)] * 55 + [(2, 1)] * 5)
    assert readings[-1].long.burn == pytest.approx(100 / 3)
    assert not any(reading.rings for reading in readings)


def test_bad_runs_of_one_second_are_one_event():
    """35 bad runs in one second are 14.6 times what three nines allow in a minute, and may be one stall."""
    readings = fed(BurnAlarm(0.999), [(40, 0)] * 59 + [(0, 35)])
    assert readings[-1].long.burn > 14.4
    assert readings[-1].lower < 1
    assert not readings[-1].rings


def test_a_burn_just_below_the_threshold_does_not_ring():
    """14.375 and 14.4 are told apart: 23 of 160 against 144 of 1,000 a second."""
    below = fed(BurnAlarm(0.99), [(137, 23)] * 60)
    reached = fed(BurnAlarm(0.99), [(856, 144)] * 60)
    assert not any(reading.rings for reading in below)
    assert reached[-1].rings


def test_a_service_that_keeps_its_budget_is_seldom_aborted():
    """No false alarm in 20 tests of 300 s at a burn of 1, few runs a second included."""
    chance = random.Random(3)
    rang = 0
    for _ in range(20):
        alarm = BurnAlarm(0.99, BurnRules(long_s=12, short_s=1, least_samples=5))
        bads = [sum(chance.random() < 0.01 for _ in range(8)) for _ in range(300)]
        rang += any(alarm.feed(8 - bad, bad).rings for bad in bads)
    assert rang == 0


def test_windows_are_scaled_to_the_length_of_a_test():
    """A fifth of it, and a twelfth of that; bounded by 12 s and by the workbook's hour."""
    lengths = [(1, 12, 1), (60, 12, 1), (300, 60, 5), (3600, 720, 60), (1e9, 3600, 300)]
    for length_s, long_s, short_s in lengths:
        rules = BurnRules.for_length(length_s)
        assert (rules.long_s, rules.short_s) == (long_s, short_s)
    assert BurnRules() == BurnRules.for_length(300)


def test_a_target_that_can_not_burn_so_fast_is_told():
    """At 90%, everything failing burns at 10."""
    assert not BurnAlarm(0.9).can_ring
    assert BurnAlarm(0.95).can_ring


@pytest.mark.parametrize("counts", [(-1, 0), (0, -1), (math.nan, 0), (0, math.inf), (0.5, 0)])
def test_counts_that_are_no_natural_numbers_are_refused(counts):
    """A second holds whole runs."""
    with pytest.raises(ConfigurationError, match="a second can't hold"):
        BurnAlarm(0.99).feed(*counts)


@pytest.mark.parametrize(
    "settings",
    [
        {"threshold": 0.0},
        {"threshold": math.nan},
        {"short_s": 0},
        {"short_s": 61},
        {"long_s": math.nan},
        {"alpha": 1.0},
        {"least_samples": 0},
    ],
)
def test_rules_that_can_not_be_used_are_refused(settings):
    """Windows, thresholds and errors outside of their ranges."""
    with pytest.raises(ConfigurationError):
        BurnRules(**settings)


@pytest.mark.parametrize("length", [0.0, -1.0, math.nan, math.inf])
def test_lengths_that_no_test_has_are_refused(length):
    """NaN and infinity included."""
    with pytest.raises(ConfigurationError, match="length of a test"):
        BurnRules.for_length(length)
