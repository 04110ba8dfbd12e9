"""Roles: described once, used by the steps of templates."""

from dataclasses import dataclass

from multyagents_api.domain.errors import InUse, NameTaken, NotFound, UnknownSkillPack
from multyagents_api.domain.roles import NewRole, Role
from multyagents_api.service.page import Page, cut
from multyagents_api.service.ports import Clock, Outdated, Storage

__all__ = ["Roles"]


@dataclass(frozen=True, slots=True)
class Roles:
    """Use cases about roles."""

    storage: Storage
    clock: Clock

    async def create(self, new: NewRole) -> Role:
        """Store a role under a name that nobody else has."""
        await self._check_skill_packs(new)
        try:
            async with self.storage.write() as writer:
                return await writer.insert_role(new, self.clock.now())
        except Outdated as refused:
            await self._check_skill_packs(new)
            raise NameTaken("role", new.name) from refused

    async def get(self, role_id: int) -> Role:
        """One role."""
        async with self.storage.read() as reader:
            role = await reader.role(role_id)
        if role is None:
            raise NotFound("role", str(role_id))
        return role

    async def page(self, *, after: int, limit: int) -> Page[Role]:
        """The roles after a given one."""
        async with self.storage.read() as reader:
            return cut(await reader.roles_after(after, limit=limit + 1), limit)

    async def replace(self, role_id: int, new: NewRole) -> Role:
        """Describe a role anew; attempts that are under way keep what they were given."""
        await self.get(role_id)
        await self._check_skill_packs(new)
        try:
            async with self.storage.write() as writer:
                replaced = await writer.replace_role(role_id, new)
        except Outdated as refused:
            await self._check_skill_packs(new)
            raise NameTaken("role", new.name) from refused
        if replaced is None:
            raise NotFound("role", str(role_id))
        return replaced

    async def delete(self, role_id: int) -> None:
        """Delete a role that no template and no task uses."""
        try:
            async with self.storage.write() as writer:
                deleted = await writer.delete_role(role_id)
        except Outdated as used:
            raise InUse("role", str(role_id)) from used
        if not deleted:
            raise NotFound("role", str(role_id))

    async def _check_skill_packs(self, new: NewRole) -> None:
        async with self.storage.read() as reader:
            for position, skill_pack_id in enumerate(new.skill_pack_ids):
                if await reader.skill_pack(skill_pack_id) is None:
                    raise UnknownSkillPack(str(skill_pack_id), ("skill_packs", position))
