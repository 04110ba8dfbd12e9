"""A store whose write transactions are spans; added only where traces are wanted."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, ExitStack
from types import TracebackType
from typing import NoReturn

from multyagents_api.domain.errors import StoreBusy
from multyagents_api.observing.spans import Tracing, failed
from multyagents_api.service.ports import Reader, Storage, Writer

__all__ = ["TracedStorage"]


class _TracedWriting(AbstractAsyncContextManager[Writer]):
    """One transaction; that it is rolled back is usual, that the store fails is not."""

    def __init__(self, writing: AbstractAsyncContextManager[Writer], tracing: Tracing) -> None:
        self._writing = writing
        self._tracing = tracing
        self._span = ExitStack()

    async def __aenter__(self) -> Writer:
        self._told = self._span.enter_context(self._tracing.step("store transaction"))
        try:
            return await self._writing.__aenter__()
        except BaseException as error:
            self._end(error)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        try:
            swallowed = await self._writing.__aexit__(kind, error, trace)
        except BaseException as failure:
            self._end(failure)
            raise
        self._end(error)
        return swallowed

    def _end(self, error: BaseException | None) -> None:
        self._told.set_attribute("multyagents.committed", error is None)
        if isinstance(error, StoreBusy):
            failed(self._told, type(error).__qualname__)
        self._span.close()


class TracedStorage:
    """Another store."""

    def __init__(self, storage: Storage, tracing: Tracing) -> None:
        self._storage = storage
        self._tracing = tracing

    def read(self) -> AbstractAsyncContextManager[Reader]:
        """Statements outside any transaction."""
        return self._storage.read()

    def write(self) -> AbstractAsyncContextManager[Writer]:
        """One transaction."""
        return _TracedWriting(self._storage.write(), self._tracing)

    async def trouble(self) -> str | None:
        """What is wrong with the store."""
        return await self._storage.trouble()

    async def maintain(self, pause: Callable[[], Awaitable[None]]) -> NoReturn:
        """Do after each pause what would hold up requests."""
        await self._storage.maintain(pause)

    async def aclose(self) -> None:
        """Let go of the store."""
        await self._storage.aclose()
