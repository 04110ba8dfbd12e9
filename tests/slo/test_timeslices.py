"""Objectives over slices of time are decided with a bounded error, and say when slices are too few."""

import math
import random

import pytest

from gatewright.core.errors import ConfigurationError
from gatewright.core.verdict import Verdict
from gatewright.slo.bounded_mean import mean_bounds, mean_evidence
from gatewright.slo.timeslices import (
    RatioTimeslicesObjective,
    Slice,
    TimeslicesObjective,
    cut_slices,
    judge_slices,
)

NINE_OF_TEN = TimeslicesObjective(target=0.9, slice_target=0.99, slice_s=5.0)
AVERAGE = RatioTimeslicesObjective(target=0.9, slice_s=5.0)


def slices(*bad, total=100):
    return [Slice(total, count) for count in bad]


def test_runs_are_cut_into_slices_by_when_they_were_due():
    """A run on the border belongs to the later slice, an incomplete last slice to none."""
    moments = [0.0, 0.5, 1.0, 1.9, 2.0, 2.4]
    assert cut_slices(moments, [1, 4], 1.0, 2.5) == (Slice(2, 1), Slice(2, 0))
    assert cut_slices(moments, [1, 4], 1.0, 3.0) == (Slice(2, 1), Slice(2, 0), Slice(2, 1))


@pytest.mark.parametrize("elapsed_s", [0.0, 0.9, -1.0, math.nan, math.inf])
def test_a_measurement_that_holds_no_slice_has_none(elapsed_s):
    """Hostile lengths included."""
    assert cut_slices([0.1], [0], 1.0, elapsed_s) == ()


def test_decimal_lengths_lose_no_slice():
    """Three slices of 0.1 s lie in 0.3 s, whatever floats make of it."""
    assert len(cut_slices([], [], 0.1, 0.3)) == 3


def test_a_slice_on_its_target_is_good():
    """1 bad run of 100 keeps 99%, 2 don't."""
    assert NINE_OF_TEN.is_good(Slice(100, 1))
    assert not NINE_OF_TEN.is_good(Slice(100, 2))
    assert TimeslicesObjective(0.9, 1.0, 1.0).is_good(Slice(100, 0))


def test_good_slices_pass_when_there_are_enough():
    """One bad run a slice is no bad slice: all slices are good."""
    decision = judge_slices(NINE_OF_TEN, slices(*[1] * 127))
    assert decision.verdict is Verdict.PASS
    assert decision.observed == 1
    assert decision.lower > 0.9


def test_an_outage_that_was_missed_has_to_be_borne():
    """41 clean slices would prove 90% of independent ones; with an outage of two of them they prove nothing."""
    decision = judge_slices(NINE_OF_TEN, slices(*[0] * 41))
    assert decision.lower > 0.9
    assert decision.verdict is Verdict.INCONCLUSIVE


def test_too_few_slices_are_inconclusive_and_say_how_many_more():
    """Ten clean slices prove no 90%."""
    decision = judge_slices(NINE_OF_TEN, slices(*[0] * 10))
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert decision.missing == "needs about 117 more slices of 5 s (585 s)"


def test_one_bad_slice_of_a_few_fails_nothing():
    """Fewer than eight slices decide nothing."""
    strict = TimeslicesObjective(0.999, 0.99, 5.0)
    assert judge_slices(strict, slices(*[50] * 7)).verdict is Verdict.INCONCLUSIVE
    assert judge_slices(strict, slices(*[50] * 8)).verdict is Verdict.FAIL


def test_the_methods_differ_as_openslo_defines_them():
    """Every slice at 98%: no slice keeps 99%, and the average is 98% all the same."""
    held = slices(*[2] * 120)
    assert judge_slices(NINE_OF_TEN, held).verdict is Verdict.FAIL
    average = judge_slices(AVERAGE, held)
    assert average.verdict is Verdict.PASS
    assert average.observed == pytest.approx(0.98)


def test_every_slice_weighs_alike_in_an_average():
    """A slice of two runs counts as much as one of a thousand."""
    decision = judge_slices(AVERAGE, [Slice(2, 1), Slice(1000, 0)] * 30)
    assert decision.observed == pytest.approx(0.75)
    assert decision.verdict is Verdict.FAIL


def test_slices_without_runs_are_neither_good_nor_bad():
    """No data is no proof."""
    nothing = judge_slices(NINE_OF_TEN, slices(*[0] * 100, total=0))
    assert nothing.verdict is Verdict.INCONCLUSIVE
    assert nothing.observed is None
    assert "no run was due" in nothing.missing
    few = judge_slices(NINE_OF_TEN, slices(*[0] * 10) + slices(*[0] * 100, total=0))
    assert (few.slices, few.empty) == (10, 100)
    assert few.verdict is Verdict.INCONCLUSIVE
    assert judge_slices(AVERAGE, []).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("objective", [NINE_OF_TEN, AVERAGE])
