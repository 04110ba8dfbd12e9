"""Hand-offs: read one by one and a page at a time; callbacks publish them."""

from dataclasses import dataclass

from multyagents_api.domain.errors import NotFound
from multyagents_api.domain.handoffs import Handoff
from multyagents_api.service.page import Page, Within, cut
from multyagents_api.service.ports import Storage

__all__ = ["Handoffs"]


@dataclass(frozen=True, slots=True)
class Handoffs:
    """Use cases about hand-offs."""

    storage: Storage

    async def latest_of(self, task_id: int) -> Handoff:
        """The hand-off of the latest attempt of a task that has one."""
        async with self.storage.read() as reader:
            handoff = await reader.latest_handoff(task_id)
            if handoff is None:
                kind = "task" if await reader.task(task_id) is None else "hand-off of task"
                raise NotFound(kind, str(task_id))
        return handoff

    async def page(self, within: Within, *, after: int, limit: int) -> Page[Handoff]:
        """The hand-offs after a given one."""
        async with self.storage.read() as reader:
            if not await within.may_hold_something(reader):
                return Page([], has_more=False)
            found = await reader.handoffs_after(
                after, run_id=within.run_id, task_id=within.task_id, limit=limit + 1
            )
        return cut(found, limit)
