"""Callbacks that come again after a restart: as they were, without their key, out of order, too late."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from multyagents_api.scenarios.api_client import ApiClient
from multyagents_api.scenarios.oracles.run_state import RunState, Task
from multyagents_api.scenarios.restarts.ledger import Record
from multyagents_api.scenarios.restarts.moves import Kind, Move

__all__ = ["Replay", "replays", "send"]

OK = 200
CONFLICT = 409
STALE, BACKWARD = "stale_attempt", "illegal_transition"
KEY = "idempotency_key"


@dataclass(frozen=True, slots=True)
class Replay:
    """A callback that was acknowledged before, and what it must be answered now.

    `codes` are those that a refusal may have; none where it must be accepted.
    """

    report: Move
    why: str
    codes: frozenset[str] = frozenset()

    @property
    def is_repetition(self) -> bool:
        """Whether it must be accepted."""
        return not self.codes


def replays(record: Record, state: RunState, chance: Random, most: int) -> list[Replay]:
    """Some of the callbacks of a run again, in an order of chance, and some of attempts that are over."""
    tasks = {task.id: task for task in state.tasks}
    again = chance.sample(record.reports, min(most, len(record.reports)))
    drawn = [replay for report in again for replay in _again(report, tasks[report.task_id])]
    drawn += [_forged(task) for task in state.tasks if task.attempt > 1][:2]
    chance.shuffle(drawn)
    return drawn


def _again(report: Move, task: Task) -> Iterator[Replay]:
    """A callback as it was, and as one that nobody has heard of."""
    if KEY in report.body:
        yield Replay(report, "repeated with its key")
    body = {name: value for name, value in report.body.items() if name != KEY}
    bare = replace(report, body=body)
    if task.attempt > report.attempt:
        yield Replay(bare, f"of attempt {report.attempt}, when {task.attempt} is there", frozenset({STALE}))
    elif task.status != report.status:
        told = f"{report.status} again, when the task is {task.status}"
        yield Replay(bare, told, frozenset({STALE} if task.status == "created" else {STALE, BACKWARD}))
    else:
        yield Replay(bare, "repeated without a key")


def _forged(task: Task) -> Replay:
    """A success of the attempt before the current one, under a key that nobody has used."""
    body: dict[str, Any] = {"attempt": task.attempt - 1, "status": "success", KEY: f"late-{task.attempt}"}
    report = Move(Kind.REPORT, f"/runner/tasks/{task.id}/status", body, task.id, task.attempt - 1, "success")
    return Replay(report, f"a late success of attempt {task.attempt - 1}", frozenset({STALE}))


def send(client: ApiClient, drawn: Sequence[Replay]) -> Iterator[tuple[Replay, list[str]]]:
    """Send them; for each what is wrong with its answer.

    Raises:
        Unanswered: there was none.
    """
    for replay in drawn:
        report = replay.report
        answer = client.request("POST", report.path, report.body)
        code = answer.json.get("code") if isinstance(answer.json, dict) else None
        told = (
            f"task {report.task_id}: {report.status} {replay.why} was answered {answer.status} {code or ''}"
        )
        if replay.is_repetition:
            yield replay, [] if answer.status == OK else [told]
        else:
            is_refused = answer.status == CONFLICT and code in replay.codes
            yield replay, [] if is_refused else [told]
