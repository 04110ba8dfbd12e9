"""Paths that a policy names: relative, and below their folder."""

from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator

__all__ = ["InnerPath", "inside"]


def inside(path: str) -> str:
    """Accept a relative path that stays below its folder."""
    parts = PurePosixPath(path)
    if not path or parts.is_absolute() or ".." in parts.parts or "\\" in path:
        raise ValueError("must be a relative path without '..'")
    return path


InnerPath = Annotated[str, AfterValidator(inside)]
