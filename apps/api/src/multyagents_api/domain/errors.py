"""Why the service refuses something: one class for each reason, with the facts as attributes.

The docstring of a class is its message, filled in with those facts.
"""

from dataclasses import dataclass

__all__ = [
    "AlreadyDecided",
    "AlreadyReset",
    "Conflict",
    "DependencyNotSelected",
    "HandoffTooEarly",
    "IllegalTransition",
    "InvalidArtifact",
    "InvalidTemplate",
    "KeyReused",
    "NameTaken",
    "NeverDispatched",
    "NotFound",
    "NotInRun",
    "NotRerunnable",
    "QualityGatesNotPassed",
    "Refusal",
    "ReservedEventType",
    "RunAborted",
    "RunPaused",
    "StaleAttempt",
    "StoreBusy",
    "TasksActive",
    "UnknownArtifact",
    "UnknownAttempt",
    "UnknownQualityGate",
    "UnknownSelection",
    "UnknownStep",
    "VersionConflict",
]


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not a defect
    """The request can't be carried out."""

    def __str__(self) -> str:
        return (type(self).__doc__ or type(self).__name__).format(**vars(self))


@dataclass(eq=False)
class NotFound(Refusal):
    """There is no {kind} {id}."""

    kind: str
    id: str


@dataclass(eq=False)
class NameTaken(Refusal):
    """There is already a {kind} named {name!r}."""

    kind: str
    name: str


@dataclass(eq=False)
class InvalidTemplate(Refusal):
    """{problem}"""  # noqa: D415 - the whole message is the fact

    problem: str
    place: tuple[str | int, ...]


@dataclass(eq=False)
class InvalidArtifact(Refusal):
    """{problem}"""  # noqa: D415 - the whole message is the fact

    problem: str
    place: tuple[str | int, ...]


@dataclass(eq=False)
class UnknownArtifact(Refusal):
    """The run of the task has no artifact {artifact_id}."""

    artifact_id: str


@dataclass(eq=False)
class HandoffTooEarly(Refusal):
    """A hand-off comes with the end of an attempt; {status} is none."""

    status: str


@dataclass(eq=False)
class UnknownQualityGate(Refusal):
    """Task {task_id} has no quality gate {gate!r}."""

    task_id: int
    gate: str


@dataclass(eq=False)
class QualityGatesNotPassed(Refusal):
    """Task {task_id} can't succeed without its quality gates: not reported {missing}, failed {failed}."""

    task_id: int
    missing: list[str]
    failed: list[str]


@dataclass(eq=False)
class ReservedEventType(Refusal):
    """Only the service tells {type!r}; types of clients look like custom.deploy or custom.deploy.done_2."""

    type: str


@dataclass(eq=False)
class RunPaused(Refusal):
    """Run {run_id} is paused."""

    run_id: int


@dataclass(eq=False)
class RunAborted(Refusal):
    """Run {run_id} was aborted."""

    run_id: int


@dataclass(eq=False)
class IllegalTransition(Refusal):
    """A {kind} that is {current} can't become {wanted}."""

    kind: str
    current: str
    wanted: str


@dataclass(eq=False)
class NeverDispatched(Refusal):
    """Task {task_id} was never dispatched, so no runner can report on it."""

    task_id: int


@dataclass(eq=False)
class NotInRun(Refusal):
    """Task {task_id} belongs to no run yet; start a run with it first."""

    task_id: int


@dataclass(eq=False)
class StaleAttempt(Refusal):
    """Attempt {attempt} of task {task_id} is over."""

    task_id: int
    attempt: int
    latest: int


@dataclass(eq=False)
class UnknownAttempt(Refusal):
    """Task {task_id} has no attempt {attempt} yet; the latest is {latest}."""

    task_id: int
    attempt: int
    latest: int


@dataclass(eq=False)
class KeyReused(Refusal):
    """The idempotency key {key!r} belongs to another callback of task {task_id}."""

    task_id: int
    key: str


@dataclass(eq=False)
class AlreadyDecided(Refusal):
    """Approval {approval_id} is already {status} by {actor}."""

    approval_id: int
    status: str
    actor: str


@dataclass(eq=False)
class TasksActive(Refusal):
    """Run {run_id} has active tasks: {task_ids}."""

    run_id: int
    task_ids: list[int]


@dataclass(eq=False)
class AlreadyReset(Refusal):
    """Task {task_id} was already reset and waits for its next dispatch."""

    task_id: int


@dataclass(eq=False)
class NotRerunnable(Refusal):
    """Task {task_id} is {status}; only failed, canceled or submit-failed tasks can be rerun."""

    task_id: int
    status: str


@dataclass(eq=False)
class UnknownSelection(Refusal):
    """Run {run_id} has no {kind} {value!r}."""

    run_id: int
    kind: str
    value: str


@dataclass(eq=False)
class UnknownStep(Refusal):
    """The template has no step {step_id!r}."""

    step_id: str


@dataclass(eq=False)
class DependencyNotSelected(Refusal):
    """Step {step_id!r} depends on step {dependency!r}, which failed and is not selected."""

    step_id: str
    dependency: str


@dataclass(eq=False)
class VersionConflict(Refusal):
    """Run {run_id} is at version {actual}, not {expected}."""

    run_id: int
    expected: int
    actual: int


@dataclass(eq=False)
class Conflict(Refusal):
    """Others kept changing the {kind} in the meantime; nothing was changed, try again."""

    kind: str


@dataclass(eq=False)
class StoreBusy(Refusal):
    """The store was locked for too long; nothing was changed, try again."""
