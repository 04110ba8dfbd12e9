"""Tasks that were made by themselves run together when their steps form a directed acyclic graph."""

from datetime import UTC, datetime

import pytest

from multyagents_api.domain.context7 import Context7
from multyagents_api.domain.errors import InvalidSelection, TaskTaken
from multyagents_api.domain.selections import check_selection
from multyagents_api.domain.tasks import Task, TaskStatus


def task(task_id: int, step_id: str, *depends_on: str, run_id: int | None = None) -> Task:
    return Task(
        id=task_id,
        run_id=run_id,
        step_id=step_id,
        role_id=1,
        title="Do it",
        depends_on=depends_on,
        requires_approval=False,
        approval_id=None,
        carries_approval_over=False,
        context7=Context7.INHERIT,
        status=TaskStatus.CREATED,
        attempt=0,
        retries_used=0,
        last_rerun=0,
        reason=None,
        updated_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


A, B, C = task(1, "a"), task(2, "b", "a"), task(3, "c", "b", "a")


def test_the_order_asked_for_is_kept():
    """Also where a dependency comes later in it."""
    assert check_selection([3, 1, 2], [C, A, B]) == [C, A, B]


@pytest.mark.parametrize(
    ("task_ids", "found", "place"),
    [
        ([1, 2, 1], [A, B, A], ("task_ids", 2)),
        ([1, 9], [A, None], ("task_ids", 1)),
        ([1, 4], [A, task(4, "a")], ("task_ids", 1)),
        ([1, 3], [A, C], ("task_ids", 1)),
        ([5, 6], [task(5, "x", "y"), task(6, "y", "x")], ("task_ids",)),
    ],
)
def test_what_can_not_run_together_is_refused_at_its_place(task_ids, found, place):
    """Named twice, unknown, a step_id used twice, a dependency left out, a circle."""
    with pytest.raises(InvalidSelection) as refused:
        check_selection(task_ids, found)
    assert refused.value.place == place


def test_a_task_of_a_run_is_taken():
    """Even where the steps would fit together."""
    with pytest.raises(TaskTaken) as refused:
        check_selection([1, 2], [A, task(2, "b", "a", run_id=7)])
    assert refused.value.task_id == 2
