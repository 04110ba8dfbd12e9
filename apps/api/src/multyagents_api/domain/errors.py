"""Why the service refuses something: one class for each reason, with the facts as attributes.

The docstring of a class is its message, filled in with those facts.
"""

from dataclasses import dataclass

__all__ = [
    "AlreadyDecided",
    "AlreadyReset",
    "ApprovalRequired",
    "Conflict",
    "DependenciesNotSatisfied",
    "DependencyNotSelected",
    "Forbidden",
    "HandoffTooEarly",
    "IllegalTransition",
    "InUse",
    "InvalidArtifact",
    "InvalidPath",
    "InvalidSelection",
    "InvalidTask",
    "InvalidTemplate",
    "KeyReused",
    "NameTaken",
    "NeverDispatched",
    "NotAuthenticated",
    "NotFound",
    "NotInRun",
    "NotRerunnable",
    "NotYourself",
    "OwnRequest",
    "PathsLocked",
    "Place",
    "Placed",
    "QualityGatesNotPassed",
    "RateLimited",
    "Refusal",
    "RequiredArtifactsMissing",
    "ReservedEventType",
    "RunAborted",
    "RunPaused",
    "StaleAttempt",
    "StoreBusy",
    "StoreUnreachable",
    "TaskTaken",
    "TasksActive",
    "TooManyStreams",
    "UnknownArtifact",
    "UnknownAttempt",
    "UnknownQualityGate",
    "UnknownSelection",
    "UnknownSkillPack",
    "UnknownStep",
    "VersionConflict",
]


Place = tuple[str | int, ...]
"""Where something stands in the body of a request: `("steps", 0, "title")`."""


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not a defect
    """The request can't be carried out."""

    def __str__(self) -> str:
        return (type(self).__doc__ or type(self).__name__).format(**vars(self))


class Placed:
    """A refusal of something that stands at one place of the request."""

    place: Place


@dataclass(eq=False)
class NotAuthenticated(Refusal):
    """This needs a valid token: Authorization: Bearer TOKEN."""


@dataclass(eq=False)
class Forbidden(Refusal):
    """The token's roles do not permit this; these do: {roles}."""

    roles: str


@dataclass(eq=False)
class NotYourself(Refusal):
    """The token is that of {subject!r}, so {field} can't be {named!r}; it may be left out."""

    field: str
    named: str
    subject: str


@dataclass(eq=False)
class OwnRequest(Refusal):
    """{subject!r} asked for approval {approval_id}; somebody else must decide it."""

    approval_id: int
    subject: str


@dataclass(eq=False)
class RateLimited(Refusal):
    """Too many requests; the next one is answered in {retry_after_s} s."""

    retry_after_s: int


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
class InUse(Refusal):
    """The {kind} {id} is in use, and stays while it is."""

    kind: str
    id: str


@dataclass(eq=False)
class InvalidPath(Placed, Refusal):
    """{problem}"""  # noqa: D415 - the whole message is the fact

    problem: str
    place: Place


@dataclass(eq=False)
class InvalidTemplate(Placed, Refusal):
    """{problem}"""  # noqa: D415 - the whole message is the fact

    problem: str
    place: Place


@dataclass(eq=False)
class InvalidTask(Placed, Refusal):
    """{problem}"""  # noqa: D415 - the whole message is the fact

    problem: str
    place: Place


@dataclass(eq=False)
class InvalidSelection(Placed, Refusal):
    """{problem}"""  # noqa: D415 - the whole message is the fact

    problem: str
    place: Place


@dataclass(eq=False)
class UnknownSkillPack(Placed, Refusal):
    """There is no skill pack {skill_pack_id!r}."""

    skill_pack_id: str
    place: Place


@dataclass(eq=False)
class TaskTaken(Refusal):
    """Task {task_id} belongs to a run already."""

    task_id: int


@dataclass(eq=False)
class InvalidArtifact(Placed, Refusal):
    """{problem}"""  # noqa: D415 - the whole message is the fact

    problem: str
    place: Place


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
class DependenciesNotSatisfied(Refusal):
    """Task {task_id} waits for: {steps}."""

    task_id: int
    steps: list[str]


@dataclass(eq=False)
class RequiredArtifactsMissing(Refusal):
    """Task {task_id} waits for artifacts: {artifacts}."""

    task_id: int
    artifacts: list[str]


@dataclass(eq=False)
class ApprovalRequired(Refusal):
    """Task {task_id} waits for its approval."""

    task_id: int


@dataclass(eq=False)
class PathsLocked(Refusal):
    """Paths of task {task_id} belong to an attempt of another task until that ends."""

    task_id: int


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
class TooManyStreams(Refusal):
    """This process has its {most} event streams; come back later, or ask for pages."""

    most: int


@dataclass(eq=False)
class StoreBusy(Refusal):
    """The store was locked for too long; nothing was changed, try again."""


@dataclass(eq=False)
class StoreFull(StoreBusy):
    """The store has no room left; nothing was changed, try again when there is room."""


@dataclass(eq=False)
class StoreUnreachable(StoreBusy):
    """The store can't be reached; whether the last change was made shows when it is back."""
