"""Types that the wire models share: strict, bounded, and clean text."""

import unicodedata
from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from multyagents_api.domain.errors import NotFound, Place, Refusal
from multyagents_api.domain.redaction import redact

__all__ = [
    "MOST_COUNT",
    "MOST_EXACT",
    "Answer",
    "Argument",
    "Command",
    "Context7Choice",
    "Cursor",
    "Demand",
    "Id",
    "Limit",
    "Line",
    "Note",
    "PathLine",
    "PayloadText",
    "Seconds",
    "Text",
    "key_of",
    "named_key",
    "parse_id",
    "without_nul",
]

_MOST_DIGITS = 18

MOST_COUNT = 1_000_000_000
"""No counter of ours gets there, and every database can hold it."""


MOST_EXACT = 2**53
"""Up to here JSON's numbers are exact in every language."""


class Demand(BaseModel):
    """What a client sends: unknown fields are refused, nothing is coerced."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Answer(BaseModel):
    """What a client gets."""

    model_config = ConfigDict(frozen=True)


def without_nul(text: str) -> str:
    """Refuse NUL, which neither databases nor paths can hold."""
    if "\x00" in text:
        raise ValueError("must not contain NUL")
    return text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    return text


def _without_controls(text: str) -> str:
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise ValueError("must not contain control characters")
    return text


Line = Annotated[str, Field(max_length=200), AfterValidator(without_nul), AfterValidator(_not_blank)]
"""A name or title: up to 200 characters, not blank."""

Text = Annotated[str, Field(max_length=20_000), AfterValidator(without_nul)]
"""Longer text; may be empty."""

Note = Annotated[str, Field(max_length=2_000), AfterValidator(without_nul), AfterValidator(_not_blank)]
"""A reason or comment: up to 2,000 characters, not blank."""

Argument = Annotated[str, Field(max_length=2_000), AfterValidator(without_nul)]
"""One word of a command: up to 2,000 characters; may be empty."""


def _names_a_program(words: list[str]) -> list[str]:
    if not words[0].strip():
        raise ValueError("must begin with a program")
    return words


Command = Annotated[list[Argument], Field(min_length=1, max_length=100), AfterValidator(_names_a_program)]
"""A program and its arguments, up to 100 words; no shell reads them."""

Seconds = Annotated[int, Field(ge=1, le=86_400)]
"""A length of time: one second to one day."""

PathLine = Annotated[
    str, Field(max_length=4_096), AfterValidator(_without_controls), AfterValidator(_not_blank)
]
"""A path: up to 4,096 characters in one line."""

PayloadText = Annotated[str, Field(max_length=2_000), AfterValidator(without_nul)]
"""Text within a payload: up to 2,000 characters, may be empty."""

Id = Annotated[str, Field(max_length=40), AfterValidator(without_nul)]
"""An id as the service gave it out: an opaque string."""

Context7Choice = Literal["inherit", "force_on", "force_off"]
"""What a step wants of its role's `context7_enabled`."""

Cursor = Annotated[str, Query(pattern=r"^(0|[1-9][0-9]{0,17})$")]
"""Where a page begins: after the item that the previous page ended with; `0` is the beginning."""

Limit = Annotated[int, Query(ge=1, le=500)]
"""How many items a page holds at most."""


def key_of(value: str) -> int | None:
    """The key behind an id; None for what can't be one, and hence names nothing that exists."""
    if value.isascii() and value.isdigit() and len(value) <= _MOST_DIGITS and value[0] != "0":
        return int(value)
    return None


def parse_id(kind: str, value: str) -> int:
    """The key behind the id of what a request is about.

    Raises:
        NotFound: it can't be one.
    """
    key = key_of(value)
    if key is None:
        raise NotFound(kind, redact(value)[:40])  # what is cut off may be what gives a secret away
    return key


def named_key(kind: str, value: str, place: Place, refuse: Callable[[str, Place], Refusal]) -> int:
    """The key behind an id that a body names at some place.

    Raises:
        Refusal: it can't be one; as `refuse` makes it.
    """
    key = key_of(value)
    if key is None:
        raise refuse(f"there is no {kind} {value!r}", place)
    return key
