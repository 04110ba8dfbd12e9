"""Apps that start and stop with resources of their own."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI

from gatewright.race.lifespan import AppStartError, Lifespan
from gatewright.race.loop import ScheduledLoop


@pytest.fixture
def loop() -> Iterator[ScheduledLoop]:
    made = ScheduledLoop()
    yield made
    made.close()


def test_an_app_is_started_once_and_stopped_once(loop: ScheduledLoop) -> None:
    """In the order of its own lifespan."""
    seen = []

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        seen.append("start")
        yield
        seen.append("stop")

    handled = Lifespan(FastAPI(lifespan=lifespan), loop)
    handled.start()
    assert seen == ["start"]
    handled.stop()
    handled.stop()
    assert seen == ["start", "stop"]


def test_an_app_that_does_not_start_says_why(loop: ScheduledLoop) -> None:
    """In one line."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    with pytest.raises(AppStartError, match="the app did not start: no database"):
        Lifespan(app, loop).start()


def test_an_app_that_knows_no_lifespan_is_left_alone(loop: ScheduledLoop) -> None:
    """The protocol allows it to raise, and plain objects are no ASGI apps at all."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"

    for each in (app, None, object(), dict):
        handled = Lifespan(each, loop)
        handled.start()
        handled.stop()
