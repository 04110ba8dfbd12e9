"""A journey: a few steps that a user takes, each one's answer feeding the next one's request."""

import json
from collections.abc import Generator
from typing import NamedTuple, Protocol

from gatewright.load.request import Request

__all__ = ["Answer", "Call", "Journey", "StepFailedError"]


class Call(NamedTuple):
    """One request of a run: the number of its step in `Journey.steps`, and the request."""

    step: int
    request: Request


class Answer(NamedTuple):
    """What the service answered: status code and body."""

    status: int
    body: bytes

    def expect(self, status: int) -> None:
        """Fail the step unless it was answered with this status."""
        if self.status != status:
            raise StepFailedError(f"answered {self.status}")

    def json(self, status: int = 200) -> dict[str, object]:
        """The JSON object of an answer with this status.

        Raises:
            StepFailedError: the status is another one, or the body is no JSON object.
        """
        self.expect(status)
        try:
            document = json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise StepFailedError("answered with broken JSON") from error
        if not isinstance(document, dict):
            raise StepFailedError("answered with no JSON object")
        return document


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
