"""What must hold of the order in which a race's events were committed, told from events and answers alone."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from gatewright.race import History
from multyagents_api.scenarios.oracles.run_state import Event, RunState
from multyagents_api.scenarios.oracles.runs import (
    ACTIVE,
    DISPATCHED,
    REPORTED,
    RERUN,
    STATUS_OF_ATTEMPT,
    Told,
)

__all__ = [
    "artifacts_in_time",
    "audit_is_kept",
    "blocks_are_told_once",
    "decided_in_time",
    "nobody_gave_up",
    "paths_are_exclusive",
    "reads_are_whole",
    "rerun_as_expected",
    "rerun_by_the_rules",
    "retried_within_budget",
    "statuses_go_forward",
]

RESET = "task.partial_rerun_reset"
FALLEN = frozenset({"failed", "canceled", "submit-failed"})
BLOCKED = frozenset({"task.dispatch_blocked_by_approval", "task.dispatch_blocked_missing_handoff_artifacts"})
ENDS = frozenset({"success", "failed", "canceled"})
FORWARD = ("queued", "running", "cancel-requested", "submit-failed", "canceled", "failed", "success")
FEW = 5
"""So many other requests may overtake a request before it may give up."""


def rerun_by_the_rules(state: RunState) -> Iterator[str]:
    """A rerun meets a run that nobody holds or works on; it resets what fell, each fall of a task once."""
    told = Told()
    opened: dict[str, int] = {}
    reset: set[tuple[str, int]] = set()
    for event in state.events:
        if event.type == RERUN:
            yield from _refusals(event, state, told)
        if event.type == DISPATCHED and event.task_id is not None:
            opened[event.task_id] = event.attempt or 0
        if event.type == RESET and event.task_id is not None and event.attempt:
            fall = event.task_id, event.attempt
            if fall in reset:
                yield f"event {event.sequence}: task {fall[0]} attempt {fall[1]} was reset again"
            if opened.get(fall[0]) != fall[1]:
                now = f"it is at {opened.get(fall[0])}"
                yield f"event {event.sequence}: task {fall[0]} was reset for attempt {fall[1]}, {now}"
            reset.add(fall)
        told.take(event)


def _refusals(rerun: Event, state: RunState, told: Told) -> Iterator[str]:
    """Why this rerun should have been refused."""
    if told.held:
        yield f"event {rerun.sequence}: a rerun of a run that is {told.held}"
    if busy := [task.id for task in state.tasks if told.status.get(task.id) in ACTIVE]:
        yield f"event {rerun.sequence}: a rerun while task {', '.join(busy)} is active"
    selected = set(rerun.payload["task_ids"])
    fallen = {task.step_id for task in state.tasks if told.status.get(task.id) in FALLEN} - {
        task.step_id for task in state.tasks if task.id in selected
    }
    for task in state.tasks:
        if task.id not in selected:
            continue
        if (status := told.status.get(task.id)) not in FALLEN:
            yield f"event {rerun.sequence}: a rerun of task {task.id}, which is {status}"
        if waiting := sorted(fallen.intersection(task.depends_on)):
            yield f"event {rerun.sequence}: a rerun of task {task.id}, which waits for {', '.join(waiting)}"


def statuses_go_forward(state: RunState) -> Iterator[str]:
    """What is told of an attempt goes forward; whom a cancel has met does not go on as if nothing were."""
    latest: dict[tuple[str | None, int | None], str] = {}
    for event in state.events:
        status = STATUS_OF_ATTEMPT.get(event.type) or str(event.payload.get("status"))
        if event.type not in STATUS_OF_ATTEMPT and event.type != REPORTED:
            continue
        key = event.task_id, event.attempt
        if FORWARD.index(status) < FORWARD.index(latest.get(key, "queued")):
            was = latest[key]
            yield f"event {event.sequence}: task {key[0]} attempt {key[1]} was {was} and became {status}"
        latest[key] = status


def rerun_as_expected(state: RunState) -> Iterator[str]:
    """A rerun that expects the version before the race comes first of all that the race did."""
    for position, event in enumerate(state.events[state.before :]):
        if event.type == RERUN and position:
            earlier = state.events[state.before].type
            yield f"event {event.sequence}: a rerun of a run that had changed by {earlier}"


def decided_in_time(state: RunState) -> Iterator[str]:
    """A decision comes before its task's dispatch, its cancellation, and the end of its run."""
    told = Told()
    for event in state.events:
        if event.type in {"approval.approved", "approval.rejected"}:
            verb, status = event.type.removeprefix("approval."), told.status.get(event.task_id or "")
            if told.held == "aborted":
                yield f"event {event.sequence}: task {event.task_id} was {verb} in a run that is aborted"
            elif status not in {None, "created"}:
                yield f"event {event.sequence}: task {event.task_id} was {verb} when it was {status}"
        told.take(event)


