"""Group commit: blocks that come together share one flush, and are still told apart."""

import asyncio
from collections import Counter

import pytest

from multyagents_api.domain.errors import StoreBusy, StoreFull
from multyagents_api.domain.roles import NewRole, RetryPolicy
from multyagents_api.service.ports import Outdated
from multyagents_api.storage.sqlite import SqliteStorage

pytestmark = pytest.mark.anyio


def role(name: str) -> NewRole:
    return NewRole(name, context7_enabled=False, allowed_tools=(), retry=RetryPolicy())


@pytest.fixture
async def storage(sqlite_file):
    opened = SqliteStorage(sqlite_file, busy_timeout_s=0, synchronous="FULL")
    yield opened
    await opened.aclose()


async def names(storage) -> list[str]:
    async with storage.read() as reader:
        return [each.name for each in await reader.roles_after(0, limit=500)]


async def add(storage, moment, name):
    async with storage.write() as writer:
        await writer.insert_role(role(name), moment)


async def test_blocks_that_come_together_are_committed_together(storage, moment):
    """Fifty writers at once make a few commits, and each of them is kept."""
    executed: Counter[str] = Counter()
    storage._writing.driver.set_trace_callback(lambda sql: executed.update([sql]))
    await asyncio.gather(*(add(storage, moment, f"r{number}") for number in range(50)))
    storage._writing.driver.set_trace_callback(None)
    assert len(await names(storage)) == 50
    assert executed["COMMIT"] == executed["BEGIN IMMEDIATE"] <= 2


async def test_a_block_that_fails_takes_no_other_with_it(storage, moment):
    """What one of them wrote is undone, the others stay; a second one of a name is refused alone."""

    async def fail():
        async with storage.write() as writer:
            await writer.insert_role(role("undone"), moment)
            raise ZeroDivisionError

    blocks = [add(storage, moment, name) for name in ("one", "two", "two")]
    ended = await asyncio.gather(fail(), *blocks, return_exceptions=True)
    assert [type(each) for each in ended] == [ZeroDivisionError, type(None), type(None), Outdated]
    assert await names(storage) == ["one", "two"]


async def test_nothing_is_seen_before_it_is_on_the_disk(storage, moment):
    """A reader sees committed work only, also that of its own process."""
    async with storage.write() as writer:
        await writer.insert_role(role("early"), moment)
        assert await names(storage) == []
    assert await names(storage) == ["early"]


async def test_all_fail_whose_commit_fails(storage, moment):
    """A full disk is told to every block, nothing of them is kept, and the store goes on afterwards."""
    driver = storage._writing.driver
    [pages] = driver.execute("PRAGMA page_count").fetchone()
    driver.execute(f"PRAGMA max_page_count={pages}")
    large = NewRole("large", False, (), RetryPolicy(), system_prompt="x" * 100_000)  # noqa: FBT003 - a field

    async def too_much():
        async with storage.write() as writer:
            await writer.insert_role(large, moment)

    ended = await asyncio.gather(add(storage, moment, "before"), too_much(), return_exceptions=True)
    assert isinstance(ended[1], StoreFull)
    assert isinstance(ended[0], StoreBusy | None)
    kept = await names(storage)
    assert kept == (["before"] if ended[0] is None else [])
    driver.execute("PRAGMA max_page_count=1000000")
    await too_much()
    assert await names(storage) == [*kept, "large"]


async def test_nothing_is_written_outside_of_the_shared_transaction(storage, moment):
    """SQLite ends it by itself on a full disk; who is still inside must not go on statement by statement."""

    async def add_around_a_rollback(*others):
        async with storage.write() as writer:
            await writer.insert_role(role("before"), moment)
            storage._writing.driver.execute("ROLLBACK")
            for name in others:
                await writer.insert_role(role(name), moment)

    for others in ((), ("after",)):
        with pytest.raises(StoreBusy):
            await add_around_a_rollback(*others)
    assert await names(storage) == []
    await add(storage, moment, "later")
    assert await names(storage) == ["later"]


async def test_who_waits_for_another_process_is_told_that_it_is_busy(storage, sqlite_file, moment):
    """All blocks that waited are refused, and the next ones go on."""
    rival = SqliteStorage(sqlite_file, busy_timeout_s=0)
    async with rival.write():
        blocks = [add(storage, moment, name) for name in ("one", "two")]
        ended = await asyncio.gather(*blocks, return_exceptions=True)
    assert [type(each) for each in ended] == [StoreBusy, StoreBusy]
    await rival.aclose()
    await add(storage, moment, "three")
    assert await names(storage) == ["three"]


async def test_who_gives_up_waiting_holds_nobody_up(storage, moment):
    """A canceled block ends; what it shared is committed without it."""
    blocks = [asyncio.create_task(add(storage, moment, name)) for name in ("stays", "goes")]
    await asyncio.sleep(0)
    blocks[1].cancel()
    ended = await asyncio.gather(*blocks, return_exceptions=True)
    assert ended[0] is None
    assert isinstance(ended[1], asyncio.CancelledError)
    assert "stays" in await names(storage)
