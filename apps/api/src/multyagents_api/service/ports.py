"""What the use cases need from the outside: a store, a clock, a look at paths."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import NoReturn, Protocol

from multyagents_api.domain.approvals import Approval, ApprovalStatus
from multyagents_api.domain.artifacts import (
    Artifact,
    ArtifactType,
    NewArtifact,
    ProducedArtifact,
    WholeArtifact,
)
from multyagents_api.domain.events import Event, EventType, NewEvent
from multyagents_api.domain.handoffs import Handoff, NewHandoff
from multyagents_api.domain.roles import NewRole, Role
from multyagents_api.domain.runs import Run, RunStatus
from multyagents_api.domain.summaries import DispatchTimes
from multyagents_api.domain.tasks import Task, TaskStatus
from multyagents_api.domain.templates import Step, Template
from multyagents_api.service.catalogue import CatalogueReader, CatalogueWriter
from multyagents_api.service.records import AttemptRecord, Claim, LostAttempt
from multyagents_api.service.runners import Submission, SubmissionState
from multyagents_api.service.tokens import TokenReader, TokenWriter

__all__ = [
    "AttemptRecord",
    "Claim",
    "Clock",
    "LostAttempt",
    "Outdated",
    "Paths",
    "Reader",
    "Storage",
    "StorageUnavailable",
    "SystemClock",
    "Writer",
]


class StorageUnavailable(Exception):  # noqa: N818 - one line for the operator
    """The store can't be opened; the message says why."""


class Outdated(Exception):  # noqa: N818 - the use case decides again, nothing is broken
    """A guarded write met another state than the one that was decided upon."""


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


class Paths(Protocol):
    """Where paths on the server really lead."""

    def resolve(self, path: str) -> str:
        """An absolute path without symlinks, whether or not all of it exists; nothing is created.

        Raises:
            OSError: it leads nowhere, as a circle of symlinks does.
            ValueError: it leads to something that no text can name.
        """
        ...


class Reader(CatalogueReader, TokenReader, Protocol):
    """Each method is one statement, hence one consistent look."""

    async def role(self, role_id: int) -> Role | None:
        """One role."""
        ...

    async def known_roles(self, role_ids: Sequence[int]) -> frozenset[int]:
        """Those of the given roles that exist."""
        ...

    async def template(self, template_id: int) -> Template | None:
        """One template with its steps."""
        ...

    async def run_with_tasks(self, run_id: int) -> tuple[Run, list[Task]] | None:
        """A run and its tasks in template order, from one snapshot."""
        ...

    async def run_around(self, task_id: int) -> tuple[Run, list[Task]] | None:
        """The run that a task belongs to with all its tasks, from one snapshot; None where it has none."""
        ...

    async def run(self, run_id: int) -> Run | None:
        """One run without its tasks."""
        ...

    async def tasks(self, run_id: int) -> list[Task]:
        """The tasks of a run in template order."""
        ...

    async def task(self, task_id: int) -> Task | None:
        """One task."""
        ...

    async def approval(self, approval_id: int) -> Approval | None:
        """One approval."""
        ...

    async def approvals_of_run(self, run_id: int) -> list[Approval]:
        """The approvals that cover the current or next attempts of a run's tasks, in no order."""
        ...

    async def dispatch_times(self, run_id: int) -> list[DispatchTimes]:
        """When the tasks of a run were dispatched, those of them that ever were, in no order."""
        ...

    async def artifact(self, artifact_id: int) -> WholeArtifact | None:
        """One artifact with its content."""
        ...

    async def artifacts_after(
        self, after: int, *, run_id: int | None, task_id: int | None, kind: ArtifactType | None, limit: int
    ) -> list[Artifact]:
        """Artifacts with a greater id, in order: of a task, else of a run, else all; also of one type."""
        ...

    async def artifacts_of_run(self, run_id: int) -> list[ProducedArtifact]:
        """What the steps of a run produced, in no order."""
        ...

    async def known_artifacts(self, run_id: int, artifact_ids: Sequence[int]) -> frozenset[int]:
        """Those of the given artifacts, a hundred at most, that belong to the run."""
        ...

    async def handoffs_after(
        self, after: int, *, run_id: int | None, task_id: int | None, limit: int
    ) -> list[Handoff]:
        """Hand-offs with a greater id, in order: of a task, else of a run, else all."""
        ...

    async def latest_handoff(self, task_id: int) -> Handoff | None:
        """The hand-off of the latest attempt of a task that has one."""
        ...

    async def event(self, run_id: int, sequence: int) -> Event | None:
        """One event of a run by its number."""
        ...

    async def roles_after(self, after: int, *, limit: int) -> list[Role]:
        """Roles with a greater id, in order."""
        ...

    async def templates_after(self, after: int, *, limit: int) -> list[Template]:
        """Templates with a greater id, in order."""
        ...

    async def runs_after(self, after: int, *, status: RunStatus | None, limit: int) -> list[Run]:
        """Runs with a greater id, in order."""
        ...

    async def events_after(
        self, after: int, *, run_id: int | None, kind: str | None, limit: int, until: int | None = None
    ) -> list[Event]:
        """Events with a greater id, in order, up to `until`."""
        ...

    async def attempts_after(self, task_id: int, after: int, *, limit: int) -> list[AttemptRecord]:
        """The later attempts of a task, in order."""
        ...

    async def events_window(self, after: int, size: int) -> int:
        """The last of the next so many events of all runs; `after` itself where none follows."""
        ...

    async def reports(self, run_id: int, task_id: int, first: int, last: int) -> list[Event]:
        """What runners reported and answered about a range of attempts of a task of a run, in order."""
        ...

    async def callback_with_key(self, task_id: int, key: str) -> tuple[int, TaskStatus] | None:
        """The attempt and status of the callback that used this key before."""
        ...

    async def paths_are_free(self, task_id: int, paths: Sequence[str]) -> bool:
        """Whether no other task has any of the paths, nor a path inside of them or around them."""
        ...

    async def was_told(self, run_id: int, task_id: int, attempt: int, kind: EventType) -> bool:
        """Whether there is an event of that type about an attempt of a task of a run."""
        ...

    async def pending_submissions(
        self, *, before: datetime, beyond: datetime, limit: int
    ) -> list[Submission]:
        """Dispatches without a recorded outcome that nobody took on since, the oldest first.

        Those that were taken on `beyond` a time to come are among them: the clock was set back since.
        """
        ...

    async def pending_backlog(self) -> tuple[int, datetime | None]:
        """How many dispatches have no recorded outcome, and when the oldest of them was made."""
        ...

    async def lost_attempts(self, now: datetime, *, beyond: datetime | None, limit: int) -> list[LostAttempt]:
        """Attempts under way whose lease is over, or ends `beyond` what can be, the longest first."""
        ...


