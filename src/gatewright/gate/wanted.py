"""Is a run the one that was asked for? A genuine older one must not answer for a newer one."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from gatewright.core.errors import ConfigurationError
from gatewright.gate.binding import CLOCK_TOLERANCE
from gatewright.gate.decision import VerdictDocument
from gatewright.gate.problem import Problem

__all__ = ["Wanted", "find_unwanted", "parse_age"]

UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
AGE = re.compile(r"([1-9][0-9]{0,8})([smhd])")
SHORTEST_COMMIT = 7
"""Fewer digits of a commit may be anybody's."""


@dataclass(frozen=True)
class Wanted:
    """The run that a reader asks for; whatever is None may be anything.

    Attributes:
        now: the moment at which its age is asked.
        run_id: its id.
        commit: its commit, or the first 7 digits or more of it.
        max_age_s: how long ago it may have ended, in seconds.
    """

    now: datetime
    run_id: str | None = None
    commit: str | None = None
    max_age_s: int | None = None

    def __post_init__(self) -> None:
        if self.commit is not None and not re.fullmatch(r"[0-9a-f]{7,64}", self.commit):
            raise ConfigurationError(
                f"{self.commit!r} is no commit", remedy=f"give at least {SHORTEST_COMMIT} of its digits"
            )


def parse_age(text: str) -> int:
    """An age such as `90s`, `15m`, `2h` or `7d`, in seconds.

    Raises:
        ConfigurationError: it is none.
    """
    match = AGE.fullmatch(text)
    if match is None:
        raise ConfigurationError(f"{text!r} is no age", remedy="write 90s, 15m, 2h or 7d")
    return int(match[1]) * UNITS_S[match[2]]


def find_unwanted(document: VerdictDocument, artifact: str, wanted: Wanted) -> Iterator[Problem]:
    """In what a verdict is not the one that was asked for."""
    if wanted.run_id is not None and document.run_id != wanted.run_id:
        yield Problem(artifact, f"is run {document.run_id}, not {wanted.run_id}", "wanted-run")
    if wanted.commit is not None:
        yield from find_other_commit(document, artifact, wanted.commit)
    if wanted.max_age_s is not None and document.finished_at is not None:
        age = wanted.now - document.finished_at
        if age < -CLOCK_TOLERANCE:
            message = f"ended at {document.finished_at.isoformat()}, which has not been yet"
            yield Problem(artifact, message, "wanted-age")
        elif age > timedelta(seconds=wanted.max_age_s):
            message = f"ended {age.total_seconds():.0f} s ago, more than {wanted.max_age_s} s"
            yield Problem(artifact, message, "wanted-age")


def find_other_commit(document: VerdictDocument, artifact: str, commit: str) -> Iterator[Problem]:
    """A run of another commit, or of files that no commit holds."""
    subject = document.subject
    if not subject.commit.startswith(commit):
        yield Problem(artifact, f"is about commit {subject.commit}, not {commit}", "wanted-commit")
    elif subject.dirty is not False:
        yield Problem(artifact, f"is about uncommitted changes on top of {commit}", "wanted-commit")
