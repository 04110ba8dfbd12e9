"""Exceedances in clumps are noticed and weigh less; independent ones are left alone."""

import random

import pytest

from gatewright.slo.clumps import (
    ClumpRule,
    clump_factor,
    clump_sizes,
    clumped_evidence,
    looks_clumped,
    variance_inflation,
)

RULE = ClumpRule.for_rate(40, unseen_s=0.25)


def stalls(chance, samples, share, length):
    """Numbers of runs that exceed, in runs of geometric length."""
    hit = set()
    for number in range(samples):
        if chance.random() < share / length:
            end = number + 1
            while chance.random() > 1 / length:
                end += 1
            hit.update(range(number, min(end, samples)))
    return sorted(hit)


def test_exceedances_up_to_ten_arrivals_apart_are_one_clump():
    """Gaps of 10 join, gaps of 11 part."""
    assert clump_sizes(1000, [0, 10, 20, 31, 100], RULE) == [3, 1, 1]
    assert clump_sizes(1000, [], RULE) == []


def test_a_state_of_the_service_is_no_single_event():
    """An outage longer than three seconds is cut, so that it can be judged at all."""
    assert clump_sizes(500, range(500), RULE) == [120, 120, 120, 120, 20]


def test_the_factor_is_the_mean_size_of_the_clump_of_an_exceedance():
    """Single exceedances count in full; a clump of 30 beside one single weighs by squares."""
    assert clump_factor([1, 1, 1]) == 1
    assert clump_factor([30, 1]) == pytest.approx(901 / 31)
    assert clump_factor([]) == 1


def test_independent_exceedances_seldom_look_clumped():
    """The dispersion check raises few false alarms: at most 30 of 100 with two tests at 10%."""
    chance = random.Random(1)
    samples = [[n for n in range(2000) if chance.random() < 0.03] for _ in range(100)]
    assert sum(looks_clumped(2000, numbers, RULE) for numbers in samples) <= 30


def test_stalls_look_clumped():
    """Clumps of 20 are noticed in at least 95 of 100 samples."""
    chance = random.Random(1)
    samples = [stalls(chance, 2000, 0.05, 20) for _ in range(100)]
    assert sum(looks_clumped(2000, numbers, RULE) for numbers in samples) >= 95


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_to_be_close_are_not_clumped(count):
    """None or a single exceedance has no neighbour."""
    assert not looks_clumped(500, list(range(count)), RULE)


def test_a_service_that_always_exceeds_is_not_clumped():
    """Every run is slow: that is no stall, and must not weaken the verdict."""
    assert not looks_clumped(500, list(range(500)), RULE)


def test_a_service_at_its_limit_with_stalls_is_seldom_judged_wrongly():
    """Of 100 services exactly at the limit of 5%, with stalls of 10, few are passed or failed."""
    chance = random.Random(4)
    wrong = {"PASS": 0, "FAIL": 0}
    for _ in range(100):
        evidence = clumped_evidence(6400, stalls(chance, 6400, 0.05, 10), 0.05, RULE)
        wrong["PASS"] += evidence.p_pass <= 0.05
        wrong["FAIL"] += evidence.p_fail <= 0.05
    assert wrong["PASS"] <= 6
    assert wrong["FAIL"] <= 6


def test_a_missed_stall_is_added_against_pass():
    """A clean sample too short to have shown a stall does not pass; a long one does."""
    assert clumped_evidence(800, [], 0.05, RULE).p_pass > 0.05
    assert clumped_evidence(3200, [], 0.05, RULE).p_pass <= 0.05


def test_before_the_first_look_nothing_is_said():
    """Evidence is weighed at fixed sizes only."""
    assert clumped_evidence(199, list(range(199)), 0.05, RULE).p_fail == 1.0


def test_every_seventh_run_is_no_clump():
    """One slow worker of seven is regular, and no stall: such exceedances count in full."""
    numbers = list(range(0, 1400, 7))
    assert not looks_clumped(1400, numbers, RULE)
    assert set(clump_sizes(1400, numbers, RULE)) == {1}


def test_regular_stalls_inflate_less():
    """Stalls at even distances vary less between batches than random ones of the same size."""
    regular = [start + step for start in range(0, 20_000, 200) for step in range(10)]
    assert variance_inflation(20_000, regular, RULE) < clump_factor([10] * 100)
