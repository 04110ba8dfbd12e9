"""Which tasks may be reset together."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from multyagents_api.domain import errors
from multyagents_api.domain.context7 import Context7
from multyagents_api.domain.reruns import RerunRequest, select_for_rerun
from multyagents_api.domain.runs import Run, RunStatus
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
    status=TaskStatus.FAILED,
    attempt=1,
    retries_used=0,
    last_rerun=0,
    reason=None,
    updated_at=MOMENT,
)
RUN = Run(1, 1, None, RunStatus.FAILED, 7, 0, 1, MOMENT, MOMENT)
REQUEST = RerunRequest(1, (), ("a",), "mia", "flaky")

FAILED_CHAIN = [
    TASK,
    replace(TASK, id=2, step_id="b", depends_on=("a",), status=TaskStatus.CANCELED),
    replace(TASK, id=3, step_id="c", depends_on=("b",), status=TaskStatus.CREATED, attempt=0),
]


def test_tasks_and_steps_select_together_in_template_order():
    """Ids and step names may overlap; each task is selected once, in the order of the template."""
    request = replace(REQUEST, task_ids=(2, 1), step_ids=("b",))
    assert [task.id for task in select_for_rerun(request, RUN, FAILED_CHAIN)] == [1, 2]


@pytest.mark.parametrize(
    ("request_", "run", "tasks", "refusal"),
    [
        (REQUEST, replace(RUN, status=RunStatus.PAUSED), FAILED_CHAIN, errors.RunPaused),
        (REQUEST, replace(RUN, status=RunStatus.ABORTED), FAILED_CHAIN, errors.RunAborted),
        (replace(REQUEST, expected_version=6), RUN, FAILED_CHAIN, errors.VersionConflict),
        (
            REQUEST,
            RUN,
            [TASK, replace(TASK, id=2, step_id="b", status=TaskStatus.QUEUED)],
            errors.TasksActive,
        ),
        (replace(REQUEST, task_ids=(9,)), RUN, FAILED_CHAIN, errors.UnknownSelection),
        (replace(REQUEST, step_ids=("z",)), RUN, FAILED_CHAIN, errors.UnknownSelection),
        (replace(REQUEST, step_ids=("c",)), RUN, FAILED_CHAIN, errors.NotRerunnable),
        (REQUEST, RUN, [replace(TASK, status=TaskStatus.SUCCESS)], errors.NotRerunnable),
        (REQUEST, RUN, [replace(TASK, status=TaskStatus.CREATED)], errors.AlreadyReset),
        (
            REQUEST,
            RUN,
            [replace(TASK, status=TaskStatus.CREATED, attempt=0, last_rerun=1)],
            errors.AlreadyReset,
        ),
        (replace(REQUEST, step_ids=("b",)), RUN, FAILED_CHAIN, errors.DependencyNotSelected),
    ],
)
def test_a_selection_that_can_not_go_is_refused_whole(request_, run, tasks, refusal):
    """Each rule has a refusal of its own, whose text names the facts."""
    with pytest.raises(refusal) as refused:
        select_for_rerun(request_, run, tasks)
    assert "{" not in str(refused.value)


def test_the_version_that_the_client_saw_is_accepted():
    """An expected version equal to the run's changes nothing else."""
    assert select_for_rerun(replace(REQUEST, expected_version=7), RUN, FAILED_CHAIN)
