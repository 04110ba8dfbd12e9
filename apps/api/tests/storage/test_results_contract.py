"""What every store does with artifacts, hand-offs and approvals of runs, whatever it is made of."""

from datetime import timedelta

import pytest

from multyagents_api.domain.artifacts import ArtifactType, NewArtifact, ProducedArtifact
from multyagents_api.domain.events import CustomEventType, NewEvent
from multyagents_api.domain.handoffs import NewHandoff
from multyagents_api.domain.tasks import TaskStatus
from multyagents_api.service.ports import DispatchTimes, Outdated
from multyagents_api.service.runners import Submission
from multyagents_api.storage.results import MOST_ARTIFACTS

pytestmark = pytest.mark.anyio

TEXT = NewArtifact(ArtifactType.TEXT, "ä.md", "日本語 🎉", None, "0" * 64, 14)
FILE = NewArtifact(ArtifactType.FILE, "build", None, "out/build.zip", "f" * 64, 2**53)
HANDOFF = NewHandoff("Ü done", "All of it.", ("merge",), ("why?", "日本語"), (3, 1))


async def dispatched(storage, task, moment):
    """The task in its first attempt."""
    async with storage.write() as writer:
        claim = await writer.claim_task(task.id, moment)
        submission = Submission(task.run, task.id, claim.attempt, "s", task.role_id, "T", "", False)  # noqa: FBT003 - a field
        await writer.insert_submission(submission, None, moment)
        return await writer.task(task.id)


async def test_artifacts_come_back_whole_and_listings_without_content(storage, stored, moment):
    """To the microsecond, in any script, with the largest size there is."""
    run, [free, _] = stored
    task = await dispatched(storage, free, moment)
    async with storage.write() as writer:
        text = await writer.insert_artifact(task.id, 1, TEXT, moment)
        file = await writer.insert_artifact(task.id, 1, FILE, moment)
    assert (text.run_id, text.task_id, text.attempt, text.created_at) == (run.id, task.id, 1, moment)
    assert (text.content, text.name, file.location, file.size) == (
        "日本語 🎉",
        "ä.md",
        "out/build.zip",
        2**53,
    )
    async with storage.read() as reader:
        assert await reader.artifact(text.id) == text
        listed = await reader.artifacts_after(0, run_id=None, task_id=None, kind=None, limit=9)
    assert [(found.id, found.name, found.sha256) for found in listed] == [
        (text.id, "ä.md", "0" * 64),
        (file.id, "build", "f" * 64),
    ]
    assert not any(hasattr(found, "content") for found in listed)


async def test_an_artifact_is_refused_unless_its_attempt_is_the_latest(storage, stored, moment):
    """Never dispatched, an attempt before or after, or reset since: nothing is written."""
    _, [free, _] = stored
    async with storage.write() as writer:
        assert await writer.insert_artifact(free.id, 0, TEXT, moment) is None
    await dispatched(storage, free, moment)
    async with storage.write() as writer:
        assert await writer.insert_artifact(free.id, 0, TEXT, moment) is None
        assert await writer.insert_artifact(free.id, 2, TEXT, moment) is None
        await writer.move_task(
            free.id, 1, expected=TaskStatus.DISPATCHED, status=TaskStatus.FAILED, reason=None, now=moment
        )
        assert await writer.insert_artifact(free.id, 1, TEXT, moment) is not None
        assert await writer.reset_tasks(free.run, [free.id], rerun_number=1, now=moment)
        assert await writer.insert_artifact(free.id, 1, TEXT, moment) is None
        assert await writer.insert_artifact(999, 1, TEXT, moment) is None
    async with storage.read() as reader:
        assert len(await reader.artifacts_after(0, run_id=None, task_id=None, kind=None, limit=9)) == 1


async def test_artifacts_are_paged_by_run_task_and_type(storage, stored, moment):
    """Each filter narrows what follows the cursor."""
    run, [free, _] = stored
    task = await dispatched(storage, free, moment)
    async with storage.write() as writer:
        ids = [(await writer.insert_artifact(task.id, 1, new, moment)).id for new in (TEXT, FILE, TEXT, FILE)]
    async with storage.read() as reader:
        for place in ({"run_id": run.id, "task_id": None}, {"run_id": None, "task_id": task.id}):
            first = await reader.artifacts_after(0, **place, kind=None, limit=3)
            rest = await reader.artifacts_after(first[-1].id, **place, kind=None, limit=3)
            files = await reader.artifacts_after(0, **place, kind=ArtifactType.FILE, limit=3)
            assert [found.id for found in first + rest] == ids
            assert [found.id for found in files] == [ids[1], ids[3]]
        for place in ({"run_id": 99, "task_id": None}, {"run_id": None, "task_id": 99}):
            assert await reader.artifacts_after(0, **place, kind=None, limit=3) == []


