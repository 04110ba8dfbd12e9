"""Export of histograms for HdrHistogram's tools: V2 compressed encoding, and interval logs.

The layout is that of `AbstractHistogram.encodeIntoCompressedByteBuffer` and `HistogramLogWriter` of
HdrHistogram 2.2 (https://github.com/HdrHistogram/HdrHistogram), which its ports to other languages share.
"""

import base64
import re
import struct
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from gatewright.core.buckets import value_of
from gatewright.core.errors import ConfigurationError
from gatewright.load.histogram import LogHistogram

__all__ = ["HdrInterval", "encode_hdr", "hdr_log"]

SIGNIFICANT_DIGITS = 3
HALF_MAGNITUDE = 10
"""Of two: each power of two is divided into 1024, the least that keeps three significant digits apart."""

HALF_COUNT = 1 << HALF_MAGNITUDE
LEAST_RANGE = 3_600_000_000_000
"""Nanoseconds of an hour: a fixed range lets readers add histograms, whatever their largest values are."""

LARGEST = (1 << 63) - 1
WORD_SIZE = 0x10
"""In a cookie: counts are words of variable length."""

COOKIE = 0x1C849303 | WORD_SIZE
COMPRESSED_COOKIE = 0x1C849304 | WORD_SIZE
ENVELOPE = struct.Struct(">ii")
HEADER = struct.Struct(">iiiiqqd")
NANOSECONDS = 1e9
NANOSECONDS_PER_MILLISECOND = 1e6
LONGEST_WORD = 9
TAG = re.compile(r"[^\s,]*")

LOG_VERSION = "#[Histogram log format version 1.3]"
LEGEND = '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"'


@dataclass(frozen=True)
class HdrInterval:
    """One line of an interval log.

    Args:
        start_s: when the interval began, in seconds from the start of the log.
        length_s: how long it was, in seconds.
        histogram: latencies in seconds.
        tag: what they are of, e.g. a step; without spaces and commas.

    Raises:
        ConfigurationError: the tag would break the line.
    """

    start_s: float
    length_s: float
    histogram: LogHistogram
    tag: str = ""

    def __post_init__(self) -> None:
        if not TAG.fullmatch(self.tag):
            raise ConfigurationError(
                f"{self.tag!r} is no tag of a histogram log", remedy="leave out spaces and commas"
            )


def encode_hdr(histogram: LogHistogram) -> str:
    """A histogram of seconds as a base64 HdrHistogram (`HISTF...`) of nanoseconds, 3 significant digits.

    No value is lost: each bucket of 0.2% has a place of its own among those of at most 0.1%, from 1 us on
    (below, whole nanoseconds are wider).

    Raises:
        ConfigurationError: it holds a value that is too large for 64 bits: more than 292 years.
    """
    counts = nanoseconds(histogram)
    highest = max(counts, default=0)
    if highest > LARGEST:
        raise ConfigurationError("a latency of more than 292 years can't be exported to HdrHistogram")
    slots: Counter[int] = Counter()
    for value, count in counts.items():
        slots[slot_of(value)] += count
    payload = b"".join(words(slots))
    header = HEADER.pack(COOKIE, len(payload), 0, SIGNIFICANT_DIGITS, 1, max(LEAST_RANGE, highest), 1.0)
    compressed = zlib.compress(header + payload)
    return base64.b64encode(struct.pack(">ii", COMPRESSED_COOKIE, len(compressed)) + compressed).decode(
        "ascii"
    )


def hdr_log(started: datetime, intervals: Iterable[HdrInterval]) -> str:
    """An interval log, as HdrHistogram's log processors and plotters read it; maxima in milliseconds.

    Args:
        started: the moment from which the intervals count, with its time zone.
        intervals: in the order of their start.
    """
    moment = f"{started.timestamp():.3f} (seconds since epoch)"
    lines = [
        LOG_VERSION,
        f"#[BaseTime: {moment}]",
        f"#[StartTime: {moment}, {started.astimezone(UTC).isoformat()}]",
        LEGEND,
        *map(line_of, intervals),
    ]
    return "\n".join(lines) + "\n"


def line_of(interval: HdrInterval) -> str:
    """One interval."""
    tag = f"Tag={interval.tag}," if interval.tag else ""
    highest = max(nanoseconds(interval.histogram), default=0) / NANOSECONDS_PER_MILLISECOND
    encoded = encode_hdr(interval.histogram)
    return f"{tag}{interval.start_s:.3f},{interval.length_s:.3f},{highest:.3f},{encoded}"


def nanoseconds(histogram: LogHistogram) -> Counter[int]:
    """Counts by value, in whole nanoseconds."""
    counts: Counter[int] = Counter({0: histogram.zeros} if histogram.zeros else {})
    for bucket, count in histogram.buckets:
        counts[round(value_of(bucket) * NANOSECONDS)] += count
    return counts


def slot_of(value: int) -> int:
    """The place of a value among the counts: linear up to 2048, then 1024 for each power of two."""
    power = max(0, value.bit_length() - HALF_MAGNITUDE - 1)
    return (power << HALF_MAGNITUDE) + (value >> power)


def words(slots: Counter[int]) -> Iterator[bytes]:
    """The counts from slot 0 to the last that is not empty; a run of empty ones is one negative word."""
    following = 0
    for slot in sorted(slots):
        if empty := slot - following:
            yield word(0 if empty == 1 else -empty)
        yield word(slots[slot])
        following = slot + 1


def word(number: int) -> bytes:
    """ZigZag LEB128-64b9B: seven bits a byte, the least first; the ninth byte holds eight."""
    rest = (number << 1) ^ (number >> 63)
    encoded = bytearray()
    while rest >= 0x80 and len(encoded) < LONGEST_WORD - 1:  # noqa: PLR2004 - what is left of seven bits
        encoded.append(rest & 0x7F | 0x80)
        rest >>= 7
    encoded.append(rest)
    return bytes(encoded)
