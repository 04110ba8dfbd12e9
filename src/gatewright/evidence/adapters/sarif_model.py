"""As much of SARIF 2.1.0 (OASIS) as a gate reads; section numbers are those of the standard."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from gatewright.core.model import Foreign

__all__ = ["Document", "Finding", "Invocation", "Level", "Run"]

Level = Literal["none", "note", "warning", "error"]
Kind = Literal["pass", "open", "informational", "notApplicable", "review", "fail"]


class ArtifactLocation(Foreign):
    """Where a file is (3.4)."""

    uri: str = ""


class Region(Foreign):
    """Which part of it (3.30)."""

    line: Annotated[int | None, Field(alias="startLine")] = None


class PhysicalLocation(Foreign):
    """A file and a part of it (3.29)."""

    artifact: Annotated[ArtifactLocation, Field(alias="artifactLocation")] = ArtifactLocation()
    region: Region = Region()


class Location(Foreign):
    """A place of a result (3.28)."""

    physical: Annotated[PhysicalLocation, Field(alias="physicalLocation")] = PhysicalLocation()


class Artifact(Foreign):
    """A file that the run had to do with, and as what (3.24)."""

    location: ArtifactLocation = ArtifactLocation()
    roles: tuple[str, ...] = ()

    @property
    def was_analysed(self) -> bool:
        """Whether it was looked at, as far as its roles tell; without roles, why else would it be listed?"""
        return not self.roles or not {"analysisTarget", "resultFile"}.isdisjoint(self.roles)


class Suppression(Foreign):
    """That somebody decided against a result (3.35); one counts that is accepted, or has no status."""

    status: Literal["accepted", "underReview", "rejected"] = "accepted"


class ComponentReference(Foreign):
    """Which extension of the tool is meant; its driver, where nothing is said (3.54)."""

    index: int = -1
    name: str = ""


class RuleReference(Foreign):
    """Which rule is meant, by its id or its place among those of a component (3.52)."""

    id: str = ""
    index: int = -1
    component: Annotated[ComponentReference, Field(alias="toolComponent")] = ComponentReference()


class Message(Foreign):
    """What a tool says (3.11)."""

    text: str = ""


class Finding(Foreign):
    """A result (3.27)."""

    rule_id: Annotated[str, Field(alias="ruleId")] = ""
    rule_index: Annotated[int, Field(alias="ruleIndex")] = -1
    rule: RuleReference = RuleReference()
    kind: Kind = "fail"
    level: Level | None = None
    locations: tuple[Location, ...] = ()
    suppressions: tuple[Suppression, ...] | None = None
    baseline: Annotated[str, Field(alias="baselineState")] = ""

    @property
    def references(self) -> tuple[RuleReference, RuleReference]:
        """The two ways in which it may name its rule."""
        return self.rule.model_copy(update={"id": self.rule_id, "index": self.rule_index}), self.rule

    @property
    def is_suppressed(self) -> bool:
        """Whether all that was decided about it was decided against it (3.27.23)."""
        return bool(self.suppressions) and all(each.status == "accepted" for each in self.suppressions or ())

    @property
    def is_gone(self) -> bool:
        """Whether it is only listed because an earlier run had it (3.27.24)."""
        return self.baseline == "absent"

    @property
    def file(self) -> str:
        """The file of its first place."""
        return self.locations[0].physical.artifact.uri if self.locations else ""


class Configuration(Foreign):
    """How severe a rule's results are where they don't say, and whether it was applied (3.50)."""

    level: Level | None = None
    enabled: bool | None = None


class Rule(Foreign):
    """A rule of the tool (3.49); by default it is applied, and its results are warnings."""

    id: str
    configuration: Annotated[Configuration, Field(alias="defaultConfiguration")] = Configuration()


class Override(Foreign):
    """That this run took a rule for more, or less, severe (3.51)."""

    descriptor: RuleReference = RuleReference()
    configuration: Configuration = Configuration()


class Component(Foreign):
    """The tool's driver, or an extension of it (3.19)."""

    name: str
    rules: tuple[Rule, ...] = ()


