"""Values of OpenSLO v1 documents, and what all their mappings have in common."""

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from gatewright.core.escape import printable
from gatewright.core.model import Model
from gatewright.slo.openslo.durations import read_shorthand

__all__ = [
    "AlertDelay",
    "Description",
    "Labels",
    "Name",
    "Operator",
    "Seconds",
    "SliceWindow",
    "StartTime",
    "TimeZone",
    "Title",
    "Wire",
]

MINUTE = 60.0
LONGEST_MINUTES = 1e9
START_TIME = re.compile(
    r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]) ([01]\d|2[0-3]):[0-5]\d:[0-5]\d", re.ASCII
)
TIME_ZONE = re.compile(r"[A-Za-z_]+(/[A-Za-z0-9_+-]+)*")


class Wire(Model):
    """A mapping of a document; keys without a value count as absent."""

    model_config = ConfigDict(strict=True, alias_generator=to_camel)

    @model_validator(mode="before")
    @classmethod
    def drops_empty_keys(cls, content: object) -> object:
        """`alertPolicies:` with nothing behind it says nothing."""
        if isinstance(content, dict):
            return {key: value for key, value in content.items() if value is not None}
        return content


def visible(text: str) -> str:
    """Accept text that is what it looks like."""
    if not text.strip() or printable(text) != text:
        raise ValueError("must be visible text on one line")
    return text


def only_labels(labels: dict[str, object]) -> dict[str, object]:
    """Accept what the specification calls map[string]string|string[]."""
    for key, value in labels.items():
        if not all(isinstance(item, str) for item in (value if isinstance(value, list) else [value])):
            raise ValueError(f"{key[:80]} must be text, or a list of texts: quote it")
    return labels


def slice_window(value: object) -> float:
    """Seconds of a time slice: a number counts minutes."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return read_shorthand(value)
    if not 0 < value < LONGEST_MINUTES:
        raise ValueError("must be a positive number of minutes, or a duration such as 1m")
    return float(value * MINUTE)


def start_time(value: object) -> str:
    """The start of a calendar window; YAML makes a date of it when it is not quoted."""
    text = f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) and not value.tzinfo else value
    if not isinstance(text, str) or not START_TIME.fullmatch(text):
        raise ValueError("must be a date with time and without time zone, e.g. 2020-01-21 12:30:00")
    return text


def time_zone(zone: str) -> str:
    """Accept the IANA name of a time zone."""
    if not TIME_ZONE.fullmatch(zone):
        raise ValueError("must be the IANA name of a time zone, e.g. America/New_York")
    return zone


def alert_delay(text: object) -> float:
    """Seconds of a duration-shorthand, which may be zero here."""
    return 0.0 if text == "0m" else read_shorthand(text)


Name = Annotated[str, Field(max_length=255), AfterValidator(visible)]
Title = Annotated[str, Field(max_length=255), AfterValidator(visible)]
Description = Annotated[str, Field(max_length=1050)]
Labels = Annotated[dict[str, object], AfterValidator(only_labels)]
Seconds = Annotated[float, BeforeValidator(read_shorthand)]
Operator = Literal["lte", "gte", "lt", "gt"]
AlertDelay = Annotated[float, BeforeValidator(alert_delay)]
SliceWindow = Annotated[float, BeforeValidator(slice_window)]
StartTime = Annotated[str, BeforeValidator(start_time)]
TimeZone = Annotated[str, AfterValidator(time_zone)]