async def test_what_the_steps_of_a_run_produced_tells_the_latest_attempt(storage, stored, moment):
    """An artifact of an attempt that is over is told as such."""
    run, [free, _] = stored
    task = await dispatched(storage, free, moment)
    async with storage.write() as writer:
        await writer.insert_artifact(task.id, 1, TEXT, moment)
        assert await writer.artifacts_of_run(run.id) == [
            ProducedArtifact("free", ArtifactType.TEXT, "ä.md", is_current=True)
        ]
        await writer.move_task(
            task.id,
            1,
            expected=TaskStatus.DISPATCHED,
            status=TaskStatus.SUBMIT_FAILED,
            reason=None,
            now=moment,
        )
        await writer.claim_task(task.id, moment)
        assert await writer.artifacts_of_run(run.id) == [
            ProducedArtifact("free", ArtifactType.TEXT, "ä.md", is_current=False)
        ]
        assert await writer.artifacts_of_run(99) == []


async def test_known_artifacts_are_those_of_the_run(storage, stored, moment):
    """One of another run, and one that nobody made, are unknown; as many as may be asked for can be."""
    run, [free, _] = stored
    task = await dispatched(storage, free, moment)
    async with storage.write() as writer:
        ids = [(await writer.insert_artifact(task.id, 1, TEXT, moment)).id for _ in range(MOST_ARTIFACTS + 1)]
    async with storage.read() as reader:
        assert await reader.known_artifacts(run.id, [ids[0], 999, ids[2]]) == {ids[0], ids[2]}
        assert await reader.known_artifacts(run.id, ids[1:]) == set(ids[1:])
        assert await reader.known_artifacts(run.id, []) == frozenset()
        assert await reader.known_artifacts(99, ids[:1]) == frozenset()


async def test_hand_offs_come_back_whole_once_for_each_attempt(storage, stored, moment):
    """Lists keep their order; a second hand-off of an attempt is refused whole; the latest attempt's is found."""
    run, [free, gated] = stored
    async with storage.write() as writer:
        first = await writer.insert_handoff(free, 1, HANDOFF, moment)
        third = await writer.insert_handoff(free, 3, NewHandoff("short"), moment)
        other = await writer.insert_handoff(gated, 1, NewHandoff("other"), moment)
    assert (first.summary, first.open_questions, first.artifact_ids) == ("Ü done", ("why?", "日本語"), (3, 1))
    assert (first.run_id, first.task_id, first.attempt, first.created_at) == (run.id, free.id, 1, moment)
    with pytest.raises(Outdated):
        async with storage.write() as writer:
            await writer.insert_handoff(free, 3, HANDOFF, moment)
    async with storage.read() as reader:
        assert await reader.latest_handoff(free.id) == third
        assert await reader.latest_handoff(99) is None
        assert await reader.handoffs_after(0, run_id=None, task_id=None, limit=9) == [first, third, other]
        assert await reader.handoffs_after(first.id, run_id=run.id, task_id=None, limit=1) == [third]
        assert await reader.handoffs_after(first.id, run_id=None, task_id=free.id, limit=9) == [third]
        assert await reader.handoffs_after(0, run_id=99, task_id=None, limit=9) == []


async def test_approvals_of_a_run_are_those_that_count(storage, stored, moment):
    """The approvals that its tasks name now, not those of attempts before."""
    run, [_, gated] = stored
    async with storage.write() as writer:
        [old] = await writer.approvals_of_run(run.id)
        [renewed] = await writer.open_approvals([gated], moment)
        assert await writer.approvals_of_run(run.id) == [renewed]
        assert await writer.approvals_of_run(99) == []
    assert old.id == gated.approval_id


async def test_dispatch_times_are_those_of_the_first_and_the_latest_attempt(storage, stored, moment):
    """A task that was never dispatched has none."""
    run, [free, _] = stored
    later = moment + timedelta(minutes=1)
    await dispatched(storage, free, moment)
    async with storage.write() as writer:
        assert await writer.dispatch_times(run.id) == [DispatchTimes(free.id, moment, moment)]
        await writer.move_task(
            free.id,
            1,
            expected=TaskStatus.DISPATCHED,
            status=TaskStatus.SUBMIT_FAILED,
            reason=None,
            now=moment,
        )
    await dispatched(storage, free, later)
    async with storage.read() as reader:
        assert await reader.dispatch_times(run.id) == [DispatchTimes(free.id, moment, later)]


async def test_an_event_is_found_by_its_number(storage, stored, moment):
    """Also one of a type that a client made up."""
    run, _ = stored
    new = NewEvent(CustomEventType("custom.deploy"), payload={"n": 2**53, "list": ["ä"], "none": None})
    async with storage.write() as writer:
        await writer.append_events(run.id, 1, [new], moment)
        found = await writer.event(run.id, 1)
        assert (found.type, found.payload, found.time) == ("custom.deploy", new.payload, moment)
        assert await writer.event(run.id, 2) is None
