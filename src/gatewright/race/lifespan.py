"""The start and the end of an ASGI app, which frameworks tie their resources to."""

import asyncio
import inspect
from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar

from gatewright.core.errors import GatewrightError
from gatewright.race.client import Message

__all__ = ["AppStartError", "Lifespan"]

T = TypeVar("T")


class AppStartError(GatewrightError):
    """The app under test did not start."""


class Performer(Protocol):
    """Runs work to its end."""

    def perform(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it."""
        ...


class Lifespan:
    """Speaks the ASGI lifespan protocol with an app; one that does not know it is left alone."""

    def __init__(self, app: Any, loop: Performer) -> None:
        self._app = app
        self._loop = loop
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._outbox: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Run the app's start-up.

        Raises:
            AppStartError: the app says that it failed.
        """
        if callable(self._app) and not inspect.isclass(self._app):
            answer = self._loop.perform(self._say("startup"))
            if answer.get("type") == "lifespan.startup.failed":
                raise AppStartError(f"the app did not start: {answer.get('message', 'it gave no reason')}")

    def stop(self) -> None:
        """Run the app's shut-down, if it started."""
        if self._task is not None and not self._task.done():
            self._loop.perform(self._say("shutdown"))

    async def _say(self, word: str) -> Message:
        self._inbox.put_nowait({"type": f"lifespan.{word}"})
        if self._task is None:
            self._task = asyncio.create_task(self._serve())
        answer = asyncio.create_task(self._outbox.get())
        await asyncio.wait({answer, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        answer.cancel()
        return {}

    async def _serve(self) -> None:
        scope: Message = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        try:
            await self._app(scope, self._inbox.get, self._send)
        except Exception:  # noqa: BLE001 - the protocol's way to say that an app knows no lifespan
            return

    async def _send(self, message: Message) -> None:
        self._outbox.put_nowait(message)
