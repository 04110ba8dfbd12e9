"""The envelope that every suite's report shares; the judge reads this much and no more."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, FiniteFloat

from gatewright.core.model import Model
from gatewright.core.verdict import Verdict

__all__ = ["Counts", "Model", "Reason", "SuiteReport"]


class Reason(Model):
    """Why a verdict is what it is, down to the place in the evidence.

    `pointer` is a JSON Pointer (RFC 6901) into `artifact`, a path relative to the evidence folder. `see` is
    the command that shows more, `command` the one that mends or repeats it.
    """

    rule: str
    message: str
    artifact: str = ""
    pointer: str = ""
    expected: str = ""
    observed: str = ""
    see: str = ""
    command: str = ""


Count = Annotated[int, Field(ge=0)]


class Counts(Model):
    """How much was measured; a zero that a policy asks to be more never passes."""

    collected: Count = 0
    passed: Count = 0
    failed: Count = 0
    skipped: Count = 0
    xfailed: Count = 0
    flaky: Count = 0
    schedules: Count = 0
    samples: Count = 0

    def __add__(self, other: "Counts") -> "Counts":
        mine, theirs = self.model_dump(), other.model_dump()
        return Counts(**{name: mine[name] + theirs[name] for name in mine})


class SuiteReport(Model):
    """What a suite found. Suites extend it with their details; readers of the gate ignore those.

    `schema_version` is `<name>/<major>`, e.g. `gatewright.race/1`. `metrics` are addressed by name in
    policies; units stand in the name (`latency_p95_ms`).
    """

    schema_version: str
    suite: str
    verdict: Verdict
    reasons: tuple[Reason, ...]
    counts: Counts
    metrics: dict[str, FiniteFloat] = Field(default_factory=dict)
    started_at: datetime
    finished_at: datetime
