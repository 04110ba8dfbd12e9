"""What the actors asked and what they were answered, recorded first and judged afterwards."""

from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["History", "Operation", "Response"]

SERVER_ERRORS = range(500, 600)


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: status, and the body as JSON values (None where it was empty or no JSON)."""

    status: int
    json: object = None

    @property
    def ok(self) -> bool:
        """Whether the request was carried out (2xx)."""
        return 200 <= self.status < 300  # noqa: PLR2004 - the class of success codes


@dataclass(frozen=True, slots=True)
class Operation:
    """A request and its answer.

    `called` and `returned` order operations: one that returned before another was called precedes it. They
    count steps under exploration and are nanoseconds of one clock under stress. `error` is what the app
    raised, if it did. A request that was never answered has the status 0.
    """

    actor: str
    method: str
    path: str
    body: object
    response: Response
    called: int
    returned: int
    error: str = ""

    @property
    def answered(self) -> bool:
        """Whether the answer tells what was done; who hears nothing, or of a failure, can't know."""
        return self.response.status != 0 and self.response.status not in SERVER_ERRORS


@dataclass(slots=True)
class History:
    """All operations of one race, in the order in which they returned."""

    operations: list[Operation] = field(default_factory=list)

    def __iter__(self) -> Iterator[Operation]:
        return iter(self.operations)

    def __len__(self) -> int:
        return len(self.operations)

    def to(self, method: str, path_end: str = "") -> list[Operation]:
        """The operations with this method whose path ends so."""
        return [op for op in self.operations if op.method == method and op.path.endswith(path_end)]
