"""Arrival schedules of one rate: when each run is to start, in seconds from the start of the measurement."""

from collections.abc import Iterator

from gatewright.load.stages import Hold, Profile, arrivals, require_positive

__all__ = ["constant_arrivals", "poisson_arrivals"]


def poisson_arrivals(rate: float, duration_s: float, *, seed: int) -> Iterator[float]:
    """Arrivals of independent users: exponential gaps with mean 1/rate, the same for the same seed.

    Args:
        rate: arrivals per second.
        duration_s: the schedule ends before this many seconds.
        seed: of the pseudo-random gaps.
    """
    require_positive(rate=rate, duration_s=duration_s)
    return arrivals(Profile((Hold(rate, duration_s),)), "poisson", seed=seed)


def constant_arrivals(rate: float, duration_s: float) -> Iterator[float]:
    """Arrivals at even distances of 1/rate seconds, the first at once.

    Args:
        rate: arrivals per second.
        duration_s: the schedule ends before this many seconds.
    """
    require_positive(rate=rate, duration_s=duration_s)
    return arrivals(Profile((Hold(rate, duration_s),)), "constant")
