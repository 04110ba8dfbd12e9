"""What clients were acknowledged, and what of it is missing afterwards."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from multyagents_api.scenarios.oracles.run_state import Event, RunState
from multyagents_api.scenarios.oracles.runs import DISPATCHED, REPORTED, RERUN, STATUS_OF_ATTEMPT
from multyagents_api.scenarios.restarts.moves import Kind, Move, Seen

__all__ = ["Fact", "Record", "Results", "kept_facts"]


class Fact(NamedTuple):
    """Something that a client was told has happened, to what, and how."""

    what: str
    whose: str
    detail: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, self))


@dataclass(frozen=True, slots=True)
class Results:
    """What is kept beside the events: each artifact's digest by its id, and whose hand-offs there are."""

    artifacts: Mapping[str, str] = field(default_factory=dict)
    handoffs: frozenset[tuple[str, int]] = frozenset()


@dataclass(eq=False)
class Record:
    """A run in the books of its clients; one client at a time writes into it.

    Attributes:
        run_id: of the run.
        facts: all that was acknowledged.
        reports: the callbacks that were acknowledged, in order.
        unanswered: the callbacks that got no answer.
        recorded_at: when a client learned that an attempt is with the runner, by task and attempt, in
            seconds of the monotonic clock.
        events: those that were read so far.
        ended: the run as it was when it had succeeded.
    """

    run_id: str
    facts: set[Fact] = field(default_factory=set)
    reports: list[Move] = field(default_factory=list)
    unanswered: list[Move] = field(default_factory=list)
    recorded_at: dict[tuple[str, int], float] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    ended: Seen | None = None
    _artifacts: dict[tuple[str, int], str] = field(default_factory=dict)
    _times: Counter[Kind] = field(default_factory=Counter)

    def approved(self, approval_id: str) -> bool:
        """Whether an approval is known to be given."""
        return Fact("approved", approval_id) in self.facts

    def artifact(self, task_id: str, attempt: int) -> str | None:
        """The id of what is known to be kept of an attempt."""
        return self._artifacts.get((task_id, attempt))

    def acknowledge(self, move: Move, answer: Mapping[str, Any], at: float) -> None:
        """Note what an answer told; `at` is when it came."""
        self._times[move.kind] += 1
        self.facts.update(_facts(move, answer, self._times[move.kind]))
        if move.kind is Kind.REPORT:
            self.reports.append(move)
        if move.kind is Kind.ARTIFACT:
            self._artifacts[move.task_id, move.attempt] = answer["id"]
        for dispatch in _dispatches(move, answer):
            if dispatch["outcome"] == "queued":
                self.recorded_at[dispatch["task_id"], dispatch["attempt"]] = at

    def missing(self, state: RunState, results: Results) -> Iterator[str]:
        """What was acknowledged and is not there."""
        for fact in sorted(self.facts - kept_facts(self.run_id, state, results)):
            yield f"run {self.run_id}: it was acknowledged, and is lost: {fact}"

    def rewritten(self, events: tuple[Event, ...]) -> Iterator[str]:
        """Which of the events that were read are gone, or other ones now."""
        for before, now in zip(self.events, events, strict=False):
            if before != now:
                was = f"event {before.sequence} was {before.type} {before.id}"
                yield f"run {self.run_id}: {was}, and is {now}"
        if len(events) < len(self.events):
            yield f"run {self.run_id}: {len(self.events)} events were read, and {len(events)} are there"


def _facts(move: Move, answer: Mapping[str, Any], times: int) -> Iterator[Fact]:
    """What an answer tells; `times` is how many moves of this kind were acknowledged for this run."""
    if move.kind in TOLD_BY_ANSWER:
        yield TOLD_BY_ANSWER[move.kind](move, answer)
    if move.kind in {Kind.PAUSE, Kind.RESUME}:
        yield Fact(move.kind, answer["id"], f"for the {times}. time")
    if "handoff" in move.body:
        yield Fact("hand-off", _attempt(move.task_id, move.attempt))
    for dispatch in _dispatches(move, answer):
        yield Fact("dispatched", _attempt(dispatch["task_id"], dispatch["attempt"]))
        if dispatch["outcome"] == "queued":
            yield Fact("status", _attempt(dispatch["task_id"], dispatch["attempt"]), "queued")


def _dispatches(move: Move, answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The dispatches that an answer tells."""
    if move.kind is Kind.DISPATCH:
        return [answer["dispatch"]] if answer["dispatch"] else []
    return list(answer[{Kind.TURN: "spawn", Kind.RERUN: "dispatched"}[move.kind]]) if _spawns(move) else []


def _spawns(move: Move) -> bool:
    return move.kind in {Kind.TURN, Kind.RERUN}


def _attempt(task_id: str | None, attempt: int | None) -> str:
    return f"task {task_id} attempt {attempt}"


def kept_facts(run_id: str, state: RunState, results: Results) -> set[Fact]:
    """What has happened to a run, as it tells itself."""
    kept = {Fact("run", run_id, " ".join(task.id for task in state.tasks))}
    kept |= {Fact("artifact", *artifact) for artifact in results.artifacts.items()}
    times: Counter[str] = Counter()
    for event in state.events:
        times[event.type] += 1
        kept.update(_told_by(event, run_id, times[event.type]))
    # A hand-off is there only where both its event and itself are.
    handoffs = {_attempt(*key) for key in results.handoffs}
    return {fact for fact in kept if fact.what != "hand-off" or fact.whose in handoffs}


def _told_by(event: Event, run_id: str, times: int) -> Iterator[Fact]:
    """What an event tells, which is the so manieth of its type."""
    attempt = _attempt(event.task_id, event.attempt)
    yield Fact("event", event.id, event.type)
    if event.type == DISPATCHED:
        yield Fact("dispatched", attempt)
    elif event.type == REPORTED:
        yield Fact("status", attempt, str(event.payload.get("status")))
    elif event.type in STATUS_OF_ATTEMPT:
        yield Fact("status", attempt, STATUS_OF_ATTEMPT[event.type])
    elif event.type in {"approval.approved", "approval.rejected"}:
        yield Fact(event.type.removeprefix("approval."), str(event.payload.get("approval_id")))
    elif event.type in OPERATIONS:
        yield Fact(OPERATIONS[event.type], run_id, f"for the {times}. time")
    elif event.type == RERUN:
        yield Fact(Kind.RERUN, run_id, str(times))
    elif event.type == "task.handoff_published":
        yield Fact("hand-off", attempt)


OPERATIONS = {"workflow_run.paused": Kind.PAUSE, "workflow_run.resumed": Kind.RESUME}

TOLD_BY_ANSWER: Mapping[Kind, Callable[[Move, Mapping[str, Any]], Fact]] = {
    Kind.CREATE: lambda _, answer: Fact("run", answer["id"], " ".join(answer["task_ids"])),
    Kind.REPORT: lambda move, _: Fact("status", _attempt(move.task_id, move.attempt), move.status),
    Kind.CANCEL: lambda move, _: Fact("status", _attempt(move.task_id, move.attempt), "cancel-requested"),
    Kind.DECIDE: lambda move, answer: Fact(move.status, answer["id"]),
    Kind.RERUN: lambda move, answer: Fact(move.kind, answer["run_id"], str(answer["rerun_count"])),
    Kind.ARTIFACT: lambda _, answer: Fact("artifact", answer["id"], answer["sha256"]),
    Kind.EVENT: lambda _, answer: Fact("event", answer["id"], answer["type"]),
}
