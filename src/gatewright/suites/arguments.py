"""Arguments of suites: figures by flag or environment, the flag outranks; nonsense is refused in a line."""

import argparse
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from gatewright.core.errors import ConfigurationError
from gatewright.core.verdict import ExitCode

__all__ = ["Figure", "OneLineParser", "add_figures", "read_figures"]


@dataclass(frozen=True)
class Figure:
    """A positive number that a flag (`--name`) or a variable (`<PREFIX>NAME`) sets."""

    name: str
    default: float
    help: str

    @property
    def attribute(self) -> str:
        """The flag's name in parsed arguments."""
        return self.name.replace("-", "_")

    def variable(self, prefix: str) -> str:
        """The name of the environment's variable."""
        return prefix + self.attribute.upper()


class OneLineParser(argparse.ArgumentParser):
    """A parser whose refusal is one line."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and exit with the code of wrong usage."""
        self.exit(ExitCode.USAGE, f"{self.prog}: {' '.join(message.split())}; --help explains\n")


def add_figures(parser: argparse.ArgumentParser, figures: Sequence[Figure], prefix: str) -> None:
    """Add a flag for each figure."""
    for figure in figures:
        parser.add_argument(
            f"--{figure.name}",
            metavar="N",
            help=f"{figure.help} (default: {figure.variable(prefix)}, else {figure.default:g})",
        )


def read_figures(
    options: argparse.Namespace, figures: Sequence[Figure], prefix: str, environment: Mapping[str, str]
) -> dict[str, float]:
    """Each figure's value, by its name.

    Raises:
        ConfigurationError: a value is no positive finite number, or a variable with the prefix is unknown
            (a misspelled threshold must not be ignored).
    """
    known = {figure.variable(prefix) for figure in figures}
    if unknown := sorted(name for name in environment if name.startswith(prefix) and name not in known):
        raise ConfigurationError(f"{unknown[0]} is unknown", remedy=f"known are {', '.join(sorted(known))}")
    values = {}
    for figure in figures:
        flag = getattr(options, figure.attribute)
        variable = figure.variable(prefix)
        if flag is not None:
            values[figure.name] = number(f"--{figure.name}", flag)
        elif variable in environment:
            values[figure.name] = number(variable, environment[variable])
        else:
            values[figure.name] = figure.default
    return values


def number(name: str, text: str) -> float:
    """A positive finite number."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise ConfigurationError(f"{name} must be a positive number, not {text!r}")
    return value
