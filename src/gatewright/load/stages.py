"""Stages of an open loop: a rate of arrivals that rises, holds, or jumps, and the arrivals that follow it."""

import random
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, count
from math import inf, sqrt
from typing import Literal

from gatewright.core.errors import ConfigurationError

__all__ = ["Hold", "Part", "Profile", "Ramp", "Spacing", "Spike", "Stage", "arrivals", "require_positive"]

Spacing = Literal["poisson", "constant"]


@dataclass(frozen=True)
class Part:
    """A piece of time in which the rate changes evenly.

    Attributes:
        name: what a report calls it: "ramp", "hold", "spike" or "recovery".
        seconds: how long it lasts.
        begin_rate: arrivals per second at its begin.
        end_rate: and at its end.
    """

    name: str
    seconds: float
    begin_rate: float
    end_rate: float

    @property
    def expected(self) -> float:
        """The mean number of arrivals."""
        return self.expected_by(self.seconds)

    def rate_at(self, moment: float) -> float:
        """Arrivals per second, `moment` seconds after the begin."""
        return self.begin_rate + (self.end_rate - self.begin_rate) * moment / self.seconds

    def expected_by(self, moment: float) -> float:
        """The mean number of arrivals in the first `moment` seconds: the integral of the rate."""
        return moment * (self.begin_rate + self.rate_at(moment)) / 2

    def moment_of(self, expected: float) -> float:
        """The seconds from the begin after which so many arrivals are expected: the integral's inverse."""
        slope = (self.end_rate - self.begin_rate) / self.seconds
        reached = sqrt(max(0.0, self.begin_rate**2 + 2 * slope * expected))
        # The form of the quadratic formula that is good for a slope of 0.
        both = self.begin_rate + reached
        return min(2 * expected / both, self.seconds) if both else 0.0


@dataclass(frozen=True)
class Ramp:
    """The rate goes evenly from one value to another.

    Args:
        begin_rate: arrivals per second at the begin; may be 0.
        end_rate: and at the end; may be 0.
        seconds: how long it takes.
    """

    begin_rate: float
    end_rate: float
    seconds: float

    def __post_init__(self) -> None:
        require_positive(seconds=self.seconds, rate=max(self.begin_rate, self.end_rate))
        require_finite(begin_rate=self.begin_rate, end_rate=self.end_rate)

    @property
    def parts(self) -> tuple[Part, ...]:
        """The ramp alone."""
        return (Part("ramp", self.seconds, self.begin_rate, self.end_rate),)


@dataclass(frozen=True)
class Hold:
    """The rate stays.

    Args:
        rate: arrivals per second.
        seconds: how long.
    """

    rate: float
    seconds: float

    def __post_init__(self) -> None:
        require_positive(rate=self.rate, seconds=self.seconds)

    @property
    def parts(self) -> tuple[Part, ...]:
        """The hold alone."""
        return (Part("hold", self.seconds, self.rate, self.rate),)


@dataclass(frozen=True)
class Spike:
    """The rate jumps to a peak and back.

    Args:
        base_rate: arrivals per second before and after the peak.
        peak_rate: and at the peak; more than the base rate.
        before_s: seconds at the base rate before the peak.
        peak_s: seconds at the peak.
        after_s: seconds at the base rate after the peak, in which the service recovers.
    """

    base_rate: float
    peak_rate: float
    before_s: float
    peak_s: float
    after_s: float

    def __post_init__(self) -> None:
        require_positive(base_rate=self.base_rate, peak_rate=self.peak_rate)
        require_positive(before_s=self.before_s, peak_s=self.peak_s, after_s=self.after_s)
        if self.peak_rate <= self.base_rate:
            raise ConfigurationError(
                f"a spike from {self.base_rate:g} to {self.peak_rate:g} arrivals/s is none",
                remedy="give it a peak_rate above its base_rate",
            )

    @property
    def parts(self) -> tuple[Part, ...]:
        """Hold, spike and recovery."""
        return (
            Part("hold", self.before_s, self.base_rate, self.base_rate),
            Part("spike", self.peak_s, self.peak_rate, self.peak_rate),
            Part("recovery", self.after_s, self.base_rate, self.base_rate),
        )


