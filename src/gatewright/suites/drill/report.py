"""What drills found, typed: the evidence that is written and read back."""

from typing import Literal

from pydantic import Field, FiniteFloat, NonNegativeFloat, NonNegativeInt

from gatewright.core.verdict import Verdict
from gatewright.evidence.report import Model, SuiteReport

__all__ = ["SCHEMA", "DrillReport", "DrillResult", "ExpectationResult", "Moment", "SkippedDrill"]

SCHEMA: Literal["gatewright.drill/1"] = "gatewright.drill/1"


class Moment(Model):
    """Something that was done to the service, or that it did, so many seconds after the drill began."""

    at_s: NonNegativeFloat
    what: str


class ExpectationResult(Model):
    """What must hold: how often it was looked at, how often it did not hold, and first words about that."""

    name: str
    sentence: str
    evaluated: NonNegativeInt
    violated: NonNegativeInt
    violations: tuple[str, ...]


class DrillResult(Model):
    """One drill.

    Attributes:
        drill: its name.
        sentence: what it does to the service.
        place: what it runs on, such as the kind of database; empty where there is but one.
        repetitions: how often it was done: kills, runs, requests.
        metrics: figures by name, with the unit in it.
        doubts: what forbids a PASS although nothing was violated.
        timeline: the first moments of it.
    """

    drill: str
    sentence: str
    place: str = ""
    verdict: Verdict
    repetitions: NonNegativeInt
    expectations: tuple[ExpectationResult, ...]
    metrics: dict[str, FiniteFloat] = Field(default_factory=dict)
    doubts: tuple[str, ...] = ()
    timeline: tuple[Moment, ...] = ()

    @property
    def title(self) -> str:
        """The drill and where it ran."""
        return f"{self.drill} on {self.place}" if self.place else self.drill


class SkippedDrill(Model):
    """A drill that this machine can't run, and why."""

    drill: str
    place: str = ""
    reason: str


class DrillReport(SuiteReport):
    """A suite of drills.

    `counts.collected` are expectations of all drills, `counts.skipped` drills that this machine can't run,
    `counts.samples` repetitions. `metrics` are those of the drills, as `<drill>[_<place>]_<metric>`.
    """

    schema_version: Literal["gatewright.drill/1"] = SCHEMA
    profile: str
    seed: int
    command: str
    drills: tuple[DrillResult, ...]
    skipped: tuple[SkippedDrill, ...] = ()
