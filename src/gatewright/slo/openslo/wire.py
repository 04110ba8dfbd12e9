"""OpenSLO v1 documents as they are written: one model for each kind, strict about names, types and ranges."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from gatewright.slo.openslo.durations import read_shorthand
from gatewright.slo.openslo.values import (
    AlertDelay,
    Description,
    Labels,
    Name,
    Operator,
    Seconds,
    SliceWindow,
    StartTime,
    TimeZone,
    Title,
    Wire,
)

__all__ = [
    "API_VERSION",
    "FIELDS",
    "INLINE",
    "KINDS",
    "REFERENCE",
    "AlertCondition",
    "AlertPolicy",
    "Indicator",
    "Kind",
    "Metadata",
    "MetricSource",
    "Objective",
    "RatioMetric",
    "Sli",
    "SliSpec",
    "Slo",
    "SloSpec",
]

API_VERSION = "openslo/v1"
REFERENCE, INLINE = "[reference]", "[inline]"


class Metadata(Wire):
    """Name and free remarks of a document."""

    name: Name
    display_name: Title = ""
    labels: Labels = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)


class MetricSource(Wire):
    """Where a figure comes from; `spec` is the source's own business."""

    metric_source_ref: Name = ""
    type: str = ""
    spec: dict[str, object]


class MetricSpec(Wire):
    """One figure."""

    metric_source: MetricSource


class RatioMetric(Wire):
    """A share of good events: good of total, total less bad, or ready-made."""

    counter: bool = False
    good: MetricSpec | None = None
    bad: MetricSpec | None = None
    total: MetricSpec | None = None
    raw: MetricSpec | None = None
    raw_type: Literal["success", "failure"] | None = None

    @model_validator(mode="after")
    def is_one_ratio(self) -> "RatioMetric":
        """Exactly one of the three forms."""
        if (self.total is None) == (self.raw is None):
            raise ValueError("needs either total or raw")
        if self.total is not None and (self.good is None) == (self.bad is None):
            raise ValueError("needs either good or bad beside total")
        if self.raw is not None and (self.good is not None or self.bad is not None):
            raise ValueError("can't have good or bad beside raw")
        if (self.raw is None) != (self.raw_type is None):
            raise ValueError("needs rawType with raw, and only with it")
        return self

    @property
    def sources(self) -> tuple[MetricSource, ...]:
        """Where its figures come from."""
        specs = (self.good, self.bad, self.total, self.raw)
        return tuple(spec.metric_source for spec in specs if spec is not None)


class SliSpec(Wire):
    """An indicator: figures that are compared with a value, or a ratio."""

    description: Description = ""
    threshold_metric: MetricSpec | None = None
    ratio_metric: RatioMetric | None = None

    @model_validator(mode="after")
    def is_one_metric(self) -> "SliSpec":
        """Exactly one of the two."""
        if (self.threshold_metric is None) == (self.ratio_metric is None):
            raise ValueError("needs either thresholdMetric or ratioMetric")
        return self

    @property
    def sources(self) -> tuple[MetricSource, ...]:
        """Where its figures come from."""
        if self.ratio_metric is not None:
            return self.ratio_metric.sources
        return (self.threshold_metric.metric_source,) if self.threshold_metric else ()


class Indicator(Wire):
    """An indicator that stands within an SLO."""

    metadata: Metadata
    spec: SliSpec


class Objective(Wire):
    """One objective of an SLO."""

    display_name: Title = ""
    op: Operator | None = None
    value: float | None = None
    target: Annotated[float, Field(ge=0, lt=1)] | None = None
    target_percent: Annotated[float, Field(ge=0, lt=100)] | None = None
    time_slice_target: Annotated[float, Field(gt=0, le=1)] | None = None
    time_slice_window: SliceWindow | None = None
    indicator: Indicator | None = None
    indicator_ref: Name | None = None
    composite_weight: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def has_one_target(self) -> "Objective":
        """Exactly one target, and at most one indicator of its own."""
        if (self.target is None) == (self.target_percent is None):
            raise ValueError("needs either target or targetPercent")
        if self.indicator is not None and self.indicator_ref is not None:
            raise ValueError("can't have both indicator and indicatorRef")
        return self

    @property
    def share(self) -> float:
        """The target as a share."""
        return self.target if self.target is not None else round((self.target_percent or 0) / 100, 12)

    @property
    def is_component(self) -> bool:
        """Whether it has an indicator of its own, as the components of composite SLOs have."""
        return self.indicator is not None or self.indicator_ref is not None


class Calendar(Wire):
    """Where calendar windows start."""

    start_time: StartTime
    time_zone: TimeZone


class TimeWindow(Wire):
    """The period of a budget."""

    duration: str
    is_rolling: bool = False
    calendar: Calendar | None = None

    @field_validator("duration")
    @classmethod
    def is_duration(cls, text: str) -> str:
        """In shorthand."""
        read_shorthand(text)
        return text

    @model_validator(mode="after")
    def rolls_or_starts(self) -> "TimeWindow":
        """Rolling, or by the calendar."""
        if self.is_rolling == (self.calendar is not None):
            raise ValueError("needs either isRolling: true or a calendar")
        return self


