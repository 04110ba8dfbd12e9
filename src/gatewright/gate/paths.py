"""Paths and words that a policy hands to the system."""

from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, Field

__all__ = ["INNER_PATTERN", "InnerPath", "Word", "inside"]


def inside(path: str) -> str:
    """Accept a relative path that stays below its folder."""
    parts = PurePosixPath(path)
    if "\0" in path:
        raise ValueError("must not hold the character NUL")
    if not path or parts.is_absolute() or ".." in parts.parts or "\\" in path:
        raise ValueError("must be a relative path without '..'")
    return path


INNER_PATTERN = r"^(?!/)(?!([\s\S]*/)?\.\.(/|$))[^\\\x00]+$"
"""The same for JSON Schema, whose regular expressions are those of ECMA-262."""

InnerPath = Annotated[str, AfterValidator(inside), Field(json_schema_extra={"pattern": INNER_PATTERN})]

Word = Annotated[str, Field(pattern=r"^[^\x00]*$")]
"""A word of a command; no system takes one that holds the character NUL."""
