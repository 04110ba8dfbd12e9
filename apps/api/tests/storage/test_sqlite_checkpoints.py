"""Checkpoints of SQLite: off the loop while serving, and never lost work."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from multyagents_api.domain.roles import NewRole, RetryPolicy
from multyagents_api.storage.sqlite import checkpoint

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]

ROLE = NewRole("ops", context7_enabled=False, allowed_tools=(), retry=RetryPolicy(0, ()))


def roles_in_file(database) -> int:
    """How many roles the database file itself holds, whatever its write-ahead log says."""
    with closing(sqlite3.connect(f"file:{database}?immutable=1", uri=True)) as connection:
        return connection.execute("SELECT count(*) FROM roles").fetchone()[0]


async def test_maintenance_moves_the_log_into_the_file(storage, database, moment):
    """After the pause, not before; the connection that serves takes no part in it."""
    checkpoint(database)
    async with storage.write() as writer:
        await writer.insert_role(ROLE, moment)
    assert roles_in_file(database) == 0

    async def pause() -> None:
        if roles_in_file(database):
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await storage.maintain(pause)
    assert roles_in_file(database) == 1


async def test_a_reader_of_an_old_state_is_not_disturbed(storage, database, moment):
    """What it still needs stays in the log, and the checkpoint says that not all of it went."""
    with closing(sqlite3.connect(database, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM roles").fetchone()[0] == 0
        async with storage.write() as writer:
            await writer.insert_role(ROLE, moment)
        assert not checkpoint(database)
        assert reader.execute("SELECT count(*) FROM roles").fetchone()[0] == 0
    assert checkpoint(database)


async def test_a_checkpoint_that_fails_ends_nothing(storage, database, caplog):
    """It is logged, and tried again after the next pause."""
    pauses = iter([None, None])

    async def pause() -> None:
        if next(pauses, StopAsyncIteration) is StopAsyncIteration:
            raise asyncio.CancelledError
        storage._database = database / "nowhere"

    with pytest.raises(asyncio.CancelledError):
        await storage.maintain(pause)
    assert caplog.text.count("could not be checkpointed") == 2
