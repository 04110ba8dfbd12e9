"""Planted faults of dispatches: who may go, what is kept of it, and who hands it over."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from multyagents_api.domain.errors import ApprovalRequired
from multyagents_api.domain.events import EventType
from multyagents_api.domain.tasks import ready_tasks
from multyagents_api.scenarios.planted.planting import replaced, weakened
from multyagents_api.service import change, dispatching, retry
from multyagents_api.service.dispatching import Dispatching
from multyagents_api.service.outbox import Outbox
from multyagents_api.storage.writes import SqlWriter

__all__ = [
    "approval_read_before_the_write",
    "blocked_told_again",
    "dispatch_acknowledged_twice",
    "dispatch_in_a_held_run",
    "double_dispatch",
    "events_outside_the_transaction",
    "gated_task_blocks_free_one",
    "giving_up_at_once",
    "lost_audit_update",
    "outbox_outside_the_transaction",
    "overdue_taken_on_twice",
    "task_in_two_runs",
    "unapproved_dispatch",
]


@contextmanager
def double_dispatch() -> Iterator[None]:
    """A dispatch trusts what it read before its transaction, and the claim does not ask the task's status."""
    with replaced(change, "is_current", lambda *_: True), weakened("CLAIM_TASK", "tasks.status"):
        yield


@contextmanager
def dispatch_acknowledged_twice() -> Iterator[None]:
    """Who saw a ready task and finds nothing to do is told the dispatch of whoever was faster."""
    dispatch_ready, submit = Dispatching.dispatch_ready, Dispatching._submit  # noqa: SLF001 - what a fault replaces
    latest: dict[int, Any] = {}

    async def note(self: Dispatching, submission: Any) -> Any:
        latest[submission.run_id] = await submit(self, submission)
        return latest[submission.run_id]

    async def dispatch(self: Dispatching, run_id: int) -> Any:
        async with self.storage.read() as reader:
            seen = await reader.run_with_tasks(run_id)
        answer = await dispatch_ready(self, run_id)
        saw_work = seen is not None and any(not task.requires_approval for task in ready_tasks(seen[1]))
        return latest.get(run_id, answer) if saw_work and not answer.dispatched else answer

    with replaced(Dispatching, "dispatch_ready", dispatch), replaced(Dispatching, "_submit", note):
        yield


@contextmanager
def unapproved_dispatch() -> Iterator[None]:
    """The claim no longer asks for the approval."""
    with weakened("CLAIM_TASK", "approvals"):
        yield


@contextmanager
def approval_read_before_the_write() -> Iterator[None]:
    """Whether a task is approved is read before the transaction, and not asked again by the claim."""
    genuine = Dispatching._claim_one_of  # noqa: SLF001 - what a fault replaces

    async def claim_one_of(self: Dispatching, seen: Any, choose: Any) -> Any:
        async with self.storage.read() as reader:
            approvals = await reader.approvals_of_run(seen[0].id)
        approved = {approval.task_id for approval in approvals if approval.status == "approved"}

        def choose_approved(tasks: Sequence[Any]) -> list[Any]:
            return [task for task in choose(tasks) if not task.requires_approval or task.id in approved]

        if not choose_approved(seen[1]):
            return [ApprovalRequired(task.id) for task in choose(seen[1])]
        return await genuine(self, seen, choose_approved)

    with replaced(Dispatching, "_claim_one_of", claim_one_of), weakened("CLAIM_TASK", "approvals"):
        yield


@contextmanager
def dispatch_in_a_held_run() -> Iterator[None]:
    """Whether the run is paused or aborted is read before the transaction only."""
    with replaced(dispatching, "HELD", frozenset()), weakened("CLAIM_TASK", "runs.status"):
        yield


@contextmanager
def gated_task_blocks_free_one() -> Iterator[None]:
    """Only the first ready task is tried: one that waits for its approval starves those behind it."""
    with replaced(dispatching, "ready_tasks", lambda tasks: ready_tasks(tasks)[:1]):
        yield


@contextmanager
def giving_up_at_once() -> Iterator[None]:
    """Who was overtaken once is told to try again: the slowest client starves."""
    with replaced(retry, "MAX_DECISIONS", 1):
        yield


@contextmanager
def outbox_outside_the_transaction() -> Iterator[None]:
    """The outbox row is written after the dispatch was committed."""
    insert, late = SqlWriter.insert_submission, {}

    async def postpone(_self: SqlWriter, submission: Any, approval_id: Any, now: Any) -> None:
        late[submission.task_id, submission.attempt] = approval_id, now

    async def make_up(writer: Any, submission: Any) -> None:
        await insert(writer, submission, *late.pop((submission.task_id, submission.attempt)))

    with replaced(SqlWriter, "insert_submission", postpone), before_delivery(make_up):
        yield


@contextmanager
def events_outside_the_transaction() -> Iterator[None]:
    """The events of a dispatch are written after it was committed."""
    append, late = SqlWriter.append_events, {}

    async def postpone(self: SqlWriter, run_id: int, first: int, events: Any, now: Any) -> None:
        if any(event.type is EventType.TASK_DISPATCHED for event in events):
            late[run_id] = first, events, now
        else:
            await append(self, run_id, first, events, now)

    async def make_up(writer: Any, submission: Any) -> None:
        if submission.run_id in late:
            await append(writer, submission.run_id, *late.pop(submission.run_id))

    with replaced(SqlWriter, "append_events", postpone), before_delivery(make_up):
        yield


@contextmanager
def lost_audit_update() -> Iterator[None]:
    """The audit does not keep which approval let an attempt go."""
    insert = SqlWriter.insert_submission

    async def forget(self: SqlWriter, submission: Any, _approval_id: Any, now: Any) -> None:
        await insert(self, submission, None, now)

    with replaced(SqlWriter, "insert_submission", forget):
        yield


@contextmanager
def blocked_told_again() -> Iterator[None]:
    """That an approval blocks a dispatch is told whenever somebody meets it."""
    with weakened("NOTE_BLOCKED", "blocked_at"):
        yield


@contextmanager
def overdue_taken_on_twice() -> Iterator[None]:
    """Who takes an overdue dispatch on does not ask whether somebody else just did."""
    with weakened("TAKE_ON_SUBMISSION", "updated_at"):
        yield


@contextmanager
def task_in_two_runs() -> Iterator[None]:
    """A run takes a task up without asking whether it still belongs to none."""
    with weakened("TAKE_TASK", "run_id"):
        yield


@contextmanager
def before_delivery(make_up: Any) -> Iterator[None]:
    """Let a dispatch be handed over only after a transaction of its own for what it left out."""
    deliver = Outbox.deliver

    async def deliver_after(self: Outbox, submission: Any) -> Any:
        async with self.storage.write() as writer:
            await make_up(writer, submission)
        return await deliver(self, submission)

    with replaced(Outbox, "deliver", deliver_after):
        yield
