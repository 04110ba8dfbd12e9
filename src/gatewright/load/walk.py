"""One run on its way through a journey: each answer is fed to it, and what it yields next is sent."""

from collections.abc import Generator
from typing import Protocol

from gatewright.load.exchange import OutOfConnectionsError, Receiver, Sending
from gatewright.load.journey import Answer, Call, StepFailedError
from gatewright.load.mix import Mix
from gatewright.load.recording import Outcome
from gatewright.load.request import Request

__all__ = ["DEFAULT_DEADLINE_S", "Sender", "Walk"]

DEFAULT_DEADLINE_S = 5.0


class Sender(Protocol):
    """What carries requests: an HTTP client, or the application itself."""

    def send(self, request: Request, receiver: Receiver) -> Sending:
        """Send a request; the receiver hears of its answer, never before this returns."""
        ...


class Walk:
    """A run under way. A loop's own kind of run says what becomes of it in `succeeded` and `failed`.

    Args:
        sender: what carries the requests.
        mix: the journeys.
        journey: the number of the one that is made.

    Attributes:
        step: the number, among all steps of the mix, of the present one.
    """

    __slots__ = ("_calls", "_journey", "_mix", "_sender", "_sending", "step")

    def __init__(self, sender: Sender, mix: Mix, journey: int) -> None:
        self._sender = sender
        self._mix = mix
        self._journey = journey
        self._calls: Generator[Call, Answer, None] = mix.journeys[journey].run()
        self._sending: Sending | None = None
        self.step = mix.number(journey, 0)

    def succeeded(self) -> None:
        """The last step was answered as it should be."""
        raise NotImplementedError

    def failed(self, reason: str, outcome: Outcome) -> None:
        """The run is over at the present step, FAILED or DROPPED."""
        raise NotImplementedError

    def answered(self, status: int, body: bytes) -> None:
        """The answer of the present step."""
        self.advance(Answer(status, body))

    def broken(self, error: Exception) -> None:
        """The present step gets no answer."""
        if isinstance(error, OutOfConnectionsError):
            self._fail(str(error), Outcome.DROPPED)
        else:
            self._fail(type(error).__name__)

    def expire(self) -> None:
        """The deadline of the run is over."""
        self.abort()
        self._fail("no answer within the deadline")

    def abort(self) -> None:
        """Give up; nobody hears of it."""
        if self._sending is not None:
            self._sending.abort()
        self._calls.close()

    def advance(self, answer: Answer | None) -> None:
        """Send the first request (None), or what follows on an answer."""
        try:
            call = next(self._calls) if answer is None else self._calls.send(answer)
            self.step = self._mix.number(self._journey, call.step)
            self._sending = self._sender.send(call.request, self)
        except StopIteration:
            self.succeeded()
        except StepFailedError as failure:
            self._fail(str(failure))
        except OutOfConnectionsError as failure:
            self._fail(str(failure), Outcome.DROPPED)
        except Exception as error:  # noqa: BLE001 - whatever the answer broke, it is this run that failed
            self._fail(f"unreadable answer: {type(error).__name__}")

    def _fail(self, reason: str, outcome: Outcome = Outcome.FAILED) -> None:
        self._calls.close()
        self.failed(reason, outcome)
