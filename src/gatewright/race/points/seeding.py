"""Time, identifiers and chance under exploration: the same in every run of the same schedule.

Stand-ins act only under their scheduler.
"""

import datetime as dt
import os
import random
import time
from types import TracebackType
from typing import Any, Self

from gatewright.race.footprint import WORLD
from gatewright.race.points.substitution import Replacement, Substitution
from gatewright.race.scheduler import Scheduler, current_scheduler

__all__ = ["SeededWorld"]

EPOCH_S = 1_767_225_600
"""2026-01-01T00:00:00Z."""

NANOSECONDS = 1_000_000_000
READING_NS = 1_000
"""Every reading of a clock takes a microsecond of virtual time, so that no two are equal."""

PHASE_READINGS = 60_000_000

GenuineDatetime = dt.datetime
GENUINE_URANDOM = os.urandom


class SeededWorld:
    """While entered, what a program asks the world has seeded answers.

    Args:
        scheduler: gives the virtual time.
        seed: gives identifiers and chance.
    """

    def __init__(self, scheduler: Scheduler, seed: int) -> None:
        self._scheduler = scheduler
        self._seed = seed
        self._readings = 0
        self._chance = random.Random(seed)  # noqa: S311 - must be foreseeable
        self._random_state = random.getstate()
        self._stand_ins = Substitution(self._replacements())

    def rewind(self, phase: int) -> None:
        """Begin a phase anew: the same answers will follow again, and none of those of earlier phases."""
        self._readings = phase * PHASE_READINGS
        self._chance = random.Random(f"{self._seed}/{phase}")  # noqa: S311 - must be foreseeable
        random.seed(f"{self._seed}/{phase}")

    def now_ns(self) -> int:
        """Nanoseconds since 1970 in virtual time."""
        self._readings += 1
        self._scheduler.touch_besides(WORLD)
        passed_ns = round(self._scheduler.time() * NANOSECONDS) + self._readings * READING_NS
        return EPOCH_S * NANOSECONDS + passed_ns

    def urandom(self, size: int) -> bytes:
        """Random bytes from the seed."""
        if current_scheduler() is not self._scheduler:
            return GENUINE_URANDOM(size)
        self._scheduler.touch_besides(WORLD)
        return self._chance.randbytes(size)

    def __enter__(self) -> Self:
        self._random_state = random.getstate()
        self._stand_ins.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stand_ins.__exit__(kind, error, trace)
        random.setstate(self._random_state)

    def _replacements(self) -> list[Replacement]:
        return [
            *(Replacement(time, name, self._clock(name)) for name in CLOCKS),
            Replacement(os, "urandom", self.urandom),
            Replacement(random, "_urandom", self.urandom),
            Replacement(dt, "datetime", self._datetime()),
        ]

    def _clock(self, name: str) -> Any:
        genuine, scheduler = getattr(time, name), self._scheduler
        whole = name.endswith("_ns")

        def clock() -> float:
            if current_scheduler() is not scheduler:
                return genuine()  # type: ignore[no-any-return]  # a clock of the time module
            return self.now_ns() if whole else self.now_ns() / NANOSECONDS

        return clock

    def _datetime(self) -> type[GenuineDatetime]:
        world, scheduler = self, self._scheduler

        class Meta(type):
            def __instancecheck__(cls, instance: object) -> bool:
                return isinstance(instance, GenuineDatetime)

            def __subclasscheck__(cls, other: type) -> bool:
                return issubclass(other, GenuineDatetime)

        class SeededDatetime(GenuineDatetime, metaclass=Meta):
            """Makes genuine datetimes, but takes the moment from the seeded world."""

            def __new__(cls, *args: Any, **kwargs: Any) -> Any:
                return GenuineDatetime(*args, **kwargs)

            @classmethod
            def now(cls, tz: dt.tzinfo | None = None) -> Any:
                if current_scheduler() is not scheduler:
                    return GenuineDatetime.now(tz)
                moment = EPOCH + dt.timedelta(microseconds=world.now_ns() // 1000 - EPOCH_S * 1_000_000)
                return moment.astimezone(tz) if tz is not None else moment.replace(tzinfo=None)

            @classmethod
            def utcnow(cls) -> Any:
                return cls.now()

        return SeededDatetime


EPOCH = GenuineDatetime.fromtimestamp(EPOCH_S, dt.UTC)
CLOCKS = ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns")
