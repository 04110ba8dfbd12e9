"""What a service does to one request after the other: the measure for what it does to many at once."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from gatewright.race.history import Operation, Response

__all__ = ["Done", "Refused", "SequentialModel", "State", "fits"]

State = TypeVar("State", bound=Hashable)

CONFLICT = 409


@dataclass(frozen=True, slots=True)
class Done(Generic[State]):
    """The request is carried out (2xx).

    `state` is the state after it; `answer` has what the response's body then says: of an object the fields
    that matter, anything else whole, None for whatever it says.
    """

    state: State
    answer: object = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The request is refused with this status, and changes nothing; `answer` as in `Done`."""

    status: int = CONFLICT
    answer: object = None


class SequentialModel(ABC, Generic[State]):
    """A sequential specification of a service. All methods are pure; states are hashable and never None.

    Requests that were answered must be answered as `step` says. Who was never answered (status 0), or with
    5xx, may have been heard or not, also later; `step` then only tells what hearing it would have changed.
    """

    def parts(self, operation: Operation) -> Iterable[Operation]:
        """What the service does at once, where it does a request in several steps; by default all of it.

        Parts take place in their order, with others in between. No parts: the request asks for nothing that
        the model knows, or was answered with "try again".
        """
        return (operation,)

    def key(self, operation: Operation) -> Hashable:  # noqa: ARG002 - for those who override it
        """What an operation is about; operations with different keys are judged apart."""
        return ""

    def standing_keys(self) -> Iterable[Hashable]:
        """Keys whose end is looked at even where no operation is about them."""
        return ()

    @abstractmethod
    def initial(self, key: Hashable) -> State:
        """The state before the race."""

    @abstractmethod
    def step(self, state: State, operation: Operation) -> Done[State] | Refused:
        """What the service does to this request in this state; the response is not looked at."""

    def differences(self, key: Hashable, state: State, observed: Any) -> Iterable[str]:  # noqa: ARG002 - likewise
        """In what the observed state differs from one that an order leads to; nothing where it fits."""
        return ()

    def describe(self, state: State) -> str:
        """The state in a few words, for whoever reads a violation."""
        return str(state)


def fits(outcome: Done[State] | Refused, response: Response) -> bool:
    """Whether a response is the one that a model expects."""
    expected = response.ok if isinstance(outcome, Done) else response.status == outcome.status
    if not expected:
        return False
    return outcome.answer is None or _says(response.json, outcome.answer)


def _says(body: object, expected: object) -> bool:
    if isinstance(expected, Mapping) and isinstance(body, Mapping):
        return all(name in body and body[name] == value for name, value in expected.items())
    return body == expected
