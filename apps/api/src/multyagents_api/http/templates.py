"""Routes of workflow templates."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import FastAPI
from pydantic import Field

from multyagents_api.domain.context7 import Context7
from multyagents_api.domain.errors import InvalidTemplate, NotFound
from multyagents_api.domain.templates import Step, Template
from multyagents_api.http.wire import Answer, Context7Choice, Cursor, Demand, Id, Limit, Line, Text, parse_id
from multyagents_api.service.templates import Templates

__all__ = ["add_routes"]


class StepDemand(Demand):
    """One step; `depends_on` names other steps of the template."""

    step_id: Line
    role_id: Id
    title: Line
    prompt: Text = ""
    depends_on: Annotated[list[Line], Field(max_length=100, default_factory=list)]
    requires_approval: bool = False
    approval_on_rerun: Literal["renew", "carry_over"] = "renew"
    context7: Context7Choice = "inherit"

    def to_step(self, index: int) -> Step:
        """The step, which is number `index` of its template; its role is not yet looked up."""
        try:
            role_id = parse_id("role", self.role_id)
        except NotFound:
            place = ("steps", index, "role_id")
            raise InvalidTemplate(f"there is no role {self.role_id!r}", place) from None
        return Step(
            step_id=self.step_id,
            role_id=role_id,
            title=self.title,
            prompt=self.prompt,
            depends_on=tuple(self.depends_on),
            requires_approval=self.requires_approval,
            carries_approval_over=self.approval_on_rerun == "carry_over",
            context7=Context7(self.context7),
        )


class TemplateDemand(Demand):
    """A new workflow template."""

    name: Line
    steps: Annotated[list[StepDemand], Field(min_length=1, max_length=100)]


class StepAnswer(Answer):
    """One step of a template."""

    step_id: str
    role_id: str
    title: str
    prompt: str
    depends_on: list[str]
    requires_approval: bool
    approval_on_rerun: Literal["renew", "carry_over"]
    context7: Context7


class TemplateAnswer(Answer):
    """A workflow template."""

    id: str
    name: str
    steps: list[StepAnswer]
    created_at: datetime

    @classmethod
    def of(cls, template: Template) -> "TemplateAnswer":
        """The wire's view of a template."""
        steps = [
            StepAnswer(
                step_id=step.step_id,
                role_id=str(step.role_id),
                title=step.title,
                prompt=step.prompt,
                depends_on=list(step.depends_on),
                requires_approval=step.requires_approval,
                approval_on_rerun="carry_over" if step.carries_approval_over else "renew",
                context7=step.context7,
            )
            for step in template.steps
        ]
        return cls(id=str(template.id), name=template.name, steps=steps, created_at=template.created_at)


class TemplatePage(Answer):
    """Templates in the order of their creation; `next_cursor` is None at the end."""

    items: list[TemplateAnswer]
    next_cursor: str | None


def add_routes(app: FastAPI, templates: Templates) -> None:
    """Add the routes, bound to their use cases."""

    @app.post("/workflow-templates", tags=["workflow templates"], status_code=HTTPStatus.CREATED)
    async def create_template(demand: TemplateDemand) -> TemplateAnswer:
        """Store a template whose steps form a directed acyclic graph."""
        steps = [step.to_step(index) for index, step in enumerate(demand.steps)]
        return TemplateAnswer.of(await templates.create(demand.name, steps))

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
