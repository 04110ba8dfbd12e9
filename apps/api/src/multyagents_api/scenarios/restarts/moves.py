"""What may lawfully be asked for a run next, told from nothing but what the API shows of it.

Whoever takes a run on needs to remember nothing: after a crash, another one goes on in the same way.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any

from multyagents_api.scenarios.oracles.run_state import Task, task_from_answer
from multyagents_api.scenarios.oracles.runs import ACTIVE

__all__ = ["DRILLED", "ROLE", "Kind", "Move", "Seen", "creation", "next_move", "steps"]

DRILLED = "drilled"
ACTOR = "mia"
FALLEN = frozenset({"failed", "canceled", "submit-failed"})
FLAKY = "plan"
"""The step whose first attempt never succeeds: every run has attempts that are over."""
MOST_ATTEMPTS = 3
"""From this one on, attempts succeed: a run should come to its end."""
PAUSES, NOTES, REJECTS = 0.03, 0.05, 0.1
"""The share of steps at which an operator pauses a run, or notes something; of approvals that are refused."""
DISPATCHES_AT_ONCE, HAS_KEY, HANDS_OFF = 0.5, 0.75, 0.7
"""The share of reruns, callbacks and successes that do so."""
STAYS_ACTIVE, IS_QUEUED = 0.8, 0.3
"""The share of callbacks that don't end an attempt, and of those of a new one that only say it waits."""
FATES = (
    (0.15, "failed", "timeout"),
    (0.25, "failed", None),
    (0.30, "canceled", None),
    (0.36, "cancel-requested", None),
)
"""What becomes of attempts that don't succeed, up to which share of all, and the category of a failure."""

ROLE = {"name": DRILLED, "retry_policy": {"max_retries": 2, "retry_on": ["timeout"]}}


class Kind(StrEnum):
    """What a request asks for."""

    CREATE = "create"
    DISPATCH = "dispatch"
    TURN = "turn"
    REPORT = "report"
    DECIDE = "decide"
    RERUN = "rerun"
    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    ARTIFACT = "artifact"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class Move:
    """A request, and what it is about; `status` is what a callback reports or a decision says."""

    kind: Kind
    path: str
    body: Mapping[str, Any] = field(default_factory=dict)
    task_id: str = ""
    attempt: int = 0
    status: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """A run as the API shows it."""

    id: str
    status: str
    version: int
    tasks: tuple[Task, ...]

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> "Seen":
        """A run as it was answered."""
        tasks = tuple(map(task_from_answer, answer["tasks"]))
        return cls(answer["id"], answer["status"], answer["version"], tasks)

    def waiting(self) -> list[Task]:
        """The tasks that only an approval may still hold back."""
        done = {task.step_id for task in self.tasks if task.status == "success"}
        return [task for task in self.tasks if task.status == "created" and done.issuperset(task.depends_on)]

    def __str__(self) -> str:
        """Where the run and its tasks stand."""
        tasks = (f"{task.step_id} {task.status} (attempt {task.attempt})" for task in self.tasks)
        return f"run {self.id} is {self.status}: {', '.join(tasks)}"


def steps(role_id: str) -> list[dict[str, Any]]:
    """The steps of the workflow: a diamond with two approvals and an artifact that is waited for."""

    def step(name: str, *after: str, **more: object) -> dict[str, Any]:
        return {"step_id": name, "role_id": role_id, "title": name, "depends_on": list(after), **more}

    needed = [{"from_step": "build", "type": "text"}]
    return [
        step("plan"),
        step("build", "plan", requires_approval=True),
        step("test", "plan"),
        step("ship", "build", "test", requires_approval=True, required_artifacts=needed),
    ]


def creation(template_id: str) -> Move:
    """Start a run."""
    return Move(Kind.CREATE, "/workflow-runs", {"workflow_template_id": template_id, "initiated_by": ACTOR})


def next_move(
    run: Seen,
    *,
    arrived: Callable[[str, int], bool],
    approved: Callable[[str], bool],
    artifact: Callable[[str, int], str | None],
    chance: Random,
    hardship: float,
) -> Move | None:
    """Something that takes a run on; None where nothing can be done before the runner has what it waits for.

    Args:
        run: as it is now.
        arrived: whether an attempt of a task has reached the runner.
        approved: whether an approval is known to be given.
        artifact: the id of what is known to be kept of an attempt.
        chance: what is drawn from.
        hardship: from 0, where everything succeeds, to 1.
    """
    if run.status == "paused":
        return _operation(Kind.RESUME, run)
    if run.status == "failed":
        return _rerun(run, chance)
    if chance.random() < PAUSES * hardship:
        return _operation(Kind.PAUSE, run)
    if chance.random() < NOTES * hardship:
        body = {"run_id": run.id, "type": "custom.drill.note", "payload": {"version": run.version}}
        return Move(Kind.EVENT, "/events", body)
    due = [
        *_reports(run, arrived, artifact, chance, hardship),
        *_decisions(run, approved, chance, hardship),
        *_dispatches(run, approved, chance),
    ]
    return chance.choice(due) if due else None


