"""Arrival schedules: when each run is to start, in seconds from the start of the measurement."""

import random
from collections.abc import Iterator

from gatewright.core.errors import ConfigurationError

__all__ = ["constant_arrivals", "poisson_arrivals"]


def poisson_arrivals(rate: float, duration_s: float, *, seed: int) -> Iterator[float]:
    """Arrivals of independent users: exponential gaps with mean 1/rate, the same for the same seed.

    Args:
        rate: arrivals per second.
        duration_s: the schedule ends before this many seconds.
        seed: of the pseudo-random gaps.
    """
    require_positive(rate=rate, duration_s=duration_s)
    # Reproducible gaps are wanted here, not secrets.
    gaps = random.Random(seed)  # noqa: S311
    moment = gaps.expovariate(rate)
    while moment < duration_s:
        yield moment
        moment += gaps.expovariate(rate)


def constant_arrivals(rate: float, duration_s: float) -> Iterator[float]:
    """Arrivals at even distances of 1/rate seconds, the first at once.

    Args:
        rate: arrivals per second.
        duration_s: the schedule ends before this many seconds.
    """
    require_positive(rate=rate, duration_s=duration_s)
    for number in range(int(duration_s * rate) + 1):
        if (moment := number / rate) < duration_s:
            yield moment


def require_positive(**values: float) -> None:
    """Refuse what is no positive finite number, by name."""
    for name, value in values.items():
        if not 0 < value < float("inf"):
            raise ConfigurationError(f"{name} must be a positive finite number, not {value}")
