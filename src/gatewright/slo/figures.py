"""The error of figures that nobody can have measured."""

from gatewright.core.errors import GatewrightError

__all__ = ["UnusableFiguresError"]


class UnusableFiguresError(GatewrightError):
    """Figures that contradict themselves, are no numbers, or are missing: nothing is decided on them."""
