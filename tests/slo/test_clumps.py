"""Exceedances in clumps are noticed and weigh less; independent ones are left alone."""

import random

import pytest

from gatewright.slo.clumps import (
    ClumpRule,
    clump_factor,
    clump_sizes,
    deflated_evidence,
    longest_unseen,
    looks_clumped,
    stall_of,
    variance_inflation,
)

RULE = ClumpRule.for_rate(40, unseen_s=0.25)


def clumped_evidence(samples, exceedances, allowed, rule=RULE):
    """Evidence as the judge weighs clumps."""
    factor = variance_inflation(samples, exceedances, rule)
    return deflated_evidence(samples, len(exceedances), allowed, factor=factor, unseen=rule.stall)


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
        evidence = clumped_evidence(6400, stalls(chance, 6400, 0.05, 10), 0.05)
        wrong["PASS"] += evidence.p_pass <= 0.05
        wrong["FAIL"] += evidence.p_fail <= 0.05
    assert wrong["PASS"] <= 6
    assert wrong["FAIL"] <= 6


def test_a_missed_stall_is_added_against_pass():
    """A clean sample too short to have shown a stall does not pass; a long one does."""
    assert clumped_evidence(800, [], 0.05).p_pass > 0.05
    assert clumped_evidence(3200, [], 0.05).p_pass <= 0.05


def test_a_missed_stall_adds_nothing_against_fail():
    """What was not seen breaks nothing."""
    with_stall = deflated_evidence(1000, 100, 0.05, factor=5, unseen=50)
    assert with_stall.p_fail == deflated_evidence(1000, 100, 0.05, factor=5, unseen=0).p_fail


def test_near_misses_in_clumps_tell_of_the_stall_that_was_not_seen():
    """Stalls of six runs came half-way to the limit: one of six is assumed to have been missed."""
    short = ClumpRule(stall=1)
    near = [start + step for start in (100, 300, 500) for step in range(6)]
    assert stall_of(600, near, short) == 6
    assert stall_of(600, near, RULE) == RULE.stall


def test_near_misses_that_tell_of_no_stall_change_nothing():
    """Independent ones, a few, none, and a body of latencies that lies half-way to the limit."""
    chance = random.Random(3)
    short = ClumpRule(stall=1)
    independent = [[n for n in range(600) if chance.random() < 0.01] for _ in range(100)]
    assert sum(stall_of(600, numbers, short) > 1 for numbers in independent) <= 5
    for numbers in ([], [7], list(range(61, 180)), list(range(600))):
        assert stall_of(600, numbers, short) == 1


def test_the_longest_stall_that_a_pass_excludes_is_the_largest_that_it_bears():
    """A stall of that size could be assumed and the sample passes; one a tenth larger could not."""
    stall = longest_unseen(6000, [], 0.01, RULE, alpha=0.05)
    sizes = [deflated_evidence(6000, 0, 0.01, factor=s, unseen=s).p_pass for s in (stall, 1.1 * stall)]
    assert 8 <= stall <= 10
    assert sizes[0] <= 0.05 < sizes[1]


def test_a_sample_that_does_not_pass_excludes_no_stall():
    """Too few runs, and too many exceedances."""
    assert longest_unseen(100, [], 0.01, RULE, alpha=0.05) == 0
    assert longest_unseen(6000, range(0, 6000, 50), 0.01, RULE, alpha=0.05) == 0
    assert longest_unseen(0, [], 0.01, RULE, alpha=0.05) == 0


def test_every_seventh_run_is_no_clump():
    """One slow worker of seven is regular, and no stall: such exceedances count in full."""
    numbers = list(range(0, 1400, 7))
    assert not looks_clumped(1400, numbers, RULE)
    assert set(clump_sizes(1400, numbers, RULE)) == {1}


def test_regular_stalls_inflate_less():
    """Stalls at even distances vary less between batches than random ones of the same size."""
    regular = [start + step for start in range(0, 20_000, 200) for step in range(10)]
    assert variance_inflation(20_000, regular, RULE) < clump_factor([10] * 100)
