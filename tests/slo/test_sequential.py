"""The e-process agrees with known values and keeps its promise about errors."""

import random

import pytest

from gatewright.slo import least_clean_samples
from gatewright.slo.sequential import clopper_pearson, independent_evidence


@pytest.mark.parametrize(("allowed", "least"), [(0.05, 82), (0.01, 417), (0.001, 4188)])
def test_least_clean_samples_at_five_percent(allowed, least):
    """Without any exceedance, so many runs prove p95, p99 and 99.9%; one less does not."""
    assert least_clean_samples(allowed, 0.05) == least
    assert independent_evidence(least - 1, 0, allowed).p_pass > 0.05


def test_nothing_seen_says_nothing():
    """No sample is evidence of nothing."""
    evidence = independent_evidence(0, 0, 0.01)
    assert (evidence.p_pass, evidence.p_fail) == (1.0, 1.0)


def test_extreme_counts_stay_finite():
    """A service that breaks its promise in every run, or in none of a million, gives valid p-values."""
    broken, kept = independent_evidence(100_000, 100_000, 0.001), independent_evidence(1_000_000, 0, 0.05)
    assert (broken.p_pass, broken.p_fail) == (1.0, 0.0)
    assert (kept.p_pass, kept.p_fail) == (0.0, 1.0)


def first_decision(chance, share, allowed, longest, step=20):
    """Look every 20 runs, as long as it takes."""
    exceeded = 0
    for samples in range(step, longest + 1, step):
        exceeded += sum(chance.random() < share for _ in range(step))
        evidence = independent_evidence(samples, exceeded, allowed)
        if evidence.p_pass <= 0.05 or evidence.p_fail <= 0.05:
            return ("PASS" if evidence.p_pass <= 0.05 else "FAIL"), samples
    return "INCONCLUSIVE", longest


def test_looking_often_does_not_add_up_to_wrong_verdicts():
    """A service exactly at its limit is passed, and failed, in at most 5% of 200 trials with 100 looks each."""
    chance = random.Random(2)
    verdicts = [first_decision(chance, 0.05, 0.05, 2000)[0] for _ in range(200)]
    assert verdicts.count("PASS") <= 10
    assert verdicts.count("FAIL") <= 10


@pytest.mark.parametrize(("share", "verdict"), [(0.02, "PASS"), (0.12, "FAIL")])
def test_clear_cases_are_decided_early_and_rightly(share, verdict):
    """Far from the limit of 5% every one of 50 trials is decided rightly, the median within 400 runs."""
    chance = random.Random(3)
    decided = [first_decision(chance, share, 0.05, 4000) for _ in range(50)]
    assert {word for word, _ in decided} == {verdict}
    assert sorted(samples for _, samples in decided)[25] <= 400


def test_clopper_pearson_against_textbook_values():
    """The rule of three, and the bounds of 10 in 100 at one-sided 2.5%."""
    assert clopper_pearson(100, 0, 0.05) == (0.0, pytest.approx(0.0295, abs=1e-4))
    assert clopper_pearson(100, 10, 0.025) == (
        pytest.approx(0.0490, abs=1e-4),
        pytest.approx(0.1762, abs=1e-4),
    )
    assert clopper_pearson(0, 0, 0.05) == (0.0, 1.0)
    assert clopper_pearson(5, 5, 0.05)[1] == 1.0
