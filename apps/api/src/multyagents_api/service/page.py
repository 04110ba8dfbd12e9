"""Pages: what follows a cursor, and the cursor of what follows next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Page", "cut"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items in order; `has_more` tells whether others follow."""

    items: Sequence[T]
    has_more: bool


def cut(found: Sequence[T], limit: int) -> Page[T]:
    """A page of at most `limit` items out of `limit + 1` that were asked for."""
    return Page(found[:limit], len(found) > limit)