class Tool(Foreign):
    """What analysed (3.18)."""

    driver: Component
    extensions: tuple[Component, ...] = ()

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Those of the driver first."""
        return (*self.driver.rules, *(rule for each in self.extensions for rule in each.rules))

    def ids_of(self, *references: RuleReference) -> tuple[str, ...]:
        """The ids that references give, then those of the rules at the places that they give."""
        given = [each.id for each in references if each.id]
        found = [self.rules_at(each) for each in references]
        return (*given, *(rule.id for rules in found for rule in rules))

    def rules_at(self, reference: RuleReference) -> tuple[Rule, ...]:
        """The rule at the place that a reference gives, if there is one."""
        index = reference.index
        return self.component_of(reference.component).rules[index : index + 1] if index >= 0 else ()

    def component_of(self, reference: ComponentReference) -> Component:
        """The extension that is meant, or else the driver."""
        if 0 <= reference.index < len(self.extensions):
            return self.extensions[reference.index]
        named = (each for each in self.extensions if reference.name and each.name == reference.name)
        return next(named, self.driver)


class Notification(Foreign):
    """What the tool says of itself, such as a file that it could not parse (3.58)."""

    level: Level = "warning"
    message: Message = Message()


class Invocation(Foreign):
    """How the tool ran (3.20)."""

    successful: Annotated[bool, Field(alias="executionSuccessful")]
    started_at: Annotated[AwareDatetime | None, Field(alias="startTimeUtc")] = None
    ended_at: Annotated[AwareDatetime | None, Field(alias="endTimeUtc")] = None
    notifications: Annotated[tuple[Notification, ...], Field(alias="toolExecutionNotifications")] = ()
    overrides: Annotated[tuple[Override, ...], Field(alias="ruleConfigurationOverrides")] = ()
    signal: Annotated[str, Field(alias="exitSignalName")] = ""
    not_started: Annotated[str, Field(alias="processStartFailureMessage")] = ""
    about_configuration: Annotated[
        tuple[Notification, ...], Field(alias="toolConfigurationNotifications")
    ] = ()

    @property
    def told_at(self) -> datetime | None:
        """When it began, or else when it ended, which Bandit alone tells."""
        return self.started_at or self.ended_at

    @property
    def trouble(self) -> str | None:
        """What went wrong with the tool itself; None where nothing did."""
        if errors := self.notes_of("error"):
            return errors[0].message.text or "an error that it does not name"
        if self.signal or self.not_started:
            return self.signal or self.not_started
        return None if self.successful else "it says so itself"

    def notes_of(self, level: Level) -> list[Notification]:
        """What it says of itself at some level."""
        return [each for each in (*self.notifications, *self.about_configuration) if each.level == level]


class Properties(Foreign):
    """A tool's own additions to a run (3.8); Bandit's tell of each file that it looked at."""

    metrics: dict[str, object] = Field(default_factory=dict)


class Run(Foreign):
    """One run of one tool (3.14); results that are absent, or null, were not looked for (3.14.23)."""

    tool: Tool
    results: tuple[Finding, ...] | None = None
    invocations: tuple[Invocation, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    properties: Properties = Properties()
    elsewhere: Annotated[dict[str, object] | None, Field(alias="externalPropertyFileReferences")] = None

    @property
    def files(self) -> frozenset[str]:
        """The files that it says it looked at."""
        listed = {each.location.uri for each in self.artifacts if each.was_analysed}
        if self.tool.driver.name == "Bandit":
            listed |= self.properties.metrics.keys() - {"_totals"}
        return frozenset(listed - {""})


class Document(Foreign):
    """A log (3.13)."""

    version: Literal["2.1.0"]
    runs: tuple[Run, ...]
