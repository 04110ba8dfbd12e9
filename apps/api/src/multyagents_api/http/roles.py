"""Routes of roles."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import FastAPI
from pydantic import Field

from multyagents_api.domain.roles import NewRole, RetryPolicy, Role
from multyagents_api.http.wire import Answer, Cursor, Demand, Limit, Line, parse_id
from multyagents_api.service.roles import Roles

__all__ = ["add_routes"]


class RetryModel(Demand):
    """How often, and after which categories of failure, a failed task is tried again by itself."""

    max_retries: Annotated[int, Field(ge=0, le=10)] = 0
    retry_on: Annotated[list[Line], Field(max_length=20, default_factory=list)]


class RoleDemand(Demand):
    """A new role."""

    name: Line
    context7_enabled: bool = False
    allowed_tools: Annotated[list[Line], Field(max_length=100, default_factory=list)]
    retry_policy: RetryModel = RetryModel(max_retries=0, retry_on=[])


class RoleAnswer(Answer):
    """A role."""

    id: str
    name: str
    context7_enabled: bool
    allowed_tools: list[str]
    retry_policy: RetryModel
    created_at: datetime

    @classmethod
    def of(cls, role: Role) -> "RoleAnswer":
        """The wire's view of a role."""
        return cls(
            id=str(role.id),
            name=role.name,
            context7_enabled=role.context7_enabled,
            allowed_tools=list(role.allowed_tools),
            retry_policy=RetryModel(max_retries=role.retry.max_retries, retry_on=list(role.retry.retry_on)),
            created_at=role.created_at,
        )


class RolePage(Answer):
    """Roles in the order of their creation; `next_cursor` is None at the end."""

    items: list[RoleAnswer]
    next_cursor: str | None


def add_routes(app: FastAPI, roles: Roles) -> None:
    """Add the routes, bound to their use cases."""

    @app.post("/roles", tags=["roles"], status_code=HTTPStatus.CREATED)
    async def create_role(demand: RoleDemand) -> RoleAnswer:
        """Describe a role under a name of its own."""
        policy = RetryPolicy(demand.retry_policy.max_retries, tuple(demand.retry_policy.retry_on))
        new = NewRole(demand.name, demand.context7_enabled, tuple(demand.allowed_tools), policy)
        return RoleAnswer.of(await roles.create(new))

    @app.get("/roles", tags=["roles"])
    async def list_roles(cursor: Cursor = "0", limit: Limit = 100) -> RolePage:
        """Roles, a page at a time."""
        page = await roles.page(after=int(cursor), limit=limit)
        items = [RoleAnswer.of(role) for role in page.items]
        return RolePage(items=items, next_cursor=items[-1].id if page.has_more else None)

    @app.get("/roles/{role_id}", tags=["roles"])
    async def get_role(role_id: str) -> RoleAnswer:
        """One role."""
        return RoleAnswer.of(await roles.get(parse_id("role", role_id)))
