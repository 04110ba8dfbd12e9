"""A workflow run whose requests come one after the other: what the API must answer, and what it leads to.

Written from the specification, and sharing no code with the service. It knows roles without retries and runs
without hand-offs. How far a dispatch got with its runner is the runner's doing, so `dispatched` stands for
`queued`, too.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from gatewright.race import Done, Refused
from multyagents_api.scenarios.oracles.runs import ACTIVE, run_status

__all__ = [
    "ABORTED",
    "CREATED",
    "PAUSED",
    "PENDING",
    "STEPS",
    "SUBMISSION_REFUSED",
    "Body",
    "Gate",
    "Outcome",
    "SequentialRun",
    "SequentialTask",
    "merged",
]

UNPROCESSABLE = 422

PENDING, APPROVED, REJECTED = "pending", "approved", "rejected"
CREATED, DISPATCHED, QUEUED, RUNNING = "created", "dispatched", "queued", "running"
CANCEL_REQUESTED, CANCELED, SUCCESS, SUBMIT_FAILED = (
    "cancel-requested",
    "canceled",
    "success",
    "submit-failed",
)
PAUSED, ABORTED = "paused", "aborted"

DISPATCHABLE = {CREATED, SUBMIT_FAILED}
RERUNNABLE = {"failed", CANCELED, SUBMIT_FAILED}
FINISHED = {SUCCESS, "failed", CANCELED}
FORWARD = {DISPATCHED: FINISHED | {RUNNING}, RUNNING: FINISHED, CANCEL_REQUESTED: FINISHED}

SUBMISSION_REFUSED = "submission-refused"
"""A path that no client asks for: the second part of a dispatch that the runner did not take."""


class Gate(NamedTuple):
    """The approval that a task's next dispatch needs; `id` is None for one that the race itself opened."""

    id: str | None
    status: str
    actor: str | None


class SequentialTask(NamedTuple):
    """A task; `reset` tells that it was rerun and not dispatched since."""

    id: str
    step_id: str
    depends_on: tuple[str, ...]
    status: str
    attempt: int
    reset: bool
    gate: Gate | None


class SequentialRun(NamedTuple):
    """A run; `held` is `paused`, `aborted` or empty, `heard` has the callbacks that carried a key."""

    held: str
    rerun_count: int
    tasks: tuple[SequentialTask, ...]
    heard: frozenset[tuple[str, str, int, str]] = frozenset()

    @property
    def status(self) -> str:
        """What clients see."""
        return self.held or run_status(self.tasks)

    def task(self, task_id: str) -> SequentialTask:
        """The task with this id."""
        return next(task for task in self.tasks if task.id == task_id)

    def changed(self, task: SequentialTask, **values: Any) -> "SequentialRun":
        """The run with another value of one of its tasks."""
        changed = task._replace(**values)
        return self._replace(tasks=tuple(changed if each.id == task.id else each for each in self.tasks))


Outcome: TypeAlias = Done[SequentialRun] | Refused
Body: TypeAlias = Mapping[str, Any]
ILLEGAL = Refused(answer={"code": "illegal_transition"})


def merged(status: str) -> str:
    """The status without how far a dispatch got."""
    return DISPATCHED if status == QUEUED else status


def _dispatch_ready(run: SequentialRun, _run_id: str, _body: Body) -> Outcome:
    """The first task, in template order, that may go now."""
    if run.held:
        return Refused()
    done = {task.step_id for task in run.tasks if task.status == SUCCESS}
    waiting = [task for task in run.tasks if task.status in DISPATCHABLE]
    ready = [task for task in waiting if done.issuperset(task.depends_on)]
    for task in ready:
        if task.gate is None or task.gate.status == APPROVED:
            attempt = task.attempt + 1
            told = {"dispatched": True, "task_id": task.id, "attempt": attempt, "reason": None}
            return Done(run.changed(task, status=DISPATCHED, attempt=attempt, reset=False), told)
    unmet = "dependencies not satisfied" if waiting else "no ready tasks"
    reason = "approval required" if ready else unmet
    return Done(run, {"dispatched": False, "task_id": None, "reason": reason})


def _submission_refused(run: SequentialRun, task_id: str, _body: Body) -> Outcome:
    """The runner did not take what was dispatched, unless a callback says otherwise."""
    task = run.task(task_id)
    return Done(run.changed(task, status=SUBMIT_FAILED) if task.status == DISPATCHED else run)