def audit_is_kept(state: RunState) -> Iterator[str]:
    """The audit of each attempt that needed an approval has who decided, and why, as it was told."""
    decisions: dict[str, Mapping[str, Any]] = {}
    gated = {task.id for task in state.tasks if task.requires_approval}
    for event in state.events:
        if event.type == "approval.approved" and event.task_id is not None:
            decisions[event.task_id] = event.payload
        if event.type != DISPATCHED or event.task_id not in gated:
            continue
        decision = decisions.get(event.task_id, {})
        expected = tuple(decision.get(name) for name in ("approval_id", "actor", "comment"))
        kept = state.audits.get((event.task_id, event.attempt or 0))
        if kept != expected:
            yield f"task {event.task_id} attempt {event.attempt} keeps the approval {kept}, not {expected}"


def blocks_are_told_once(state: RunState) -> Iterator[str]:
    """What holds an attempt back is told the first time that somebody meets it."""
    told = Counter(
        (event.type, event.task_id, event.attempt, event.payload.get("approval_id"))
        for event in state.events
        if event.type in BLOCKED
    )
    for (kind, task_id, attempt, _), times in told.items():
        if times > 1:
            yield f"{kind} was told {times} times of task {task_id} attempt {attempt}"


def nobody_gave_up(history: History) -> Iterator[str]:
    """Who is overtaken decides again; only many rivals excuse the answer that one should try again."""
    for op in history:
        body: Any = op.response.json
        rivals = sum(other.actor != op.actor and other.method != "GET" for other in history)
        if isinstance(body, dict) and body.get("code") == "conflict" and rivals < FEW:
            yield f"{op.actor} was told to try again, with {rivals} other requests in the race"


def retried_within_budget(state: RunState, most: int) -> Iterator[str]:
    """A failure is retried once, and no more failures than the role allows."""
    told = Counter(event.task_id for event in state.events if event.type == "task.retry_scheduled")
    attempts = Counter(
        (event.task_id, event.attempt) for event in state.events if event.type == "task.retry_scheduled"
    )
    for task_id, times in told.items():
        if times > most:
            yield f"task {task_id} was retried {times} times, and may be {most} times"
    for (task_id, attempt), times in attempts.items():
        if times > 1:
            yield f"the failure of task {task_id} attempt {attempt} was retried {times} times"


def artifacts_in_time(state: RunState) -> Iterator[str]:
    """What is kept belongs to the latest attempt of its task, which was not reset since."""
    over: set[tuple[str | None, int | None]] = set()
    opened: dict[str | None, int | None] = {}
    for event in state.events:
        if event.type == DISPATCHED:
            opened[event.task_id] = event.attempt
        if event.type == RESET:
            over.add((event.task_id, event.attempt))
        if event.type == "artifact.created":
            key = event.task_id, event.attempt
            if key in over or opened.get(event.task_id) != event.attempt:
                yield f"event {event.sequence}: an artifact of task {key[0]} attempt {key[1]}, which is over"


def paths_are_exclusive(runs: Sequence[RunState], locks: Mapping[str, str]) -> Iterator[str]:
    """Of tasks that lock the same place one at a time is active; ids of events have the commits' order.

    Args:
        runs: the runs that share the place.
        locks: the path of each task, which lies in no other one but where they are equal.
    """
    holders: dict[str, str] = {}
    events = sorted((event for run in runs for event in run.events), key=lambda event: int(event.id))
    for event in events:
        path = locks.get(event.task_id or "")
        if path is None:
            continue
        if event.type == DISPATCHED:
            if (holder := holders.get(path)) is not None:
                yield f"event {event.id}: task {event.task_id} was dispatched while {holder} has {path}"
            holders[path] = event.task_id or ""
        if event.type == "task.runner_status_updated" and event.payload.get("status") in ENDS:
            holders.pop(path, None)


def reads_are_whole(history: History) -> Iterator[str]:
    """Who reads a task's attempt, then its audit and the events, finds there what the attempt began with."""
    seen: dict[str, dict[str, int]] = {}
    for op in history:
        body: Any = op.response.json
        if op.method != "GET" or not op.response.ok:
            continue
        known = seen.setdefault(op.actor, {})
        if op.path.startswith("/workflow-runs/"):
            known.update({task["id"]: task["attempt"] for task in body["tasks"]})
        elif op.path.endswith("/audit"):
            yield from _missing_attempts(op.actor, known, body)
        elif op.path.startswith("/events?"):
            yield from _missing_events(op.actor, known, body["items"])


def _missing_attempts(actor: str, known: Mapping[str, int], audit: Any) -> Iterator[str]:
    task_id, kept = audit["task_id"], len(audit["items"])
    if kept < known.get(task_id, 0):
        yield f"{actor} saw task {task_id} at attempt {known[task_id]}, and {kept} attempts in its audit"
    for item in audit["items"]:
        if item["approval"] is None:
            yield f"{actor} saw task {task_id} attempt {item['attempt']} without its approval"


def _missing_events(actor: str, known: Mapping[str, int], events: Iterable[Any]) -> Iterator[str]:
    listed = list(events)
    numbers = [event["sequence"] for event in listed]
    if numbers != list(range(1, len(numbers) + 1)):
        yield f"{actor} read events numbered {numbers}"
    for task_id, attempt in known.items():
        told = sum(event["type"] == DISPATCHED and event["task_id"] == task_id for event in listed)
        if told < attempt:
            yield f"{actor} saw task {task_id} at attempt {attempt}, and {told} dispatches in its events"
