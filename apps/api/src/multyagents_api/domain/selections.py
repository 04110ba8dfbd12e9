"""Selections: tasks that were made by themselves, and may become one run together."""

from collections.abc import Sequence

from multyagents_api.domain.errors import InvalidSelection, TaskTaken
from multyagents_api.domain.graphs import graph_offences
from multyagents_api.domain.tasks import Task

__all__ = ["check_selection"]


def check_selection(task_ids: Sequence[int], found: Sequence[Task | None]) -> list[Task]:
    """The tasks that were asked for, in that order.

    Args:
        task_ids: what was asked for.
        found: the task behind each id, if there is one.

    Raises:
        InvalidSelection: a task is named twice or unknown, or the steps are no directed acyclic graph.
        TaskTaken: a task belongs to a run.
    """
    tasks = []
    for index, (task_id, task) in enumerate(zip(task_ids, found, strict=True)):
        if task_id in task_ids[:index]:
            raise InvalidSelection(f"task {task_id} is named twice", ("task_ids", index))
        if task is None:
            raise InvalidSelection(f"there is no task {task_id}", ("task_ids", index))
        tasks.append(task)
    for task in tasks:
        if task.run_id is not None:
            raise TaskTaken(task.id)
    for place, problem in graph_offences(tasks):
        raise InvalidSelection(problem, ("task_ids", *place[:1]))
    return tasks