class ConditionType(Wire):
    """When an alert is due."""

    kind: Literal["burnrate"] = "burnrate"
    op: Operator
    threshold: Annotated[float, Field(gt=0)]
    lookback_window: Seconds
    alert_after: AlertDelay = 0.0


class AlertConditionSpec(Wire):
    """A condition and its weight."""

    description: Description = ""
    severity: str
    condition: ConditionType


class InlineCondition(Wire):
    """A condition that stands within a policy."""

    kind: Literal["AlertCondition"]
    metadata: Metadata
    spec: AlertConditionSpec


class ConditionRef(Wire):
    """A condition by its name."""

    condition_ref: Name


class TargetSpec(Wire):
    """Where alerts go."""

    description: Description = ""
    target: str


class InlineTarget(Wire):
    """A target that stands within a policy."""

    kind: Literal["AlertNotificationTarget"]
    metadata: Metadata
    spec: TargetSpec


class TargetRef(Wire):
    """A target by its name."""

    target_ref: Name


def refers_by(key: str) -> Discriminator:
    """Tells references by their only key."""
    return Discriminator(lambda value: REFERENCE if isinstance(value, dict) and key in value else INLINE)


class AlertPolicySpec(Wire):
    """What is alerted, and to whom."""

    description: Description = ""
    alert_when_no_data: bool = False
    alert_when_resolved: bool = False
    alert_when_breaching: bool = False
    conditions: Annotated[
        list[
            Annotated[
                Annotated[ConditionRef, Tag(REFERENCE)] | Annotated[InlineCondition, Tag(INLINE)],
                refers_by("conditionRef"),
            ]
        ],
        Field(min_length=1, max_length=1),
    ]
    notification_targets: Annotated[
        list[
            Annotated[
                Annotated[TargetRef, Tag(REFERENCE)] | Annotated[InlineTarget, Tag(INLINE)],
                refers_by("targetRef"),
            ]
        ],
        Field(min_length=1),
    ]


class InlinePolicy(Wire):
    """A policy that stands within an SLO."""

    kind: Literal["AlertPolicy"]
    metadata: Metadata
    spec: AlertPolicySpec


class PolicyRef(Wire):
    """A policy by its name."""

    alert_policy_ref: Name


class SloSpec(Wire):
    """What is promised."""

    description: Description = ""
    service: Name
    indicator: Indicator | None = None
    indicator_ref: Name | None = None
    time_window: Annotated[list[TimeWindow], Field(max_length=1)] = Field(default_factory=list)
    budgeting_method: Literal["Occurrences", "Timeslices", "RatioTimeslices"]
    objectives: Annotated[list[Objective], Field(min_length=1)]
    alert_policies: list[
        Annotated[
            Annotated[PolicyRef, Tag(REFERENCE)] | Annotated[InlinePolicy, Tag(INLINE)],
            refers_by("alertPolicyRef"),
        ]
    ] = Field(default_factory=list)

    @model_validator(mode="after")
    def has_indicators(self) -> "SloSpec":
        """One for all objectives, or one for each."""
        own = [objective.is_component for objective in self.objectives]
        shared = (self.indicator is not None) + (self.indicator_ref is not None)
        if shared > 1 or (shared and any(own)):
            raise ValueError("can't have more than one indicator: one for all objectives, or one for each")
        if not shared and not all(own):
            raise ValueError("needs an indicator or an indicatorRef, for all objectives or for each")
        return self


class ServiceSpec(Wire):
    """What SLOs are about."""

    description: Description = ""


class DataSourceSpec(Wire):
    """How a monitoring system is reached."""

    description: Description = ""
    type: str
    connection_details: dict[str, object] = Field(default_factory=dict)


class Kind(Wire):
    """What all documents have."""

    api_version: Literal["openslo/v1"]
    metadata: Metadata


class Slo(Kind):
    """An SLO."""

    kind: Literal["SLO"]
    spec: SloSpec


class Sli(Kind):
    """An indicator by itself."""

    kind: Literal["SLI"]
    spec: SliSpec


class Service(Kind):
    """A service."""

    kind: Literal["Service"]
    spec: ServiceSpec = ServiceSpec()


class DataSource(Kind):
    """A monitoring system."""

    kind: Literal["DataSource"]
    spec: DataSourceSpec


class AlertPolicy(Kind):
    """An alert policy by itself."""

    kind: Literal["AlertPolicy"]
    spec: AlertPolicySpec


class AlertCondition(Kind):
    """An alert condition by itself."""

    kind: Literal["AlertCondition"]
    spec: AlertConditionSpec


class AlertNotificationTarget(Kind):
    """A target of alerts by itself."""

    kind: Literal["AlertNotificationTarget"]
    spec: TargetSpec


KINDS: dict[str, type[Kind]] = {
    "SLO": Slo,
    "SLI": Sli,
    "Service": Service,
    "DataSource": DataSource,
    "AlertPolicy": AlertPolicy,
    "AlertCondition": AlertCondition,
    "AlertNotificationTarget": AlertNotificationTarget,
}


def descendants(model: type[Wire]) -> list[type[Wire]]:
    """A model and all that derive from it."""
    return [model, *(each for child in model.__subclasses__() for each in descendants(child))]


FIELDS = sorted(
    {field.alias or name for model in descendants(Wire) for name, field in model.model_fields.items()}
)
"""All names of fields that OpenSLO v1 knows."""
