"""Each guard by itself: it lets the right row through, and answers None or False for every other."""

from dataclasses import replace
from datetime import timedelta

import pytest

from multyagents_api.domain.approvals import ApprovalStatus
from multyagents_api.domain.runs import RunStatus
from multyagents_api.domain.tasks import TaskStatus
from multyagents_api.domain.templates import Step
from multyagents_api.service.ports import Claim, LostAttempt
from multyagents_api.service.runners import Submission, SubmissionState

pytestmark = pytest.mark.anyio


async def test_touch_counts_the_change_and_reserves_numbers(storage, stored, moment):
    """Version and sequence grow; an unknown run is None."""
    run, _ = stored
    async with storage.write() as writer:
        touched = await writer.touch_run(run.id, events=3, now=moment)
        assert (touched.version, touched.event_sequence) == (run.version + 1, run.event_sequence + 3)
        assert await writer.touch_run(99, events=1, now=moment) is None


async def test_a_task_is_claimed_once(storage, stored, moment):
    """The first claim opens attempt 1, the second finds the task taken."""
    _, [free, _] = stored
    async with storage.write() as writer:
        claim = await writer.claim_task(free.id, moment)
        assert claim == Claim(1, "Go on.", None, "dev", True, "", ("git",), ())  # noqa: FBT003 - a field
        assert await writer.claim_task(free.id, moment) is None


async def test_a_gated_task_is_claimed_only_when_approved(storage, stored, moment):
    """Pending refuses, rejected refuses, approved lets it go and is named by the claim."""
    _, [_, gated] = stored
    async with storage.write() as writer:
        assert await writer.claim_task(gated.id, moment) is None
        decided = await writer.decide_approval(
            gated.approval_id, ApprovalStatus.APPROVED, actor="leo", comment=None, now=moment
        )
        assert (await writer.claim_task(gated.id, moment)).approval_id == decided.id


async def test_only_the_current_approval_counts(storage, stored, moment):
    """An approval that was replaced by a new request lets nothing go any more."""
    _, [_, gated] = stored
    async with storage.write() as writer:
        await writer.decide_approval(
            gated.approval_id, ApprovalStatus.APPROVED, actor="leo", comment=None, now=moment
        )
        await writer.open_approvals([gated], moment)
        assert await writer.claim_task(gated.id, moment) is None


@pytest.mark.parametrize("held", [RunStatus.PAUSED, RunStatus.ABORTED])
async def test_nothing_of_a_held_run_is_claimed(storage, stored, moment, held):
    """Paused and aborted runs give no task away."""
    run, [free, _] = stored
    async with storage.write() as writer:
        assert await writer.move_run(run.id, expected=RunStatus.CREATED, status=held)
        assert await writer.claim_task(free.id, moment) is None


async def test_a_task_moves_from_the_expected_state_only(storage, stored, moment):
    """Another status or another attempt leaves the row alone."""
    _, [free, _] = stored
    expected = TaskStatus.DISPATCHED
    async with storage.write() as writer:
        await writer.claim_task(free.id, moment)

        async def move(attempt, expected):
            return await writer.move_task(
                free.id, attempt, expected=expected, status=TaskStatus.RUNNING, reason="r", now=moment
            )

        assert await move(2, expected) is None
        assert await move(1, TaskStatus.QUEUED) is None
        moved = await move(1, expected)
        assert (moved.status, moved.reason) == (TaskStatus.RUNNING, "r")
        assert await move(1, expected) is None


async def test_an_approval_is_decided_once_and_only_while_its_task_waits(storage, stored, moment):
    """The second decision finds it decided; a canceled task takes none."""
    run, [_, gated] = stored

    async def decide(writer, status):
        return await writer.decide_approval(gated.approval_id, status, actor="leo", comment="c", now=moment)

    async with storage.write() as writer:
        decided = await decide(writer, ApprovalStatus.REJECTED)
        assert (decided.actor, decided.comment, decided.decided_at) == ("leo", "c", moment)
        assert await decide(writer, ApprovalStatus.APPROVED) is None
        await writer.open_approvals([gated], moment)
        await writer.cancel_created(run.id, "run aborted", moment)
        assert await decide(writer, ApprovalStatus.APPROVED) is None


async def test_a_rerun_begins_only_when_nobody_works_and_nobody_holds(storage, stored, moment):
    """Active tasks, a held run and another version each refuse it; otherwise it counts."""
    run, [free, _] = stored

    async def begin(writer, version=None):
        return await writer.begin_rerun(run.id, expected_version=version, events=2, now=moment)

    async with storage.write() as writer:
        counted = await begin(writer, run.version)
        assert (counted.rerun_count, counted.version, counted.event_sequence) == (1, run.version + 1, 2)
        assert await begin(writer, run.version) is None
        await writer.claim_task(free.id, moment)
        assert await begin(writer) is None
        await writer.move_task(
            free.id, 1, expected=TaskStatus.DISPATCHED, status=TaskStatus.FAILED, reason=None, now=moment
        )
        await writer.move_run(run.id, expected=RunStatus.CREATED, status=RunStatus.PAUSED)
        assert await begin(writer) is None