class Writer(Reader, CatalogueWriter, TokenWriter, Protocol):
    """One write transaction. Guards answer None or False where the row is no longer as expected."""

    async def insert_role(self, new: NewRole, now: datetime) -> Role:
        """Add a role; its name is unique, and its skill packs exist."""
        ...

    async def insert_template(
        self, name: str, steps: Sequence[Step], now: datetime, *, project_id: int | None = None
    ) -> Template:
        """Add a template; its roles and its project exist."""
        ...

    async def insert_run(
        self, template_id: int | None, initiated_by: str | None, *, events: int, now: datetime
    ) -> Run:
        """Add a run whose first `events` events follow in the same transaction."""
        ...

    async def insert_tasks(
        self, run_id: int | None, steps: Sequence[Step], now: datetime, *, project_id: int | None = None
    ) -> list[Task]:
        """Add a task for each step, in order, to a run or to none yet."""
        ...

    async def take_task(self, task_id: int, run_id: int, position: int, now: datetime) -> Task | None:
        """Let a task that belongs to no run belong to one, at a place in its order."""
        ...

    async def append_events(
        self, run_id: int, first_sequence: int, events: Sequence[NewEvent], now: datetime
    ) -> None:
        """Add events under consecutive numbers."""
        ...

    async def open_approvals(
        self, tasks: Sequence[Task], now: datetime, *, requested_by: str | None = None
    ) -> list[Approval]:
        """Ask for a decision about the next attempt of each task, and let the task wait for it."""
        ...

    async def insert_callback_key(self, task_id: int, key: str, attempt: int, status: TaskStatus) -> None:
        """Remember a callback by its key; a second one under the same key is refused."""
        ...

    async def insert_submission(self, submission: Submission, approval_id: int | None, now: datetime) -> None:
        """Add the outbox row of an attempt; a second one is refused."""
        ...

    async def insert_artifact(
        self, task_id: int, attempt: int, new: NewArtifact, now: datetime
    ) -> WholeArtifact | None:
        """Add an artifact, if that attempt of the task is its latest and the task was not reset since."""
        ...

    async def insert_handoff(self, task: Task, attempt: int, new: NewHandoff, now: datetime) -> Handoff:
        """Add the hand-off of an attempt; a second one is refused."""
        ...

    async def touch_run(self, run_id: int, *, events: int, now: datetime) -> Run | None:
        """Lock a run's row, count the change, and reserve sequence numbers for its events."""
        ...

    async def settle_run(self, run_id: int, status: RunStatus, event_sequence: int) -> None:
        """Store the status that follows from the tasks; the row is locked before."""
        ...

    async def claim_task(self, task_id: int, now: datetime) -> Claim | None:
        """Open the next attempt of a task that is dispatchable, approved where needed, in a run not held."""
        ...

    async def take_paths(self, task_id: int, attempt: int, paths: Sequence[str]) -> bool:
        """Let an attempt have all the paths to itself, or none, where another task has one of them."""
        ...

    async def release_paths(self, task_id: int, attempt: int) -> list[str]:
        """Give back what an attempt had to itself; tells what that was."""
        ...

    async def take_on_submission(
        self, task_id: int, attempt: int, *, before: datetime, beyond: datetime, now: datetime
    ) -> bool:
        """Take on a pending dispatch that nobody took on since; False where another process was faster."""
        ...

    async def finish_submission(
        self, task_id: int, attempt: int, state: SubmissionState, now: datetime
    ) -> bool:
        """Record how a submission ended, once."""
        ...

    async def move_task(
        self,
        task_id: int,
        attempt: int,
        *,
        expected: TaskStatus,
        status: TaskStatus,
        reason: str | None,
        now: datetime,
        lease_until: datetime | None = None,
    ) -> Task | None:
        """Move a task on, if it still is in the expected status of that very attempt.

        Its lease is extended, stays where None is given, and is over where the new status ends the attempt.
        """
        ...

    async def extend_lease(self, task_id: int, attempt: int, until: datetime | None) -> TaskStatus | None:
        """Let an attempt that is under way be its runner's until then; tells how the task stands."""
        ...

    async def end_lost_attempt(
        self,
        task_id: int,
        attempt: int,
        *,
        expected: TaskStatus,
        status: TaskStatus,
        reason: str,
        now: datetime,
        beyond: datetime | None,
    ) -> Task | None:
        """End an attempt, if it still is in the expected status and its lease still is over.

        A lease that ends `beyond` what can be is over as well: its clock was set back since.
        """
        ...

    async def schedule_retry(self, task_id: int, attempt: int, most_retries: int) -> Task | None:
        """Put a task that just failed back for another attempt, while its retries last."""
        ...

    async def decide_approval(
        self, approval_id: int, decision: ApprovalStatus, *, actor: str, comment: str | None, now: datetime
    ) -> Approval | None:
        """Decide an approval that is pending and whose task still waits for it."""
        ...

    async def note_blocked(self, approval_id: int, now: datetime) -> bool:
        """Note that a dispatch ran into a pending approval; True the first time only."""
        ...

    async def begin_rerun(
        self, run_id: int, *, expected_version: int | None, events: int, now: datetime
    ) -> Run | None:
        """Count a partial rerun of a run that is neither held nor worked upon, and lock its row."""
        ...

    async def reset_tasks(
        self, run_id: int, task_ids: Sequence[int], *, rerun_number: int, now: datetime
    ) -> bool:
        """Put tasks back to created; True only if every one of them could be rerun."""
        ...

    async def move_run(self, run_id: int, *, expected: RunStatus, status: RunStatus) -> bool:
        """Let an operator hold or release a run that still is in the expected status."""
        ...

    async def request_cancel(self, run_id: int, now: datetime) -> list[Task]:
        """Mark all tasks of a run that somebody works on as to be stopped."""
        ...

    async def cancel_created(self, run_id: int, reason: str, now: datetime) -> list[Task]:
        """Cancel all tasks of a run that nobody works on yet."""
        ...


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

    async def trouble(self) -> str | None:
        """What is wrong with the store: it doesn't answer, or has other tables; None where nothing is.

        It may take as long as the store takes to answer.
        """
        ...

    async def maintain(self, pause: Callable[[], Awaitable[None]]) -> NoReturn:
        """Do after each pause, until canceled, what would otherwise hold up some request."""
        ...

    async def aclose(self) -> None:
        """Let go of the store."""
        ...
