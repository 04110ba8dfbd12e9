"""The root of every error that a user may meet: one clear line, and the remedy."""

from gatewright.core.verdict import ExitCode

__all__ = ["ConfigurationError", "GatewrightError"]


class GatewrightError(Exception):
    """Something that the user can mend; `str()` is the line that the user is shown.

    Args:
        message: what is wrong, in one line.
        remedy: what to do about it, in one line; empty where the message already tells.
    """

    exit_code: ExitCode = ExitCode.INCONCLUSIVE

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}; {self.remedy}" if self.remedy else self.message


class ConfigurationError(GatewrightError):
    """A flag, an environment variable, a policy or a scenario that can't be used as it is."""

    exit_code = ExitCode.USAGE