def _operation(kind: Kind, run: Seen) -> Move:
    return Move(kind, f"/workflow-runs/{run.id}/{kind}", {"actor": ACTOR})


def _rerun(run: Seen, chance: Random) -> Move:
    body = {
        "task_ids": [task.id for task in run.tasks if task.status in FALLEN],
        "requested_by": ACTOR,
        "reason": "it fell",
        "auto_dispatch": chance.random() < DISPATCHES_AT_ONCE,
    }
    return Move(Kind.RERUN, f"/workflow-runs/{run.id}/partial-rerun", body)


def _reports(
    run: Seen,
    arrived: Callable[[str, int], bool],
    artifact: Callable[[str, int], str | None],
    chance: Random,
    hardship: float,
) -> Iterator[Move]:
    """What the runner may say of the attempts that it has; before a success it hands in an artifact."""
    for task in run.tasks:
        if task.status not in ACTIVE or not arrived(task.id, task.attempt):
            continue
        status, category = _outcome(task, chance, hardship)
        if status == "cancel-requested":
            body: dict[str, Any] = {"attempt": task.attempt, "actor": ACTOR}
            yield Move(Kind.CANCEL, f"/tasks/{task.id}/cancel", body, task.id, task.attempt)
        elif status == "success" and artifact(task.id, task.attempt) is None:
            yield _artifact(task)
        else:
            yield _report(task, status, category, artifact(task.id, task.attempt), chance)


def _outcome(task: Task, chance: Random, hardship: float) -> tuple[str, str | None]:
    """What becomes of an attempt next, and the category of a failure."""
    if task.status == "cancel-requested":
        return chance.choice(["canceled", "failed"]), None
    if task.step_id == FLAKY and task.attempt == 1 and task.status == "running":
        return "failed", "timeout"
    if task.status != "running" and (task.step_id == FLAKY or chance.random() < STAYS_ACTIVE):
        is_queued = task.status == "dispatched" and chance.random() < IS_QUEUED
        return ("queued" if is_queued else "running"), None
    drawn = chance.random() if task.attempt < MOST_ATTEMPTS else 1.0
    for share, status, category in FATES:
        if drawn < share * hardship:
            return status, category
    return "success", None


def _artifact(task: Task) -> Move:
    content = f"{task.step_id}, attempt {task.attempt}"
    body = {"task_id": task.id, "attempt": task.attempt, "type": "text", "name": "result", "content": content}
    return Move(Kind.ARTIFACT, "/artifacts", body, task.id, task.attempt)


def _report(task: Task, status: str, category: str | None, artifact_id: str | None, chance: Random) -> Move:
    body: dict[str, Any] = {"attempt": task.attempt, "status": status}
    if chance.random() < HAS_KEY:
        body["idempotency_key"] = f"{task.attempt}-{status}"
    if category is not None:
        body["failure_category"] = category
    if status == "success" and artifact_id is not None and chance.random() < HANDS_OFF:
        body["handoff"] = {"summary": f"{task.step_id} is done", "artifact_ids": [artifact_id]}
    return Move(Kind.REPORT, f"/runner/tasks/{task.id}/status", body, task.id, task.attempt, status)


def _decisions(run: Seen, approved: Callable[[str], bool], chance: Random, hardship: float) -> Iterator[Move]:
    for task in run.waiting():
        if not task.requires_approval or task.approval_id is None or approved(task.approval_id):
            continue
        rejects = not task.attempt and chance.random() < REJECTS * hardship
        verb, status = ("reject", "rejected") if rejects else ("approve", "approved")
        body = {"actor": ACTOR, "comment": f"as of attempt {task.attempt}"}
        yield Move(Kind.DECIDE, f"/approvals/{task.approval_id}/{verb}", body, task.id, status=status)


def _dispatches(run: Seen, approved: Callable[[str], bool], chance: Random) -> Sequence[Move]:
    """One of the three ways to dispatch, where something is ready."""
    ready = [task for task in run.waiting() if not task.requires_approval or approved(task.approval_id or "")]
    if not ready:
        return ()
    task = chance.choice(ready)
    return [
        chance.choice(
            [
                Move(Kind.DISPATCH, f"/workflow-runs/{run.id}/dispatch-ready"),
                Move(Kind.DISPATCH, f"/tasks/{task.id}/dispatch"),
                Move(Kind.TURN, f"/workflow-runs/{run.id}/control-loop", {"max_dispatch": 2}),
            ]
        )
    ]
