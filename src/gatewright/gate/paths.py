"""Paths that a policy names: relative, and below their folder."""

from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, Field

__all__ = ["INNER_PATTERN", "InnerPath", "inside"]


def inside(path: str) -> str:
    """Accept a relative path that stays below its folder."""
    parts = PurePosixPath(path)
    if not path or parts.is_absolute() or ".." in parts.parts or "\\" in path:
        raise ValueError("must be a relative path without '..'")
    return path


INNER_PATTERN = r"^(?!/)(?!(.*/)?\.\.(/|$))[^\\]+$"
"""The same for JSON Schema, whose regular expressions are those of ECMA-262."""

InnerPath = Annotated[str, AfterValidator(inside), Field(json_schema_extra={"pattern": INNER_PATTERN})]