async def test_a_task_is_reset_once(storage, stored, moment):
    """Only failed, canceled and submit-failed tasks are reset, and all of the selection or it does not count."""
    run, [free, gated] = stored
    async with storage.write() as writer:

        async def reset(*task_ids):
            return await writer.reset_tasks(run.id, task_ids, rerun_number=1, now=moment)

        assert not await reset(free.id)
        await writer.cancel_created(run.id, "why", moment)
        assert not await reset(free.id, 999)
        assert not await reset(free.id, gated.id)
        assert [task.last_rerun for task in await writer.tasks(run.id)] == [1, 0]


async def test_retries_are_bounded_in_the_store_too(storage, stored, moment):
    """A failed task goes back once for each retry that it has left."""
    _, [free, _] = stored
    async with storage.write() as writer:
        for attempt, expected in ((1, True), (2, False)):
            await writer.claim_task(free.id, moment)
            assert await writer.schedule_retry(free.id, attempt, 1) is None
            await writer.move_task(
                free.id,
                attempt,
                expected=TaskStatus.DISPATCHED,
                status=TaskStatus.FAILED,
                reason=None,
                now=moment,
            )
            retried = await writer.schedule_retry(free.id, attempt, 1)
            assert (retried is not None) is expected


async def test_stopping_marks_active_tasks_once(storage, stored, moment):
    """Created tasks are not stopped, and what is being stopped is not stopped again."""
    run, [free, _] = stored
    async with storage.write() as writer:
        await writer.claim_task(free.id, moment)
        assert [task.id for task in await writer.request_cancel(run.id, moment)] == [free.id]
        assert await writer.request_cancel(run.id, moment) == []


async def test_running_into_an_approval_is_noted_once(storage, stored, moment):
    """The first dispatch that is blocked is told, the next ones are not."""
    _, [_, gated] = stored
    async with storage.write() as writer:
        assert await writer.note_blocked(gated.approval_id, moment)
        assert not await writer.note_blocked(gated.approval_id, moment)


async def test_a_task_is_taken_up_by_one_run(storage, stored, moment):
    """The first run gets it, at its place; a second one, or the same one again, finds it taken."""
    run, [free, _] = stored
    later = moment + timedelta(seconds=10)
    async with storage.write() as writer:
        step = Step("alone", free.role_id, "Alone", "", (), requires_approval=False)
        [alone] = await writer.insert_tasks(None, [step], moment)
        other = await writer.insert_run(None, "leo", events=0, now=moment)
        taken = await writer.take_task(alone.id, other.id, 3, later)
        assert taken == replace(alone, run_id=other.id, updated_at=later)
        for run_id in (run.id, other.id):
            assert await writer.take_task(alone.id, run_id, 4, later) is None
            assert await writer.take_task(free.id, run_id, 4, later) is None
        assert await writer.take_task(999, other.id, 4, later) is None
        assert await writer.tasks(other.id) == [taken]
        assert (await writer.run(other.id)).template_id is None


async def test_a_pending_dispatch_is_taken_on_once(storage, stored, moment):
    """Who comes second, or too early, or after its outcome was recorded, leaves it alone."""
    run, [free, _] = stored
    later = moment + timedelta(seconds=10)
    async with storage.write() as writer:
        submission = Submission(run.id, free.id, 1, "free", 1, "Free", "", context7_enabled=False)
        await writer.insert_submission(submission, None, moment)

        async def take_on(before):
            return await writer.take_on_submission(free.id, 1, before=before, beyond=later, now=later)

        early = moment - timedelta(seconds=1)
        assert await writer.pending_submissions(before=early, beyond=later, limit=9) == []
        assert not await take_on(early)
        assert await take_on(moment)
        assert not await take_on(moment)
        assert await writer.pending_submissions(before=moment, beyond=later, limit=9) == []
        assert await take_on(later)
        await writer.finish_submission(free.id, 1, SubmissionState.QUEUED, later)
        assert not await take_on(later)


@pytest.mark.postgresql
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
async def test_who_takes_dispatches_on_waits_for_nobody(storage, rival, stored, moment):
    """A dispatch that another process is at is passed over at once, also one whose process hangs."""
    run, tasks = stored
    later = moment + timedelta(seconds=10)
    async with storage.write() as writer:
        for task in tasks:
            submission = Submission(run.id, task.id, 1, "a", 1, "A", "", context7_enabled=False)
            await writer.insert_submission(submission, None, moment)

    async def take_on(writer, task):
        return await writer.take_on_submission(task.id, 1, before=moment, beyond=later, now=later)

    async with storage.write() as writer:
        assert await take_on(writer, tasks[0])
        async with rival.write() as other:  # would be told that the store is busy, if it waited
            assert not await take_on(other, tasks[0])
            assert await take_on(other, tasks[1])
    async with rival.write() as other:
        assert [await take_on(other, task) for task in tasks] == [False, False]


