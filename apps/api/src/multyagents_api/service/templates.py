"""Workflow templates: checked once, so that every run of them is a directed acyclic graph."""

from collections.abc import Sequence
from dataclasses import dataclass

from multyagents_api.domain.errors import NotFound
from multyagents_api.domain.templates import Step, Template, check_steps
from multyagents_api.service.page import Page, cut
from multyagents_api.service.ports import Clock, Storage

__all__ = ["Templates"]


@dataclass(frozen=True, slots=True)
class Templates:
    """Use cases about workflow templates."""

    storage: Storage
    clock: Clock

    async def create(self, name: str, steps: Sequence[Step]) -> Template:
        """Store a template whose steps name known roles and form a directed acyclic graph."""
        async with self.storage.read() as reader:
            known = await reader.known_roles(sorted({step.role_id for step in steps}))
        check_steps(steps, known)
        async with self.storage.write() as writer:
            return await writer.insert_template(name, steps, self.clock.now())

    async def get(self, template_id: int) -> Template:
        """One template."""
        async with self.storage.read() as reader:
            template = await reader.template(template_id)
        if template is None:
            raise NotFound("workflow template", str(template_id))
        return template

    async def page(self, *, after: int, limit: int) -> Page[Template]:
        """The templates after a given one."""
        async with self.storage.read() as reader:
            return cut(await reader.templates_after(after, limit=limit + 1), limit)
