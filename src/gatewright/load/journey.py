"""A journey: a few steps that a user takes, each one's answer feeding the next one's request."""

from collections.abc import Generator
from typing import NamedTuple, Protocol

__all__ = ["Answer", "Call", "Journey", "StepFailedError"]


class Call(NamedTuple):
    """One request of a run: the number of its step in `Journey.steps`, and the encoded request."""

    step: int
    request: bytes


class Answer(NamedTuple):
    """What the service answered: status code and body."""

    status: int
    body: bytes


class StepFailedError(Exception):
    """A step was answered otherwise than it should be; the message is counted, so keep it free of ids."""


class Journey(Protocol):
    """What one run does. Implementations are stateless: many runs are under way at once."""

    @property
    def steps(self) -> tuple[str, ...]:
        """Names of the steps, in order."""
        ...

    def run(self) -> Generator[Call, Answer, None]:
        """Yield each call, be sent its answer; return on success, raise `StepFailedError` otherwise.

        Any other exception is a failed run as well: an answer that the journey can't read.
        """
        ...
