"""Commands as the user of this project types them."""

import os
from collections.abc import Mapping

__all__ = ["as_typed"]

PROGRAM = "GATEWRIGHT_PROGRAM"
"""Set by a launcher that stands before the toolkit: what its user types instead of `gatewright`."""

OWN_NAMES = ("gatewright ", "python -m gatewright ")


def as_typed(command: str, environment: Mapping[str, str] = os.environ) -> str:
    """A command of the toolkit by the name that works here; any other command as it is."""
    program = environment.get(PROGRAM)
    own = next((name for name in OWN_NAMES if command.startswith(name)), None)
    return f"{program} {command.removeprefix(own)}" if program and own else command
