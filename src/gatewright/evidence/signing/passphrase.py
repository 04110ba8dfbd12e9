"""Passphrases: from the environment or from whoever sits at the terminal, and never an argument."""

import getpass
import sys
from collections.abc import Mapping

from gatewright.core.errors import ConfigurationError

__all__ = ["PASSPHRASE_VARIABLE", "ask_passphrase", "new_passphrase"]

PASSPHRASE_VARIABLE = "GATEWRIGHT_SIGNING_PASSPHRASE"  # noqa: S105 - the name, not the word
"""Gives the passphrase of a PEM key; never an argument, which every process could read."""


def ask_passphrase(what: str, environment: Mapping[str, str]) -> str:
    """The passphrase of a key.

    Args:
        what: which key it opens.
        environment: where it may be given.

    Raises:
        ConfigurationError: nobody can be asked, or nobody answers.
    """
    return environment.get(PASSPHRASE_VARIABLE) or ask(f"passphrase of {what}: ")


def new_passphrase(environment: Mapping[str, str]) -> str:
    """A passphrase for a new key: given, or typed twice.

    Raises:
        ConfigurationError: nobody can be asked, or what was typed differs or is empty.
    """
    if given := environment.get(PASSPHRASE_VARIABLE):
        return given
    passphrase = ask("passphrase of the new key: ")
    if not passphrase or passphrase != ask("once more: "):
        raise ConfigurationError("the passphrases are empty, or not the same")
    return passphrase


def ask(prompt: str) -> str:
    """What somebody types at the terminal, unseen.

    Raises:
        ConfigurationError: there is nobody, or they gave up.
    """
    remedy = f"set {PASSPHRASE_VARIABLE}"
    if sys.stdin is None or not sys.stdin.isatty():
        raise ConfigurationError("the key needs a passphrase, and nobody can be asked", remedy=remedy)
    try:
        return getpass.getpass(prompt)
    except EOFError:
        raise ConfigurationError("no passphrase was given", remedy=remedy) from None
