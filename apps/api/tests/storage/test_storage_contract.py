"""What every store does, whatever it is made of."""

from dataclasses import fields, replace

import pytest

from multyagents_api.domain.artifacts import ArtifactType, RequiredArtifact
from multyagents_api.domain.context7 import Context7
from multyagents_api.domain.errors import StoreBusy
from multyagents_api.domain.events import EventType, NewEvent
from multyagents_api.domain.projects import NewProject
from multyagents_api.domain.roles import NewRole, RetryPolicy
from multyagents_api.domain.runs import RunStatus
from multyagents_api.domain.skill_packs import NewSkillPack
from multyagents_api.domain.templates import Step
from multyagents_api.domain.workspaces import ExecutionMode, Sandbox, Workspace
from multyagents_api.service.ports import Outdated
from multyagents_api.service.runners import Submission, SubmissionState

pytestmark = pytest.mark.anyio

WORKSPACES = (
    Workspace(),
    Workspace(ExecutionMode.SHARED_WORKSPACE, ("/p/b", "/p/a")),
    Workspace(ExecutionMode.ISOLATED_WORKTREE),
    Workspace(ExecutionMode.DOCKER_SANDBOX, sandbox=Sandbox("i", ("c", ""))),
)
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


async def test_the_catalogue_is_read_again_whole(storage, moment):
    """Projects, skill packs, and what roles, templates and tasks hold of them, in order and in any script."""
    async with storage.write() as writer:
        project = await writer.insert_project(NewProject("ä", "/日本語", ("/日本語/b", "/日本語/a")), moment)
        packs = [
            await writer.insert_skill_pack(NewSkillPack(name, "🎉", ("s", "s")), moment)
            for name in ("p", "q")
        ]
        new = replace(ROLE, system_prompt="Go.", skill_pack_ids=(packs[1].id, packs[0].id))
        role = await writer.insert_role(new, moment)
        steps = tuple(
            Step(f"s{index}", role.id, "S", "", (), requires_approval=False, workspace=workspace)
            for index, workspace in enumerate(WORKSPACES)
        )
        required = (RequiredArtifact("s0", ArtifactType.DIFF, "ü"), RequiredArtifact("s0", ArtifactType.TEXT))
        steps += (
            Step(
                "last",
                role.id,
                "L",
                "",
                ("s0",),
                requires_approval=False,
                required_artifacts=required,
                quality_gates=("lint", "tests"),
                command=("make", "", "ü 🎉"),
                timeout_s=86_400,
            ),
        )
        template = await writer.insert_template("t", steps, moment, project_id=project.id)
        tasks = await writer.insert_tasks(None, steps, moment, project_id=project.id)
    assert project.allowed_paths == ("/日本語/b", "/日本語/a")
    assert (role.system_prompt, role.skill_pack_ids) == ("Go.", (packs[1].id, packs[0].id))
    assert (template.steps, template.project_id) == (steps, project.id)
    assert [task.run_id for task in tasks] == [None] * len(steps)
    for task, step in zip(tasks, steps, strict=True):
        assert (task.workspace, task.project_id) == (step.workspace, project.id)
        assert task.required_artifacts == step.required_artifacts
        assert task.quality_gates == step.quality_gates
    async with storage.read() as reader:
        assert await reader.project(project.id) == project
        assert await reader.projects_after(0, limit=9) == [project]
        assert await reader.projects_after(project.id, limit=9) == []
        assert await reader.skill_pack(packs[1].id) == packs[1]
        assert await reader.skill_packs_after(0, limit=1) == packs[:1]
        assert await reader.skill_packs_after(packs[0].id, limit=9) == packs[1:]
        assert await reader.role(role.id) == role
        assert await reader.template(template.id) == template
        assert [await reader.task(task.id) for task in tasks] == tasks


async def test_what_is_replaced_stays_the_same_row(storage, moment):
    """It keeps its id and its time; what does not exist is not replaced."""
    async with storage.write() as writer:
        project = await writer.insert_project(NewProject("p", "/p", ("/p",)), moment)
        pack = await writer.insert_skill_pack(NewSkillPack("p", "", ()), moment)
        role = await writer.insert_role(replace(ROLE, skill_pack_ids=(pack.id,)), moment)
        steps = (Step("a", role.id, "A", "", (), requires_approval=False),)
        template = await writer.insert_template("t", steps, moment)
        changes = (
            (writer.replace_project, project, NewProject("q", "/q", ("/q/a", "/q/b"))),
            (writer.replace_skill_pack, pack, NewSkillPack("q", "d", ("s",))),
            (writer.replace_role, role, NewRole("dev", True, ("x",), RetryPolicy(1, ("c",)), "p")),  # noqa: FBT003 - a field
        )
        for change, stored, new in changes:
            changed = await change(stored.id, new)
            assert changed == type(stored)(
                **{field.name: getattr(new, field.name) for field in fields(new)},
                id=stored.id,
                created_at=stored.created_at,
            )
            assert await change(999, new) is None
        longer = (*steps, replace(steps[0], step_id="b"))
        renamed = await writer.replace_template(template.id, "u", longer, project_id=project.id)
        assert renamed == replace(template, name="u", steps=longer, project_id=project.id)
        assert await writer.replace_template(999, "u", longer, project_id=None) is None


