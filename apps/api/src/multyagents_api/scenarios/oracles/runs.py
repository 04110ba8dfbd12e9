"""What must hold after every race, told from answers, events and the final state alone.

Nothing here asks the service's own rules: an oracle that shared code with what it judges would share its
mistakes.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from gatewright.race import History
from multyagents_api.scenarios.oracles.run_state import Event, RunState

__all__ = [
    "ACTIVE",
    "DISPATCHED",
    "REPORTED",
    "RERUN",
    "STATUS_OF_ATTEMPT",
    "Told",
    "acknowledged_dispatches",
    "attempts_are_exclusive",
    "counted_reruns",
    "decided_once",
    "dispatched_by_the_rules",
    "ended_once",
    "one_rerun_of_each_failure",
    "run_follows_from_tasks",
    "run_status",
    "sequences_are_gapless",
    "single_dispatches",
    "somebody_decided",
    "somebody_dispatched",
]

CONFLICT = 409
DISPATCHED = "task.dispatched"
RERUN = "workflow_run.partial_rerun_requested"
REPORTED = "task.runner_status_updated"
ACTIVE = frozenset({"dispatched", "queued", "running", "cancel-requested"})
ENDED = frozenset({"success", "failed", "canceled", "submit-failed"})

DispatchKey: TypeAlias = tuple[str | None, int | None]
"""Task and attempt."""


def single_dispatches(state: RunState) -> Iterator[str]:
    """Invariant 1: one `task.dispatched` for each attempt, and attempts that were all dispatched."""
    seen = Counter((event.task_id, event.attempt) for event in state.events if event.type == DISPATCHED)
    for (task_id, attempt), times in seen.items():
        if times > 1:
            yield f"task {task_id} attempt {attempt} was dispatched {times} times"
    for task in state.tasks:
        dispatches = sum(times for (task_id, _), times in seen.items() if task_id == task.id)
        if dispatches != task.attempt:
            yield f"task {task.id} is at attempt {task.attempt} after {dispatches} dispatches"


def acknowledged_dispatches(history: History, state: RunState) -> Iterator[str]:
    """Invariant 1: one acknowledged dispatch for each event, and one event for each acknowledgement.

    A request that got no answer, because its server was killed, may have dispatched.
    """
    unheard = _unanswered(history, "/dispatch-ready", "/partial-rerun")
    told = Counter(_acknowledgements(history))
    happened: Counter[DispatchKey] = Counter(
        (event.task_id, event.attempt) for event in state.raced(DISPATCHED)
    )
    for key in sorted(told.keys() | happened.keys(), key=str):
        if told[key] < happened[key] <= told[key] + unheard:
            unheard -= happened[key] - told[key]
        elif told[key] != happened[key]:
            task_id, attempt = key
            yield (
                f"task {task_id} attempt {attempt} was acknowledged {told[key]} times "
                f"and dispatched {happened[key]} times"
            )


def somebody_dispatched(history: History) -> Iterator[str]:
    """A task was ready, so of concurrent dispatches one succeeds; who refuses all raced nothing."""
    asked = history.to("POST", "/dispatch-ready")
    if asked and not _unanswered(history, "/dispatch-ready") and not any(_acknowledgements(history)):
        yield f"none of {len(asked)} dispatches of a ready task was carried out"


def _acknowledgements(history: History) -> Iterator[DispatchKey]:
    for op in history:
        body: Any = op.response.json
        if not op.response.ok or not isinstance(body, dict):
            continue
        if op.path.endswith("/dispatch-ready") and body["dispatched"]:
            yield body["task_id"], body["attempt"]
        if op.path.endswith("/partial-rerun"):
            for dispatch in body["dispatched"]:
                yield dispatch["task_id"], dispatch["attempt"]


def dispatched_by_the_rules(state: RunState) -> Iterator[str]:
    """Invariant 2: a dispatch follows its approval and its dependencies, in a run that is not held."""
    tasks = {task.id: task for task in state.tasks}
    steps = {task.step_id: task.id for task in state.tasks}
    told = Told()
    for event in state.events:
        task = tasks.get(event.task_id or "")
        if event.type == DISPATCHED and task is not None:
            waiting = [step for step in task.depends_on if told.status.get(steps[step]) != "success"]
            if task.requires_approval and task.id not in told.approved:
                standing = "after its rejection" if task.id in told.rejected else "without its approval"
                yield f"event {event.sequence}: task {task.id} was dispatched {standing}"
            if waiting:
                yield f"event {event.sequence}: task {task.id} was dispatched before {', '.join(waiting)}"
            if told.held:
                yield f"event {event.sequence}: task {task.id} was dispatched in a run that is {told.held}"
        told.take(event)


def attempts_are_exclusive(state: RunState) -> Iterator[str]:
    """Invariant 3: attempts only grow, and none is opened while another is active."""
    latest: dict[str, int] = {}
    told = Told()
    for event in state.events:
        if event.type == DISPATCHED and event.task_id is not None and event.attempt is not None:
            before = latest.get(event.task_id, 0)
            if event.attempt <= before:
                yield f"event {event.sequence}: task {event.task_id} went from {before} to {event.attempt}"
            if told.status.get(event.task_id) in ACTIVE:
                yield (
                    f"event {event.sequence}: task {event.task_id} attempt {event.attempt} "
                    f"was dispatched while attempt {before} was active"
                )
            latest[event.task_id] = event.attempt
        told.take(event)


def counted_reruns(history: History, state: RunState) -> Iterator[str]:
    """Invariant 4: reruns counted, accepted and told are as many; each resets its tasks once."""
    accepted = [op for op in history if op.path.endswith("/partial-rerun") and op.response.ok]
    raced = sum(1 for _ in state.raced(RERUN))
    unheard = _unanswered(history, "/partial-rerun")
    told = sum(event.type == RERUN for event in state.events)
    if not len(accepted) <= raced <= len(accepted) + unheard:
        yield f"{len(accepted)} reruns were accepted and {raced} were told"
    if state.rerun_count != told:
        yield f"rerun_count is {state.rerun_count} after {told} reruns"
    resets = Counter(event.task_id for event in state.raced("task.partial_rerun_reset"))
    asked: Counter[str] = Counter()
    for op in accepted:
        body: Any = op.response.json
        asked.update(body["reset_task_ids"])
    if resets != asked and not (unheard and resets > asked):
        yield f"accepted reruns reset {dict(asked)}, events tell {dict(resets)}"


def one_rerun_of_each_failure(history: History) -> Iterator[str]:
    """A failure is rerun once, whoever asks; somebody's rerun is accepted, and the others meet a conflict."""
    accepted: dict[str, list[str]] = {}
    for op in history.to("POST", "/partial-rerun"):
        body: Any = op.response.json
        if op.response.ok:
            for task_id in body["reset_task_ids"]:
                accepted.setdefault(task_id, []).append(op.actor)
        elif op.answered and op.response.status != CONFLICT:
            yield f"{op.actor}'s rerun was answered {op.response.status}"
    if not accepted and not _unanswered(history, "/partial-rerun"):
        yield "no rerun was accepted"
    for task_id, actors in accepted.items():
        if len(actors) > 1:
            names = ", ".join(sorted(actors))
            yield f"{len(actors)} reruns of the failure of task {task_id} were accepted: {names}"


