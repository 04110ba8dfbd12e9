"""The catalogue: projects and skill packs, and how roles and templates are replaced and deleted.

What uses something refers to it by a foreign key: deleting what is in use, or using what was deleted, is
refused by the store, whichever of the two comes first. A JSON list can't refer, so that there is a row for
each role of a template and for each skill pack of a role, written with the list.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Delete, Select, Table, bindparam, delete, insert, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from multyagents_api.domain.projects import NewProject, Project
from multyagents_api.domain.roles import NewRole, Role
from multyagents_api.domain.skill_packs import NewSkillPack, SkillPack
from multyagents_api.domain.templates import Step, Template
from multyagents_api.storage import tables
from multyagents_api.storage.rows import (
    project_from_row,
    role_from_row,
    skill_pack_from_row,
    step_to_json,
    template_from_row,
    to_micros,
)

if TYPE_CHECKING:
    from multyagents_api.storage.reads import Connection

__all__ = ["CatalogueReads", "CatalogueWrites", "role_values", "template_values"]


KEPT = frozenset({"id", "created_at"})
"""What a replacement leaves as it is."""


def _one(table: Table) -> Select[Any]:
    return select(table).where(table.c.id == bindparam("the_id"))


def _after(table: Table) -> Select[Any]:
    return select(table).where(table.c.id > bindparam("after")).order_by(table.c.id).limit(bindparam("limit"))


def _replace(table: Table) -> ReturningUpdate[Any]:
    values: dict[str, Any] = {
        column.name: bindparam(f"new_{column.name}") for column in table.c if column.name not in KEPT
    }
    return update(table).where(table.c.id == bindparam("the_id")).values(values).returning(*table.c)


def _delete(table: Table) -> Delete:
    return delete(table).where(table.c.id == bindparam("the_id"))


PROJECT = _one(tables.projects)
PROJECTS_AFTER = _after(tables.projects)
INSERT_PROJECT = insert(tables.projects).returning(*tables.projects.c)
REPLACE_PROJECT = _replace(tables.projects)
DELETE_PROJECT = _delete(tables.projects)

SKILL_PACK = _one(tables.skill_packs)
SKILL_PACKS_AFTER = _after(tables.skill_packs)
INSERT_SKILL_PACK = insert(tables.skill_packs).returning(*tables.skill_packs.c)
REPLACE_SKILL_PACK = _replace(tables.skill_packs)
DELETE_SKILL_PACK = _delete(tables.skill_packs)

REPLACE_ROLE = _replace(tables.roles)
DELETE_ROLE = _delete(tables.roles)
NOTE_SKILL_PACK = insert(tables.role_skill_packs)
FORGET_SKILL_PACKS = delete(tables.role_skill_packs).where(
    tables.role_skill_packs.c.role_id == bindparam("the_role")
)

REPLACE_TEMPLATE = _replace(tables.templates)
DELETE_TEMPLATE = _delete(tables.templates)
NOTE_ROLE = insert(tables.template_roles)
FORGET_ROLES = delete(tables.template_roles).where(
    tables.template_roles.c.template_id == bindparam("the_template")
)


def role_values(new: NewRole) -> dict[str, Any]:
    """A role as it is kept."""
    return {
        "name": new.name,
        "context7_enabled": new.context7_enabled,
        "allowed_tools": list(new.allowed_tools),
        "max_retries": new.retry.max_retries,
        "retry_on": list(new.retry.retry_on),
        "system_prompt": new.system_prompt,
        "skill_pack_ids": list(new.skill_pack_ids),
    }


def template_values(name: str, steps: Sequence[Step], project_id: int | None) -> dict[str, Any]:
    """A template as it is kept."""
    return {"name": name, "project_id": project_id, "steps": [step_to_json(step) for step in steps]}


def _project_values(new: NewProject) -> dict[str, Any]:
    return {"name": new.name, "root_path": new.root_path, "allowed_paths": list(new.allowed_paths)}


def _skill_pack_values(new: NewSkillPack) -> dict[str, Any]:
    return {"name": new.name, "description": new.description, "skills": list(new.skills)}


def _replacing(key: int, values: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a replacement."""
    return {"the_id": key, **{f"new_{name}": value for name, value in values.items()}}


