"""Workflow templates: steps that depend on one another without a circle."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain

from multyagents_api.domain.artifacts import RequiredArtifact
from multyagents_api.domain.context7 import Context7
from multyagents_api.domain.errors import InvalidTask, InvalidTemplate, UnknownStep
from multyagents_api.domain.graphs import Offence, graph_offences
from multyagents_api.domain.workspaces import NO_WORKSPACE, Workspace, workspace_offences

__all__ = ["Step", "StepOverride", "Template", "check_step", "check_steps", "override_steps"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a template; `depends_on` names other steps by their `step_id`.

    `carries_approval_over`: a partial rerun keeps the approval given before, instead of asking again.
    `context7`: whether its role's default for looking documentation up holds.
    `quality_gates`: checks that a success must report as passed.
    `command`: the words that the runner executes, without a shell; None leaves that to the runner.
    `timeout_s`: for how many seconds an attempt may execute; None leaves that to the runner.
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
    command: tuple[str, ...] | None = None
    timeout_s: int | None = None


@dataclass(frozen=True, slots=True)
class StepOverride:
    """What one run wants otherwise in a step; None keeps what the template says.

    Not the command: who may start a run is not asked whether they may decide what is executed.
    """

    title: str | None = None
    prompt: str | None = None
    adds_approval: bool = False
    context7: Context7 | None = None
    timeout_s: int | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """A validated template; its steps stand in the order in which they are offered for dispatch."""

    id: int
    name: str
    project_id: int | None
    steps: tuple[Step, ...]
    created_at: datetime


def check_steps(steps: Sequence[Step], known_roles: frozenset[int], *, has_project: bool = False) -> None:
    """Refuse steps that are wrong by themselves, or that don't form a directed acyclic graph.

    Raises:
        InvalidTemplate: with the place of the first offence.
    """
    alone = (
        ((index, *place), problem)
        for index, step in enumerate(steps)
        for place, problem in _offences_of(step, known_roles, has_project=has_project)
    )
    for place, problem in chain(alone, graph_offences(steps)):
        raise InvalidTemplate(problem, ("steps", *place))


def check_step(step: Step, known_roles: frozenset[int], *, has_project: bool) -> None:
    """Refuse a step that is wrong by itself, whatever other steps there will be.

    Raises:
        InvalidTask: with the place of the first offence.
    """
    for place, problem in _offences_of(step, known_roles, has_project=has_project):
        raise InvalidTask(problem, place)


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
        timeout_s=step.timeout_s if override.timeout_s is None else override.timeout_s,
    )


def _offences_of(step: Step, known_roles: frozenset[int], *, has_project: bool) -> Iterator[Offence]:
    if step.role_id not in known_roles:
        yield ("role_id",), f"there is no role {step.role_id}"
    for position, dependency in enumerate(step.depends_on):
        if dependency == step.step_id:
            yield ("depends_on", position), f"the step {dependency!r} depends on itself"
        if dependency in step.depends_on[:position]:
            yield ("depends_on", position), f"the dependency {dependency!r} is named twice"
    yield from workspace_offences(step.workspace, has_project=has_project)
    if step.command is not None and step.workspace.sandbox is not None:
        yield ("command",), "the command of a docker-sandbox stands in the sandbox"
    for position, required in enumerate(step.required_artifacts):
        if required.from_step not in step.depends_on:
            problem = f"an artifact is required of step {required.from_step!r}, which is no dependency"
            yield ("required_artifacts", position, "from_step"), problem
    for position, gate in enumerate(step.quality_gates):
        if gate in step.quality_gates[:position]:
            yield ("quality_gates", position), f"the quality gate {gate!r} is named twice"
