"""Pages: what follows a cursor, where to look for it, and the cursor of what follows next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from multyagents_api.domain.errors import NotFound
from multyagents_api.service.ports import Reader

__all__ = ["Page", "Within", "cut"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items in order; `has_more` tells whether others follow."""

    items: Sequence[T]
    has_more: bool


def cut(found: Sequence[T], limit: int) -> Page[T]:
    """A page of at most `limit` items out of `limit + 1` that were asked for."""
    return Page(found[:limit], len(found) > limit)


@dataclass(frozen=True, slots=True)
class Within:
    """Where to look: everywhere, in one run, or at one task, which may have to be of that run."""

    run_id: int | None = None
    task_id: int | None = None

    async def may_hold_something(self, reader: Reader) -> bool:
        """Whether anything can be there; False where the task is of another run.

        Raises:
            NotFound: there is no such run or task.
        """
        if self.run_id is not None and await reader.run(self.run_id) is None:
            raise NotFound("run", str(self.run_id))
        if self.task_id is None:
            return True
        task = await reader.task(self.task_id)
        if task is None:
            raise NotFound("task", str(self.task_id))
        return self.run_id in {None, task.run_id}
