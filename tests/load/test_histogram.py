"""Histograms keep percentiles within 0.1%, and merge without loss."""

import json
import math
import random
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewright.core.errors import ConfigurationError
from gatewright.load import LogHistogram, SparseHistogram
from gatewright.load.histogram import FIRST_BUCKET, LAST_BUCKET, RELATIVE_ERROR

DURATIONS = st.floats(0, sys.float_info.max)


def lognormal(seed, count):
    chance = random.Random(seed)
    return [0.01 * math.exp(chance.gauss(0, 0.8)) for _ in range(count)]


@pytest.mark.parametrize("share", [0.001, 0.5, 0.95, 0.99, 0.999, 1.0])
def test_percentiles_are_within_a_thousandth(share):
    """The reported percentile is within 0.1% of the exact one (nearest rank)."""
    values = sorted(lognormal(1, 20_000))
    exact = values[max(0, math.ceil(share * len(values)) - 1)]
    assert LogHistogram(values).percentile(share) == pytest.approx(exact, rel=0.001)


def test_merged_workers_equal_pooled_data():
    """Merging three workers gives exactly the percentiles of their pooled values."""
    workers = [lognormal(seed, 3_000) for seed in (1, 2, 3)]
    merged = LogHistogram(workers[0]).merge(LogHistogram(workers[1])).merge(LogHistogram(workers[2]))
    pooled = LogHistogram(value for worker in workers for value in worker)
    assert merged.count == pooled.count == 9_000
    assert [merged.percentile(share / 100) for share in range(1, 101)] == [
        pooled.percentile(share / 100) for share in range(1, 101)
    ]


def test_merging_changes_neither_part():
    """A merge is a new histogram."""
    one, other = LogHistogram([1.0]), LogHistogram([2.0, 0.0])
    assert one.merge(other).count == 3
    assert (one.count, other.count) == (1, 2)


def test_no_values_have_no_percentile():
    """Nothing measured is not zero."""
    assert math.isnan(LogHistogram().percentile(0.5))


def test_zero_is_a_value():
    """A percentile that falls on zeros is zero."""
    assert LogHistogram([0.0, 0.0, 5.0]).percentile(0.5) == 0.0


@pytest.mark.parametrize("value", [-1e-9, math.nan, math.inf])
def test_what_is_no_duration_is_refused(value):
    """Negative and non-finite values never enter the evidence."""
    with pytest.raises(ConfigurationError, match="finite values"):
        LogHistogram([value])


@given(st.lists(st.lists(DURATIONS, max_size=30), max_size=5))
def test_adding_parts_is_pooling(parts):
    """However values are divided among histograms, and through files, their sum is that of all values."""
    total = LogHistogram()
    for part in parts:
        written = SparseHistogram.of(LogHistogram(part)).model_dump_json()
        total.update(SparseHistogram.read(written).histogram())
    pooled = LogHistogram(value for part in parts for value in part)
    assert SparseHistogram.of(total) == SparseHistogram.of(pooled)
    assert total.count == pooled.count


def test_an_update_changes_only_its_target():
    """What is added stays what it was."""
    one, other = LogHistogram([1.0]), LogHistogram([1.0, 2.0, 0.0])
    one.update(other)
    assert (one.count, other.count) == (4, 3)
    assert one.buckets[0][1] == 2


@pytest.mark.parametrize("value", [math.ulp(0.0), sys.float_info.min, 1e-9, 1e300, sys.float_info.max])
def test_extreme_values_have_percentiles(value):
    """The smallest and the largest numbers overflow nothing."""
    assert LogHistogram([value]).percentile(1.0) == pytest.approx(value, rel=0.001)


def sparse(**changes):
    return json.dumps({"relative_error": RELATIVE_ERROR, "zeros": 1, "buckets": [[-5, 2], [7, 1]], **changes})


def test_a_written_histogram_is_read_again():
    """The counts and buckets stand in the text as they are."""
    histogram = SparseHistogram.read(sparse()).histogram()
    assert (histogram.zeros, histogram.buckets, histogram.count) == (1, ((-5, 2), (7, 1)), 4)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        sparse(extra=1),
        sparse(relative_error=0.01),
        sparse(relative_error=math.nan),
        sparse(zeros=-1),
        sparse(zeros=1.5),
        sparse(zeros="1"),
        sparse(zeros=True),
        sparse(zeros=2**53),
        sparse(buckets=[[1, 0]]),
        sparse(buckets=[[1, -1]]),
        sparse(buckets=[[1, 2**53]]),
        sparse(buckets=[[1, 1.5]]),
        sparse(buckets=[["1", 1]]),
        sparse(buckets=[[1, 1], [1, 1]]),
        sparse(buckets=[[2, 1], [1, 1]]),
        sparse(buckets=[[FIRST_BUCKET - 1, 1]]),
        sparse(buckets=[[LAST_BUCKET + 1, 1]]),
        sparse(buckets=[[1, 1, 1]]),
        sparse(buckets={"1": 1}),
        sparse()[:-1],
        "[" * 100_000,
        sparse().encode() + b"\xff",
        sparse(zeros=9).replace("9", "9" * 5000),
        sparse(**{"two\nlines" * 1000: 1}),
    ],
)
def test_what_is_no_histogram_is_refused(text):
    """Hostile text costs one line."""
    with pytest.raises(ConfigurationError, match="this is no histogram") as refusal:
        SparseHistogram.read(text)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 300
