"""What an import gives: objectives and alarms, and by name whatever could not be imported."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from gatewright.core.errors import ConfigurationError
from gatewright.core.escape import printable

__all__ = [
    "BudgetingMethod",
    "Document",
    "Import",
    "ImportedAlarm",
    "ImportedObjective",
    "Metric",
    "Note",
    "Path",
    "Refusal",
    "RefusedError",
    "TimeWindow",
    "field_name",
]

Path = tuple[str | int, ...]
"""Where in a document: keys and places in lists, from its root."""
Metric = Literal["latency", "success"]
LONGEST = 80


class BudgetingMethod(StrEnum):
    """What share of what the target is: of runs, of good slices, or slices' shares on average."""

    OCCURRENCES = "Occurrences"
    TIMESLICES = "Timeslices"
    RATIO_TIMESLICES = "RatioTimeslices"


@dataclass(frozen=True)
class Document:
    """One YAML document as plain values.

    Attributes:
        file: where it stands, for messages.
        content: the values.
        lines: the line, from 1 on, of each value by its path; those that are not there take their parent's.
    """

    file: str
    content: object
    lines: Mapping[Path, int] = field(default_factory=dict)

    def line_of(self, path: Path) -> int:
        """The line of a value, or of the nearest value around it."""
        for length in range(len(path), -1, -1):
            if line := self.lines.get(path[:length]):
                return line
        return 1


@dataclass(frozen=True)
class Refusal:
    """Something that can't be imported; `str()` is one line.

    Attributes:
        file: where the document stands.
        line: the line of the value that is refused.
        document: kind and name of the document, `SLO/checkout`; empty when a file as a whole is refused.
        field: path of the value, `spec.objectives[0].target`; empty for a whole document.
        why: what is wrong.
        remedy: what to do about it; empty where `why` already tells.
    """

    file: str
    line: int
    document: str
    field: str
    why: str
    remedy: str = ""

    def __str__(self) -> str:
        place = " ".join(filter(None, (self.document, self.field)))
        parts = (f"{self.file}:{self.line}", place, self.why)
        text = ": ".join(part for part in parts if part)
        return printable(f"{text}; {self.remedy}" if self.remedy else text)


@dataclass(frozen=True)
class Note:
    """Something that was understood and is not used; `str()` is one line."""

    document: str
    text: str

    def __str__(self) -> str:
        return printable(f"{self.document}: {self.text}")


@dataclass(frozen=True)
class TimeWindow:
    """The period of a budget.

    Attributes:
        duration: as it was written, e.g. `28d`.
        seconds: the same in seconds; a month counts 30 days, a quarter 90, a year 365.
        rolling: whether it ends now; otherwise it starts by the calendar.
        start: when the first calendar window starts, without time zone; empty when rolling.
        zone: the time zone of `start`, by its IANA name; empty when rolling.
    """

    duration: str
    seconds: float
    rolling: bool
    start: str = ""
    zone: str = ""


@dataclass(frozen=True)
class ImportedObjective:
    """One objective of an SLO, bound to what a load test measures.

    Attributes:
        name: unique among all imported ones: the SLO's, and the objective's place where there are several.
        slo: name of the SLO document.
        service: what it is about.
        title: display name of the objective, else of the SLO.
        metric: a run is good when it is quick enough (latency), or when it succeeds.
        journey: of runs that make this journey; of all when empty.
        step: of this step; of whole runs when empty.
        threshold_s: the longest latency of a good run, in seconds; None for success.
        target: the share that is promised, in (0, 1).
        method: of what it is the share.
        slice_s: the length of a slice, in seconds; None for Occurrences.
        slice_target: the share of good runs that makes a slice good; for Timeslices alone.
        window: the period of the budget, where one is given.
    """

    name: str
    slo: str
    service: str
    title: str
    metric: Metric
    journey: str
    step: str
    threshold_s: float | None
    target: float
    method: BudgetingMethod
    slice_s: float | None = None
    slice_target: float | None = None
    window: TimeWindow | None = None


@dataclass(frozen=True)
class ImportedAlarm:
    """An alert condition on a burn rate.

    Attributes:
        name: of the condition.
        slo: whose budget burns.
        threshold: the burn rate from which on it alerts.
        lookback_s: over so many seconds.
        alert_after_s: when it has lasted so many seconds.
    """

    name: str
    slo: str
    threshold: float
    lookback_s: float
    alert_after_s: float


@dataclass(frozen=True)
class Import:
    """All that came out of a set of documents; usable as a whole only when nothing was refused."""

    objectives: tuple[ImportedObjective, ...] = ()
    alarms: tuple[ImportedAlarm, ...] = ()
    services: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    notes: tuple[Note, ...] = ()


class RefusedError(ConfigurationError):
    """A value of the document at hand can't be imported; becomes a `Refusal`."""

    def __init__(self, path: Path, why: str, *, remedy: str = "") -> None:
        super().__init__(why, remedy=remedy)
        self.path = path


def field_name(path: Path) -> str:
    """A path as people write it: `spec.objectives[0].target`; long keys are cut."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part[:LONGEST]}" for part in path)
    return "".join(parts).removeprefix(".")
