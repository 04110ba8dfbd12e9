"""What the use cases need of a store about the catalogue: what clients describe before they start runs.

What is in use can't be deleted: the store refuses it as `Outdated`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from multyagents_api.domain.projects import NewProject, Project
from multyagents_api.domain.roles import NewRole, Role
from multyagents_api.domain.skill_packs import NewSkillPack, SkillPack
from multyagents_api.domain.templates import Step, Template

__all__ = ["CatalogueReader", "CatalogueWriter"]


class CatalogueReader(Protocol):
    """Each method is one statement, hence one consistent look."""

    async def project(self, project_id: int) -> Project | None:
        """One project."""
        ...

    async def projects_after(self, after: int, *, limit: int) -> list[Project]:
        """Projects with a greater id, in order."""
        ...

    async def skill_pack(self, skill_pack_id: int) -> SkillPack | None:
        """One skill pack."""
        ...

    async def skill_packs_after(self, after: int, *, limit: int) -> list[SkillPack]:
        """Skill packs with a greater id, in order."""
        ...


class CatalogueWriter(Protocol):
    """Replacing gives None, and deleting False, where there is nothing of that id."""

    async def insert_project(self, new: NewProject, now: datetime) -> Project:
        """Add a project; its name is unique."""
        ...

    async def replace_project(self, project_id: int, new: NewProject) -> Project | None:
        """Describe a project anew; its name is unique."""
        ...

    async def delete_project(self, project_id: int) -> bool:
        """Delete a project that no template and no task uses."""
        ...

    async def insert_skill_pack(self, new: NewSkillPack, now: datetime) -> SkillPack:
        """Add a skill pack; its name is unique."""
        ...

    async def replace_skill_pack(self, skill_pack_id: int, new: NewSkillPack) -> SkillPack | None:
        """Describe a skill pack anew; its name is unique."""
        ...

    async def delete_skill_pack(self, skill_pack_id: int) -> bool:
        """Delete a skill pack that no role uses."""
        ...

    async def replace_role(self, role_id: int, new: NewRole) -> Role | None:
        """Describe a role anew; its name is unique, and its skill packs exist."""
        ...

    async def delete_role(self, role_id: int) -> bool:
        """Delete a role that no template and no task uses."""
        ...

    async def replace_template(
        self, template_id: int, name: str, steps: Sequence[Step], *, project_id: int | None
    ) -> Template | None:
        """Describe a template anew; its roles and its project exist."""
        ...

    async def delete_template(self, template_id: int) -> bool:
        """Delete a template that no run was made from."""
        ...
