"""The status of a run as a function of its tasks, and what operators may do."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from multyagents_api.domain.context7 import Context7
from multyagents_api.domain.errors import IllegalTransition, RunAborted, RunPaused
from multyagents_api.domain.runs import Run, RunStatus, check_not_held, check_transition, derive_status
from multyagents_api.domain.tasks import Task, TaskStatus

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
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
    status=TaskStatus.CREATED,
    attempt=0,
    retries_used=0,
    last_rerun=0,
    reason=None,
    updated_at=MOMENT,
)
RUN = Run(1, 1, None, RunStatus.CREATED, 1, 0, 1, MOMENT, MOMENT)


def chain(*described: tuple[str, int]) -> list[Task]:
    """Tasks of which each depends on the one before, from (status, attempt)."""
    return [
        replace(
            TASK,
            step_id=str(index),
            depends_on=(str(index - 1),) if index else (),
            status=TaskStatus(status),
            attempt=attempt,
        )
        for index, (status, attempt) in enumerate(described)
    ]


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        (chain(("created", 0), ("created", 0)), "created"),
        (chain(("dispatched", 1), ("created", 0)), "running"),
        (chain(("cancel-requested", 1), ("created", 0)), "running"),
        (chain(("success", 1), ("created", 0)), "running"),
        (chain(("success", 1), ("success", 2)), "success"),
        (chain(("failed", 1), ("created", 0)), "failed"),
        (chain(("canceled", 0), ("created", 0)), "failed"),
        (chain(("success", 1), ("submit-failed", 1)), "failed"),
        (chain(("created", 1), ("created", 0)), "running"),
        ([*chain(("failed", 1)), *chain(("created", 0))], "running"),
        ([*chain(("canceled", 0)), *chain(("created", 0))], "created"),
        ([*chain(("failed", 1)), *chain(("running", 1))], "running"),
    ],
)
def test_the_status_follows_from_the_tasks(tasks, expected):
    """Success when all succeeded, running while somebody works or may, failed when nothing can go on."""
    assert derive_status(tasks) == expected


@pytest.mark.parametrize(
    ("wanted", "allowed"),
    [
        (RunStatus.PAUSED, {"created", "running"}),
        (RunStatus.RUNNING, {"paused"}),
        (RunStatus.ABORTED, {"created", "running", "paused"}),
    ],
)
@pytest.mark.parametrize("current", list(RunStatus))
def test_operators_move_runs_along_the_arrows_only(wanted, allowed, current):
    """Pause from created or running, resume from paused, abort from anything not finished."""
    run = replace(RUN, status=current)
    if current in allowed:
        check_transition(run, wanted)
    else:
        with pytest.raises(IllegalTransition):
            check_transition(run, wanted)


def test_a_held_run_says_how_it_is_held():
    """Paused and aborted are refused by name, everything else goes on."""
    check_not_held(RUN)
    with pytest.raises(RunPaused):
        check_not_held(replace(RUN, status=RunStatus.PAUSED))
    with pytest.raises(RunAborted):
        check_not_held(replace(RUN, status=RunStatus.ABORTED))
