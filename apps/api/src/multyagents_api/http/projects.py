"""Routes of projects."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import FastAPI
from pydantic import Field

from multyagents_api.domain.projects import NewProject, Project
from multyagents_api.http.wire import Answer, Cursor, Demand, Limit, Line, PathLine, parse_id
from multyagents_api.service.projects import Projects

__all__ = ["add_routes"]


class ProjectDemand(Demand):
    """A project; allowed paths are absolute or relative to the root, and by default all of the root."""

    name: Line
    root_path: PathLine
    allowed_paths: Annotated[list[PathLine], Field(max_length=100, default_factory=list)]

    def to_project(self) -> NewProject:
        """The demand in the domain's words."""
        return NewProject(self.name, self.root_path, tuple(self.allowed_paths))


class ProjectAnswer(Answer):
    """A project; its paths are absolute and free of symlinks."""

    id: str
    name: str
    root_path: str
    allowed_paths: list[str]
    created_at: datetime

    @classmethod
    def of(cls, project: Project) -> "ProjectAnswer":
        """The wire's view of a project."""
        return cls(
            id=str(project.id),
            name=project.name,
            root_path=project.root_path,
            allowed_paths=list(project.allowed_paths),
            created_at=project.created_at,
        )


class ProjectPage(Answer):
    """Projects in the order of their creation; `next_cursor` is None at the end."""

    items: list[ProjectAnswer]
    next_cursor: str | None


def add_routes(app: FastAPI, projects: Projects) -> None:
    """Add the routes, bound to their use cases."""

    @app.post("/projects", tags=["projects"], status_code=HTTPStatus.CREATED)
    async def create_project(demand: ProjectDemand) -> ProjectAnswer:
        """Describe a project under a name of its own; nothing is created in the file system."""
        return ProjectAnswer.of(await projects.create(demand.to_project()))

    @app.get("/projects", tags=["projects"])
    async def list_projects(cursor: Cursor = "0", limit: Limit = 100) -> ProjectPage:
        """Projects, a page at a time."""
        page = await projects.page(after=int(cursor), limit=limit)
        items = [ProjectAnswer.of(project) for project in page.items]
        return ProjectPage(items=items, next_cursor=items[-1].id if page.has_more else None)

    @app.get("/projects/{project_id}", tags=["projects"])
    async def get_project(project_id: str) -> ProjectAnswer:
        """One project."""
        return ProjectAnswer.of(await projects.get(parse_id("project", project_id)))

    @app.put("/projects/{project_id}", tags=["projects"])
    async def replace_project(project_id: str, demand: ProjectDemand) -> ProjectAnswer:
        """Describe a project anew, as a whole."""
        key = parse_id("project", project_id)
        return ProjectAnswer.of(await projects.replace(key, demand.to_project()))

    @app.delete("/projects/{project_id}", tags=["projects"], status_code=HTTPStatus.NO_CONTENT)
    async def delete_project(project_id: str) -> None:
        """Delete a project that no template and no task uses."""
        await projects.delete(parse_id("project", project_id))
