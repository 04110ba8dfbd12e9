"""What the tests of the use cases share: a second process, into which a rival breaks at the worst moment."""

from contextlib import asynccontextmanager

import pytest

from multyagents_api.bootstrap import AuthKind, Settings, create_app


@pytest.fixture
async def interrupted(database):
    """The use cases of a second process; `storage.rival` acts before its next write."""
    app = create_app(Settings(database, auth=AuthKind.OFF))
    storage = app.state.services.storage
    write = storage.write
    storage.rival = None

    @asynccontextmanager
    async def interrupted_write():
        if storage.rival is not None:
            act, storage.rival = storage.rival, None
            await act()
        async with write() as writer:
            yield writer

    storage.write = interrupted_write
    yield app.state.services
    await app.state.services.storage.aclose()
