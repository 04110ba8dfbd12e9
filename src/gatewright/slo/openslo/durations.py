"""Durations as OpenSLO writes them, and the shorter ones of a load test."""

import re

__all__ = ["SECONDS", "read_short_time", "read_shorthand"]

SHORTHAND = re.compile(r"([1-9][0-9]{0,8})([mhdwMQY])")
SHORT_TIME = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(us|ms|s)")
DAY = 86_400.0
UNITS = {
    "m": 60.0,
    "h": 3600.0,
    "d": DAY,
    "w": 7 * DAY,
    "M": 30 * DAY,
    "Q": 90 * DAY,
    "Y": 365 * DAY,
}
SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
"""Units of latencies, in seconds."""


def read_shorthand(text: object) -> float:
    """Seconds of a duration-shorthand, `5m`, `12h`, `28d`, `1M`; a month counts 30 days, a quarter 90.

    Raises:
        ValueError: it is none.
    """
    match = SHORTHAND.fullmatch(text) if isinstance(text, str) else None
    if not match:
        raise ValueError("must be a positive whole number and one of m, h, d, w, M, Q, Y, e.g. 28d")
    return int(match[1]) * UNITS[match[2]]


def read_short_time(text: str) -> float:
    """Seconds of a latency or slice, `250ms`, `5s`.

    Raises:
        ValueError: it is none, or zero.
    """
    match = SHORT_TIME.fullmatch(text)
    if not match or not float(match[1]):
        raise ValueError("must be a positive number and one of us, ms, s, e.g. 250ms")
    return float(match[1]) * SECONDS[match[2]]
