"""Exceedances are counted exactly, and added without loss."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewright.core.errors import ConfigurationError
from gatewright.load import ExceedanceCounter, ExceedanceCounts

THRESHOLDS = (0.1, 0.25, 0.5)
LATENCIES = st.floats(0, 1) | st.sampled_from(THRESHOLDS) | st.none()


def counted(latencies, thresholds=THRESHOLDS):
    """A counter of latencies; None is a failure."""
    counter = ExceedanceCounter(thresholds)
    for latency in latencies:
        counter.add_failure() if latency is None else counter.add(latency)
    return counter


@given(st.lists(LATENCIES), st.sets(st.floats(0.001, 1), min_size=1, max_size=5))
def test_every_run_over_a_threshold_is_counted(latencies, thresholds):
    """As many as a plain comparison finds, failures included, for every threshold."""
    counter = counted(latencies, thresholds)
    assert counter.samples == len(latencies)
    assert counter.thresholds_s == tuple(sorted(thresholds))
    assert counter.exceeded == tuple(
        sum(latency is None or latency > threshold for latency in latencies)
        for threshold in sorted(thresholds)
    )


@given(st.lists(st.lists(LATENCIES, max_size=30), max_size=5))
def test_adding_parts_is_pooling(parts):
    """However runs are divided among counters, and through files, their sum is that of all runs."""
    total = ExceedanceCounter(THRESHOLDS)
    for part in parts:
        written = counted(part).counts().model_dump_json()
        total.update(ExceedanceCounter.of(ExceedanceCounts.read(written)))
    assert total.counts() == counted([latency for part in parts for latency in part]).counts()


def test_a_run_at_the_threshold_keeps_it():
    """Only longer is over."""
    assert counted([0.25, math.nextafter(0.25, 1)]).exceeded == (2, 1, 0)


def test_a_run_that_never_ended_is_over_all():
    """An infinite latency is one."""
    assert counted([math.inf]).exceeded == (1, 1, 1)


def test_merging_changes_neither_part():
    """A merge is a new counter."""
    one, other = counted([0.2]), counted([0.3, None])
    assert one.merge(other).exceeded == (3, 2, 1)
    assert (one.samples, other.samples) == (1, 2)


def test_other_thresholds_are_not_added():
    """Their counts mean something else."""
    with pytest.raises(ConfigurationError, match="different thresholds"):
        counted([]).update(counted([], (0.1, 0.2)))


@pytest.mark.parametrize("thresholds", [(), (0.0,), (-1.0,), (math.inf,), (math.nan,), range(1, 1002)])
def test_thresholds_that_are_none_are_refused(thresholds):
    """One line tells."""
    with pytest.raises(ConfigurationError, match="threshold"):
        ExceedanceCounter(thresholds)


def test_a_latency_that_is_no_number_is_refused():
    """It is neither over nor under."""
    with pytest.raises(ConfigurationError, match="not a number"):
        counted([math.nan])


def counts(**changes):
    return json.dumps({"samples": 5, "thresholds_s": [0.1, 0.2], "exceeded": [3, 1], **changes})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        counts(samples=2),
        counts(samples=-1),
        counts(samples=2**53),
        counts(samples="5"),
        counts(exceeded=[1, 3]),
        counts(exceeded=[3]),
        counts(exceeded=[3, -1]),
        counts(exceeded=[3, 1, 0]),
        counts(thresholds_s=[0.2, 0.1]),
        counts(thresholds_s=[0.1, 0.1]),
        counts(thresholds_s=[0.1, math.inf]),
        counts(thresholds_s=[0, 0.1]),
        counts(thresholds_s=[], exceeded=[]),
        counts(more=1),
    ],
)
def test_what_are_no_counts_is_refused(text):
    """Counts that no runs can have made cost one line."""
    with pytest.raises(ConfigurationError, match="this is no count of exceedances"):
        ExceedanceCounts.read(text)
