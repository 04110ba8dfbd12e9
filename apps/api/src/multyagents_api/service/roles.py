"""Roles: described once, used by the steps of templates."""

from dataclasses import dataclass

from multyagents_api.domain.errors import NameTaken, NotFound
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
        try:
            async with self.storage.write() as writer:
                return await writer.insert_role(new, self.clock.now())
        except Outdated as taken:
            raise NameTaken("role", new.name) from taken

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
