"""One request and its answer, whatever carries them: who waits, who can give up, and what may go wrong."""

from typing import Protocol

__all__ = [
    "LARGEST_BODY",
    "LARGEST_HEAD",
    "AnswerCutShortError",
    "AnswerTooLargeError",
    "BrokenAnswerError",
    "OutOfConnectionsError",
    "Receiver",
    "Sending",
]

LARGEST_HEAD = 64 * 1024
"""Bytes of status line and headers of an answer, with the interim answers (1xx) before it."""

LARGEST_BODY = 16 * 1024 * 1024
"""Bytes of an answer's body."""


class OutOfConnectionsError(Exception):
    """This machine, not the service, ran out of connections."""


class AnswerTooLargeError(Exception):
    """An answer has a larger head or body than a load client takes."""


class AnswerCutShortError(ConnectionError):
    """The connection was closed in the middle of an answer."""


class BrokenAnswerError(Exception):
    """What was answered is no HTTP/1.1."""


class Receiver(Protocol):
    """Who waits for an answer."""

    def answered(self, status: int, body: bytes) -> None:
        """The whole answer is there."""
        ...

    def broken(self, error: Exception) -> None:
        """There will be no answer."""
        ...


class Sending(Protocol):
    """A request under way."""

    def abort(self) -> None:
        """Give up: the receiver hears nothing more."""
        ...
