"""Projects: a root, and the paths under it that work may touch.

The paths of a stored project are absolute and free of symlinks, so that comparing them as text is enough.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from multyagents_api.domain.errors import InvalidPath, Place

__all__ = ["NewProject", "Project", "check_root", "check_wording", "is_within", "lies_in_any"]

MOST_PARTS = 100
"""How deep a path may go: each part costs a look at the file system."""


@dataclass(frozen=True, slots=True)
class NewProject:
    """A project as a client describes it; no allowed paths stand for all of the root."""

    name: str
    root_path: str
    allowed_paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Project(NewProject):
    """A project as it is stored."""

    id: int = field(kw_only=True)
    created_at: datetime = field(kw_only=True)


def check_root(path: str, place: Place) -> None:
    """Refuse a root that depends on where the service was started.

    Raises:
        InvalidPath: it is not absolute.
    """
    if not path.startswith("/"):
        raise InvalidPath("the path of a project's root must be absolute", place)


def check_wording(path: str, place: Place) -> None:
    """Refuse a path for how it is written, before anybody looks where it leads.

    Raises:
        InvalidPath: it goes up, or is too deep.
    """
    parts = path.split("/")
    if ".." in parts:
        raise InvalidPath("the path must not go up by '..'", place)
    if len(parts) > MOST_PARTS:
        raise InvalidPath(f"the path must not have more than {MOST_PARTS} parts", place)


def is_within(path: str, root: str) -> bool:
    """Whether a resolved path is another one, or lies under it."""
    return path == root or path.startswith(f"{root.rstrip('/')}/")


def lies_in_any(path: str, roots: Iterable[str]) -> bool:
    """Whether a resolved path is one of others, or lies under one."""
    return any(is_within(path, root) for root in roots)
