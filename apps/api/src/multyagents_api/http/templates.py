"""Routes of workflow templates."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import FastAPI
from pydantic import Field

from multyagents_api.domain.errors import InvalidTemplate
from multyagents_api.domain.templates import Step, Template
from multyagents_api.http.steps import StepAnswer, StepDemand
from multyagents_api.http.wire import Answer, Cursor, Demand, Id, Limit, Line, named_key, parse_id
from multyagents_api.service.templates import Templates

__all__ = ["add_routes"]


class TemplateDemand(Demand):
    """A workflow template; a project is needed where a step works in more than `no-workspace`."""

    name: Line
    project_id: Id | None = None
    steps: Annotated[list[StepDemand], Field(min_length=1, max_length=100)]

    def to_steps(self) -> list[Step]:
        """The steps in the domain's words, unchecked.

        Raises:
            InvalidTemplate: a role's id can't be one.
        """
        return [
            step.to_step(named_key("role", step.role_id, ("steps", index, "role_id"), InvalidTemplate))
            for index, step in enumerate(self.steps)
        ]

    def project_key(self) -> int | None:
        """The project's key, if there is to be one.

        Raises:
            InvalidTemplate: its id can't be one.
        """
        if self.project_id is None:
            return None
        return named_key("project", self.project_id, ("project_id",), InvalidTemplate)


class TemplateAnswer(Answer):
    """A workflow template."""

    id: str
    name: str
    project_id: str | None
    steps: list[StepAnswer]
    created_at: datetime

    @classmethod
    def of(cls, template: Template) -> "TemplateAnswer":
        """The wire's view of a template."""
        return cls(
            id=str(template.id),
            name=template.name,
            project_id=None if template.project_id is None else str(template.project_id),
            steps=[StepAnswer.of(step) for step in template.steps],
            created_at=template.created_at,
        )


class TemplatePage(Answer):
    """Templates in the order of their creation; `next_cursor` is None at the end."""

    items: list[TemplateAnswer]
    next_cursor: str | None


def add_routes(app: FastAPI, templates: Templates) -> None:
    """Add the routes, bound to their use cases."""

    @app.post("/workflow-templates", tags=["workflow templates"], status_code=HTTPStatus.CREATED)
    async def create_template(demand: TemplateDemand) -> TemplateAnswer:
        """Store a template whose steps form a directed acyclic graph."""
        created = await templates.create(demand.name, demand.to_steps(), demand.project_key())
        return TemplateAnswer.of(created)

    @app.get("/workflow-templates", tags=["workflow templates"])
    async def list_templates(cursor: Cursor = "0", limit: Limit = 20) -> TemplatePage:
        """Templates, a page at a time."""
        page = await templates.page(after=int(cursor), limit=limit)
        items = [TemplateAnswer.of(template) for template in page.items]
        return TemplatePage(items=items, next_cursor=items[-1].id if page.has_more else None)

    @app.get("/workflow-templates/{template_id}", tags=["workflow templates"])
    async def get_template(template_id: str) -> TemplateAnswer:
        """One template."""
        return TemplateAnswer.of(await templates.get(parse_id("workflow template", template_id)))

    @app.put("/workflow-templates/{template_id}", tags=["workflow templates"])
    async def replace_template(template_id: str, demand: TemplateDemand) -> TemplateAnswer:
        """Describe a template anew, as a whole; its runs stay as they are."""
        key = parse_id("workflow template", template_id)
        replaced = await templates.replace(key, demand.name, demand.to_steps(), demand.project_key())
        return TemplateAnswer.of(replaced)

    @app.delete(
        "/workflow-templates/{template_id}",
        tags=["workflow templates"],
        status_code=HTTPStatus.NO_CONTENT,
    )
    async def delete_template(template_id: str) -> None:
        """Delete a template that no run was made from."""
        await templates.delete(parse_id("workflow template", template_id))