def test_one_outage_of_several_slices_fails_nothing(objective):
    """Six bad slices in a row are one event; the same number here and there are six."""
    outage = judge_slices(objective, slices(*[0] * 12, *[90] * 6, *[0] * 6))
    apart = judge_slices(objective, slices(*[0, 0, 90, 0] * 6))
    assert outage.verdict is Verdict.INCONCLUSIVE
    assert outage.evidence.p_fail > apart.evidence.p_fail
    assert outage.missing.startswith("needs about ")


@pytest.mark.parametrize("objective", [NINE_OF_TEN, AVERAGE])
def test_a_service_that_is_down_fails(objective):
    """All slices bad are a state, not an event."""
    assert judge_slices(objective, slices(*[100] * 12)).verdict is Verdict.FAIL


def test_what_sits_on_the_target_is_said_to_be_close():
    """Every tenth slice bad of 10% that may be."""
    decision = judge_slices(NINE_OF_TEN, slices(*[0, 0, 0, 0, 9, 0, 0, 0, 0, 0] * 10))
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert "too close" in decision.missing


def test_the_lack_in_words_suffices():
    """As many more of the same slices as the words ask for decide."""
    held = slices(*[4, 0, 6, 2] * 5)
    lack = int(judge_slices(AVERAGE, held).missing.split()[2])
    assert judge_slices(AVERAGE, slices(*([4, 0, 6, 2] * 200)[: 20 + lack + 4])).verdict is Verdict.PASS


def test_bounds_of_a_mean_enclose_it():
    """They tighten with the number of values, and match the evidence at the target."""
    chance = random.Random(1)
    values = [chance.random() for _ in range(400)]
    lower, upper = mean_bounds(values, 0.05)
    wide = mean_bounds(values[:40], 0.05)
    assert wide[0] < lower < 0.5 < upper < wide[1]
    assert mean_evidence(values, lower - 0.001).p_pass <= 0.05 < mean_evidence(values, lower + 0.001).p_pass
    assert mean_evidence(values, upper + 0.001).p_fail <= 0.05 < mean_evidence(values, upper - 0.001).p_fail


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_extreme_values_have_bounds(value):
    """All slices perfect, or all dead."""
    lower, upper = mean_bounds([value] * 50, 0.05)
    assert 0 <= lower <= value <= upper <= 1
    assert mean_bounds([], 0.05) == (0.0, 1.0)


@pytest.mark.thorough
def test_services_on_the_target_are_seldom_decided_by_their_average():
    """Two values that scatter around a mean on the target, asked after every 20 slices: at most 5% wrong."""
    chance = random.Random(5)
    passed = failed = 0
    for _ in range(100):
        held = [Slice(10, chance.choice((0, 2))) for _ in range(100)]
        verdicts = {judge_slices(AVERAGE, held[:size]).verdict for size in range(20, 101, 20)}
        passed += Verdict.PASS in verdicts
        failed += Verdict.FAIL in verdicts
    assert passed <= 5
    assert failed <= 5


@pytest.mark.thorough
def test_services_on_the_target_are_seldom_decided_by_good_slices():
    """Every slice good with 90%, asked after every 20 slices: at most 5% wrong."""
    chance = random.Random(5)
    passed = failed = 0
    for _ in range(200):
        held = [Slice(10, chance.random() < 0.1) for _ in range(200)]
        verdicts = {judge_slices(NINE_OF_TEN, held[:size]).verdict for size in range(20, 201, 20)}
        passed += Verdict.PASS in verdicts
        failed += Verdict.FAIL in verdicts
    assert passed <= 10
    assert failed <= 10


@pytest.mark.parametrize("counts", [(1, 2), (-1, 0), (5, -1), (math.nan, 0), (math.inf, 0)])
def test_slices_that_can_not_be_are_refused(counts):
    """More bad runs than runs, and no numbers at all."""
    with pytest.raises(ConfigurationError, match="bad runs can't be among"):
        Slice(*counts)


@pytest.mark.parametrize("target", [0.0, 1.0, math.nan, -1.0])
def test_targets_outside_of_their_range_are_refused(target):
    """1 is never proven, 0 promises nothing."""
    with pytest.raises(ConfigurationError):
        TimeslicesObjective(target, 0.99, 5.0)
    with pytest.raises(ConfigurationError):
        RatioTimeslicesObjective(target, 5.0)


@pytest.mark.parametrize("slice_target", [0.0, 1.1, math.nan])
def test_targets_within_a_slice_may_be_one_but_not_more(slice_target):
    """(0, 1]."""
    with pytest.raises(ConfigurationError, match="within a time slice"):
        TimeslicesObjective(0.9, slice_target, 5.0)


@pytest.mark.parametrize("slice_s", [0.0, math.nan, math.inf, -5.0])
def test_lengths_of_slices_are_positive_and_finite(slice_s):
    """Of an objective, and of a cut."""
    with pytest.raises(ConfigurationError, match="length of a time slice"):
        RatioTimeslicesObjective(0.9, slice_s)
    with pytest.raises(ConfigurationError, match="length of a time slice"):
        cut_slices([], [], slice_s, 1.0)
