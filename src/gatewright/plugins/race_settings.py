"""How much a race in a test does: defaults, overruled by markers, overruled by the command line."""

import argparse
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from gatewright.core.errors import ConfigurationError

__all__ = ["Marks", "RaceSettings", "at_least", "settings_of"]

MOST = 1_000_000_000


class Marks(Protocol):
    """A marker of pytest, as far as it matters here."""

    @property
    def args(self) -> tuple[object, ...]:
        """What was given by position."""
        ...

    @property
    def kwargs(self) -> Mapping[str, object]:
        """What was given by name."""
        ...


@dataclass(frozen=True, kw_only=True)
class RaceSettings:
    """Where an exploration ends, and what chance answers.

    Attributes:
        budget: so many schedules at most.
        seed: of random schedules, and of identifiers and chance inside the app.
        bound: the most preemptions of an exhaustive search.
    """

    budget: int = 2_000
    seed: int = 1
    bound: int = 2


LEAST = {"budget": 1, "seed": 0, "bound": 0}


def settings_of(markers: Iterable[Marks], overruling: Mapping[str, int | None]) -> RaceSettings:
    """The settings of one test.

    Args:
        markers: those named `race`, the closest to the test first.
        overruling: what the command line says, by name; None where it says nothing.

    Raises:
        ConfigurationError: a marker with a setting that there is not, or with a value that can't be used.
    """
    settings = RaceSettings()
    for marker in reversed(list(markers)):
        settings = replace(settings, **_marked(marker))
    return replace(settings, **{name: value for name, value in overruling.items() if value is not None})


def _marked(marker: Marks) -> dict[str, int]:
    if marker.args:
        raise ConfigurationError(
            "pytest.mark.race takes its settings by name", remedy="for instance pytest.mark.race(budget=500)"
        )
    return {name: _setting(name, value) for name, value in marker.kwargs.items()}


def _setting(name: str, value: object) -> int:
    least = LEAST.get(name)
    if least is None:
        raise ConfigurationError(
            f"pytest.mark.race knows no setting {name!r}", remedy=f"there are {', '.join(LEAST)}"
        )
    if type(value) is not int or not least <= value <= MOST:
        raise ConfigurationError(
            f"pytest.mark.race({name}={value!r}): must be a whole number from {least} to {MOST}"
        )
    return value


def at_least(least: int) -> Callable[[str], int]:
    """A type for command lines: a whole number from `least` on."""

    def whole_number(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text) <= MOST):
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} to {MOST}")
        return int(text)

    return whole_number
