"""The state of a run after a race, read through the API and nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gatewright.race import Client, Response

__all__ = [
    "Event",
    "RunState",
    "Task",
    "answered",
    "event_from_answer",
    "observe_run",
    "task_from_answer",
]

PAGE = 500
MOST_PAGES = 20


@dataclass(frozen=True, slots=True)
class Task:
    """A task as the API shows it."""

    id: str
    step_id: str
    depends_on: tuple[str, ...]
    requires_approval: bool
    approval_id: str | None
    status: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Event:
    """An event as the API shows it."""

    id: str
    sequence: int
    type: str
    task_id: str | None
    attempt: int | None
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RunState:
    """A run with its tasks, events and approvals.

    `before` is how many of the events came before the race; `approvals` has each one's status by its id,
    `deciders` who decided those that are. `audits` has, by task and attempt, which approval let it
    go, whose it was, and why, as the audit keeps it of tasks that need one.
    """

    status: str
    rerun_count: int
    tasks: tuple[Task, ...]
    events: tuple[Event, ...]
    approvals: Mapping[str, str]
    before: int
    deciders: Mapping[str, str | None] = field(default_factory=dict)
    audits: Mapping[tuple[str, int], tuple[str | None, ...]] = field(default_factory=dict)

    def raced(self, kind: str) -> Iterator[Event]:
        """The events of a type that came in the race."""
        return (event for event in self.events[self.before :] if event.type == kind)


def answered(response: Response) -> Any:
    """The body of a request that must have been carried out.

    Raises:
        AssertionError: it was refused.
    """
    assert response.ok, f"answered {response.status}: {response.json}"
    return response.json


async def observe_run(client: Client, run_id: str, before: Sequence[Event] = ()) -> RunState:
    """Read a run, its events after those known `before` the race, and its approvals."""
    run = answered(await client.get(f"/workflow-runs/{run_id}"))
    tasks = tuple(map(task_from_answer, run["tasks"]))
    approvals, deciders = {}, {}
    for task in tasks:
        if task.approval_id is not None:
            approval = answered(await client.get(f"/approvals/{task.approval_id}"))
            approvals[task.approval_id] = approval["status"]
            deciders[task.approval_id] = approval["actor"]
    return RunState(
        status=run["status"],
        rerun_count=run["rerun_count"],
        tasks=tasks,
        events=(*before, *await _events(client, run_id, before[-1].id if before else "0")),
        approvals=approvals,
        before=len(before),
        deciders=deciders,
        audits={key: kept for task in tasks for key, kept in await _audit(client, task)},
    )


async def _audit(client: Client, task: Task) -> list[tuple[tuple[str, int], tuple[str | None, ...]]]:
    """The approvals of a task's attempts, looked for only where it needs them."""
    if not (task.requires_approval and task.attempt):
        return []
    audit = answered(await client.get(f"/tasks/{task.id}/audit"))
    approvals = [(item["attempt"], item["approval"] or {}) for item in audit["items"]]
    return [
        ((task.id, attempt), (approval.get("id"), approval.get("actor"), approval.get("comment")))
        for attempt, approval in approvals
    ]


async def _events(client: Client, run_id: str, after: str) -> list[Event]:
    events: list[Event] = []
    for _ in range(MOST_PAGES):
        page = answered(await client.get(f"/events?run_id={run_id}&after={after}&limit={PAGE}"))
        events += map(event_from_answer, page["items"])
        after = page["next_after"]
        if len(page["items"]) < PAGE:
            return events
    raise AssertionError(f"run {run_id} has more than {MOST_PAGES * PAGE} events")


def task_from_answer(value: Mapping[str, Any]) -> Task:
    """A task as the API answers it."""
    return Task(
        id=value["id"],
        step_id=value["step_id"],
        depends_on=tuple(value["depends_on"]),
        requires_approval=value["requires_approval"],
        approval_id=value["approval_id"],
        status=value["status"],
        attempt=value["attempt"],
    )


def event_from_answer(value: Mapping[str, Any]) -> Event:
    """An event as the API answers it."""
    return Event(
        id=value["id"],
        sequence=value["sequence"],
        type=value["type"],
        task_id=value["task_id"],
        attempt=value["attempt"],
        payload=value["payload"],
    )
