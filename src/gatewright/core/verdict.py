"""Verdicts, the states behind them, and the one function that merges states into a verdict."""

from collections.abc import Iterable
from enum import IntEnum, StrEnum

__all__ = ["ExitCode", "State", "Verdict", "merge_states", "merge_verdicts"]


class Verdict(StrEnum):
    """The one word that people are shown."""

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"

    @property
    def exit_code(self) -> "ExitCode":
        """The exit code of a command that ends with this verdict."""
        return ExitCode[self.name]


class ExitCode(IntEnum):
    """What commands of the toolkit return to the shell."""

    PASS = 0
    FAIL = 1
    USAGE = 2
    INCONCLUSIVE = 3
    INTEGRITY = 4


class State(StrEnum):
    """How one check ended: the machine's word for the reason behind a verdict."""

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    WARN = "WARN"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    FLAKY = "FLAKY"
    ERROR = "ERROR"
    TIMEOUT = "TIMEOUT"
    MISSING = "MISSING"
    EMPTY = "EMPTY"
    SKIPPED = "SKIPPED"
    STALE = "STALE"
    MISMATCH = "MISMATCH"
    TAMPERED = "TAMPERED"
    INVALID = "INVALID"

    @property
    def settles(self) -> bool:
        """Whether a required check in this state lets a release pass."""
        return self in {State.PASS, State.WARN}

    @property
    def breaks_integrity(self) -> bool:
        """Whether the evidence itself can't be believed."""
        return self in {State.TAMPERED, State.MISMATCH}

    @property
    def verdict(self) -> Verdict:
        """The word that people are shown for a single check in this state."""
        if self.settles:
            return Verdict.PASS
        return Verdict.FAIL if self is State.FAIL or self.breaks_integrity else Verdict.INCONCLUSIVE


def merge_states(required: Iterable[State]) -> tuple[Verdict, ExitCode]:
    """Merge the states of all required checks; no state at all is INCONCLUSIVE.

    Integrity outranks FAIL, FAIL outranks doubt, and only a settled state of every check gives PASS.
    """
    states = list(required)
    if any(state.breaks_integrity for state in states):
        return Verdict.FAIL, ExitCode.INTEGRITY
    verdict = merge_verdicts(state.verdict for state in states)
    return verdict, verdict.exit_code


def merge_verdicts(verdicts: Iterable[Verdict]) -> Verdict:
    """Merge the verdicts of parts: FAIL outranks doubt, doubt outranks PASS, nothing is INCONCLUSIVE."""
    seen = set(verdicts)
    if Verdict.FAIL in seen:
        return Verdict.FAIL
    return Verdict.PASS if seen == {Verdict.PASS} else Verdict.INCONCLUSIVE