def ended_once(state: RunState) -> Iterator[str]:
    """Invariant 5: an attempt has one terminal status, and no status after it."""
    ends: dict[tuple[str | None, int | None], str] = {}
    for event in state.events:
        status = STATUS_OF_ATTEMPT.get(event.type, str(event.payload.get("status")))
        if event.type not in STATUS_OF_ATTEMPT and event.type != REPORTED:
            continue
        key = event.task_id, event.attempt
        if key in ends:
            yield (
                f"event {event.sequence}: task {event.task_id} attempt {event.attempt} "
                f"was {ends[key]} and became {status}"
            )
        if status in ENDED:
            ends[key] = status


def run_follows_from_tasks(state: RunState) -> Iterator[str]:
    """Invariant 6: the run's status is the one that its tasks give."""
    expected = run_status(state.tasks)
    if state.status not in {"paused", "aborted", expected}:
        tasks = ", ".join(f"{task.step_id} {task.status}" for task in state.tasks)
        yield f"the run is {state.status}, but its tasks ({tasks}) make it {expected}"


class TaskLike(Protocol):
    """What the status of a run depends on."""

    @property
    def step_id(self) -> str:
        """The name that others depend on."""
        ...

    @property
    def depends_on(self) -> tuple[str, ...]:
        """The steps that it waits for."""
        ...

    @property
    def status(self) -> str:
        """Where it stands."""
        ...

    @property
    def attempt(self) -> int:
        """How often it was dispatched."""
        ...


