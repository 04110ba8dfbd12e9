"""The interleaving that a race took, as rows to be read from top to bottom."""

from collections.abc import Iterable, Mapping, Sequence

from gatewright.core.interleaving import Interleaving, Request, Row, RowKind, TakenStep, order_rows
from gatewright.race.history import Operation
from gatewright.race.schedule import Step

__all__ = ["Interleaving", "Row", "RowKind", "TakenStep", "interleaving", "taken"]


def taken(step: Step) -> TakenStep:
    """The step of a trace."""
    preempted = step.choice.current if step.preempts else None
    return TakenStep(step.actor, step.label, step.waited, preempted or "")


def interleaving(
    steps: Sequence[TakenStep],
    *,
    operations: Iterable[Operation] = (),
    violations: Mapping[str, Sequence[str]] | None = None,
    broken_at: Mapping[str, int] | None = None,
) -> Interleaving:
    """Put the steps, operations and violations of a race in one order; see `order_rows`."""
    return order_rows(steps, requests=map(request_of, operations), violations=violations, broken_at=broken_at)


def request_of(operation: Operation) -> Request:
    """An operation as it is shown."""
    return Request(
        actor=operation.actor,
        method=operation.method,
        path=operation.path,
        body=operation.body,
        status=operation.response.status,
        answer=operation.response.json,
        called=operation.called,
        returned=operation.returned,
        error=operation.error,
    )
