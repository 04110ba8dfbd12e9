"""Workflow templates: steps that depend on one another without a circle."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from graphlib import CycleError, TopologicalSorter

from multyagents_api.domain.artifacts import RequiredArtifact
from multyagents_api.domain.context7 import Context7
from multyagents_api.domain.errors import InvalidTemplate, UnknownStep
from multyagents_api.domain.workspaces import NO_WORKSPACE, Workspace

__all__ = ["Step", "StepOverride", "Template", "check_steps", "override_steps"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a template; `depends_on` names other steps by their `step_id`.

    `carries_approval_over`: a partial rerun keeps the approval given before, instead of asking again.
    `context7`: whether its role's default for looking documentation up holds.
    `quality_gates`: checks that a success must report as passed.
    """

    step_id: str
    role_id: int
    title: str
    prompt: str
    depends_on: tuple[str, ...]
    requires_approval: bool
    carries_approval_over: bool = False
    context7: Context7 = Context7.INHERIT
    workspace: Workspace = NO_WORKSPACE
    required_artifacts: tuple[RequiredArtifact, ...] = ()
    quality_gates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StepOverride:
    """What one run wants otherwise in a step; None keeps what the template says."""

    title: str | None = None
    prompt: str | None = None
    adds_approval: bool = False
    context7: Context7 | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """A validated template; its steps stand in the order in which they are offered for dispatch."""

    id: int
    name: str
    project_id: int | None
    steps: tuple[Step, ...]
    created_at: datetime


def check_steps(steps: Sequence[Step], known_roles: frozenset[int]) -> None:
    """Refuse steps that repeat a name, miss their role, or don't form a directed acyclic graph.

    Raises:
        InvalidTemplate: with the place of the first offence.
    """
    _check_names(steps)
    names = {step.step_id for step in steps}
    for index, step in enumerate(steps):
        if step.role_id not in known_roles:
            raise InvalidTemplate(f"there is no role {step.role_id}", ("steps", index, "role_id"))
        for position, dependency in enumerate(step.depends_on):
            place = ("steps", index, "depends_on", position)
            if dependency not in names:
                raise InvalidTemplate(f"there is no step {dependency!r} to depend on", place)
            if dependency in step.depends_on[:position]:
                raise InvalidTemplate(f"the dependency {dependency!r} is named twice", place)
    _check_acyclic(steps)


def override_steps(steps: Sequence[Step], overrides: Mapping[str, StepOverride]) -> list[Step]:
    """The steps of a template as one run wants them; an approval can be added, never taken away.

    Raises:
        UnknownStep: an override names a step that the template does not have.
    """
    unknown = sorted(set(overrides) - {step.step_id for step in steps})
    if unknown:
        raise UnknownStep(unknown[0])
    return [
        _overridden(step, overrides[step.step_id]) if step.step_id in overrides else step for step in steps
    ]


def _overridden(step: Step, override: StepOverride) -> Step:
    return replace(
        step,
        title=step.title if override.title is None else override.title,
        prompt=step.prompt if override.prompt is None else override.prompt,
        requires_approval=step.requires_approval or override.adds_approval,
        context7=step.context7 if override.context7 is None else override.context7,
    )


def _check_names(steps: Sequence[Step]) -> None:
    seen: set[str] = set()
    for index, step in enumerate(steps):
        if step.step_id in seen:
            raise InvalidTemplate(f"the step_id {step.step_id!r} is used twice", ("steps", index, "step_id"))
        seen.add(step.step_id)


def _check_acyclic(steps: Sequence[Step]) -> None:
    graph = {step.step_id: step.depends_on for step in steps}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        raise InvalidTemplate(f"the steps depend on each other in a circle: {circle}", ("steps",)) from error
