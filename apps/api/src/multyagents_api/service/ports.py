"""What the use cases need from the outside: a store, a runner, a clock."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from multyagents_api.domain.approvals import Approval, ApprovalStatus
from multyagents_api.domain.events import NewEvent
from multyagents_api.domain.roles import NewRole, Role
from multyagents_api.domain.runs import Run, RunStatus
from multyagents_api.domain.tasks import Task, TaskStatus
from multyagents_api.domain.templates import Step, Template

__all__ = [
    "Claim",
    "Clock",
    "Outdated",
    "Reader",
    "Runner",
    "Storage",
    "Submission",
    "SubmissionResult",
    "SubmissionState",
    "SystemClock",
    "Writer",
]


class Outdated(Exception):  # noqa: N818 - the use case decides again, nothing is broken
    """A guarded write met another state than the one that was decided upon."""


class SubmissionState(StrEnum):
    """How far a dispatch got on its way to the runner; values are the words on the wire."""

    PENDING = "pending"
    QUEUED = "queued"
    SUBMIT_FAILED = "submit-failed"


@dataclass(frozen=True, slots=True)
class Submission:
    """One attempt of a task on its way to the runner; delivered at least once, told apart by task and attempt."""

    run_id: int
    task_id: int
    attempt: int
    step_id: str
    role_id: int
    title: str
    prompt: str


@dataclass(frozen=True, slots=True)
class SubmissionResult:
    """The runner's own answer to a submission."""

    accepted: bool
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A task won for dispatch: the attempt that this opened, and what the runner is to do."""

    attempt: int
    prompt: str


class Clock(Protocol):
    """Wall time; tests hand in a clock of their own."""

    def now(self) -> datetime:
        """The present, aware, in UTC."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """The present, aware, in UTC."""
        return datetime.now(UTC)


class Runner(Protocol):
    """Whoever executes tasks."""

    async def submit(self, submission: Submission) -> SubmissionResult:
        """Hand over one attempt; handing it over again changes nothing."""
        ...

    async def cancel(self, task_id: int, attempt: int) -> None:
        """Ask to stop an attempt; its real end is reported by a callback."""
        ...


class Reader(Protocol):
    """Each method is one statement, hence one consistent look."""

    async def role(self, role_id: int) -> Role | None: ...
    async def known_roles(self, role_ids: Sequence[int]) -> frozenset[int]: ...
    async def template(self, template_id: int) -> Template | None: ...
    async def run_with_tasks(self, run_id: int) -> tuple[Run, list[Task]] | None: ...
    async def tasks(self, run_id: int) -> list[Task]: ...
    async def task(self, task_id: int) -> Task | None: ...
    async def approval(self, approval_id: int) -> Approval | None: ...
    async def callback_with_key(self, task_id: int, key: str) -> tuple[int, TaskStatus] | None: ...
    async def pending_submissions(self, *, limit: int) -> list[Submission]: ...


class Writer(Reader, Protocol):
    """One write transaction. Guards answer None or False where the row is no longer as expected."""

    async def insert_role(self, new: NewRole, now: datetime) -> Role: ...
    async def insert_template(self, name: str, steps: Sequence[Step], now: datetime) -> Template: ...
    async def insert_run(
        self, template_id: int, initiated_by: str | None, *, events: int, now: datetime
    ) -> Run: ...
    async def insert_tasks(self, run_id: int, steps: Sequence[Step], now: datetime) -> list[Task]: ...
    async def append_events(
        self, run_id: int, first_sequence: int, events: Sequence[NewEvent], now: datetime
    ) -> None: ...
    async def open_approvals(self, tasks: Sequence[Task], now: datetime) -> list[Approval]: ...
    async def insert_callback_key(self, task_id: int, key: str, attempt: int, status: TaskStatus) -> None: ...
    async def insert_submission(self, submission: Submission, now: datetime) -> None: ...

    async def touch_run(self, run_id: int, *, events: int, now: datetime) -> Run | None: ...
    async def settle_run(self, run_id: int, status: RunStatus, event_sequence: int) -> None: ...
    async def claim_task(self, task_id: int, now: datetime) -> Claim | None: ...
    async def finish_submission(
        self, task_id: int, attempt: int, state: SubmissionState, now: datetime
    ) -> bool: ...
    async def move_task(
        self,
        task_id: int,
        attempt: int,
        *,
        expected: TaskStatus,
        status: TaskStatus,
        reason: str | None,
        now: datetime,
    ) -> Task | None: ...
    async def schedule_retry(self, task_id: int, attempt: int, most_retries: int) -> Task | None: ...
    async def decide_approval(
        self, approval_id: int, decision: ApprovalStatus, *, actor: str, comment: str | None, now: datetime
    ) -> Approval | None: ...
    async def note_blocked(self, approval_id: int, now: datetime) -> bool: ...
    async def begin_rerun(
        self, run_id: int, *, expected_version: int | None, events: int, now: datetime
    ) -> Run | None: ...
    async def reset_tasks(
        self, run_id: int, task_ids: Sequence[int], *, rerun_number: int, now: datetime
    ) -> bool: ...
    async def move_run(self, run_id: int, *, expected: RunStatus, status: RunStatus) -> bool: ...
    async def request_cancel(self, run_id: int, now: datetime) -> list[Task]: ...
    async def cancel_created(self, run_id: int, reason: str, now: datetime) -> list[Task]: ...


class Storage(Protocol):
    """Where everything is kept; what a write transaction acknowledged survives the process."""

    def read(self) -> AbstractAsyncContextManager[Reader]:
        """Statements outside any transaction."""
        ...

    def write(self) -> AbstractAsyncContextManager[Writer]:
        """A transaction: committed at the end of the block, rolled back when it raises.

        Raises:
            Outdated: a uniqueness rule of the store refused what was written.
            StoreBusy: another process held the store for too long.
        """
        ...

    async def ready(self) -> bool:
        """Whether the store answers and has the tables of this version."""
        ...

    def close(self) -> None:
        """Let go of the store."""
        ...
