"""A success has passed every gate of its task; nobody reports on gates that it does not have."""

from datetime import UTC, datetime

import pytest

from multyagents_api.domain.context7 import Context7
from multyagents_api.domain.errors import QualityGatesNotPassed, UnknownQualityGate
from multyagents_api.domain.gates import GateResult, check_gates, gates_with
from multyagents_api.domain.tasks import Task, TaskStatus

PASSED, FAILED = GateResult.PASSED, GateResult.FAILED
TASK = Task(
    id=1,
    run_id=1,
    step_id="a",
    role_id=1,
    title="Do it",
    depends_on=(),
    requires_approval=False,
    approval_id=None,
    carries_approval_over=False,
    context7=Context7.INHERIT,
    status=TaskStatus.RUNNING,
    attempt=1,
    retries_used=0,
    last_rerun=0,
    reason=None,
    updated_at=datetime(2026, 1, 1, tzinfo=UTC),
    quality_gates=("lint", "tests"),
)


@pytest.mark.parametrize(
    ("results", "missing", "failed"),
    [
        ({}, ["lint", "tests"], []),
        ({"tests": PASSED}, ["lint"], []),
        ({"tests": FAILED}, ["lint"], ["tests"]),
        ({"lint": PASSED, "tests": FAILED}, [], ["tests"]),
    ],
)
def test_a_success_needs_every_gate_passed(results, missing, failed):
    """The refusal names what was not reported, and what failed."""
    with pytest.raises(QualityGatesNotPassed) as refused:
        check_gates(TASK, TaskStatus.SUCCESS, results)
    assert (refused.value.missing, refused.value.failed) == (missing, failed)
    assert all(gate in str(refused.value) for gate in missing + failed)


def test_a_success_with_every_gate_passed_is_one():
    """In any order."""
    check_gates(TASK, TaskStatus.SUCCESS, {"tests": PASSED, "lint": PASSED})


@pytest.mark.parametrize("status", [TaskStatus.RUNNING, TaskStatus.FAILED, TaskStatus.CANCELED])
def test_other_reports_may_tell_of_gates_or_not(status):
    """Only a success has to pass them."""
    check_gates(TASK, status, {})
    check_gates(TASK, status, {"lint": FAILED})


@pytest.mark.parametrize("status", [TaskStatus.SUCCESS, TaskStatus.FAILED])
def test_a_gate_that_the_task_does_not_have_is_refused(status):
    """Whatever is reported with it."""
    with pytest.raises(UnknownQualityGate):
        check_gates(TASK, status, {"lint": PASSED, "tests": PASSED, "taste": PASSED})


def test_gates_are_told_apart_by_their_result():
    """In the order in which they were reported."""
    results = {"tests": PASSED, "taste": FAILED, "lint": PASSED}
    assert gates_with(PASSED, results) == ["tests", "lint"]
    assert gates_with(FAILED, results) == ["taste"]
