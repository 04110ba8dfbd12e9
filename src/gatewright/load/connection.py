"""One HTTP/1.1 connection of the lean client: a protocol object, callbacks instead of tasks and futures."""

import asyncio
from typing import Protocol, cast

import httptools

from gatewright.load.exchange import (
    LARGEST_BODY,
    LARGEST_HEAD,
    AnswerCutShortError,
    AnswerTooLargeError,
    BrokenAnswerError,
    Receiver,
)
from gatewright.load.request import Request

__all__ = ["Connection", "Pool"]

LARGEST_ON_WIRE = 2 * LARGEST_BODY
"""Bytes of an answer with its framing: chunks of a byte each would be six times their body."""

SWITCHING_PROTOCOLS = 101


class Pool(Protocol):
    """Where a connection belongs."""

    def release(self, connection: "Connection") -> None:
        """The connection can carry another request."""
        ...

    def lost(self, connection: "Connection") -> None:
        """The connection is gone."""
        ...


class ExcessError(Exception):
    """More came after the end of an answer."""


class Connection(asyncio.Protocol):
    """One keep-alive connection, with at most one request under way.

    The framing is that of RFC 9112: interim answers are passed over, a body without announced length ends
    with the connection, and one that ends otherwise than announced is no answer. A connection on which
    anything comes that was not asked for is not used again: the next request would take it for its answer.
    """

    __slots__ = (
        "bodiless",
        "body",
        "complete",
        "head",
        "idle_since",
        "keep",
        "parser",
        "pool",
        "receiver",
        "size",
        "status",
        "transport",
        "wire",
    )

    transport: asyncio.Transport

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.parser = httptools.HttpResponseParser(self)
        self.receiver: Receiver | None = None
        self.bodiless = False
        self.idle_since = 0.0
        self.keep = True
        self.complete = False
        self.status: int | None = None
        self.wire = 0
        self.size = 0
        self.head: list[bytes] = []
        self.body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio hands us the socket."""
        # uvloop's transports have the methods and not the base class.
        self.transport = cast(asyncio.Transport, transport)

    def send(self, request: Request, receiver: Receiver) -> None:
        """Write a request; the receiver hears of its answer."""
        self.receiver = receiver
        self.bodiless = request.method == "HEAD"
        self.transport.write(request.encoded)

    def abort(self) -> None:
        """Give up the request under way and the connection with it."""
        self.receiver = None
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Feed the parser; hand over an answer that is complete."""
        if self.receiver is None:
            self.transport.abort()
            return
        try:
            self._feed(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade, AnswerTooLargeError) as error:
            if not self.complete:
                self._break(in_our_words(error))
                return
            self.keep = False
        if self.complete:
            self._deliver()

    def on_message_begin(self) -> None:
        """The first byte of an answer (called by the parser)."""
        if self.complete:
            raise ExcessError

    def on_headers_complete(self) -> None:
        """The end of a head (called by the parser)."""
        status = self.parser.get_status_code()
        if not 100 <= status < 200 or status == SWITCHING_PROTOCOLS:  # noqa: PLR2004 - 1xx are interim
            self.status = status
            self.keep = status != SWITCHING_PROTOCOLS and self.parser.should_keep_alive()
            self.complete = self.bodiless

    def on_body(self, data: bytes) -> None:
        """A part of the body (called by the parser)."""
        self.size += len(data)
        if self.size > LARGEST_BODY:
            raise AnswerTooLargeError("the body of an answer is larger than 16 MiB")
        self.body.append(data)

    def on_message_complete(self) -> None:
        """The end of an answer, interim or not (called by the parser)."""
        self.complete = self.status is not None

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone, with an answer outstanding or not."""
        self.pool.lost(self)
        if self.receiver is None:
            return
        if exc is None and self.status is not None and not announces_length(self.head):
            self._deliver()
        elif self.wire:
            self._break(AnswerCutShortError("the connection was closed within an answer"))
        else:
            self._break(exc or ConnectionResetError("the connection was closed before the answer"))

    def _feed(self, data: bytes) -> None:
        self.wire += len(data)
        if self.status is None:
            self.head.append(data)
            if self.wire > LARGEST_HEAD:
                allowed = len(data) - (self.wire - LARGEST_HEAD)
                self._feed_last_of_head(data[:allowed])
                data = data[allowed:]
        elif self.wire > LARGEST_ON_WIRE:
            raise AnswerTooLargeError("an answer takes more than 32 MiB on the wire")
        self.parser.feed_data(data)

    def _feed_last_of_head(self, data: bytes) -> None:
        self.parser.feed_data(data)
        if self.status is None:
            raise AnswerTooLargeError("the head of an answer is larger than 64 KiB")

    def _deliver(self) -> None:
        receiver, self.receiver = self.receiver, None
        status, body, keep = self.status, b"".join(self.body), self.keep
        if self.bodiless:
            # The parser waits for the body that was announced and must not come.
            self.parser = httptools.HttpResponseParser(self)
            body, keep = b"", keep and not body
        self.complete = False
        self.status = None
        self.wire = self.size = 0
        self.head.clear()
        self.body.clear()
        if keep:
            self.pool.release(self)
        else:
            self.transport.abort()
        if receiver is not None and status is not None:
            receiver.answered(status, body)

    def _break(self, error: Exception) -> None:
        receiver, self.receiver = self.receiver, None
        self.transport.abort()
        if receiver is not None:
            receiver.broken(error)


class LengthReader:
    """Notes whether a head announces where its body ends (called by a parser)."""

    announced = False

    def on_message_begin(self) -> None:
        """A head begins; interim ones don't count."""
        self.announced = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        name = name.lower()
        if name == b"content-length" or (name == b"transfer-encoding" and value.lower().endswith(b"chunked")):
            self.announced = True


def announces_length(head: list[bytes]) -> bool:
    """Whether the last head in what was received announces where its body ends (RFC 9112, 6.3).

    Asked at the end of a connection only: to read all headers of all answers would cost more than the rest.
    """
    reader = LengthReader()
    httptools.HttpResponseParser(reader).feed_data(b"".join(head))
    return reader.announced


def in_our_words(error: Exception) -> Exception:
    """The error under one of the names that reports count by."""
    cause = error.__context__ if isinstance(error, httptools.HttpParserCallbackError) else error
    return cause if isinstance(cause, AnswerTooLargeError) else BrokenAnswerError(str(error))
