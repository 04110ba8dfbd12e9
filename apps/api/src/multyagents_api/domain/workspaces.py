"""Workspaces: where an attempt works, and which paths it has to itself meanwhile."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["NO_WORKSPACE", "ExecutionMode", "Sandbox", "Workspace"]


class ExecutionMode(StrEnum):
    """Where an attempt works; values are the words on the wire."""

    NO_WORKSPACE = "no-workspace"
    SHARED_WORKSPACE = "shared-workspace"
    ISOLATED_WORKTREE = "isolated-worktree"
    DOCKER_SANDBOX = "docker-sandbox"


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The container that an attempt in a sandbox works in."""

    image: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where an attempt works; `lock_paths`, absolute, are nobody else's while it is active."""

    mode: ExecutionMode = ExecutionMode.NO_WORKSPACE
    lock_paths: tuple[str, ...] = ()
    sandbox: Sandbox | None = None


NO_WORKSPACE = Workspace()
"""Work that touches no files of a project."""
