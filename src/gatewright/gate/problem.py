"""What a verification finds."""

from dataclasses import dataclass

__all__ = ["Problem"]


@dataclass(frozen=True)
class Problem:
    """Something that is not as it was written: where, what, and the rule that says so."""

    artifact: str
    message: str
    rule: str = "unaltered"
