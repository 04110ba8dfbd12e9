"""Roles: who does a step, with which tools, and how often a failure is tried again."""

from dataclasses import dataclass, field
from datetime import datetime

__all__ = ["NewRole", "RetryPolicy", "Role"]


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often, and after which categories of failure, a failed task is tried again by itself."""

    max_retries: int = 0
    retry_on: tuple[str, ...] = ()

    def allows(self, category: str | None, retries_used: int) -> bool:
        """Whether one more retry is due after a failure of this category."""
        return retries_used < self.max_retries and category in self.retry_on


@dataclass(frozen=True, slots=True)
class NewRole:
    """A role as a client describes it."""

    name: str
    context7_enabled: bool
    allowed_tools: tuple[str, ...]
    retry: RetryPolicy
    system_prompt: str = ""
    skill_pack_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Role(NewRole):
    """A role as it is stored."""

    id: int = field(kw_only=True)
    created_at: datetime = field(kw_only=True)
