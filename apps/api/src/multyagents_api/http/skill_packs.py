"""Routes of skill packs."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import FastAPI
from pydantic import Field

from multyagents_api.domain.skill_packs import NewSkillPack, SkillPack
from multyagents_api.http.wire import Answer, Cursor, Demand, Limit, Line, Text, parse_id
from multyagents_api.service.skill_packs import SkillPacks

__all__ = ["add_routes"]


class SkillPackDemand(Demand):
    """A skill pack."""

    name: Line
    description: Text = ""
    skills: Annotated[list[Line], Field(max_length=100, default_factory=list)]

    def to_skill_pack(self) -> NewSkillPack:
        """The demand in the domain's words."""
        return NewSkillPack(self.name, self.description, tuple(self.skills))


class SkillPackAnswer(Answer):
    """A skill pack."""

    id: str
    name: str
    description: str
    skills: list[str]
    created_at: datetime

    @classmethod
    def of(cls, skill_pack: SkillPack) -> "SkillPackAnswer":
        """The wire's view of a skill pack."""
        return cls(
            id=str(skill_pack.id),
            name=skill_pack.name,
            description=skill_pack.description,
            skills=list(skill_pack.skills),
            created_at=skill_pack.created_at,
        )


class SkillPackPage(Answer):
    """Skill packs in the order of their creation; `next_cursor` is None at the end."""

    items: list[SkillPackAnswer]
    next_cursor: str | None


def add_routes(app: FastAPI, skill_packs: SkillPacks) -> None:
    """Add the routes, bound to their use cases."""

    @app.post("/skill-packs", tags=["skill packs"], status_code=HTTPStatus.CREATED)
    async def create_skill_pack(demand: SkillPackDemand) -> SkillPackAnswer:
        """Describe a skill pack under a name of its own."""
        return SkillPackAnswer.of(await skill_packs.create(demand.to_skill_pack()))

    @app.get("/skill-packs", tags=["skill packs"])
    async def list_skill_packs(cursor: Cursor = "0", limit: Limit = 100) -> SkillPackPage:
        """Skill packs, a page at a time."""
        page = await skill_packs.page(after=int(cursor), limit=limit)
        items = [SkillPackAnswer.of(skill_pack) for skill_pack in page.items]
        return SkillPackPage(items=items, next_cursor=items[-1].id if page.has_more else None)

    @app.get("/skill-packs/{skill_pack_id}", tags=["skill packs"])
    async def get_skill_pack(skill_pack_id: str) -> SkillPackAnswer:
        """One skill pack."""
        return SkillPackAnswer.of(await skill_packs.get(parse_id("skill pack", skill_pack_id)))

    @app.put("/skill-packs/{skill_pack_id}", tags=["skill packs"])
    async def replace_skill_pack(skill_pack_id: str, demand: SkillPackDemand) -> SkillPackAnswer:
        """Describe a skill pack anew, as a whole."""
        key = parse_id("skill pack", skill_pack_id)
        return SkillPackAnswer.of(await skill_packs.replace(key, demand.to_skill_pack()))

    @app.delete("/skill-packs/{skill_pack_id}", tags=["skill packs"], status_code=HTTPStatus.NO_CONTENT)
    async def delete_skill_pack(skill_pack_id: str) -> None:
        """Delete a skill pack that no role uses."""
        await skill_packs.delete(parse_id("skill pack", skill_pack_id))
