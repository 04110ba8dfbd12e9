"""Skill packs: skills under one name, which roles are given together."""

from dataclasses import dataclass, field
from datetime import datetime

__all__ = ["NewSkillPack", "SkillPack"]


@dataclass(frozen=True, slots=True)
class NewSkillPack:
    """A skill pack as a client describes it."""

    name: str
    description: str
    skills: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SkillPack(NewSkillPack):
    """A skill pack as it is stored."""

    id: int = field(kw_only=True)
    created_at: datetime = field(kw_only=True)
