"""Exports are read by HdrHistogram's own code, with every count where it belongs."""

import base64
import math
import random
import struct
import zlib
from datetime import UTC, datetime

import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
from hypothesis import given
from hypothesis import strategies as st

from gatewright.core.errors import ConfigurationError
from gatewright.load import HdrInterval, LogHistogram, encode_hdr, hdr_log
from gatewright.load.hdr import slot_of, word

COUNTS = st.lists(st.tuples(st.integers(-6900, 4000), st.integers(1, 2**40)), max_size=50)


def slots(decoded):
    return {index: decoded.counts[index] for index in range(decoded.counts_len) if decoded.counts[index]}


@given(COUNTS, st.integers(0, 5))
def test_every_bucket_arrives_with_its_count(buckets, zeros):
    """From a microsecond to an hour each bucket is one slot of the decoded histogram, with the same count."""
    histogram = LogHistogram()
    histogram.count_buckets(zeros, buckets)
    decoded = HdrHistogram.decode(encode_hdr(histogram))
    assert decoded.total_count == histogram.count
    counts = [count for _, count in sorted(slots(decoded).items())]
    assert counts == [*([zeros] if zeros else []), *(count for _, count in histogram.buckets)]


@pytest.mark.parametrize("share", [0.01, 0.5, 0.9, 0.99, 0.999, 1.0])
def test_percentiles_survive(share):
    """To three significant digits, of values over six powers of ten."""
    chance = random.Random(4)
    histogram = LogHistogram(math.exp(chance.uniform(math.log(1e-6), math.log(1))) for _ in range(10_000))
    decoded = HdrHistogram.decode(encode_hdr(histogram))
    seconds = decoded.get_value_at_percentile(100 * share) / 1e9
    assert seconds == pytest.approx(histogram.percentile(share), rel=0.001)


def test_the_encoding_is_byte_by_byte_that_of_others():
    """What HdrHistogram's Python port writes for the same counts, down to the header."""
    theirs = HdrHistogram(1, 3_600_000_000_000, 3)
    ours = LogHistogram([0.0, 0.0015, 0.0015, 0.25, 3.0])
    for value in (0, *(round(LogHistogram([s]).percentile(1) * 1e9) for s in (0.0015, 0.0015, 0.25, 3.0))):
        theirs.record_value(value)
    assert plain(encode_hdr(ours))[:32] == plain(theirs.encode())[:32]
    assert plain(encode_hdr(ours))[40:] == plain(theirs.encode())[40:]


def plain(encoded):
    """The encoding without base64 and compression."""
    raw = base64.b64decode(encoded)
    cookie, length = struct.unpack(">ii", raw[:8])
    assert cookie == 0x1C849314
    assert length == len(raw) - 8
    return zlib.decompress(raw[8:])


def test_the_header_is_that_of_the_format():
    """Cookie, length, offset 0, 3 digits, lowest 1 ns, highest an hour, ratio 1: big endian, 40 bytes."""
    content = plain(encode_hdr(LogHistogram([1.0])))
    fields = struct.unpack(">iiiiqqd", content[:40])
    assert fields == (0x1C849313, len(content) - 40, 0, 3, 1, 3_600_000_000_000, 1.0)
    assert encode_hdr(LogHistogram([1.0])).startswith("HISTF")


def test_no_values_are_an_empty_histogram():
    """It is read as one."""
    assert HdrHistogram.decode(encode_hdr(LogHistogram())).total_count == 0


def test_values_beyond_an_hour_widen_the_range():
    """A day is exported as a day."""
    decoded = HdrHistogram.decode(encode_hdr(LogHistogram([86_400.0])))
    assert decoded.get_max_value() == pytest.approx(86_400e9, rel=0.002)


def test_values_beyond_64_bits_are_refused():
    """One line, instead of a number that wraps."""
    with pytest.raises(ConfigurationError, match="292 years"):
        encode_hdr(LogHistogram([1e10]))


@given(st.integers(0, 2**62))
def test_slots_are_those_of_the_reference(value):
    """For any value, the index that HdrHistogram computes."""
    reference = HdrHistogram(1, 2**62, 3)
    assert slot_of(value) == reference._counts_index_for(value)


@pytest.mark.parametrize(
    ("number", "encoded"),
    [
        (0, "00"),
        (-1, "01"),
        (1, "02"),
        (63, "7e"),
        (64, "8001"),
        (-64, "7f"),
        (2**55 - 1, "feffffffffffff7f"),
        (2**55, "808080808080808001"),
        (2**62, "808080808080808080"),
        (2**63 - 1, "feffffffffffffffff"),
        (-(2**63), "ffffffffffffffffff"),
    ],
)
def test_words_have_the_ninth_byte_whole(number, encoded):
    """Unlike plain LEB128, 64 bits fit into nine bytes."""
    assert word(number).hex() == encoded


def test_a_log_is_read_with_its_times_and_tags(tmp_path):
    """Each interval has its start, length, tag and values."""
    started = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    log = hdr_log(
        started,
        [
            HdrInterval(0, 1, LogHistogram([0.01, 0.02]), "create"),
            HdrInterval(1, 0.5, LogHistogram([0.03])),
        ],
    )
    lines = log.splitlines()
    assert lines[0] == "#[Histogram log format version 1.3]"
    assert lines[2] == "#[StartTime: 1767323045.000 (seconds since epoch), 2026-01-02T03:04:05+00:00]"
    assert lines[3].startswith('"StartTimestamp","Interval_Length"')
    assert lines[4].startswith("Tag=create,0.000,1.000,")
    assert float(lines[4].split(",")[3]) == pytest.approx(20, rel=0.001)
    (tmp_path / "log").write_text(log)
    reader = HistogramLogReader(tmp_path / "log", HdrHistogram(1, 3_600_000_000_000, 3))
    first, second = reader.get_next_interval_histogram(), reader.get_next_interval_histogram()
    assert reader.get_next_interval_histogram() is None
    reader.close()
    assert (first.get_tag(), first.total_count) == ("create", 2)
    assert first.get_start_time_stamp() == started.timestamp() * 1000
    assert first.get_end_time_stamp() == started.timestamp() * 1000 + 1000
    assert second.get_start_time_stamp() == started.timestamp() * 1000 + 1000
    assert second.get_max_value() == pytest.approx(30e6, rel=0.002)


@pytest.mark.parametrize("tag", ["a b", "a,b", "a\nb"])
def test_a_tag_that_would_break_the_line_is_refused(tag):
    """Names of steps are escaped by whoever exports them."""
    with pytest.raises(ConfigurationError, match="no tag"):
        HdrInterval(0, 1, LogHistogram(), tag)
