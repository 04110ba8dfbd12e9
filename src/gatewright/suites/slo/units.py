"""Units of evidence: measured in seconds, told in milliseconds."""

import math

__all__ = ["MICROSECONDS", "MILLISECONDS", "in_ms"]

MILLISECONDS = 1e3
MICROSECONDS = 1e6


def in_ms(seconds: float) -> float | None:
    """Milliseconds; None for NaN, which evidence does not hold."""
    return None if math.isnan(seconds) else seconds * MILLISECONDS
