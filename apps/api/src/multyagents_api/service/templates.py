"""Workflow templates: checked once, so that every run of them is a directed acyclic graph."""

from collections.abc import Sequence
from dataclasses import dataclass

from multyagents_api.domain.errors import InUse, InvalidTemplate, NotFound
from multyagents_api.domain.templates import Step, Template, check_steps
from multyagents_api.service.locating import locate_locks
from multyagents_api.service.page import Page, cut
from multyagents_api.service.ports import Clock, Outdated, Paths, Storage
from multyagents_api.service.retry import decide_until_current

__all__ = ["Templates"]

KIND = "workflow template"


@dataclass(frozen=True, slots=True)
class Templates:
    """Use cases about workflow templates."""

    storage: Storage
    paths: Paths
    clock: Clock

    async def create(self, name: str, steps: Sequence[Step], project_id: int | None = None) -> Template:
        """Store a template whose steps name known roles and form a directed acyclic graph."""

        async def decide() -> Template:
            checked = await self._checked(steps, project_id)
            async with self.storage.write() as writer:
                return await writer.insert_template(name, checked, self.clock.now(), project_id=project_id)

        return await decide_until_current(KIND, decide)

    async def get(self, template_id: int) -> Template:
        """One template."""
        async with self.storage.read() as reader:
            template = await reader.template(template_id)
        if template is None:
            raise NotFound(KIND, str(template_id))
        return template

    async def page(self, *, after: int, limit: int) -> Page[Template]:
        """The templates after a given one."""
        async with self.storage.read() as reader:
            return cut(await reader.templates_after(after, limit=limit + 1), limit)

    async def replace(
        self, template_id: int, name: str, steps: Sequence[Step], project_id: int | None = None
    ) -> Template:
        """Describe a template anew; its runs keep what their tasks were made from."""

        async def decide() -> Template:
            await self.get(template_id)
            checked = await self._checked(steps, project_id)
            async with self.storage.write() as writer:
                replaced = await writer.replace_template(template_id, name, checked, project_id=project_id)
                if replaced is None:
                    raise Outdated
            return replaced

        return await decide_until_current(KIND, decide)

    async def delete(self, template_id: int) -> None:
        """Delete a template that no run was made from."""
        try:
            async with self.storage.write() as writer:
                deleted = await writer.delete_template(template_id)
        except Outdated as used:
            raise InUse(KIND, str(template_id)) from used
        if not deleted:
            raise NotFound(KIND, str(template_id))

    async def _checked(self, steps: Sequence[Step], project_id: int | None) -> list[Step]:
        """The steps as they are stored."""
        async with self.storage.read() as reader:
            known = await reader.known_roles(sorted({step.role_id for step in steps}))
            project = None if project_id is None else await reader.project(project_id)
        if project is None and project_id is not None:
            raise InvalidTemplate(f"there is no project {project_id}", ("project_id",))
        check_steps(steps, known, has_project=project is not None)
        return [locate_locks(self.paths, step, project, ("steps", index)) for index, step in enumerate(steps)]
