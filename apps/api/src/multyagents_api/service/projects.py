"""Projects: where work may go; describing one creates nothing on the server."""

from dataclasses import dataclass

from multyagents_api.domain.errors import InUse, NameTaken, NotFound
from multyagents_api.domain.projects import NewProject, Project
from multyagents_api.service.locating import locate_project
from multyagents_api.service.page import Page, cut
from multyagents_api.service.ports import Clock, Outdated, Paths, Storage

__all__ = ["Projects"]


@dataclass(frozen=True, slots=True)
class Projects:
    """Use cases about projects."""

    storage: Storage
    paths: Paths
    clock: Clock

    async def create(self, new: NewProject) -> Project:
        """Store a project under a name that nobody else has, with its paths resolved."""
        located = locate_project(self.paths, new)
        try:
            async with self.storage.write() as writer:
                return await writer.insert_project(located, self.clock.now())
        except Outdated as taken:
            raise NameTaken("project", new.name) from taken

    async def get(self, project_id: int) -> Project:
        """One project."""
        async with self.storage.read() as reader:
            project = await reader.project(project_id)
        if project is None:
            raise NotFound("project", str(project_id))
        return project

    async def page(self, *, after: int, limit: int) -> Page[Project]:
        """The projects after a given one."""
        async with self.storage.read() as reader:
            return cut(await reader.projects_after(after, limit=limit + 1), limit)

    async def replace(self, project_id: int, new: NewProject) -> Project:
        """Describe a project anew; templates keep their paths, and those outside of it start no more runs."""
        await self.get(project_id)
        located = locate_project(self.paths, new)
        try:
            async with self.storage.write() as writer:
                replaced = await writer.replace_project(project_id, located)
        except Outdated as taken:
            raise NameTaken("project", new.name) from taken
        if replaced is None:
            raise NotFound("project", str(project_id))
        return replaced

    async def delete(self, project_id: int) -> None:
        """Delete a project that no template and no task uses."""
        try:
            async with self.storage.write() as writer:
                deleted = await writer.delete_project(project_id)
        except Outdated as used:
            raise InUse("project", str(project_id)) from used
        if not deleted:
            raise NotFound("project", str(project_id))
