"""What an adapter is: it knows a format by its content, and turns a file of it into a `Result`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from gatewright.core.escape import clipped
from gatewright.core.verdict import State
from gatewright.evidence.report import Counts, Reason
from gatewright.evidence.strict import EvidenceError

__all__ = [
    "Adapter",
    "Complaint",
    "Format",
    "Result",
    "conclude",
    "from_epoch",
    "in_seconds",
    "name_some",
]

SHOWN_NAMES = 5
SHOWN_NAME_WIDTH = 120
MILLISECONDS_FROM = 10**11
"""As milliseconds this is the year 1973, as seconds 5138: no report is of either."""


class Format(StrEnum):
    """The formats that can be read, by the names that a policy gives them."""

    SUITE = "suite"
    JUNIT = "junit"
    CTRF = "ctrf"
    PYTEST_JSON = "pytest-json"
    COVERAGE_XML = "coverage-xml"
    COVERAGE_JSON = "coverage-json"
    SARIF = "sarif"
    PIP_AUDIT = "pip-audit"
    NOX = "nox"


@dataclass(frozen=True)
class Result:
    """What one result file says: a state, how much was measured, figures, and the reasons.

    `started_at` is the moment at which measuring began (or the report was written, where no more is told), if
    the format tells it in universal time. An `unproven` result found nothing wrong and does not show that
    anything was looked at: it never passes alone, and does no harm beside one that proves something. Its
    first reason says so; `proof` is the metric that will do as proof where the policy sets a minimum of it.
    `states` are those of the reasons, one each, or none where all of them have that of the result.
    """

    artifact: str
    state: State
    counts: Counts = field(default_factory=Counts)
    metrics: dict[str, float] = field(default_factory=dict)
    reasons: tuple[Reason, ...] = ()
    started_at: datetime | None = None
    unproven: bool = False
    states: tuple[State, ...] = ()
    proof: str = ""


@dataclass(frozen=True)
class Adapter:
    """How one format is known and read.

    Attributes:
        format: its name.
        is_xml: whether it is XML; otherwise it is JSON.
        signature: of XML the elements it may begin with, of JSON the keys that it has in its outer object.
        read: from the file's path and bytes to what it says; raises `EvidenceError` alone.
    """

    format: Format
    is_xml: bool
    signature: frozenset[str]
    read: Callable[[str, bytes], Result]


@dataclass(frozen=True)
class Complaint:
    """One thing that keeps a result from passing; its fields are those of a `Reason`."""

    state: State
    rule: str
    message: str
    expected: str
    observed: str
    pointer: str = ""


def conclude(
    path: str,
    complaints: Iterable[Complaint],
    *,
    counts: Counts | None = None,
    metrics: dict[str, float] | None = None,
    started_at: datetime | None = None,
    unproven: bool = False,
    proof: str = "",
) -> Result:
    """A result that ends as its first complaint says, PASS without one; complaints come worst first."""
    found = list(complaints)
    reasons = tuple(
        Reason(
            rule=each.rule,
            message=each.message,
            artifact=path,
            pointer=each.pointer,
            expected=each.expected,
            observed=each.observed,
        )
        for each in found
    )
    states = tuple(each.state for each in found)
    state = states[0] if states else State.PASS
    return Result(
        path, state, counts or Counts(), metrics or {}, reasons, started_at, unproven, states, proof
    )


def name_some(names: Iterable[str]) -> str:
    """The first few names, each bounded and printable, and three dots where there are more."""
    some = list(names)
    shown = [clipped(name, SHOWN_NAME_WIDTH) for name in some[:SHOWN_NAMES]]
    return ", ".join([*shown, "..."] if len(some) > SHOWN_NAMES else shown)


def in_seconds(stamp: float) -> float:
    """A moment since 1970 in seconds, given in milliseconds or, as some tools do, in seconds already."""
    return stamp / 1000 if stamp >= MILLISECONDS_FROM else stamp


def from_epoch(seconds: float, path: str, pointer: str = "") -> datetime | None:
    """A moment given in seconds since 1970; None for zero, which tools write for "not known".

    Raises:
        EvidenceError: INVALID for what no calendar has.
    """
    if not seconds:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise EvidenceError(
            f"{path} says the time {seconds:g}, which no calendar has", pointer=pointer
        ) from None
