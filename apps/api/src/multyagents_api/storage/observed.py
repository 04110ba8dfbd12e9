"""A store whose write transactions are timed, and whose failures are counted."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from time import perf_counter
from types import TracebackType
from typing import Generic, NoReturn, TypeVar

from multyagents_api.domain.errors import StoreBusy, StoreUnreachable
from multyagents_api.observing.metrics import Metrics
from multyagents_api.service.ports import Reader, Storage, Writer

__all__ = ["ObservedStorage"]

T = TypeVar("T")


class _Counted(AbstractAsyncContextManager[T], Generic[T]):
    """A use of the store, whose failure is counted."""

    def __init__(self, use: AbstractAsyncContextManager[T], metrics: Metrics) -> None:
        self._use = use
        self._metrics = metrics

    async def __aenter__(self) -> T:
        try:
            return await self._use.__aenter__()
        except StoreBusy as error:
            self._count(error)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        try:
            swallowed = await self._use.__aexit__(kind, error, trace)
        except StoreBusy as failure:
            self._count(failure)
            raise
        if isinstance(error, StoreBusy):
            self._count(error)
        return swallowed

    def _count(self, error: StoreBusy) -> None:
        self._metrics.store_failed("unreachable" if isinstance(error, StoreUnreachable) else "busy")


class _Timed(_Counted[T]):
    """A transaction, which is timed as well."""

    async def __aenter__(self) -> T:
        self._start = perf_counter()
        return await super().__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        try:
            return await super().__aexit__(kind, error, trace)
        finally:
            self._metrics.written(perf_counter() - self._start)


class ObservedStorage:
    """Another store, which metrics are told of."""

    def __init__(self, storage: Storage, metrics: Metrics) -> None:
        self._storage = storage
        self._metrics = metrics

    def read(self) -> AbstractAsyncContextManager[Reader]:
        """Statements outside any transaction."""
        return _Counted(self._storage.read(), self._metrics)

    def write(self) -> AbstractAsyncContextManager[Writer]:
        """One transaction."""
        return _Timed(self._storage.write(), self._metrics)

    async def trouble(self) -> str | None:
        """What is wrong with the store."""
        return await self._storage.trouble()

    async def maintain(self, pause: Callable[[], Awaitable[None]]) -> NoReturn:
        """Do after each pause what would hold up requests."""
        await self._storage.maintain(pause)

    async def aclose(self) -> None:
        """Let go of the store."""
        await self._storage.aclose()
