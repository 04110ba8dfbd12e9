"""What the use cases need of a runner, and what is kept of every attempt on its way to it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from multyagents_api.domain.workspaces import NO_WORKSPACE, Workspace

__all__ = ["Runner", "Submission", "SubmissionResult", "SubmissionState"]


class SubmissionState(StrEnum):
    """How far a dispatch got on its way to the runner; values are the words on the wire."""

    PENDING = "pending"
    QUEUED = "queued"
    SUBMIT_FAILED = "submit-failed"


@dataclass(frozen=True, slots=True)
class Submission:
    """One attempt on its way to the runner; delivered at least once, told apart by task and attempt.

    `command` and `timeout_s` are None where the step leaves them to the runner.
    """

    run_id: int
    task_id: int
    attempt: int
    step_id: str
    role_id: int
    title: str
    prompt: str
    context7_enabled: bool
    role_name: str = ""
    system_prompt: str = ""
    allowed_tools: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    quality_gates: tuple[str, ...] = ()
    workspace: Workspace = NO_WORKSPACE
    project_root: str | None = None
    command: tuple[str, ...] | None = None
    timeout_s: int | None = None


@dataclass(frozen=True, slots=True)
class SubmissionResult:
    """The runner's own answer to a submission."""

    accepted: bool
    message: str | None = None


class Runner(Protocol):
    """Whoever executes tasks."""

    async def submit(self, submission: Submission) -> SubmissionResult:
        """Hand over one attempt; handing it over again changes nothing.

        Raises:
            OSError: the runner can't be reached, or does not answer in time; it may have the attempt or not.
        """
        ...

    async def cancel(self, task_id: int, attempt: int) -> None:
        """Ask to stop an attempt; its real end is reported by a callback. Asking again changes nothing.

        Raises:
            OSError: the runner can't be reached, or does not answer in time.
        """
        ...
