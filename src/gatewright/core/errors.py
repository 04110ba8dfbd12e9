"""The root of every error that a user may meet: one clear line, and the remedy."""

from gatewright.core.escape import clipped
from gatewright.core.verdict import ExitCode

__all__ = ["ConfigurationError", "GatewrightError", "NotHere"]

MAXIMUM_MESSAGE = 1000


class GatewrightError(Exception):
    """Something that the user can mend; `str()` is the line that the user is shown.

    Args:
        message: what is wrong; kept as one line of bounded length, since it may quote what was read.
        remedy: what to do about it, in one line; empty where the message already tells.
    """

    exit_code: ExitCode = ExitCode.INCONCLUSIVE

    def __init__(self, message: str, *, remedy: str = "") -> None:
        self.message = clipped(message, MAXIMUM_MESSAGE)
        super().__init__(self.message)
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}; {self.remedy}" if self.remedy else self.message


class ConfigurationError(GatewrightError):
    """A flag, an environment variable, a policy or a scenario that can't be used as it is."""

    exit_code = ExitCode.USAGE


class NotHere(GatewrightError):  # noqa: N818 - what is not here is not an error of ours
    """This machine has not what a part of a suite needs; the suite goes on without it, and says so."""
