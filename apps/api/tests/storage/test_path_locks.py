"""Path locks in the store: who has which path, for whom it is free, and what two transactions at once make of it."""

import asyncio

import pytest

from multyagents_api.domain.errors import StoreBusy
from multyagents_api.domain.templates import Step
from multyagents_api.service.ports import Outdated

pytestmark = pytest.mark.anyio


@pytest.fixture
async def task_ids(storage, stored, moment):
    """Three tasks."""
    run, [task, _] = stored
    steps = [Step(name, task.role_id, name, "", (), requires_approval=False) for name in "abc"]
    async with storage.write() as writer:
        other = await writer.insert_run(run.template_id, None, events=0, now=moment)
        return [task.id for task in await writer.insert_tasks(other.id, steps, moment)]


async def test_a_path_is_taken_and_given_back(storage, task_ids):
    """By the attempt that has it, and by no other; what was given back is told in order, once."""
    first, second, _ = task_ids
    async with storage.write() as writer:
        assert await writer.take_paths(first, 1, ["/b", "/a/ä"])
        assert not await writer.take_paths(second, 1, ["/b"])
        assert await writer.release_paths(first, 2) == []
        assert await writer.release_paths(second, 1) == []
        assert not await writer.take_paths(second, 1, ["/b"])
        assert await writer.release_paths(first, 1) == ["/a/ä", "/b"]
        assert await writer.release_paths(first, 1) == []
        assert await writer.take_paths(second, 1, ["/b"])


@pytest.mark.parametrize(
    ("held", "wanted", "free"),
    [
        ("/a", "/a", False),
        ("/a", "/a/b", False),
        ("/a/b/c", "/a", False),
        ("/", "/a", False),
        ("/a", "/", False),
        ("/", "/", False),
        ("/a/b", "/a/bc", True),
        ("/a/bc", "/a/b", True),
        ("/a_", "/ab/c", True),
        ("/%", "/a/b", True),
        ("/a", "/A", True),
        ("/ä/🎉", "/ä/🎉/x", False),
        ("/ä🎉", "/ä🎉x", True),
        ("/a\\", "/a\\/b", False),
        ("/a'b", "/a'b", False),
    ],
)
async def test_what_is_free_may_be_taken(storage, task_ids, held, wanted, free):
    """The look and the taking agree, inside of a path and around it; to oneself everything is free."""
    first, second, _ = task_ids
    async with storage.write() as writer:
        assert await writer.take_paths(first, 1, [held])
    async with storage.write() as writer:
        assert await writer.paths_are_free(second, [wanted]) is free
        assert await writer.paths_are_free(first, [wanted])
        assert await writer.take_paths(second, 1, [wanted]) is free
        assert await writer.release_paths(second, 1) == ([wanted] if free else [])


async def test_all_paths_are_taken_or_none(storage, task_ids):
    """One that another task has leaves the others where they were."""
    first, second, third = task_ids
    async with storage.write() as writer:
        assert await writer.take_paths(first, 1, ["/b"])
        assert not await writer.paths_are_free(second, ["/a", "/b", "/c"])
        assert not await writer.take_paths(second, 1, ["/a", "/b", "/c"])
        assert await writer.paths_are_free(third, ["/a", "/c"])
        assert await writer.take_paths(third, 1, ["/a", "/c"])


async def test_no_paths_are_free_and_taken(storage, task_ids):
    """Nobody waits for nothing."""
    async with storage.write() as writer:
        assert await writer.paths_are_free(task_ids[0], [])
        assert await writer.take_paths(task_ids[0], 1, [])


async def test_a_task_takes_a_path_for_one_attempt_at_a_time(storage, task_ids):
    """A path that an attempt still has is refused to the next one of the same task: one of them is a mistake."""
    async with storage.write() as writer:
        assert await writer.take_paths(task_ids[0], 1, ["/a"])
    with pytest.raises(Outdated):
        async with storage.write() as writer:
            await writer.take_paths(task_ids[0], 2, ["/a"])


async def test_locks_go_with_their_transaction(storage, rival, task_ids):
    """Taken and rolled back is not taken; committed, it is so for every process."""
    first, second, _ = task_ids
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - what raises is the end of the block
        async with storage.write() as writer:
            await writer.take_paths(first, 1, ["/a"])
            raise ZeroDivisionError
    async with storage.write() as writer:
        assert await writer.take_paths(second, 1, ["/a"])
    async with rival.read() as reader:
        assert not await reader.paths_are_free(first, ["/a/b"])


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("rolls_back", [False, True])
async def test_the_second_of_two_takers_waits_for_the_first(storage, task_ids, database, rolls_back):
    """Two transactions at once: the second sees what the first one made of it, and not what was there before."""
    first, second, _ = task_ids
    waits = asyncio.Event()

    async def take_second():
        async with storage.write() as writer:
            waits.set()
            return await writer.take_paths(second, 1, ["/a/b"])

    async def take_first():
        async with storage.write() as writer:
            assert await writer.take_paths(first, 1, ["/a"])
            rivals.append(asyncio.create_task(take_second()))
            await waits.wait()
            await until_it_waits(storage, rivals[0])
            assert not rivals[0].done()
            if rolls_back:
                raise ZeroDivisionError

    rivals: list[asyncio.Task[bool]] = []
    await asyncio.gather(take_first(), return_exceptions=rolls_back)
    assert await rivals[0] is rolls_back


async def until_it_waits(storage, rival):
    """Ask the server until one of its transactions waits for another one, or the rival did not have to."""
    driver = await storage.acquire()
    try:
        while not rival.done() and not await driver.fetchval(
            "SELECT count(*) FROM pg_locks WHERE NOT granted"
        ):
            pass
    finally:
        await storage.release(driver)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
async def test_a_taker_waits_no_longer_than_any_statement(storage, rival, task_ids):
    """A transaction that does not end makes the others busy, and they leave nothing behind."""
    first, second, _ = task_ids
    async with storage.write() as writer:
        assert await writer.take_paths(first, 1, ["/a"])
        with pytest.raises(StoreBusy):
            async with rival.write() as other:
                await other.take_paths(second, 1, ["/b"])
    async with rival.write() as other:
        assert await other.take_paths(second, 1, ["/b"])


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_second_writer_is_refused_before_it_looks(storage, rival, task_ids):
    """One transaction writes at a time, and the next one sees what it did."""
    first, second, _ = task_ids
    async with storage.write() as writer:
        assert await writer.take_paths(first, 1, ["/a"])
        with pytest.raises(StoreBusy):
            async with rival.write():
                pytest.fail("two writers at once")
    async with rival.write() as other:
        assert not await other.take_paths(second, 1, ["/a"])


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
async def test_giving_back_waits_for_nobody(storage, rival, task_ids):
    """An attempt ends while others take paths: what it had becomes free with its commit."""
    first, second, third = task_ids
    async with storage.write() as writer:
        assert await writer.take_paths(first, 1, ["/a"])
    async with storage.write() as writer:
        assert await writer.take_paths(second, 1, ["/b"])
        async with rival.write() as other:
            assert await other.release_paths(first, 1) == ["/a"]
            assert not await writer.take_paths(third, 1, ["/a"])
        assert await writer.take_paths(third, 1, ["/a"])
