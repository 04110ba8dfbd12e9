"""Partial reruns: which tasks may be reset together."""

from collections.abc import Sequence
from dataclasses import dataclass

from multyagents_api.domain.errors import (
    AlreadyReset,
    DependencyNotSelected,
    NotRerunnable,
    TasksActive,
    UnknownSelection,
    VersionConflict,
)
from multyagents_api.domain.runs import Run, check_not_held
from multyagents_api.domain.tasks import ACTIVE, RERUNNABLE, Task, TaskStatus

__all__ = ["RerunRequest", "check_dependencies", "select_for_rerun"]


@dataclass(frozen=True, slots=True)
class RerunRequest:
    """What a client wants to run again, and why; `expected_version` refuses to act upon another state.

    `subject` is who asks, as their token says, where they were asked who they are.
    """

    run_id: int
    task_ids: tuple[int, ...]
    step_ids: tuple[str, ...]
    requested_by: str
    reason: str
    expected_version: int | None = None
    subject: str | None = None


def select_for_rerun(request: RerunRequest, run: Run, tasks: Sequence[Task]) -> list[Task]:
    """The tasks to reset, in template order; all of them or none.

    Raises:
        RunPaused, RunAborted: an operator holds the run.
        VersionConflict: the run changed since the client looked.
        TasksActive: somebody still works on the run.
        UnknownSelection: a task or step that the run does not have.
        AlreadyReset: a task was reset before, and not dispatched since.
        NotRerunnable: a task neither failed nor was canceled.
        DependencyNotSelected: a task would wait for a failed one.
    """
    check_not_held(run)
    if request.expected_version not in {None, run.version}:
        raise VersionConflict(run.id, request.expected_version or 0, run.version)
    active = [task.id for task in tasks if task.status in ACTIVE]
    if active:
        raise TasksActive(run.id, active)
    selected = _named(request, tasks)
    for task in selected:
        _check_rerunnable(task)
    check_dependencies(selected, tasks)
    return selected


def _named(request: RerunRequest, tasks: Sequence[Task]) -> list[Task]:
    known_ids = {task.id for task in tasks}
    known_steps = {task.step_id for task in tasks}
    for task_id in request.task_ids:
        if task_id not in known_ids:
            raise UnknownSelection(request.run_id, "task", str(task_id))
    for step_id in request.step_ids:
        if step_id not in known_steps:
            raise UnknownSelection(request.run_id, "step", step_id)
    return [task for task in tasks if task.id in request.task_ids or task.step_id in request.step_ids]


def _check_rerunnable(task: Task) -> None:
    if task.status in RERUNNABLE:
        return
    if task.status is TaskStatus.CREATED and (task.attempt or task.last_rerun):
        raise AlreadyReset(task.id)
    raise NotRerunnable(task.id, task.status)


def check_dependencies(selected: Sequence[Task], tasks: Sequence[Task]) -> None:
    """Refuse to reset tasks that would wait for a failed one, which is not selected.

    Raises:
        DependencyNotSelected: there is one.
    """
    by_step = {task.step_id: task for task in tasks}
    chosen = {task.step_id for task in selected}
    for task in selected:
        for dependency in task.depends_on:
            if by_step[dependency].status in RERUNNABLE and dependency not in chosen:
                raise DependencyNotSelected(task.step_id, dependency)
