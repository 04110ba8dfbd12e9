"""Workspaces: where an attempt works, and which paths it has to itself meanwhile."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from multyagents_api.domain.graphs import Offence

__all__ = ["NO_WORKSPACE", "ExecutionMode", "Sandbox", "Workspace", "workspace_offences"]


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


def workspace_offences(workspace: Workspace, *, has_project: bool) -> Iterator[Offence]:
    """What doesn't fit together in where a step wants to work, and the field to mend it in."""
    mode = workspace.mode
    shares = mode is ExecutionMode.SHARED_WORKSPACE
    if mode is not ExecutionMode.NO_WORKSPACE and not has_project:
        yield ("execution_mode",), f"{mode} needs a project"
    if shares and not workspace.lock_paths:
        yield ("lock_paths",), f"{mode} needs a path to lock"
    if workspace.lock_paths and not shares:
        yield ("lock_paths",), f"{mode} locks no paths"
    if mode is ExecutionMode.DOCKER_SANDBOX and workspace.sandbox is None:
        yield ("sandbox",), f"{mode} needs a sandbox"
    if workspace.sandbox is not None and mode is not ExecutionMode.DOCKER_SANDBOX:
        yield ("sandbox",), f"{mode} takes no sandbox"
