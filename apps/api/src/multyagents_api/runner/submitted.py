"""A submission as a runner receives it."""

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from multyagents_api.runner.confinement import is_inside
from multyagents_api.runner.local_settings import LocalSettings

__all__ = ["Submitted", "reason_against"]

Key = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,17}$")]
"""An id that may stand in a URL and in the name of a directory."""

SUPPORTED = ("no-workspace", "shared-workspace")


class WorkspaceSubmitted(BaseModel):
    """Where the attempt is to work."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    mode: Literal["no-workspace", "shared-workspace", "isolated-worktree", "docker-sandbox"] = "no-workspace"


class Submitted(BaseModel):
    """What a local runner needs to know of an attempt; commands get all else as they are, in a file."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    run_id: Key
    task_id: Key
    attempt: Annotated[int, Field(ge=1, le=1_000_000_000)]
    step_id: str
    prompt: str
    workspace: WorkspaceSubmitted = WorkspaceSubmitted()
    project_root: str | None = None
    command: Annotated[list[str], Field(min_length=1)] | None = None
    timeout_s: Annotated[int, Field(ge=1, le=86_400)] | None = None

    @property
    def name(self) -> str:
        """The attempt in short, for logs."""
        return f"attempt {self.attempt} of task {self.task_id}"


def reason_against(work: Submitted, settings: LocalSettings) -> str | None:
    """Why a runner can never execute a submission; None where it can."""
    if work.workspace.mode not in SUPPORTED:
        return f"this runner does not execute {work.workspace.mode}, only {' and '.join(SUPPORTED)}"
    if work.command is None and not settings.agent_command:
        return "the step has no command, and this runner has no agent command"
    if work.project_root is not None and not _is_allowed(work.project_root, settings):
        return f"the project root {work.project_root} lies outside of the roots of this runner"
    return None


def _is_allowed(root: str, settings: LocalSettings) -> bool:
    """Whether a path leads into a root as things are; what counts is looked at again before the execution."""
    try:
        return Path(root).is_absolute() and is_inside(os.path.realpath(root), settings.roots)
    except ValueError:
        return False
