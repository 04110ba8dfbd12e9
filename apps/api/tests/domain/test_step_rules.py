"""What a step wants has to fit together, whether it stands in a template or becomes a task by itself."""

from dataclasses import replace

import pytest

from multyagents_api.domain.artifacts import ArtifactType, RequiredArtifact
from multyagents_api.domain.errors import InvalidTask, InvalidTemplate
from multyagents_api.domain.templates import Step, check_step, check_steps
from multyagents_api.domain.workspaces import ExecutionMode, Sandbox, Workspace

ROLES = frozenset({1})
BOX = Sandbox("python:3.12", ())
BARE = Step("b", 1, "B", "", ("a",), requires_approval=False)


def working(mode: ExecutionMode, *lock_paths: str, sandbox: Sandbox | None = None) -> Step:
    return replace(BARE, workspace=Workspace(mode, lock_paths, sandbox))


def requiring(*from_steps: str) -> Step:
    required = tuple(RequiredArtifact(name, ArtifactType.DIFF) for name in from_steps)
    return replace(BARE, required_artifacts=required)


@pytest.mark.parametrize(
    ("step", "place"),
    [
        (replace(BARE, role_id=2), ("role_id",)),
        (replace(BARE, depends_on=("b",)), ("depends_on", 0)),
        (replace(BARE, depends_on=("a", "a")), ("depends_on", 1)),
        (working(ExecutionMode.SHARED_WORKSPACE), ("lock_paths",)),
        (working(ExecutionMode.NO_WORKSPACE, "/p"), ("lock_paths",)),
        (working(ExecutionMode.ISOLATED_WORKTREE, "/p"), ("lock_paths",)),
        (working(ExecutionMode.DOCKER_SANDBOX, "/p", sandbox=BOX), ("lock_paths",)),
        (working(ExecutionMode.DOCKER_SANDBOX), ("sandbox",)),
        (working(ExecutionMode.NO_WORKSPACE, sandbox=BOX), ("sandbox",)),
        (working(ExecutionMode.SHARED_WORKSPACE, "/p", sandbox=BOX), ("sandbox",)),
        (working(ExecutionMode.ISOLATED_WORKTREE, sandbox=BOX), ("sandbox",)),
        (requiring("a", "z"), ("required_artifacts", 1, "from_step")),
        (requiring("b"), ("required_artifacts", 0, "from_step")),
        (replace(BARE, quality_gates=("lint", "tests", "lint")), ("quality_gates", 2)),
        (replace(working(ExecutionMode.DOCKER_SANDBOX, sandbox=BOX), command=("make",)), ("command",)),
    ],
)
def test_what_does_not_fit_is_refused_at_its_place(step, place):
    """The same rule for a template, where the place begins with the step, and for a task."""
    with pytest.raises(InvalidTemplate) as of_template:
        check_steps([replace(BARE, step_id="a", depends_on=()), step], ROLES, has_project=True)
    assert of_template.value.place == ("steps", 1, *place)
    with pytest.raises(InvalidTask) as of_task:
        check_step(step, ROLES, has_project=True)
    assert of_task.value.place == place
    assert str(of_task.value) == str(of_template.value) == of_task.value.problem


@pytest.mark.parametrize(
    "step",
    [
        working(ExecutionMode.SHARED_WORKSPACE, "/p"),
        working(ExecutionMode.ISOLATED_WORKTREE),
        working(ExecutionMode.DOCKER_SANDBOX, sandbox=BOX),
    ],
)
def test_work_on_files_needs_a_project(step):
    """With a project it is in order, without one it is refused."""
    check_step(step, ROLES, has_project=True)
    with pytest.raises(InvalidTask) as refused:
        check_step(step, ROLES, has_project=False)
    assert refused.value.place == ("execution_mode",)


def test_a_step_without_wishes_is_in_order():
    """Nothing is needed for work that touches no files, and dependencies of a task are looked for later."""
    check_step(BARE, ROLES, has_project=False)
    check_step(replace(requiring("a"), quality_gates=("lint", "tests")), ROLES, has_project=False)
