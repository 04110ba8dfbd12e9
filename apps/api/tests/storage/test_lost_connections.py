"""Connections to PostgreSQL that are lost in the midst of a request: refused as such, never acknowledged."""

import asyncpg
import pytest
from sqlalchemy import literal, select

from multyagents_api.domain.errors import StoreBusy, StoreFull, StoreUnreachable
from multyagents_api.storage.postgres import AwaitedConnection, PostgresStorage

pytestmark = pytest.mark.anyio

LOOK = select(literal(1))


class Driver:
    """A connection that fails as it is told, and may be lost."""

    def __init__(self, error=None):
        self.error = error
        self.closed = False
        self.executed = []

    def is_closed(self):
        return self.closed

    async def execute(self, sql, *_arguments):
        if self.closed:
            raise asyncpg.InterfaceError("connection is closed")
        self.executed.append(sql)
        return "BEGIN"

    async def fetch(self, *_arguments):
        raise self.error


@pytest.fixture
def storage(monkeypatch):
    """A storage over one connection, which is its driver."""
    storage = PostgresStorage.__new__(PostgresStorage)
    storage.driver = Driver()

    async def acquire():
        return storage.driver

    async def release(driver, *, abandon):
        storage.abandoned = abandon

    monkeypatch.setattr(storage, "acquire", acquire)
    monkeypatch.setattr(storage, "release", release)
    return storage


async def test_a_statement_that_the_loss_cut_short_is_refused():
    """The driver then fails in a way that else is a defect, and stays one."""
    driver = Driver(asyncpg.InternalClientError("cannot switch to state 12"))
    with pytest.raises(asyncpg.InternalClientError):
        await AwaitedConnection(driver).execute(LOOK)
    driver.closed = True
    with pytest.raises(StoreUnreachable):
        await AwaitedConnection(driver).execute(LOOK)


async def test_a_full_disk_of_the_server_is_refused_as_such():
    """Its connection is sound, and nothing was changed."""
    with pytest.raises(StoreFull):
        await AwaitedConnection(Driver(asyncpg.DiskFullError("No space left on device"))).execute(LOOK)


async def lose(storage, error=None):
    """Write, and lose the connection before the commit."""
    async with storage.write():
        storage.driver.closed = True
        if error is not None:
            raise error


async def test_what_can_not_be_committed_any_more_is_no_success(storage):
    """The connection went after the last statement: its transaction is rolled back by the server."""
    with pytest.raises(StoreUnreachable):
        await lose(storage)
    assert storage.driver.executed == ["BEGIN"]
    assert storage.abandoned


async def test_a_refusal_stays_what_it_is(storage):
    """Nothing is left to roll back."""
    with pytest.raises(LookupError):
        await lose(storage, LookupError())


async def test_a_connection_that_kept_a_statement_waiting_is_closed(storage):
    """It is asked nothing more, not even to roll back: whether its statement was executed is not known."""
    storage.driver.error = TimeoutError()
    with pytest.raises(StoreBusy):
        async with storage.write() as writer:
            await writer.run(1)
    assert storage.driver.executed == ["BEGIN"]
    assert storage.abandoned


async def test_a_connection_without_fault_is_used_again(storage):
    """After a refusal of the service's own it is rolled back and given back."""
    with pytest.raises(LookupError):
        async with storage.write():
            raise LookupError
    assert storage.driver.executed == ["BEGIN", "ROLLBACK"]
    assert not storage.abandoned