async def test_what_is_used_is_not_deleted(storage, stored, moment):
    """Each use refuses it, whole; what nothing uses goes once, and its id does not come back."""
    run, [task, _] = stored
    async with storage.write() as writer:
        project = await writer.insert_project(NewProject("p", "/p", ("/p",)), moment)
        other = await writer.insert_project(NewProject("o", "/o", ("/o",)), moment)
        pack = await writer.insert_skill_pack(NewSkillPack("p", "", ()), moment)
        role = await writer.insert_role(replace(ROLE, skill_pack_ids=(pack.id,)), moment)
        steps = (Step("a", role.id, "A", "", (), requires_approval=False),)
        template = await writer.insert_template("t", steps, moment, project_id=project.id)
        [alone] = await writer.insert_tasks(None, steps, moment, project_id=other.id)

    async def delete(name, key):
        async with storage.write() as writer:
            await writer.insert_skill_pack(NewSkillPack("lost", "", ()), moment)
            return await getattr(writer, f"delete_{name}")(key)

    used = (("project", project), ("project", other), ("skill_pack", pack), ("role", role))
    for name, kept in used:
        with pytest.raises(Outdated):
            await delete(name, kept.id)
    for name, key in (("role", task.role_id), ("template", run.template_id)):
        with pytest.raises(Outdated):
            await delete(name, key)
    async with storage.write() as writer:
        assert await writer.skill_packs_after(0, limit=9) == [pack]
        assert await writer.delete_template(template.id)
        assert not await writer.delete_template(template.id)
        assert await writer.delete_project(project.id)
        assert await writer.replace_role(role.id, ROLE) == replace(role, skill_pack_ids=())
        assert await writer.delete_skill_pack(pack.id)
        for name in ("project", "skill_pack", "role"):
            assert not await getattr(writer, f"delete_{name}")(999)
    with pytest.raises(Outdated):  # the task that belongs to no run still uses it
        await delete("role", alone.role_id)
    async with storage.write() as writer:
        assert (await writer.insert_template("t", steps, moment)).id > template.id
        assert (await writer.insert_skill_pack(NewSkillPack("p", "", ()), moment)).id > pack.id


async def test_nothing_is_used_that_is_not_there(storage, stored, moment):
    """A role that is gone, a skill pack, a project: each refuses what would refer to it."""
    run, [task, _] = stored
    steps = (Step("a", 999, "A", "", (), requires_approval=False),)
    good = (replace(steps[0], role_id=task.role_id),)

    async def role(writer):
        await writer.insert_role(replace(ROLE, skill_pack_ids=(999,)), moment)

    async def changed_role(writer):
        await writer.replace_role(task.role_id, replace(ROLE, skill_pack_ids=(999,)))

    async def template(writer):
        await writer.insert_template("t", steps, moment)

    async def changed_template(writer):
        await writer.replace_template(run.template_id, "t", steps, project_id=None)

    async def project_of_template(writer):
        await writer.insert_template("t", good, moment, project_id=999)

    async def tasks(writer):
        await writer.insert_tasks(None, steps, moment)

    async def project_of_task(writer):
        await writer.insert_tasks(None, good, moment, project_id=999)

    async def of_template(writer):
        await writer.insert_run(999, None, events=0, now=moment)

    for use in (
        role,
        changed_role,
        template,
        changed_template,
        project_of_template,
        tasks,
        project_of_task,
        of_template,
    ):
        with pytest.raises(Outdated):
            async with storage.write() as writer:
                await use(writer)
    async with storage.read() as reader:
        assert len(await reader.roles_after(0, limit=9)) == 1
        assert len(await reader.templates_after(0, limit=9)) == 1


async def test_nothing_is_found_of_what_is_not_there(storage):
    """Unknown ids give None, unknown runs no tasks and no events."""
    async with storage.read() as reader:
        assert await reader.project(5) is None
        assert await reader.skill_pack(5) is None
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
    """Names, sequence numbers, attempts and callback keys are unique; the second one is refused whole."""
    run, [task, _] = stored
    submission = Submission(run.id, task.id, 1, "free", task.role_id, "Free", "Go on.", context7_enabled=True)

    async def role(writer):
        await writer.insert_role(ROLE, moment)

    async def project(writer):
        await writer.insert_project(NewProject("p", "/p", ("/p",)), moment)

    async def pack(writer):
        await writer.insert_skill_pack(NewSkillPack("p", "", ()), moment)

    async def event(writer):
        await writer.append_events(run.id, 1, [NewEvent(EventType.RUN_RUNNING)], moment)

    async def attempt(writer):
        await writer.insert_submission(submission, None, moment)

    async def key(writer):
        await writer.insert_callback_key(task.id, "k", 1, task.status)

    for add in (role, project, pack, event, attempt, key):
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


@pytest.mark.postgresql
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


@pytest.mark.postgresql
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
        assert await writer.pending_submissions(before=moment, beyond=moment, limit=9) == [submission]
        assert await writer.finish_submission(task.id, 1, SubmissionState.QUEUED, moment)
        assert not await writer.finish_submission(task.id, 1, SubmissionState.SUBMIT_FAILED, moment)
        assert await writer.pending_submissions(before=moment, beyond=moment, limit=9) == []
        [attempt] = await writer.attempts_after(task.id, 0, limit=9)
    assert (attempt.attempt, attempt.state, attempt.approval) == (1, SubmissionState.QUEUED, None)
    assert attempt.context7_enabled is True


async def test_ready_means_reachable_with_its_tables(storage):
    """A store that was opened is ready."""
    assert await storage.trouble() is None