Stage = Ramp | Hold | Spike


@dataclass(frozen=True)
class Profile:
    """Stages after each other; moments are seconds from the start of the first.

    Args:
        stages: at least one.
    """

    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        if not self.stages:
            raise ConfigurationError("a load of no stages is none", remedy="give it at least one")

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The parts of all stages, in order."""
        return tuple(part for stage in self.stages for part in stage.parts)

    @cached_property
    def begins(self) -> tuple[float, ...]:
        """The moment at which each part begins."""
        return tuple(accumulate((part.seconds for part in self.parts[:-1]), initial=0.0))

    @property
    def duration_s(self) -> float:
        """Seconds of all stages together."""
        return self.begins[-1] + self.parts[-1].seconds

    def part_at(self, moment: float) -> Part:
        """The part that a moment falls into: the last one that has begun; before the start, the first."""
        return self.parts[self._place(moment)]

    def rate_at(self, moment: float) -> float:
        """The nominal rate, in arrivals per second; 0 before the start and from the end on."""
        if not 0 <= moment < self.duration_s:
            return 0.0
        place = self._place(moment)
        return self.parts[place].rate_at(moment - self.begins[place])

    def expected_by(self, moment: float) -> float:
        """The mean number of arrivals from the start to a moment."""
        moment = min(max(0.0, moment), self.duration_s)
        place = self._place(moment)
        earlier = sum(part.expected for part in self.parts[:place])
        return earlier + self.parts[place].expected_by(moment - self.begins[place])

    def mean_rate(self, begin: float, end: float) -> float:
        """The nominal rate on average over [begin, end), in arrivals per second.

        Raises:
            ConfigurationError: the interval is empty.
        """
        require_positive(interval=end - begin)
        return (self.expected_by(end) - self.expected_by(begin)) / (end - begin)

    def _place(self, moment: float) -> int:
        return max(0, bisect_right(self.begins, moment) - 1)


def arrivals(profile: Profile, spacing: Spacing = "poisson", *, seed: int = 0) -> Iterator[float]:
    """Arrivals in seconds from the start, ascending, the last before the end of the profile.

    The integrated rate turns arrivals of rate 1 into those of the profile: exponential gaps with mean 1 into
    a non-homogeneous Poisson process, exactly and without rejecting any; gaps of 1 into even spacing, which
    begins at once. Source: Cinlar, "Introduction to Stochastic Processes", 1975, chapter 4.7.

    Args:
        profile: the stages.
        spacing: independent users (poisson), or as even as the rate allows (constant).
        seed: of the pseudo-random gaps; the same seed gives the same arrivals.
    """
    return follow(profile, map(float, count()) if spacing == "constant" else unit_poisson(seed))


def follow(profile: Profile, unit: Iterator[float]) -> Iterator[float]:
    """Arrivals of a profile from those of rate 1."""
    expected = next(unit)
    reached = latest = 0.0
    for begin, part in zip(profile.begins, profile.parts, strict=True):
        while expected < reached + part.expected:
            # Rounding must not turn two arrivals around, nor move one to the end of the schedule.
            latest = max(latest, begin + part.moment_of(expected - reached))
            if latest < profile.duration_s:
                yield latest
            expected = next(unit)
        reached += part.expected


def unit_poisson(seed: int) -> Iterator[float]:
    """Moments of a Poisson process with rate 1."""
    # Reproducible gaps are wanted here, not secrets.
    gaps = random.Random(seed)  # noqa: S311
    return accumulate(gaps.expovariate(1.0) for _ in count())


def require_positive(**values: float) -> None:
    """Refuse what is no positive finite number, by name."""
    for name, value in values.items():
        if not 0 < value < inf:
            raise ConfigurationError(f"{name} must be a positive finite number, not {value}")


def require_finite(**values: float) -> None:
    """Refuse what is negative or not finite, by name."""
    for name, value in values.items():
        if not 0 <= value < inf:
            raise ConfigurationError(f"{name} must be 0 or a positive finite number, not {value}")