class CatalogueReads:
    """Reads through one connection, in or out of a transaction."""

    _connection: "Connection"

    async def project(self, project_id: int) -> Project | None:
        """One project."""
        row = (await self._connection.execute(PROJECT, {"the_id": project_id})).one_or_none()
        return None if row is None else project_from_row(row)

    async def projects_after(self, after: int, *, limit: int) -> list[Project]:
        """Projects with a greater id, in order."""
        rows = (await self._connection.execute(PROJECTS_AFTER, {"after": after, "limit": limit})).all()
        return [project_from_row(row) for row in rows]

    async def skill_pack(self, skill_pack_id: int) -> SkillPack | None:
        """One skill pack."""
        row = (await self._connection.execute(SKILL_PACK, {"the_id": skill_pack_id})).one_or_none()
        return None if row is None else skill_pack_from_row(row)

    async def skill_packs_after(self, after: int, *, limit: int) -> list[SkillPack]:
        """Skill packs with a greater id, in order."""
        rows = (await self._connection.execute(SKILL_PACKS_AFTER, {"after": after, "limit": limit})).all()
        return [skill_pack_from_row(row) for row in rows]


class CatalogueWrites:
    """Writes of one transaction; replacing locks the row before what refers to it is written anew."""

    _connection: "Connection"

    async def insert_project(self, new: NewProject, now: datetime) -> Project:
        """Add a project; its name is unique."""
        values = {**_project_values(new), "created_at": to_micros(now)}
        return project_from_row((await self._connection.execute(INSERT_PROJECT, values)).one())

    async def replace_project(self, project_id: int, new: NewProject) -> Project | None:
        """Describe a project anew; its name is unique."""
        parameters = _replacing(project_id, _project_values(new))
        row = (await self._connection.execute(REPLACE_PROJECT, parameters)).one_or_none()
        return None if row is None else project_from_row(row)

    async def delete_project(self, project_id: int) -> bool:
        """Delete a project that no template and no task uses."""
        return (await self._connection.execute(DELETE_PROJECT, {"the_id": project_id})).rowcount == 1

    async def insert_skill_pack(self, new: NewSkillPack, now: datetime) -> SkillPack:
        """Add a skill pack; its name is unique."""
        values = {**_skill_pack_values(new), "created_at": to_micros(now)}
        return skill_pack_from_row((await self._connection.execute(INSERT_SKILL_PACK, values)).one())

    async def replace_skill_pack(self, skill_pack_id: int, new: NewSkillPack) -> SkillPack | None:
        """Describe a skill pack anew; its name is unique."""
        parameters = _replacing(skill_pack_id, _skill_pack_values(new))
        row = (await self._connection.execute(REPLACE_SKILL_PACK, parameters)).one_or_none()
        return None if row is None else skill_pack_from_row(row)

    async def delete_skill_pack(self, skill_pack_id: int) -> bool:
        """Delete a skill pack that no role uses."""
        return (await self._connection.execute(DELETE_SKILL_PACK, {"the_id": skill_pack_id})).rowcount == 1

    async def replace_role(self, role_id: int, new: NewRole) -> Role | None:
        """Describe a role anew; its name is unique, and its skill packs exist."""
        parameters = _replacing(role_id, role_values(new))
        row = (await self._connection.execute(REPLACE_ROLE, parameters)).one_or_none()
        if row is None:
            return None
        role = role_from_row(row)
        await self._connection.execute(FORGET_SKILL_PACKS, {"the_role": role_id})
        await self.note_skill_packs(role)
        return role

    async def delete_role(self, role_id: int) -> bool:
        """Delete a role that no template and no task uses."""
        return (await self._connection.execute(DELETE_ROLE, {"the_id": role_id})).rowcount == 1

    async def note_skill_packs(self, role: Role) -> None:
        """Let a role refer to each of its skill packs."""
        for skill_pack_id in role.skill_pack_ids:
            values = {"skill_pack_id": skill_pack_id, "role_id": role.id}
            await self._connection.execute(NOTE_SKILL_PACK, values)

    async def replace_template(
        self, template_id: int, name: str, steps: Sequence[Step], *, project_id: int | None
    ) -> Template | None:
        """Describe a template anew; its roles and its project exist."""
        parameters = _replacing(template_id, template_values(name, steps, project_id))
        row = (await self._connection.execute(REPLACE_TEMPLATE, parameters)).one_or_none()
        if row is None:
            return None
        template = template_from_row(row)
        await self._connection.execute(FORGET_ROLES, {"the_template": template_id})
        await self.note_roles(template)
        return template

    async def delete_template(self, template_id: int) -> bool:
        """Delete a template that no run was made from."""
        return (await self._connection.execute(DELETE_TEMPLATE, {"the_id": template_id})).rowcount == 1

    async def note_roles(self, template: Template) -> None:
        """Let a template refer to each role of its steps."""
        for role_id in sorted({step.role_id for step in template.steps}):
            values = {"role_id": role_id, "template_id": template.id}
            await self._connection.execute(NOTE_ROLE, values)