async def test_a_lost_attempt_ends_while_its_lease_is_over(storage, stored, moment):
    """Another attempt, another status, a lease that goes on or none at all: each leaves the row alone."""
    _, [free, _] = stored
    later = moment + timedelta(seconds=30)
    async with storage.write() as writer:
        await writer.claim_task(free.id, moment)

        async def end(attempt=1, expected=TaskStatus.DISPATCHED, now=later, beyond=None):
            return await writer.end_lost_attempt(
                free.id,
                attempt,
                expected=expected,
                status=TaskStatus.FAILED,
                reason="lost",
                now=now,
                beyond=beyond,
            )

        assert await end() is None
        assert await writer.extend_lease(free.id, 1, later) is TaskStatus.DISPATCHED
        assert await writer.extend_lease(free.id, 1, None) is TaskStatus.DISPATCHED
        for wrong in ({"attempt": 2}, {"expected": TaskStatus.QUEUED}, {"now": moment}):
            assert await end(**wrong) is None
        early = later - timedelta(microseconds=1)
        assert await writer.lost_attempts(early, beyond=None, limit=9) == []
        assert await writer.lost_attempts(later, beyond=None, limit=9) == [
            LostAttempt(free.run_id, free.id, 1)
        ]
        ended = await end()
        assert (ended.status, ended.reason) == (TaskStatus.FAILED, "lost")
        assert await end(expected=TaskStatus.FAILED) is None
        assert await writer.lost_attempts(later, beyond=None, limit=9) == []


async def test_a_lease_beyond_what_can_be_is_over(storage, stored, moment):
    """Its clock was set back since; one that ends at the last possible moment is none of these."""
    _, [free, _] = stored
    until = moment + timedelta(seconds=30)
    async with storage.write() as writer:
        await writer.claim_task(free.id, moment)
        await writer.extend_lease(free.id, 1, until)
        expected, status = TaskStatus.DISPATCHED, TaskStatus.FAILED

        async def end(beyond):
            return await writer.end_lost_attempt(
                free.id, 1, expected=expected, status=status, reason="lost", now=moment, beyond=beyond
            )

        early = until - timedelta(microseconds=1)
        assert await writer.lost_attempts(moment, beyond=until, limit=9) == []
        assert await end(until) is None
        assert await writer.lost_attempts(moment, beyond=early, limit=9) == [
            LostAttempt(free.run_id, free.id, 1)
        ]
        assert (await end(early)).status is TaskStatus.FAILED


async def test_a_dispatch_from_a_time_to_come_is_overdue(storage, stored, moment):
    """The clock was set back since it was recorded; who takes it on records it by the clock as it is."""
    run, [free, _] = stored
    early = moment - timedelta(hours=1)
    long_ago, beyond = early - timedelta(seconds=10), early + timedelta(seconds=10)
    async with storage.write() as writer:
        submission = Submission(run.id, free.id, 1, "free", 1, "Free", "", context7_enabled=False)
        await writer.insert_submission(submission, None, moment)
        assert await writer.pending_submissions(before=early, beyond=moment, limit=9) == []
        assert await writer.pending_submissions(before=early, beyond=beyond, limit=9) == [submission]
        taken = [
            await writer.take_on_submission(free.id, 1, before=long_ago, beyond=beyond, now=early)
            for _ in range(2)
        ]
        assert taken == [True, False]
        assert await writer.pending_submissions(before=moment, beyond=beyond, limit=9) == [submission]


async def test_a_lease_lives_as_long_as_its_attempt(storage, stored, moment):
    """A move within the attempt keeps or extends it, its end ends it, and nobody extends it then."""
    _, [free, _] = stored
    until = [moment + timedelta(seconds=seconds) for seconds in (0, 10, 20)]
    lost = [LostAttempt(free.run_id, free.id, 1)]
    async with storage.write() as writer:
        await writer.claim_task(free.id, moment)

        async def move(expected, status, lease_until=None):
            return await writer.move_task(
                free.id,
                1,
                expected=expected,
                status=status,
                reason=None,
                now=moment,
                lease_until=lease_until,
            )

        assert await move(TaskStatus.DISPATCHED, TaskStatus.QUEUED, until[1])
        assert await writer.lost_attempts(until[0], beyond=None, limit=9) == []
        assert await writer.lost_attempts(until[1], beyond=None, limit=9) == lost
        assert await move(TaskStatus.QUEUED, TaskStatus.RUNNING, until[2])
        assert await writer.lost_attempts(until[1], beyond=None, limit=9) == []
        assert await move(TaskStatus.RUNNING, TaskStatus.CANCEL_REQUESTED)
        assert await writer.lost_attempts(until[2], beyond=None, limit=9) == lost
        assert await writer.extend_lease(free.id, 1, until[2]) is TaskStatus.CANCEL_REQUESTED
        assert await move(TaskStatus.CANCEL_REQUESTED, TaskStatus.CANCELED, until[2])
        assert await writer.lost_attempts(until[2], beyond=None, limit=9) == []
        assert await writer.extend_lease(free.id, 1, until[2]) is None
