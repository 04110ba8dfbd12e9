"""What a runner may report, and when."""

from datetime import UTC, datetime

import pytest

from multyagents_api.domain.context7 import Context7
from multyagents_api.domain.errors import IllegalTransition, NeverDispatched, StaleAttempt, UnknownAttempt
from multyagents_api.domain.roles import RetryPolicy
from multyagents_api.domain.tasks import Task, TaskStatus, is_progress, ready_tasks, retry_is_due

ORDER = ["dispatched", "queued", "running"]
ENDS = ["success", "failed", "canceled"]


def task(
    status: str, *, attempt: int = 1, step_id: str = "a", depends_on: tuple[str, ...] = (), **more: int
) -> Task:
    return Task(
        id=1,
        run_id=1,
        step_id=step_id,
        role_id=1,
        title="Do it",
        depends_on=depends_on,
        requires_approval=False,
        approval_id=None,
        carries_approval_over=False,
        context7=Context7.INHERIT,
        status=TaskStatus(status),
        attempt=attempt,
        retries_used=more.get("retries_used", 0),
        last_rerun=0,
        reason=None,
        updated_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize("current", ORDER)
@pytest.mark.parametrize("reported", [*ORDER[1:], *ENDS])
def test_reports_move_forward_may_skip_and_never_go_back(current, reported):
    """Along the arrows any step forward is fine, the same again changes nothing, backward is illegal."""
    later = reported in ENDS or ORDER.index(reported) > ORDER.index(current)
    if later or reported == current:
        assert is_progress(task(current), 1, TaskStatus(reported)) is later
    else:
        with pytest.raises(IllegalTransition):
            is_progress(task(current), 1, TaskStatus(reported))


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("reported", [*ORDER[1:], *ENDS])
def test_an_end_is_final(end, reported):
    """A finished attempt repeats its own end and refuses every other status."""
    if reported == end:
        assert is_progress(task(end), 1, TaskStatus(reported)) is False
    else:
        with pytest.raises(IllegalTransition):
            is_progress(task(end), 1, TaskStatus(reported))


def test_a_canceled_request_ends_however_the_runner_says():
    """While a cancel is asked for, only an end is news."""
    assert is_progress(task("cancel-requested"), 1, TaskStatus.SUCCESS)
    with pytest.raises(IllegalTransition):
        is_progress(task("cancel-requested"), 1, TaskStatus.RUNNING)


def test_a_refused_submission_ends_its_attempt():
    """After submit-failed the attempt takes no report any more."""
    with pytest.raises(IllegalTransition):
        is_progress(task("submit-failed"), 1, TaskStatus.RUNNING)


def test_reports_name_their_attempt():
    """Old attempts are stale, unopened ones unknown, and a task never dispatched has none."""
    with pytest.raises(StaleAttempt):
        is_progress(task("running", attempt=2), 1, TaskStatus.SUCCESS)
    with pytest.raises(UnknownAttempt):
        is_progress(task("running", attempt=2), 3, TaskStatus.SUCCESS)
    with pytest.raises(NeverDispatched):
        is_progress(task("created", attempt=0), 1, TaskStatus.SUCCESS)
    with pytest.raises(StaleAttempt):
        is_progress(task("created", attempt=1), 1, TaskStatus.SUCCESS)


def test_ready_tasks_wait_for_all_their_dependencies():
    """Ready means created or submit-failed, with every dependency a success, in template order."""
    tasks = [
        task("success", step_id="a"),
        task("submit-failed", step_id="b"),
        task("created", attempt=0, step_id="c", depends_on=("a", "b")),
        task("created", attempt=0, step_id="d", depends_on=("a",)),
        task("failed", step_id="e"),
    ]
    assert [found.step_id for found in ready_tasks(tasks)] == ["b", "d"]


def test_retries_are_bounded_by_category_and_count():
    """A retry is due for a listed category while retries last, and never for a task to be canceled."""
    policy = RetryPolicy(max_retries=2, retry_on=("flaky",))
    assert retry_is_due(task("running", retries_used=1), "flaky", policy)
    assert not retry_is_due(task("running", retries_used=2), "flaky", policy)
    assert not retry_is_due(task("running"), "broken", policy)
    assert not retry_is_due(task("running"), None, policy)
    assert not retry_is_due(task("cancel-requested"), "flaky", policy)
