"""A TCP proxy on loopback: the network between two processes, which can be cut, silenced and mended."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

__all__ = ["Proxy"]

CHUNK_BYTES = 64 * 1024
PATIENCE_S = 30.0
RESET_AT_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER of no time: whoever closes sends RST instead of what is left, as a router that lost its state."""

T = TypeVar("T")


class Proxy:
    """Forwards connections to one address; entering starts it, leaving ends it. Bytes are never looked at.

    What is silenced is not lost: like packets of a network that comes back, it arrives late, and also after
    its sender has given up. That is the harder case for both ends.

    Args:
        target: a port of loopback, or the path of a Unix socket.
    """

    def __init__(self, target: int | Path) -> None:
        self.port = 0
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._refuses = False
        self._requests = asyncio.Event()
        self._answers = asyncio.Event()
        self._open: set[asyncio.StreamWriter] = set()
        self._under_way: set[asyncio.Task[None]] = set()

    def cut(self) -> None:
        """Reset every connection, and each new one at once."""
        self._call(self._cut())

    def silence(self, *, answers_only: bool = False) -> None:
        """Take everything and forward nothing, or let requests through and hold back the answers."""
        self._call(self._silence(answers_only=answers_only))

    def heal(self) -> None:
        """Forward again, first what was held back."""
        self._call(self._heal())

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        self._loop.close()

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something on the loop that the connections live on."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    async def _start(self) -> None:
        server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._server = server
        await self._heal()

    async def _end(self) -> None:
        self._server.close()
        await self._cut()
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _cut(self) -> None:
        self._refuses = True
        self._requests.set()
        self._answers.set()
        for writer in list(self._open):
            _reset(writer)

    async def _silence(self, *, answers_only: bool) -> None:
        self._answers.clear()
        if not answers_only:
            self._requests.clear()

    async def _heal(self) -> None:
        self._refuses = False
        self._requests.set()
        self._answers.set()

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A new connection."""
        task = asyncio.create_task(self._connect(reader, writer))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection from its beginning to the end of both directions."""
        self._open.add(writer)
        try:
            await self._requests.wait()
            if self._refuses:
                return
            there, onward = await self._reach()
            self._open.add(onward)
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(_forward(reader, onward, self._requests))
                    both.create_task(_forward(there, writer, self._answers))
            finally:
                self._open.discard(onward)
                _reset(onward)
        except OSError:
            pass  # nobody listens there
        finally:
            self._open.discard(writer)
            _reset(writer)

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._target, Path):
            return await asyncio.open_unix_connection(str(self._target))
        return await asyncio.open_connection("127.0.0.1", self._target)


async def _forward(source: asyncio.StreamReader, sink: asyncio.StreamWriter, is_open: asyncio.Event) -> None:
    """One direction; who ends it or breaks it ends it for the other, when what came before has arrived."""
    with contextlib.suppress(OSError):
        while chunk := await source.read(CHUNK_BYTES):
            await is_open.wait()
            sink.write(chunk)
            await sink.drain()
    await is_open.wait()
    with contextlib.suppress(OSError):
        if sink.can_write_eof():
            sink.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection by RST; one that both ends have ended is closed by then."""
    with contextlib.suppress(OSError):
        end: socket.socket = writer.get_extra_info("socket")
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
    writer.transport.abort()
