"""What every store does, whatever it is made of."""

import pytest

from multyagents_api.domain.context7 import Context7
from multyagents_api.domain.errors import StoreBusy
from multyagents_api.domain.events import EventType, NewEvent
from multyagents_api.domain.roles import NewRole, RetryPolicy
from multyagents_api.domain.runs import RunStatus
from multyagents_api.domain.templates import Step
from multyagents_api.service.ports import Outdated, Submission, SubmissionState

pytestmark = pytest.mark.anyio

ROLE = NewRole("ops", context7_enabled=False, allowed_tools=("git", "make"), retry=RetryPolicy(3, ("flaky",)))


async def test_what_is_written_is_read_again_whole(storage, moment):
    """Roles and templates come back equal, to the microsecond and in any script."""
    async with storage.write() as writer:
        role = await writer.insert_role(ROLE, moment)
        steps = (
            Step("ä", role.id, "Übung", "日本語 🎉", (), requires_approval=False),
            Step(
                "b",
                role.id,
                "B",
                "",
                ("ä",),
                requires_approval=True,
                carries_approval_over=True,
                context7=Context7.FORCE_OFF,
            ),
        )
        template = await writer.insert_template("t", steps, moment)
    assert template.steps == steps
    async with storage.read() as reader:
        assert await reader.role(role.id) == role
        assert await reader.template(template.id) == template
        assert await reader.known_roles([role.id, 999]) == {role.id}
    assert role.created_at == moment


async def test_nothing_is_found_of_what_is_not_there(storage):
    """Unknown ids give None, unknown runs no tasks and no events."""
    async with storage.read() as reader:
        assert await reader.role(5) is None
        assert await reader.template(5) is None
        assert await reader.run(5) is None
        assert await reader.run_with_tasks(5) is None
        assert await reader.task(5) is None
        assert await reader.approval(5) is None
        assert await reader.tasks(5) == []
        assert await reader.events_after(0, run_id=5, kind=None, limit=9) == []
        assert await reader.attempts_after(5, 0, limit=9) == []
        assert await reader.callback_with_key(5, "k") is None


async def test_a_transaction_is_all_or_nothing(storage, moment):
    """What raises inside the block leaves nothing behind, and the next transaction begins clean."""
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - what raises is the end of the block
        async with storage.write() as writer:
            await writer.insert_role(ROLE, moment)
            raise ZeroDivisionError
    async with storage.read() as reader:
        assert await reader.roles_after(0, limit=9) == []
    async with storage.write() as writer:
        await writer.insert_role(ROLE, moment)
    async with storage.read() as reader:
        assert len(await reader.roles_after(0, limit=9)) == 1


async def test_uniqueness_rolls_back_as_outdated(storage, stored, moment):
    """Names of roles, sequence numbers, attempts and callback keys are unique; the second one is refused whole."""
    run, [task, _] = stored
    submission = Submission(run.id, task.id, 1, "free", task.role_id, "Free", "Go on.", context7_enabled=True)

    async def role(writer):
        await writer.insert_role(ROLE, moment)

    async def event(writer):
        await writer.append_events(run.id, 1, [NewEvent(EventType.RUN_RUNNING)], moment)

    async def attempt(writer):
        await writer.insert_submission(submission, None, moment)

    async def key(writer):
        await writer.insert_callback_key(task.id, "k", 1, task.status)

    for add in (role, event, attempt, key):
        async with storage.write() as writer:
            await add(writer)
        with pytest.raises(Outdated):  # noqa: PT012 - the commit raises
            async with storage.write() as writer:
                await writer.settle_run(run.id, RunStatus.FAILED, 9)
                await add(writer)
    async with storage.read() as reader:
        assert (await reader.run(run.id)) == run


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_second_writer_is_told_that_the_store_is_busy(storage, rival, moment):
    """A writer waits for its time-out only; readers go on meanwhile and see what was committed."""
    async with storage.write() as writer:
        await writer.insert_role(ROLE, moment)
        with pytest.raises(StoreBusy):
            async with rival.write():
                pytest.fail("two writers at once")
        async with rival.read() as reader:
            assert await reader.roles_after(0, limit=9) == []
    async with rival.read() as reader:
        assert [role.name for role in await reader.roles_after(0, limit=9)] == ["ops"]
    async with rival.write() as writer:
        await writer.insert_role(NewRole("dev", False, (), RetryPolicy()), moment)  # noqa: FBT003 - a field


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
async def test_writers_of_one_run_wait_for_each_other_only(storage, rival, stored, moment):
    """A second writer of a run is told that it is busy, a writer of another run goes on meanwhile."""
    run, _ = stored
    async with storage.write() as writer:
        await writer.touch_run(run.id, events=1, now=moment)
        with pytest.raises(StoreBusy):
            async with rival.write() as other:
                await other.touch_run(run.id, events=1, now=moment)
        async with rival.write() as other:
            assert await other.insert_run(run.template_id, None, events=0, now=moment)
    async with rival.write() as other:
        assert (await other.touch_run(run.id, events=1, now=moment)).version == run.version + 2


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
async def test_no_event_is_missed_whose_transaction_ends_late(storage, rival, stored, moment):
    """A reader of all events never gets past one that took its id first and is committed last."""
    first, _ = stored
    async with rival.write() as other:
        second = await other.insert_run(first.template_id, None, events=1, now=moment)
    told = [NewEvent(EventType.RUN_RUNNING)]

    async def seen(after=0):
        async with storage.read() as reader:
            return [
                event.run_id for event in await reader.events_after(after, run_id=None, kind=None, limit=9)
            ]

    async with storage.write() as writer:
        await writer.append_events(first.id, 1, told, moment)
        async with rival.write() as other:
            await other.append_events(second.id, 1, told, moment)
        assert await seen() == []
    assert await seen() == [first.id, second.id]


