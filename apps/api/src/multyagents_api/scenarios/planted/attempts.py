"""Planted faults of attempts: callbacks, the runner's answer, cancels, retries, paths and artifacts."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sqlalchemy import bindparam, case

from multyagents_api.domain.errors import PathsLocked
from multyagents_api.domain.tasks import TaskStatus
from multyagents_api.scenarios.planted.planting import replaced, rewritten, weakened
from multyagents_api.service import change
from multyagents_api.service.callbacks import Callbacks
from multyagents_api.service.change import RunChange
from multyagents_api.service.dispatching import Dispatching
from multyagents_api.storage import leases, path_locks, results, tables
from multyagents_api.storage.guards import GuardedWrites

__all__ = [
    "artifact_of_a_reset_attempt",
    "backward_callback",
    "callback_key_outside_the_transaction",
    "cancel_overwrites_the_end",
    "late_answer_overwrites_callback",
    "lease_not_looked_at_again",
    "numbers_not_given_back",
    "paths_checked_before_the_write",
    "paths_released_early",
    "retry_over_budget",
    "retry_reuses_the_number",
    "running_on_after_a_cancel",
    "stale_attempt",
    "stale_look",
    "unnoted_move",
]


@contextmanager
def backward_callback() -> Iterator[None]:
    """A callback is written whatever became of the task since it was read."""
    with weakened("MOVE_TASK", "expected_status"):
        yield


@contextmanager
def stale_attempt() -> Iterator[None]:
    """A callback is written whatever attempt is under way by then."""
    with weakened("MOVE_TASK", "expected_attempt"):
        yield


@contextmanager
def late_answer_overwrites_callback() -> Iterator[None]:
    """The runner's answer to a submission is written whatever was reported since."""
    with regardless({TaskStatus.QUEUED}):
        yield


@contextmanager
def cancel_overwrites_the_end() -> Iterator[None]:
    """The wish to cancel is written although the attempt has ended since."""
    with regardless({TaskStatus.CANCEL_REQUESTED}):
        yield


@contextmanager
def running_on_after_a_cancel() -> Iterator[None]:
    """That an attempt is running is written although it was to be stopped since."""
    with regardless({TaskStatus.RUNNING}):
        yield


@contextmanager
def callback_key_outside_the_transaction() -> Iterator[None]:
    """The key of a callback is noted after the callback was applied."""
    genuine = Callbacks._move  # noqa: SLF001 - what a fault replaces

    async def move(self: Callbacks, seen: Any, task: Any, report: Any, policy: Any) -> Any:
        moved = await genuine(self, seen, task, replace(report, idempotency_key=None), policy)
        async with self.storage.write() as writer:
            await writer.insert_callback_key(task.id, report.idempotency_key, report.attempt, report.status)
        return moved

    with replaced(Callbacks, "_move", move):
        yield


@contextmanager
def lease_not_looked_at_again() -> Iterator[None]:
    """Whether a lease is over is read before the attempt is ended, and not looked at again."""
    with weakened("END_LOST_ATTEMPT", "lease_until", leases):
        yield


@contextmanager
def numbers_not_given_back() -> Iterator[None]:
    """Numbers that were reserved for events and not used are never given back."""
    kept = tables.runs.c.event_sequence
    given = bindparam("last_sequence", type_=kept.type)
    with rewritten("SETTLE_RUN", event_sequence=case((given > kept, given), else_=kept)):
        yield


@contextmanager
def stale_look() -> Iterator[None]:
    """A callback takes the run's other tasks for what they were before its transaction."""
    with replaced(change, "is_current", lambda *_: True):
        yield


@contextmanager
def unnoted_move() -> Iterator[None]:
    """Where tasks are not read again, the run's status follows from the task before its callback."""
    with replaced(RunChange, "moved", lambda *_: None):
        yield


@contextmanager
def retry_over_budget() -> Iterator[None]:
    """Neither a failed callback nor its retry asks whether another messenger was there before."""
    with weakened("MOVE_TASK", "expected_status"), weakened("SCHEDULE_RETRY", "most_retries"):
        yield


@contextmanager
def retry_reuses_the_number() -> Iterator[None]:
    """A retry gives the number of the failed attempt back, and the next one gets it again."""
    with rewritten("SCHEDULE_RETRY", attempt=tables.tasks.c.attempt - 1):
        yield


@contextmanager
def paths_checked_before_the_write() -> Iterator[None]:
    """Whether paths are free is read before the transaction that takes them."""
    genuine = Dispatching._claim_one_of  # noqa: SLF001 - what a fault replaces

    async def claim_one_of(self: Dispatching, seen: Any, choose: Any) -> Any:
        async with self.storage.read() as reader:
            free = {
                task.id for task in seen[1] if await reader.paths_are_free(task.id, task.workspace.lock_paths)
            }

        def choose_free(present: Sequence[Any]) -> list[Any]:
            return [task for task in choose(present) if task.id in free]

        if not choose_free(seen[1]):
            return [PathsLocked(task.id) for task in choose(seen[1])]
        return await genuine(self, seen, choose_free)

    unchecked = weakened("TAKE_PATH", "EXISTS", path_locks)
    with replaced(Dispatching, "_claim_one_of", claim_one_of), unchecked:
        yield


@contextmanager
def paths_released_early() -> Iterator[None]:
    """Paths are given back in a transaction before the one that ends their attempt."""
    genuine = Callbacks._move  # noqa: SLF001 - what a fault replaces

    async def move(self: Callbacks, seen: Any, task: Any, report: Any, policy: Any) -> Any:
        async with self.storage.write() as writer:
            await writer.release_paths(task.id, report.attempt)
        return await genuine(self, seen, task, report, policy)

    with replaced(Callbacks, "_move", move):
        yield


@contextmanager
def artifact_of_a_reset_attempt() -> Iterator[None]:
    """An artifact is kept whether or not its attempt was reset since."""
    with weakened("INSERT_ARTIFACT", "tasks.status", results):
        yield


@contextmanager
def regardless(statuses: Collection[TaskStatus]) -> Iterator[None]:
    """Let a task be moved to some statuses from whatever it is."""
    genuine = GuardedWrites.move_task

    async def move_task(self: GuardedWrites, task_id: int, attempt: int, **wanted: Any) -> Any:
        if wanted["status"] in statuses:
            task = await self.task(task_id)
            wanted["expected"] = wanted["expected"] if task is None else task.status
        return await genuine(self, task_id, attempt, **wanted)

    with replaced(GuardedWrites, "move_task", move_task):
        yield
