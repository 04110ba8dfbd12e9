"""Waivers: a known finding that its owner answers for until a day, so that a release need not wait for it."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, ValidationError

from gatewright.core.escape import clipped, printable
from gatewright.core.model import Model
from gatewright.evidence.manifest import CheckId

__all__ = [
    "LONGEST_DAYS",
    "BrokenWaiver",
    "Waiver",
    "WaiverStatus",
    "WaiverUse",
    "find_broken_settings",
    "read_waivers",
]

LONGEST_DAYS = 30
"""How many days after the one of judging a waiver may end; whoever needs more signs it anew."""

ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
SHOWN_WIDTH = 200


def says_something(text: str) -> str:
    """Accept a text in which a reader finds a letter or a digit."""
    if not any(character.isalnum() for character in text):
        raise ValueError("must say something")
    return text


def plain_day(value: object) -> object:
    """Accept a TOML date or an ISO 8601 day in quotes; a time of day or a number leaves room for error."""
    if type(value) is date:
        return value
    if isinstance(value, str) and ISO_DAY.fullmatch(value):
        return date.fromisoformat(value)
    raise ValueError("must be a day such as 2027-01-31")


Words = Annotated[
    str,
    Field(max_length=1000, json_schema_extra={"pattern": r"[\p{L}\p{N}]"}),
    AfterValidator(says_something),
]
Day = Annotated[date, BeforeValidator(plain_day, json_schema_input_type=date)]
WaiverId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")]


class Waiver(Model):
    """A known finding that its owner answers for until a day. It never makes a state better than it is.

    Attributes:
        id: how the verdict names it; no other waiver has it.
        check: the check whose state it is laid over.
        reason: why the release may go out.
        owner: who answers for it.
        expires: the last day on which it holds (UTC), at most 30 days after the day of judging.
        rule: the only rule that it is about; every reason of the check when left out.
        scope: the only place that it is about, `FILE` or `FILE#POINTER` (RFC 6901) in the check's evidence,
            with all that lies below; anywhere when left out.
        approver: who agreed.
        issue: where the mending is followed.
    """

    id: WaiverId
    check: CheckId
    reason: Words
    owner: Words
    expires: Day
    rule: Words = ""
    scope: Words = ""
    approver: Words = ""
    issue: Words = ""

    @property
    def key(self) -> str:
        """What makes two waivers one for a reader: ids that differ only by case do."""
        return self.id.casefold()


class BrokenWaiver(Model):
    """A waiver that can't be meant, as far as it can be read. It does nothing; `message` says why."""

    id: str
    check: str
    reason: str
    owner: str
    message: str

    @property
    def key(self) -> str:
        """See `Waiver.key`."""
        return self.id.casefold()


class WaiverStatus(StrEnum):
    """What became of a waiver; only an applied one does anything.

    UNMATCHED found nothing to waive, EXPIRED is over, MALFORMED can't be meant, REFUSED is for longer than is
    allowed, is about something that can't be waived, or leaves other reasons of its check standing.
    """

    APPLIED = "applied"
    UNMATCHED = "unmatched"
    EXPIRED = "expired"
    MALFORMED = "malformed"
    REFUSED = "refused"


class WaiverUse(Model):
    """What became of one waiver in a run; fields that a malformed one lacks are empty."""

    id: str
    check: str = ""
    status: WaiverStatus
    owner: str = ""
    reason: str = ""
    expires: date | None = None
    message: str

    @classmethod
    def of(cls, waiver: Waiver | BrokenWaiver, status: WaiverStatus, message: str) -> "WaiverUse":
        """Tell what became of a waiver."""
        return cls(
            id=shown(waiver.id),
            check=shown(waiver.check),
            status=status,
            owner=shown(waiver.owner),
            reason=shown(waiver.reason),
            expires=waiver.expires if isinstance(waiver, Waiver) else None,
            message=printable(message),
        )


def read_waivers(value: object) -> tuple[Waiver | BrokenWaiver, ...]:
    """Read the waivers of a policy one by one: one that is broken must neither count nor hide the others."""
    if not isinstance(value, list | tuple):
        return (broken({}, "waivers must be an array of tables, [[waivers]]"),)
    read = tuple(read_waiver(each) for each in value)
    keys = Counter(waiver.key for waiver in read if waiver.key)
    return tuple(
        broken(waiver.model_dump(), f"another waiver has the id {shown(waiver.id)} too")
        if isinstance(waiver, Waiver) and keys[waiver.key] > 1
        else waiver
        for waiver in read
    )


def read_waiver(value: object) -> Waiver | BrokenWaiver:
    """Read one waiver."""
    if isinstance(value, Waiver | BrokenWaiver):
        return value
    if not isinstance(value, Mapping):
        return broken({}, "a waiver must be a table, [[waivers]]")
    try:
        return Waiver.model_validate(value)
    except ValidationError as error:
        return broken(value, "; ".join(f"{place}: {message}" for place, message in complaints(error)))


def find_broken_settings(value: object) -> tuple[tuple[str, str], ...]:
    """The settings of a waiver that can't be meant, and why; none where it is not about one of them."""
    try:
        Waiver.model_validate(value)
    except ValidationError as error:
        return tuple(complaints(error)) if isinstance(value, Mapping) else ()
    return ()


def complaints(error: ValidationError) -> Iterator[tuple[str, str]]:
    """What is wrong with a waiver, setting by setting."""
    for each in error.errors(include_url=False, include_input=False):
        place = ".".join(str(part) for part in each["loc"])
        message = {"missing": "is missing", "extra_forbidden": "there is no such setting"}.get(
            each["type"], each["msg"].removeprefix("Value error, ")
        )
        yield place, message


def broken(value: Mapping[str, object], message: str) -> BrokenWaiver:
    """A waiver that does nothing, with the texts that it has."""
    texts = {name: value.get(name) for name in ("id", "check", "reason", "owner")}
    known = {name: shown(text) if isinstance(text, str) else "" for name, text in texts.items()}
    return BrokenWaiver(**known, message=shown(message))


def shown(text: str) -> str:
    """A text of the policy on one line, and not too long."""
    return clipped(" ".join(text.split()), SHOWN_WIDTH)
