"""Quality gates: what a success must have passed."""

from collections.abc import Mapping
from enum import StrEnum

from multyagents_api.domain.errors import QualityGatesNotPassed, UnknownQualityGate
from multyagents_api.domain.tasks import Task, TaskStatus

__all__ = ["GateResult", "check_gates", "gates_with"]


class GateResult(StrEnum):
    """How a quality gate ended; values are the words on the wire."""

    PASSED = "passed"
    FAILED = "failed"


def check_gates(task: Task, status: TaskStatus, results: Mapping[str, GateResult]) -> None:
    """Refuse results of gates that the task does not have, and a success that did not pass all it has.

    Raises:
        UnknownQualityGate: a result is about something else.
        QualityGatesNotPassed: the success of the task is not told whole.
    """
    for gate in results:
        if gate not in task.quality_gates:
            raise UnknownQualityGate(task.id, gate)
    if status is not TaskStatus.SUCCESS:
        return
    missing = [gate for gate in task.quality_gates if gate not in results]
    failed = [gate for gate in task.quality_gates if results.get(gate) is GateResult.FAILED]
    if missing or failed:
        raise QualityGatesNotPassed(task.id, missing, failed)


def gates_with(result: GateResult, results: Mapping[str, GateResult]) -> list[str]:
    """The gates that ended like that."""
    return [gate for gate, found in results.items() if found is result]
