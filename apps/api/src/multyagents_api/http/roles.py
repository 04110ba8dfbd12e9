"""Routes of roles."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import FastAPI
from pydantic import AfterValidator, Field

from multyagents_api.domain.errors import UnknownSkillPack
from multyagents_api.domain.roles import NewRole, RetryPolicy, Role
from multyagents_api.http.wire import Answer, Cursor, Demand, Id, Limit, Line, Text, key_of, parse_id
from multyagents_api.service.roles import Roles

__all__ = ["add_routes"]


class RetryModel(Demand):
    """How often, and after which categories of failure, a failed task is tried again by itself."""

    max_retries: Annotated[int, Field(ge=0, le=10)] = 0
    retry_on: Annotated[list[Line], Field(max_length=20, default_factory=list)]


def _each_once(ids: list[str]) -> list[str]:
    if len(set(ids)) < len(ids):
        raise ValueError("must not name anything twice")
    return ids


class RoleDemand(Demand):
    """A role."""

    name: Line
    system_prompt: Text = ""
    context7_enabled: bool = False
    allowed_tools: Annotated[list[Line], Field(max_length=100, default_factory=list)]
    skill_packs: Annotated[list[Id], Field(max_length=100, default_factory=list), AfterValidator(_each_once)]
    retry_policy: RetryModel = RetryModel(max_retries=0, retry_on=[])

    def to_role(self) -> NewRole:
        """The demand in the domain's words.

        Raises:
            UnknownSkillPack: the id of one can't be one.
        """
        skill_pack_ids = []
        for position, skill_pack_id in enumerate(self.skill_packs):
            key = key_of(skill_pack_id)
            if key is None:
                raise UnknownSkillPack(skill_pack_id, ("skill_packs", position))
            skill_pack_ids.append(key)
        return NewRole(
            name=self.name,
            context7_enabled=self.context7_enabled,
            allowed_tools=tuple(self.allowed_tools),
            retry=RetryPolicy(self.retry_policy.max_retries, tuple(self.retry_policy.retry_on)),
            system_prompt=self.system_prompt,
            skill_pack_ids=tuple(skill_pack_ids),
        )


class RoleAnswer(Answer):
    """A role."""

    id: str
    name: str
    system_prompt: str
    context7_enabled: bool
    allowed_tools: list[str]
    skill_packs: list[str]
    retry_policy: RetryModel
    created_at: datetime

    @classmethod
    def of(cls, role: Role) -> "RoleAnswer":
        """The wire's view of a role."""
        return cls(
            id=str(role.id),
            name=role.name,
            system_prompt=role.system_prompt,
            context7_enabled=role.context7_enabled,
            allowed_tools=list(role.allowed_tools),
            skill_packs=[str(skill_pack_id) for skill_pack_id in role.skill_pack_ids],
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
        return RoleAnswer.of(await roles.create(demand.to_role()))

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

    @app.put("/roles/{role_id}", tags=["roles"])
    async def replace_role(role_id: str, demand: RoleDemand) -> RoleAnswer:
        """Describe a role anew, as a whole."""
        return RoleAnswer.of(await roles.replace(parse_id("role", role_id), demand.to_role()))

    @app.delete("/roles/{role_id}", tags=["roles"], status_code=HTTPStatus.NO_CONTENT)
    async def delete_role(role_id: str) -> None:
        """Delete a role that no template and no task uses."""
        await roles.delete(parse_id("role", role_id))