def _callback(run: SequentialRun, task_id: str, body: Body) -> Outcome:
    """Forward along the arrows; a repetition changes nothing."""
    task, attempt, status = run.task(task_id), body["attempt"], merged(body["status"])
    key = body.get("idempotency_key")
    if key is not None and (known := {each for each in run.heard if each[:2] == (task_id, key)}):
        return Done(run) if (task_id, key, attempt, status) in known else Refused()
    if not task.attempt or attempt > task.attempt:
        return Refused()
    if attempt < task.attempt or task.status == CREATED:
        return Refused(answer={"code": "stale_attempt"})
    if status == task.status:
        return Done(run)
    if status not in FORWARD.get(task.status, ()):
        return ILLEGAL
    heard = run.heard if key is None else run.heard | {(task_id, key, attempt, status)}
    return Done(run.changed(task, status=status)._replace(heard=heard))


def _cancel(run: SequentialRun, task_id: str, _body: Body) -> Outcome:
    """The runner is asked to stop what is active; asking again changes nothing."""
    task = run.task(task_id)
    return Done(run.changed(task, status=CANCEL_REQUESTED)) if task.status in ACTIVE else ILLEGAL


def _rerun(run: SequentialRun, _run_id: str, body: Body) -> Outcome:
    """All of the selection or nothing; who comes second meets a conflict."""
    if run.held or any(task.status in ACTIVE for task in run.tasks):
        return Refused()
    ids, steps = set(body.get("task_ids", ())), set(body.get("step_ids", ()))
    selected = [task for task in run.tasks if task.id in ids or task.step_id in steps]
    if not ids <= {task.id for task in selected} or not steps <= {task.step_id for task in selected}:
        return Refused(UNPROCESSABLE)
    for task in selected:
        if task.status not in RERUNNABLE:
            again = task.status == CREATED and (task.attempt or task.reset)
            return Refused() if again else Refused(UNPROCESSABLE)
    fallen = {task.step_id for task in run.tasks if task.status in RERUNNABLE and task not in selected}
    if any(fallen.intersection(task.depends_on) for task in selected):
        return Refused(UNPROCESSABLE)
    after = run._replace(rerun_count=run.rerun_count + 1)
    for task in selected:
        gate = task.gate and Gate(None, PENDING, None)
        after = after.changed(task, status=CREATED, reset=True, gate=gate)
    told = {
        "reset_task_ids": [task.id for task in selected],
        "rerun_count": after.rerun_count,
        "status": after.status,
    }
    return Done(after, told)


def _decide(decision: str) -> Callable[[SequentialRun, str, Body], Outcome]:
    """Once; the same decision by the same actor again changes nothing."""

    def decide(run: SequentialRun, approval_id: str, body: Body) -> Outcome:
        actor, told = body["actor"], {"status": decision, "actor": body["actor"]}
        task = next((task for task in run.tasks if task.gate and task.gate.id == approval_id), None)
        if task is None or task.gate is None:
            return Refused()  # a rerun has opened another one
        if task.gate.status != PENDING:
            again = (task.gate.status, task.gate.actor) == (decision, actor)
            return Done(run, told) if again else Refused(answer={"code": "already_decided"})
        if run.held == ABORTED or task.status != CREATED:
            return Refused()
        status = CANCELED if decision == REJECTED else task.status
        return Done(run.changed(task, status=status, gate=Gate(approval_id, decision, actor)), told)

    return decide


def _pause(run: SequentialRun, _run_id: str, _body: Body) -> Outcome:
    if run.status not in {CREATED, RUNNING}:
        return ILLEGAL
    return Done(run._replace(held=PAUSED), {"status": PAUSED})


def _resume(run: SequentialRun, _run_id: str, _body: Body) -> Outcome:
    return Done(run._replace(held="")) if run.held == PAUSED else ILLEGAL


def _abort(run: SequentialRun, _run_id: str, _body: Body) -> Outcome:
    """Nobody starts what is created any more, and the runner is asked to stop what is active."""
    if run.status not in {CREATED, RUNNING, PAUSED}:
        return ILLEGAL
    after = run._replace(held=ABORTED)
    for task in run.tasks:
        if task.status == CREATED:
            after = after.changed(task, status=CANCELED)
        elif task.status in ACTIVE:
            after = after.changed(task, status=CANCEL_REQUESTED)
    return Done(after, {"status": ABORTED})


def _read(run: SequentialRun, _run_id: str, _body: Body) -> Outcome:
    return Done(run, {"status": run.status, "rerun_count": run.rerun_count})


STEPS: Mapping[tuple[str, str], Callable[[SequentialRun, str, Body], Outcome]] = {
    ("workflow-runs", "dispatch-ready"): _dispatch_ready,
    ("workflow-runs", "partial-rerun"): _rerun,
    ("workflow-runs", "pause"): _pause,
    ("workflow-runs", "resume"): _resume,
    ("workflow-runs", "abort"): _abort,
    ("workflow-runs", ""): _read,
    ("tasks", "status"): _callback,
    ("tasks", "cancel"): _cancel,
    ("tasks", SUBMISSION_REFUSED): _submission_refused,
    ("approvals", "approve"): _decide(APPROVED),
    ("approvals", "reject"): _decide(REJECTED),
}
