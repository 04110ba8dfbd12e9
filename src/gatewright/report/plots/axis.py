"""Axes: from figures to places, with ticks at round numbers; linear and logarithmic."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

__all__ = ["Scale", "linear_scale", "log_scale", "number", "usable"]

LARGEST = 1e100
"""Beyond it figures are drawn as if they were it: differences of axes must not overflow."""
LEAST_SPREAD = 1e-9
"""Relative; figures that differ by less are drawn as if they were equal."""
FEW_TICKS = 3
ROUND_STEPS = (1, 2, 5, 10)
MANTISSAS = ((1, 2, 5), (1, 3), (1,))
MANY, TINY = 1e7, 1e-4


@dataclass(frozen=True)
class Scale:
    """An axis from `low` to `high`, in the unit of the figures, drawn from `start` to `end`, in pixels.

    Attributes:
        log: whether equal ratios, instead of equal differences, take equal space; then `low` is positive.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def place(self, value: float) -> float:
        """Where a figure stands; one beyond the axis stands at its end."""
        held = min(max(value, self.low), self.high)
        if self.log:
            share = math.log(held / self.low) / math.log(self.high / self.low)
        else:
            share = (held - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, most: int) -> list[float]:
        """At most so many round figures within the axis, ascending."""
        if not self.log:
            return linear_ticks(self.low, self.high, most)
        ticks = log_ticks(self.low, self.high, most)
        return ticks if len(ticks) >= min(FEW_TICKS, most) else linear_ticks(self.low, self.high, most)

    def with_headroom(self, pixels: float) -> Self:
        """The same axis with so much free space, in pixels, between its largest figure and its end."""
        length = abs(self.end - self.start)
        share = pixels / max(2 * pixels, length - pixels)
        if self.log:
            return replace(self, high=self.high * (self.high / self.low) ** share)
        return replace(self, high=self.high + (self.high - self.low) * share)

    def labelled(self, most: int) -> list[tuple[float, str]]:
        """At most so many ticks: where each stands, and what it says."""
        ticks = self.ticks(most)
        step = ticks[1] - ticks[0] if len(ticks) > 1 and not self.log else None
        # Multiples of a step miss zero by a rounding error.
        held = [0.0 if step and abs(tick) < step / 2 else tick for tick in ticks]
        return [(self.place(tick), number(tick, step)) for tick in held]


def usable(values: Iterable[float | None]) -> list[float]:
    """The figures that can be drawn: neither missing nor NaN, and of a size that can be handled."""
    return [min(max(value, -LARGEST), LARGEST) for value in values if value is not None and value == value]  # noqa: PLR0124 - NaN alone differs from itself


def linear_scale(values: Iterable[float | None], start: float, end: float, *, margin: float = 0.05) -> Scale:
    """An axis that shows all usable figures, with a margin (a share of their range) on both sides.

    Equal figures get room around them; without any figure the axis goes from 0 to 1.
    """
    found = usable(values) or [0.0, 1.0]
    low, high = min(found), max(found)
    largest = max(abs(low), abs(high))
    if high - low <= LEAST_SPREAD * largest or high - low <= 1 / LARGEST:
        room = largest / 10 if largest > 1 / LARGEST else 1.0
        return Scale(low - room, high + room, start, end)
    return Scale(low - margin * (high - low), high + margin * (high - low), start, end)


def log_scale(
    values: Iterable[float | None],
    start: float,
    end: float,
    *,
    least_ratio: float = 4.0,
    margin: float = 0.06,
) -> Scale:
    """A logarithmic axis for all usable figures; those not positive stand at its low end.

    Its ends are apart by the factor `least_ratio` at least; without any positive figure it goes from 1 to 10.
    """
    found = [max(value, 1 / LARGEST) for value in usable(values) if value > 0] or [1.0, 10.0]
    low, high = min(found), max(found)
    widen = max(1.0, math.sqrt(least_ratio / (high / low)))
    room = (high / low * widen * widen) ** margin
    return Scale(low / widen / room, high * widen * room, start, end, log=True)


def linear_ticks(low: float, high: float, most: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten. Source: Heckbert in "Graphics Gems", 1990."""
    raw = (high - low) / max(1, most)
    magnitude = 10.0 ** math.floor(math.log10(raw))
    for step in (factor * magnitude for factor in (*ROUND_STEPS, 20)):
        first, last = math.ceil(low / step - LEAST_SPREAD), math.floor(high / step + LEAST_SPREAD)
        if last - first < most:
            return [number * step for number in range(first, last + 1)]
    return []


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """1, 2 and 5, or 1 and 3, or 1 times each power of ten; of many powers every second, third ..."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for mantissas in MANTISSAS:
        ticks = [
            mantissa * 10.0**power
            for power in range(first, last + 1)
            for mantissa in mantissas
            if low <= mantissa * 10.0**power <= high
        ]
        if len(ticks) <= most:
            return ticks
    stride = math.ceil(len(ticks) / max(1, most))
    return ticks[::stride]


def number(value: float, step: float | None = None) -> str:
    """A figure as people read it: four digits, or as many decimals as a step between ticks asks.

    Very large and very small ones are written with a power of ten.
    """
    if value == 0:
        return "0"
    if not TINY <= abs(value) < MANY:
        return f"{value:.3g}" if step is None or step >= abs(value) / 100 else f"{value:.6g}"
    precision = abs(value) / 1000 if step is None else step
    decimals = max(0, min(9, -math.floor(math.log10(precision) + LEAST_SPREAD)))
    shown = f"{value:,.{decimals}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown and step is None else shown
