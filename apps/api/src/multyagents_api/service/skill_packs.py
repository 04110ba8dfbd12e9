"""Skill packs: described once, given to roles."""

from dataclasses import dataclass

from multyagents_api.domain.errors import InUse, NameTaken, NotFound
from multyagents_api.domain.skill_packs import NewSkillPack, SkillPack
from multyagents_api.service.page import Page, cut
from multyagents_api.service.ports import Clock, Outdated, Storage

__all__ = ["SkillPacks"]


@dataclass(frozen=True, slots=True)
class SkillPacks:
    """Use cases about skill packs."""

    storage: Storage
    clock: Clock

    async def create(self, new: NewSkillPack) -> SkillPack:
        """Store a skill pack under a name that nobody else has."""
        try:
            async with self.storage.write() as writer:
                return await writer.insert_skill_pack(new, self.clock.now())
        except Outdated as taken:
            raise NameTaken("skill pack", new.name) from taken

    async def get(self, skill_pack_id: int) -> SkillPack:
        """One skill pack."""
        async with self.storage.read() as reader:
            skill_pack = await reader.skill_pack(skill_pack_id)
        if skill_pack is None:
            raise NotFound("skill pack", str(skill_pack_id))
        return skill_pack

    async def page(self, *, after: int, limit: int) -> Page[SkillPack]:
        """The skill packs after a given one."""
        async with self.storage.read() as reader:
            return cut(await reader.skill_packs_after(after, limit=limit + 1), limit)

    async def replace(self, skill_pack_id: int, new: NewSkillPack) -> SkillPack:
        """Describe a skill pack anew."""
        try:
            async with self.storage.write() as writer:
                replaced = await writer.replace_skill_pack(skill_pack_id, new)
        except Outdated as taken:
            raise NameTaken("skill pack", new.name) from taken
        if replaced is None:
            raise NotFound("skill pack", str(skill_pack_id))
        return replaced

    async def delete(self, skill_pack_id: int) -> None:
        """Delete a skill pack that no role uses."""
        try:
            async with self.storage.write() as writer:
                deleted = await writer.delete_skill_pack(skill_pack_id)
        except Outdated as used:
            raise InUse("skill pack", str(skill_pack_id)) from used
        if not deleted:
            raise NotFound("skill pack", str(skill_pack_id))