def run_status(tasks: Sequence[TaskLike]) -> str:
    """The status that tasks give their run, unless an operator holds it."""
    done = {task.step_id for task in tasks if task.status == "success"}
    if len(done) == len(tasks):
        return "success"
    if any(task.status in ACTIVE for task in tasks):
        return "running"
    if any(task.status == "created" and done.issuperset(task.depends_on) for task in tasks):
        return "running" if any(task.attempt for task in tasks) else "created"
    return "failed"


def sequences_are_gapless(state: RunState) -> Iterator[str]:
    """Invariant 7: events are numbered 1, 2, ... in the order of their commits."""
    numbers = [event.sequence for event in state.events]
    if numbers != list(range(1, len(numbers) + 1)):
        yield f"events are numbered {numbers}"


def decided_once(history: History, state: RunState) -> Iterator[str]:
    """Invariant 8: an approval has one decision, and it is the one that clients were told."""
    decisions: dict[str, list[str]] = {}
    for event in state.events:
        if event.type in {"approval.approved", "approval.rejected"}:
            key = str(event.payload.get("approval_id"))
            decisions.setdefault(key, []).append(event.type.removeprefix("approval."))
    for approval, made in decisions.items():
        if len(made) > 1:
            yield f"approval {approval} was decided {len(made)} times: {', '.join(made)}"
    for approval, status in state.approvals.items():
        if status != "pending" and status not in decisions.get(approval, []):
            yield f"approval {approval} is {status}, but no event tells it"
    for op in history:
        asked = {"approve": "approved", "reject": "rejected"}.get(op.path.rpartition("/")[2])
        approval = op.path.split("/")[2] if asked else ""
        if asked and op.response.ok and state.approvals.get(approval, asked) != asked:
            status = state.approvals[approval]
            yield f"{op.actor} was told that approval {approval} is {asked}; it is {status}"


def somebody_decided(history: History) -> Iterator[str]:
    """The approval was pending, so of concurrent decisions one is accepted."""
    asked = [*history.to("POST", "/approve"), *history.to("POST", "/reject")]
    if asked and all(op.answered for op in asked) and not any(op.response.ok for op in asked):
        yield f"none of {len(asked)} decisions of a pending approval was accepted"


def _unanswered(history: History, *endings: str) -> int:
    """How many requests to these paths got no answer."""
    return sum(op.path.endswith(endings) and not op.answered for op in history)


@dataclass
class Told:
    """What the events so far say about tasks and their run."""

    status: dict[str, str] = field(default_factory=dict)
    approved: set[str] = field(default_factory=set)
    rejected: set[str] = field(default_factory=set)
    held: str = ""

    def take(self, event: Event) -> None:
        """Go on by one event."""
        kind, task_id = event.type, event.task_id or ""
        if kind in STATUS_TOLD_BY:
            self.status[task_id] = STATUS_TOLD_BY[kind]
        elif kind == REPORTED:
            self.status[task_id] = str(event.payload.get("status"))
        elif kind == "approval.pending":
            self.approved.discard(task_id)
            self.rejected.discard(task_id)
        elif kind == "approval.approved":
            self.approved.add(task_id)
        elif kind == "approval.rejected":
            self.approved.discard(task_id)
            self.rejected.add(task_id)
            self.status[task_id] = "canceled"
        elif kind in HELD_BY:
            self.held = HELD_BY[kind]
            self.status |= dict.fromkeys(event.payload.get("canceled_task_ids", ()), "canceled")


STATUS_OF_ATTEMPT = {
    "task.runner_queued": "queued",
    "task.runner_submit_failed": "submit-failed",
    "task.runner_cancel_requested": "cancel-requested",
}
STATUS_TOLD_BY = STATUS_OF_ATTEMPT | {
    DISPATCHED: "dispatched",
    "task.retry_scheduled": "created",
    "task.partial_rerun_reset": "created",
}
HELD_BY = {
    "workflow_run.paused": "paused",
    "workflow_run.resumed": "",
    "workflow_run.aborted": "aborted",
}
