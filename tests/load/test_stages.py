"""Stages follow their rates exactly, and tell what they expect."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewright.core.errors import ConfigurationError
from gatewright.load import Hold, Profile, Ramp, Spike, arrivals, constant_arrivals, poisson_arrivals

RATES = st.floats(0.1, 100)
SECONDS = st.floats(0.1, 5)
STAGES = st.one_of(
    st.builds(Hold, RATES, SECONDS),
    st.builds(Ramp, RATES | st.just(0.0), RATES, SECONDS),
    st.builds(Ramp, RATES, st.just(0.0), SECONDS),
    st.builds(lambda base, *rest: Spike(base, base * 3, *rest), RATES, SECONDS, SECONDS, SECONDS),
)
PROFILES = st.builds(lambda stages: Profile(tuple(stages)), st.lists(STAGES, min_size=1, max_size=4))


@given(PROFILES)
def test_constant_arrivals_split_the_integrated_rate_evenly(profile):
    """By the time of arrival n exactly n were expected; the schedule has as many as the integral says."""
    moments = list(arrivals(profile, "constant"))
    for number, moment in enumerate(moments):
        assert profile.expected_by(moment) == pytest.approx(number, abs=1e-6)
    assert len(moments) == pytest.approx(profile.expected_by(profile.duration_s), abs=1)


@given(PROFILES, st.sampled_from(["poisson", "constant"]), st.integers(0, 1000))
def test_arrivals_ascend_within_the_schedule(profile, spacing, seed):
    """None comes before an earlier one, none at the end or after it."""
    moments = list(arrivals(profile, spacing, seed=seed))
    assert all(earlier <= later for earlier, later in pairwise(moments))
    assert all(0 <= moment < profile.duration_s for moment in moments)


def test_poisson_arrivals_of_stages_are_a_poisson_process():
    """In the time of expected arrivals they have rate 1 and independent exponential gaps, within 4 sigma."""
    profile = Profile((Ramp(0, 200, 60), Spike(50, 400, 20, 10, 30), Ramp(50, 5, 40)))
    moments = list(arrivals(profile, "poisson", seed=5))
    assert list(arrivals(profile, "poisson", seed=5)) == moments
    assert list(arrivals(profile, "poisson", seed=6)) != moments
    expected = profile.expected_by(profile.duration_s)
    assert len(moments) == pytest.approx(expected, abs=4 * math.sqrt(expected))
    gaps = [later - earlier for earlier, later in pairwise(map(profile.expected_by, moments))]
    longer = [sum(gap > quantile for gap in gaps) / len(gaps) for quantile in (0.1, 0.5, 1, 2, 4)]
    for share, quantile in zip(longer, (0.1, 0.5, 1, 2, 4), strict=True):
        chance = math.exp(-quantile)
        assert share == pytest.approx(chance, abs=4 * math.sqrt(chance * (1 - chance) / len(gaps)))


def test_a_ramp_sends_more_and_more():
    """From 0 to 100 a second in 10 s: a quarter of the runs in the first half."""
    moments = list(arrivals(Profile((Ramp(0, 100, 10),)), "constant"))
    assert len(moments) == 500
    assert sum(moment < 5 for moment in moments) == 125


def test_one_rate_is_a_hold():
    """The schedules of one rate are those of a profile with one stage."""
    profile = Profile((Hold(40, 25),))
    assert list(poisson_arrivals(40, 25, seed=9)) == list(arrivals(profile, "poisson", seed=9))
    assert list(constant_arrivals(40, 25)) == list(arrivals(profile, "constant"))
    assert len(list(constant_arrivals(40, 25))) == 1000


def test_a_profile_tells_its_rate_at_any_moment():
    """Nominal rate, mean rate, part and duration, as throughput and reports need them."""
    profile = Profile((Ramp(10, 30, 10), Hold(30, 10), Spike(30, 120, 5, 5, 10)))
    assert profile.duration_s == 40
    assert [part.name for part in profile.parts] == ["ramp", "hold", "hold", "spike", "recovery"]
    assert profile.begins == (0, 10, 20, 25, 30)
    assert [profile.rate_at(moment) for moment in (0, 5, 10, 24.9, 25, 30, 39.9)] == [
        10,
        20,
        30,
        30,
        120,
        30,
        30,
    ]
    assert (profile.rate_at(-1), profile.rate_at(40)) == (0, 0)
    assert profile.mean_rate(0, 10) == 20
    assert profile.mean_rate(5, 15) == pytest.approx((25 * 5 + 30 * 5) / 10)
    assert profile.mean_rate(20, 30) == 75
    assert profile.mean_rate(30, 60) == pytest.approx(10)
    assert profile.part_at(26).name == "spike"
    assert profile.part_at(30).name == "recovery"
    assert profile.part_at(99).name == "recovery"


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        (lambda: Hold(0, 1), "rate must be a positive"),
        (lambda: Hold(1, math.nan), "seconds must be a positive"),
        (lambda: Ramp(0, 0, 1), "rate must be a positive"),
        (lambda: Ramp(-1, 5, 1), "begin_rate must be 0 or a positive"),
        (lambda: Ramp(5, math.nan, 1), "end_rate must be 0 or a positive"),
        (lambda: Ramp(math.inf, 5, 1), "rate must be a positive"),
        (lambda: Ramp(5, 6, 0), "seconds must be a positive"),
        (lambda: Spike(5, 5, 1, 1, 1), "a spike from 5 to 5 arrivals/s is none"),
        (lambda: Spike(5, 6, 1, 0, 1), "peak_s must be a positive"),
        (lambda: Profile(()), "a load of no stages is none"),
        (lambda: Profile((Hold(1, 1),)).mean_rate(1, 1), "interval must be a positive"),
    ],
)
def test_what_is_no_stage_is_refused(stage, message):
    """One line names the field that is wrong."""
    with pytest.raises(ConfigurationError, match=message):
        stage()


def test_rates_are_refused_before_the_load_begins():
    """Not when the first arrival is asked for."""
    with pytest.raises(ConfigurationError, match="rate must be a positive"):
        constant_arrivals(-1, 1)
