"""The wire's view of steps: what templates are made of, and tasks that are made by themselves."""

from typing import Annotated, Literal

from pydantic import Field

from multyagents_api.domain.artifacts import ArtifactType, RequiredArtifact
from multyagents_api.domain.context7 import Context7
from multyagents_api.domain.templates import Step
from multyagents_api.domain.workspaces import ExecutionMode, Sandbox, Workspace
from multyagents_api.http.wire import (
    Answer,
    Argument,
    Command,
    Context7Choice,
    Demand,
    Id,
    Line,
    PathLine,
    Seconds,
    Text,
)

__all__ = ["RequiredAnswer", "SandboxAnswer", "StepAnswer", "StepDemand"]


class SandboxDemand(Demand):
    """The container of a `docker-sandbox`; without a command, the image's own."""

    image: Line
    command: Annotated[list[Argument], Field(max_length=100, default_factory=list)]


class RequiredDemand(Demand):
    """An artifact that a dependency must have left; without a name, any of the type."""

    from_step: Line
    type: Literal["text", "file", "diff", "commit", "report"]
    name: Line | None = None


class StepDemand(Demand):
    """One step; `depends_on` names other steps beside it.

    `lock_paths` are absolute or relative to the project's root. `command` is executed without a shell, with
    the prompt as its input, for `timeout_s` seconds at most; without one the runner's agent does the step.
    """

    step_id: Line
    role_id: Id
    title: Line
    prompt: Text = ""
    depends_on: Annotated[list[Line], Field(max_length=100, default_factory=list)]
    requires_approval: bool = False
    approval_on_rerun: Literal["renew", "carry_over"] = "renew"
    context7: Context7Choice = "inherit"
    execution_mode: Literal["no-workspace", "shared-workspace", "isolated-worktree", "docker-sandbox"] = (
        "no-workspace"
    )
    lock_paths: Annotated[list[PathLine], Field(max_length=20, default_factory=list)]
    sandbox: SandboxDemand | None = None
    required_artifacts: Annotated[list[RequiredDemand], Field(max_length=20, default_factory=list)]
    quality_gates: Annotated[list[Line], Field(max_length=20, default_factory=list)]
    command: Command | None = None
    timeout_s: Seconds | None = None

    def to_step(self, role_id: int) -> Step:
        """The step in the domain's words, unchecked; the caller knows the role's key."""
        return Step(
            step_id=self.step_id,
            role_id=role_id,
            title=self.title,
            prompt=self.prompt,
            depends_on=tuple(self.depends_on),
            requires_approval=self.requires_approval,
            carries_approval_over=self.approval_on_rerun == "carry_over",
            context7=Context7(self.context7),
            workspace=self._workspace(),
            required_artifacts=tuple(
                RequiredArtifact(required.from_step, ArtifactType(required.type), required.name)
                for required in self.required_artifacts
            ),
            quality_gates=tuple(self.quality_gates),
            command=None if self.command is None else tuple(self.command),
            timeout_s=self.timeout_s,
        )

    def _workspace(self) -> Workspace:
        sandbox = self.sandbox
        return Workspace(
            ExecutionMode(self.execution_mode),
            tuple(self.lock_paths),
            None if sandbox is None else Sandbox(sandbox.image, tuple(sandbox.command)),
        )


class SandboxAnswer(Answer):
    """The container of a `docker-sandbox`."""

    image: str
    command: list[str]

    @classmethod
    def of(cls, sandbox: Sandbox | None) -> "SandboxAnswer | None":
        """The wire's view of a sandbox, where there is one."""
        return None if sandbox is None else cls(image=sandbox.image, command=list(sandbox.command))


class RequiredAnswer(Answer):
    """An artifact that a dependency must have left; without a name, any of the type."""

    from_step: str
    type: ArtifactType
    name: str | None

    @classmethod
    def of(cls, required: RequiredArtifact) -> "RequiredAnswer":
        """The wire's view of a required artifact."""
        return cls(from_step=required.from_step, type=required.type, name=required.name)


class StepAnswer(Answer):
    """One step of a template; its lock paths are absolute and free of symlinks."""

    step_id: str
    role_id: str
    title: str
    prompt: str
    depends_on: list[str]
    requires_approval: bool
    approval_on_rerun: Literal["renew", "carry_over"]
    context7: Context7
    execution_mode: ExecutionMode
    lock_paths: list[str]
    sandbox: SandboxAnswer | None
    required_artifacts: list[RequiredAnswer]
    quality_gates: list[str]
    command: list[str] | None
    timeout_s: int | None

    @classmethod
    def of(cls, step: Step) -> "StepAnswer":
        """The wire's view of a step."""
        return cls(
            step_id=step.step_id,
            role_id=str(step.role_id),
            title=step.title,
            prompt=step.prompt,
            depends_on=list(step.depends_on),
            requires_approval=step.requires_approval,
            approval_on_rerun="carry_over" if step.carries_approval_over else "renew",
            context7=step.context7,
            execution_mode=step.workspace.mode,
            lock_paths=list(step.workspace.lock_paths),
            sandbox=SandboxAnswer.of(step.workspace.sandbox),
            required_artifacts=[RequiredAnswer.of(required) for required in step.required_artifacts],
            quality_gates=list(step.quality_gates),
            command=None if step.command is None else list(step.command),
            timeout_s=step.timeout_s,
        )
