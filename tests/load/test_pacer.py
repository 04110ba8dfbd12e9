"""Arrival schedules have the rate that was asked for, and are reproducible."""

from itertools import pairwise

import pytest

from gatewright.core.errors import ConfigurationError
from gatewright.load import constant_arrivals, poisson_arrivals


def test_the_same_seed_gives_the_same_arrivals():
    """A run can be repeated exactly; another seed gives other arrivals."""
    first = list(poisson_arrivals(50, 10, seed=7))
    assert first == list(poisson_arrivals(50, 10, seed=7))
    assert first != list(poisson_arrivals(50, 10, seed=8))


def test_poisson_arrivals_have_their_rate_and_spread():
    """The number of arrivals and the variance of the gaps are those of a Poisson process, within 3 sigma."""
    arrivals = list(poisson_arrivals(100, 100, seed=1))
    gaps = [later - earlier for earlier, later in pairwise(arrivals)]
    mean = sum(gaps) / len(gaps)
    variance = sum((gap - mean) ** 2 for gap in gaps) / len(gaps)
    assert len(arrivals) == pytest.approx(10_000, abs=300)
    assert variance**0.5 / mean == pytest.approx(1, abs=0.05)
    assert max(arrivals) < 100


def test_constant_arrivals_are_evenly_spaced():
    """The first is at once, the last before the end."""
    assert list(constant_arrivals(4, 1)) == [0, 0.25, 0.5, 0.75]


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf")])
def test_rates_that_are_none_are_refused(rate):
    """One clear line names what is wrong."""
    with pytest.raises(ConfigurationError, match="rate must be a positive finite number"):
        next(poisson_arrivals(rate, 1, seed=1))
