"""Throughput is judged by what is lost per second, not by the chance of arrivals."""

import random

import pytest

from gatewright.slo import Flow
from gatewright.slo.throughput import throughput_evidence


def arrivals(seed, blocks, rate=40):
    chance = random.Random(seed)
    return [sum(chance.random() < rate / 1000 for _ in range(1000)) for _ in range(blocks)]


def test_a_service_that_keeps_up_passes_just_below_the_offered_rate():
    """All that arrives comes out: 38 of 40 runs/s are proven in 15 s, though arrivals vary by more."""
    arrived = arrivals(1, 15)
    assert throughput_evidence(Flow(1.0, arrived, arrived, 40), 38).p_pass <= 0.01


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
