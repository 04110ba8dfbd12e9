"""Time, identifiers and chance under exploration: the same in every run of the same schedule.

Code reads them through references of its own (`from datetime import datetime`), so every loaded module that
holds one is given the seeded stand-in, and its own back afterwards. Stand-ins act only in a scheduled loop.
"""

import datetime as dt
import os
import random
import sys
import time
from collections.abc import Mapping
from types import ModuleType, TracebackType
from typing import Any, Self

from gatewright.race.footprint import WORLD
from gatewright.race.loop import ScheduledLoop, scheduled_loop

__all__ = ["SeededWorld"]

EPOCH_S = 1_767_225_600
"""2026-01-01T00:00:00Z."""

NANOSECONDS = 1_000_000_000
READING_NS = 1_000
"""Every reading of a clock takes a microsecond of virtual time, so that no two are equal."""

PHASE_READINGS = 60_000_000

# hypothesis reads a clock whenever garbage is collected, which no schedule decides.
LEFT_ALONE = frozenset(
    {"_pytest", "anyio", "fastapi", "gatewright", "greenlet", "hypothesis", "pluggy", "pydantic",
     "pydantic_core", "pytest", "sqlalchemy", "starlette"}
) | sys.stdlib_module_names  # fmt: skip

GenuineDatetime = dt.datetime
GENUINE_URANDOM = os.urandom


class SeededWorld:
    """While entered, what a program asks the world inside of a scheduled loop has seeded answers.

    Args:
        loop: gives the virtual time.
        seed: gives identifiers and chance.
    """

    def __init__(self, loop: ScheduledLoop, seed: int) -> None:
        self._loop = loop
        self._seed = seed
        self._readings = 0
        self._chance = random.Random(seed)  # noqa: S311 - must be foreseeable
        self._random_state = random.getstate()
        self._stand_ins = self._make_stand_ins()

    def rewind(self, phase: int) -> None:
        """Begin a phase anew: the same answers will follow again, and none of those of earlier phases."""
        self._readings = phase * PHASE_READINGS
        self._chance = random.Random(f"{self._seed}/{phase}")  # noqa: S311 - must be foreseeable
        random.seed(f"{self._seed}/{phase}")

    def now_ns(self) -> int:
        """Nanoseconds since 1970 in virtual time."""
        self._readings += 1
        self._loop.touch_besides(WORLD)
        return EPOCH_S * NANOSECONDS + round(self._loop.time() * NANOSECONDS) + self._readings * READING_NS

    def urandom(self, size: int) -> bytes:
        """Random bytes from the seed."""
        if scheduled_loop() is not self._loop:
            return GENUINE_URANDOM(size)
        self._loop.touch_besides(WORLD)
        return self._chance.randbytes(size)

    def __enter__(self) -> Self:
        self._random_state = random.getstate()
        _swap({id(genuine): (genuine, stand_in) for genuine, stand_in in self._stand_ins})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _swap({id(stand_in): (stand_in, genuine) for genuine, stand_in in self._stand_ins})
        random.setstate(self._random_state)

    def _make_stand_ins(self) -> list[tuple[Any, Any]]:
        clocks = [(getattr(time, name), self._clock(name)) for name in CLOCKS]
        return [(GenuineDatetime, self._datetime()), (GENUINE_URANDOM, self.urandom), *clocks]

    def _clock(self, name: str) -> Any:
        genuine, loop = getattr(time, name), self._loop
        whole = name.endswith("_ns")

        def clock() -> float:
            if scheduled_loop() is not loop:
                return genuine()  # type: ignore[no-any-return]  # a clock of the time module
            return self.now_ns() if whole else self.now_ns() / NANOSECONDS

        return clock

    def _datetime(self) -> type[GenuineDatetime]:
        world, loop = self, self._loop

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
                if scheduled_loop() is not loop:
                    return GenuineDatetime.now(tz)
                moment = EPOCH + dt.timedelta(microseconds=world.now_ns() // 1000 - EPOCH_S * 1_000_000)
                return moment.astimezone(tz) if tz is not None else moment.replace(tzinfo=None)

            @classmethod
            def utcnow(cls) -> Any:
                return cls.now()

        return SeededDatetime


EPOCH = GenuineDatetime.fromtimestamp(EPOCH_S, dt.UTC)
CLOCKS = ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns")
STDLIB_REFERENCES: tuple[tuple[ModuleType, tuple[str, ...]], ...] = (
    (time, CLOCKS),
    (os, ("urandom",)),
    (random, ("_urandom",)),
    (dt, ("datetime",)),
)


def _swap(exchange: Mapping[int, tuple[Any, Any]]) -> None:
    """In every loaded module, put each object that is asked for (by identity) in another's place.

    Modules that were loaded in between hold stand-ins too, so giving back looks everywhere again.
    """
    places = [(module, tuple(vars(module))) for module in list(sys.modules.values()) if _is_program(module)]
    for module, attributes in (*places, *STDLIB_REFERENCES):
        for attribute in attributes:
            present = getattr(module, attribute, None)
            held, other = exchange.get(id(present), (None, None))
            if held is not None and held is present:
                setattr(module, attribute, other)


def _is_program(module: object) -> bool:
    return isinstance(module, ModuleType) and module.__name__.partition(".")[0] not in LEFT_ALONE
