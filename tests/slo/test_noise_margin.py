"""The embedded A/A tells how far noise alone moves a percentile."""

import random

import pytest

from gatewright.slo.noise_margin import halves, noise_margin


def lognormal(chance, count, sigma=0.3):
    return [chance.lognormvariate(-4, sigma) for _ in range(count)]


def percentile(values, share):
    return sorted(values)[int(share * len(values))]


@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
def test_the_margin_covers_what_another_measurement_would_find(share):
    """Of 200 pairs of measurements alike, at least 80 of 100 differ by no more than 1.5 margins.

    The difference of two has 1.4 times the standard error of one, and the margin is two of those.
    """
    chance = random.Random(5)
    within = 0
    for _ in range(200):
        one, other = lognormal(chance, 1000), lognormal(chance, 1000)
        difference = abs(percentile(one, share) / percentile(other, share) - 1)
        within += difference <= 1.5 * noise_margin(one, share)
    assert within >= 160


def test_noise_in_bursts_widens_the_margin():
    """A neighbour that doubles the latencies for seconds at a time moves the percentile further."""
    chance = random.Random(2)
    quiet = lognormal(chance, 1200)
    noisy = [value * (2 if number // 130 % 3 == 0 else 1) for number, value in enumerate(quiet)]
    assert noise_margin(noisy, 0.95) > 2 * noise_margin(quiet, 0.95)


def test_a_drift_falls_on_both_halves_alike():
    """Latency that grows by 12% is no noise: A and B each get as much of it."""
    growing = [0.01 + number / 1e6 for number in range(1200)]
    assert noise_margin(growing, 0.5) < 0.02


def test_equal_latencies_have_no_margin():
    """Nothing differs, so noise makes no difference."""
    assert noise_margin([0.01] * 400, 0.95) == 0


@pytest.mark.parametrize("latencies", [[], [0.01] * 39, [0.0] * 100, [float("inf")] * 100])
def test_what_can_not_be_split_has_no_margin(latencies):
    """Too few runs, or a percentile that no share can be taken of."""
    assert noise_margin(latencies, 0.95) is None


def test_the_scale_of_latencies_does_not_matter():
    """The margin is relative."""
    latencies = lognormal(random.Random(1), 500)
    tenfold = [10 * value for value in latencies]
    assert noise_margin(tenfold, 0.95) == pytest.approx(noise_margin(latencies, 0.95))


def test_blocks_go_to_the_halves_as_a_b_b_a():
    """Eight blocks of one run each."""
    assert halves([0, 1, 2, 3, 4, 5, 6, 7], 8) == ([0, 3, 4, 7], [1, 2, 5, 6])
