"""How far a run is, how long it took, and what holds tasks back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from multyagents_api.domain.context7 import Context7
from multyagents_api.domain.readiness import BlockedReason
from multyagents_api.domain.runs import Run, RunStatus
from multyagents_api.domain.summaries import DispatchTimes, summarize
from multyagents_api.domain.tasks import Task, TaskStatus

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
RUN = Run(1, 1, None, RunStatus.RUNNING, 1, 0, 0, MOMENT, MOMENT + timedelta(days=1))
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
    status=TaskStatus.SUCCESS,
    attempt=2,
    retries_used=0,
    last_rerun=0,
    reason=None,
    updated_at=MOMENT + timedelta(seconds=90),
)
TIMES = DispatchTimes(1, MOMENT + timedelta(seconds=30), MOMENT + timedelta(seconds=60))


def other(status: TaskStatus, **more) -> Task:
    return replace(TASK, id=2, step_id="b", status=status, **more)


def test_a_run_that_is_over_has_an_end_and_a_duration():
    """From the first dispatch to the last end, whatever touched the run since."""
    summary = summarize(replace(RUN, status=RunStatus.SUCCESS), [TASK], [TIMES], {})
    assert summary.first_dispatched_at == TIMES.first
    assert summary.finished_at == TASK.updated_at
    assert (summary.duration_s, summary.percent) == (60.0, 100)
    [told] = summary.tasks
    assert (told.dispatched_at, told.ended_at, told.blocked) == (TIMES.latest, TASK.updated_at, None)


@pytest.mark.parametrize(
    ("run_status", "status"),
    [
        (RunStatus.RUNNING, TaskStatus.CREATED),
        (RunStatus.PAUSED, TaskStatus.SUCCESS),
        (RunStatus.ABORTED, TaskStatus.CANCEL_REQUESTED),
    ],
)
def test_a_run_that_goes_on_or_is_still_worked_upon_has_no_end(run_status, status):
    """An aborted run ends with the last of its attempts, a paused one not at all."""
    summary = summarize(replace(RUN, status=run_status), [TASK, other(status)], [TIMES], {})
    assert (summary.finished_at, summary.duration_s) == (None, None)


def test_a_run_aborted_before_its_first_dispatch_has_an_end_but_no_duration():
    """Nothing was ever done."""
    summary = summarize(
        replace(RUN, status=RunStatus.ABORTED), [other(TaskStatus.CANCELED, attempt=0)], [], {}
    )
    assert summary.finished_at == TASK.updated_at
    assert (summary.first_dispatched_at, summary.duration_s) == (None, None)


def test_every_status_is_counted_and_progress_is_rounded_down():
    """A submit-failed task can be dispatched again: it is not finished."""
    tasks = [TASK, other(TaskStatus.SUBMIT_FAILED), other(TaskStatus.CANCELED)]
    summary = summarize(RUN, tasks, [TIMES], {2: BlockedReason.APPROVAL_REQUIRED})
    assert set(summary.counts) == set(TaskStatus)
    assert (summary.counts[TaskStatus.SUCCESS], summary.counts[TaskStatus.QUEUED]) == (1, 0)
    assert (summary.finished, summary.percent) == (2, 66)
    assert summary.tasks[1].blocked is BlockedReason.APPROVAL_REQUIRED


def test_a_clock_that_was_set_back_makes_no_negative_duration():
    """The run ended before it began, by the clock."""
    late = replace(TIMES, first=TASK.updated_at + timedelta(hours=1))
    assert summarize(replace(RUN, status=RunStatus.SUCCESS), [TASK], [late], {}).duration_s == 0
