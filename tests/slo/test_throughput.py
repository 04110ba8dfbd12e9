"""Throughput is judged by what is lost per second, not by the chance of arrivals."""

import random

import pytest

from gatewright.slo import Flow
from gatewright.slo.throughput import correlation_factor, throughput_evidence


def arrivals(seed, blocks, rate=40):
    chance = random.Random(seed)
    return [sum(chance.random() < rate / 1000 for _ in range(1000)) for _ in range(blocks)]


def outages(seed, blocks, length):
    """Up and down by turns, at random, equally long in the mean; 40 come out of a block that is up."""
    chance, up, out = random.Random(seed), True, []
    for _ in range(blocks):
        up ^= chance.random() < 1 / length
        out.append(40 * up)
    return out


@pytest.mark.parametrize(("threshold", "seconds"), [(20, 15), (30, 30), (38, 130)])
def test_a_service_that_keeps_up_passes_after_the_time_that_the_threshold_asks_for(threshold, seconds):
    """All that arrives comes out; the closer the threshold, the longer one second's outage must be diluted."""
    arrived = arrivals(1, 130)

    def p_pass(blocks):
        return throughput_evidence(Flow(1.0, arrived[:blocks], arrived[:blocks], 40), threshold).p_pass

    assert p_pass(seconds) <= 0.01 < p_pass(seconds // 2)


def test_a_service_that_answers_in_batches_does_not_fail_before_the_first():
    """Nothing has come out for five seconds, and may in the next one."""
    assert throughput_evidence(Flow(1.0, [40] * 5, [0] * 5, 40), 20).p_fail > 0.05


def test_outages_at_the_threshold_are_seldom_judged_wrongly():
    """Of 200 services that are down half of the time, three seconds each, at most 20 pass or fail in a minute."""
    seen = [throughput_evidence(Flow(1.0, [40] * 60, outages(n, 60, 3), 40), 20) for n in range(200)]
    assert sum(min(evidence.p_pass, evidence.p_fail) <= 0.05 for evidence in seen) <= 20


def test_blocks_that_are_alike_for_a_while_count_less():
    """Neighbours that agree by chance count in full, outages of five blocks about a fifth."""
    assert correlation_factor([3, 1, 4, 1, 5, 9, 2, 6, 5, 3]) == 1
    assert correlation_factor([2, 2, 2]) == 1
    assert 3 <= correlation_factor(([0] * 5 + [40] * 5) * 6) <= 8


def test_a_service_that_can_not_keep_up_fails():
    """30 runs/s come out of 40, whatever arrives."""
    assert throughput_evidence(Flow(1.0, arrivals(1, 15), [30] * 15, 40), 38).p_fail <= 0.05


def test_the_offered_rate_itself_is_not_decided():
    """At the threshold neither side is proven."""
    arrived = arrivals(2, 30)
    evidence = throughput_evidence(Flow(1.0, arrived, arrived, 40), 40)
    assert min(evidence.p_pass, evidence.p_fail) > 0.05


@pytest.mark.parametrize("blocks", [0, 3])
def test_too_few_seconds_say_nothing(blocks):
    """Below four blocks there is no spread to speak of."""
    evidence = throughput_evidence(Flow(1.0, [40] * blocks, [40] * blocks, 40), 20)
    assert (evidence.p_pass, evidence.p_fail) == (1.0, 1.0)


def test_the_observed_rate_is_what_came_out():
    """Runs over time."""
    assert Flow(0.5, [10, 10], [4, 6], 20).observed_rate == 10
    assert Flow(1.0, [], [], 20).observed_rate == 0