async def test_runs_are_paged_in_order_and_by_status(storage, stored, moment):
    """A page holds what follows the cursor; a status narrows it."""
    first, _ = stored
    async with storage.write() as writer:
        others = [await writer.insert_run(first.template_id, None, events=0, now=moment) for _ in range(4)]
        assert await writer.move_run(others[1].id, expected=RunStatus.CREATED, status=RunStatus.PAUSED)
    async with storage.read() as reader:
        everything = await reader.runs_after(0, status=None, limit=3)
        rest = await reader.runs_after(everything[-1].id, status=None, limit=3)
        paused = await reader.runs_after(0, status=RunStatus.PAUSED, limit=3)
    assert [run.id for run in everything + rest] == [first.id, *(run.id for run in others)]
    assert [run.id for run in paused] == [others[1].id]


async def test_events_are_numbered_and_filtered(storage, stored, moment):
    """Events come in order, with their payload, by run and by type."""
    run, [task, _] = stored
    told = [
        NewEvent(EventType.RUN_RUNNING),
        NewEvent(
            EventType.TASK_DISPATCHED, task.id, 1, task.role_id, {"step_id": "ä", "list": ["x"], "n": None}
        ),
    ]
    async with storage.write() as writer:
        await writer.append_events(run.id, 1, told, moment)
        await writer.append_events(run.id, 3, [], moment)
    async with storage.read() as reader:
        events = await reader.events_after(0, run_id=run.id, kind=None, limit=9)
        assert await reader.events_after(0, run_id=None, kind="task.dispatched", limit=9) == events[1:]
        assert await reader.events_after(events[0].id, run_id=None, kind=None, limit=9) == events[1:]
    assert [event.sequence for event in events] == [1, 2]
    assert (events[1].payload, events[1].time) == (told[1].payload, moment)


async def test_the_outbox_gives_back_what_it_got(storage, stored, moment):
    """A submission waits until its outcome is recorded, once."""
    run, [task, _] = stored
    submission = Submission(run.id, task.id, 1, "free", task.role_id, "Free", "Go on.", context7_enabled=True)
    async with storage.write() as writer:
        await writer.insert_submission(submission, None, moment)
        assert await writer.pending_submissions(before=moment, limit=9) == [submission]
        assert await writer.finish_submission(task.id, 1, SubmissionState.QUEUED, moment)
        assert not await writer.finish_submission(task.id, 1, SubmissionState.SUBMIT_FAILED, moment)
        assert await writer.pending_submissions(before=moment, limit=9) == []
        [attempt] = await writer.attempts_after(task.id, 0, limit=9)
    assert (attempt.attempt, attempt.state, attempt.approval) == (1, SubmissionState.QUEUED, None)
    assert attempt.context7_enabled is True


async def test_ready_means_reachable_with_its_tables(storage):
    """A store that was opened is ready."""
    assert await storage.ready()
