"""What must hold whatever chaos does to the service, and how drills look at it."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from gatewright.core.errors import GatewrightError
from gatewright.execution.server import ServerStartError
from gatewright.suites.drill import Expectation, Logbook
from multyagents_api.scenarios.api_client import ApiClient
from multyagents_api.scenarios.chaos.crowd import (
    COME_AGAIN,
    NO_PROBLEM,
    PAUSE_S,
    Answer,
    GaveUp,
    Journal,
)
from multyagents_api.scenarios.oracles.order import statuses_go_forward
from multyagents_api.scenarios.oracles.run_state import RunState
from multyagents_api.scenarios.oracles.runs import (
    DISPATCHED,
    REPORTED,
    attempts_are_exclusive,
    dispatched_by_the_rules,
    ended_once,
    run_follows_from_tasks,
    sequences_are_gapless,
    single_dispatches,
)

__all__ = [
    "ANSWERS_IN_TIME",
    "COMMON",
    "DELIVERED_ONCE",
    "EVENTS_GAPLESS",
    "NOTHING_DISPATCHED_TWICE",
    "NOTHING_LOST",
    "NO_INTERNAL_ERROR",
    "NO_SURVIVORS",
    "OTHERS_GO_ON",
    "READS_GO_ON",
    "READY_TELLS_THE_TRUTH",
    "RECOVERS",
    "STALE_IS_REFUSED",
    "STATUSES_LEGAL",
    "STORE_INTACT",
    "expect_ready",
    "judge",
    "late",
    "lost_attempts",
    "observe_all",
    "recovering",
]

SERVER_ERROR = 500
READY, NOT_READY = 200, 503
FOR_A_MOMENT_S = 5.0
"""Some times the second that a look at a dependency is good for."""

CODES = frozenset({"store_unreachable", "store_busy", "store_full", "not_ready"})
"""What a refusal for a while may say."""

ANSWERS_IN_TIME = Expectation("answers-in-time", "every request is answered within the service's time limits")
NO_INTERNAL_ERROR = Expectation(
    "no-internal-error", "what can't be carried out is refused by a problem that says so, never by a 500"
)
RECOVERS = Expectation("recovers", "when what was taken away is back, every run goes on to its success")
NOTHING_LOST = Expectation("nothing-acknowledged-lost", "everything that was acknowledged is there")
NOTHING_DISPATCHED_TWICE = Expectation(
    "nothing-dispatched-twice", "each attempt is dispatched once, and none beside another"
)
EVENTS_GAPLESS = Expectation(
    "events-gapless", "each run's events are numbered 1, 2, ... as they were committed"
)
STATUSES_LEGAL = Expectation(
    "statuses-legal", "tasks go forward along the arrows and end once, and runs follow from their tasks"
)
READY_TELLS_THE_TRUTH = Expectation(
    "ready-tells-the-truth", "/readyz is 200 while requests can be served, else 503, a moment later"
)
OTHERS_GO_ON = Expectation("others-go-on", "whatever does not need what was taken away is served meanwhile")
READS_GO_ON = Expectation("reads-go-on", "what is stored can be read while nothing can be written")
STORE_INTACT = Expectation("store-intact", "the database file is sound and nothing in it points nowhere")
DELIVERED_ONCE = Expectation(
    "delivered-once", "the runner is handed each attempt, and again only when nobody can still be at it"
)
NO_SURVIVORS = Expectation("no-survivors", "what a killed runner had started ends with it")
STALE_IS_REFUSED = Expectation(
    "stale-is-refused", "the callback of an attempt that is over is answered 409 stale_attempt"
)

COMMON = (
    ANSWERS_IN_TIME,
    NO_INTERNAL_ERROR,
    RECOVERS,
    NOTHING_LOST,
    NOTHING_DISPATCHED_TWICE,
    EVENTS_GAPLESS,
    STATUSES_LEGAL,
)
"""What is looked at after every drill, by `judge`."""


@contextmanager
def recovering(log: Logbook) -> Iterator[None]:
    """What does not come true in here in time, and a process that does not come back, is a violation."""
    try:
        yield
    except (GaveUp, ServerStartError) as error:
        log.note(f"gave up: {error}")
        log.expect(RECOVERS.name, [str(error)])


def expect_ready(log: Logbook, client: ApiClient, *, ready: bool, when: str) -> None:
    """Look at what `/readyz` answers; it may go on with what it saw last for a moment."""
    wanted = READY if ready else NOT_READY
    deadline = time.monotonic() + FOR_A_MOMENT_S
    while (status := client.request("GET", "/readyz").status) != wanted and time.monotonic() < deadline:
        time.sleep(PAUSE_S)
    log.note(f"/readyz answers {status} {when}")
    wrong = [] if status == wanted else [f"/readyz answered {status} {when}"]
    log.expect(READY_TELLS_THE_TRUTH.name, wrong)


def judge(
    log: Logbook,
    journal: Journal,
    client: ApiClient,
    *,
    longest_s: float,
    complaints: Sequence[str] = (),
) -> None:
    """Look at all that a crowd was told, and at what the service says now.

    Args:
        log: where it is written down.
        journal: what the crowd was told.
        client: of the service, which must answer.
        longest_s: that an answer may take.
        complaints: of the crowd.
    """
    answers = list(journal.answers)
    log.measure("requests", len(answers))
    log.measure("refused", len(journal.refused()))
    log.measure("runs", len(journal.finished))
    log.expect(RECOVERS.name, [*complaints, *nobody_finished(journal)])
    log.expect(NO_INTERNAL_ERROR.name, map(str, filter(is_unhandled, answers)))
    log.expect(ANSWERS_IN_TIME.name, late(answers, longest_s))
    try:
        states = observe_all(client, journal.runs)
    except (GatewrightError, AssertionError) as error:
        log.expect(RECOVERS.name, [f"the state afterwards can't be read: {error}"])
        return
    log.expect(NOTHING_LOST.name, lost(journal, states))
    log.expect(NOTHING_DISPATCHED_TWICE.name, dispatched_twice(states))
    log.expect(EVENTS_GAPLESS.name, in_every(states, sequences_are_gapless))
    for rule in (statuses_go_forward, ended_once, run_follows_from_tasks, dispatched_by_the_rules):
        log.expect(STATUSES_LEGAL.name, in_every(states, rule))


def late(answers: Iterable[Answer], longest_s: float) -> Iterator[str]:
    """The answers that took too long."""
    return (str(answer) for answer in answers if answer.took_s > longest_s)


def nobody_finished(journal: Journal) -> Iterator[str]:
    """A crowd without a run that succeeded has seen nothing."""
    if not journal.finished:
        yield "no run succeeded"


def is_unhandled(answer: Answer) -> bool:
    """Whether the service failed instead of refusing."""
    if answer.code == NO_PROBLEM:
        return True
    if answer.status in COME_AGAIN:
        return bool(answer.status) and answer.code not in CODES
    return answer.status >= SERVER_ERROR


def observe_all(client: ApiClient, acknowledged: Iterable[str]) -> dict[str, RunState | None]:
    """Every run that is stored or was acknowledged; None for one that is not there.

    Raises:
        GatewrightError, AssertionError: something can't be read.
    """
    stored = {item["id"] for item in client.pages("/workflow-runs")}
    return {
        run_id: client.observe(run_id) if run_id in stored else None
        for run_id in sorted({*stored, *acknowledged}, key=int)
    }


def lost(journal: Journal, states: Mapping[str, RunState | None]) -> Iterator[str]:
    """What was acknowledged and is not there."""
    for run_id in journal.runs:
        if states[run_id] is None:
            yield f"run {run_id} was created, and is gone"
    for run_id in journal.finished:
        state = states[run_id]
        if state is not None and state.status != "success":
            yield f"run {run_id} had succeeded, and is {state.status}"
    told = {run_id: told_of(state) for run_id, state in states.items() if state is not None}
    for run_id, task_id, attempt in journal.dispatches:
        if (DISPATCHED, task_id, attempt) not in told.get(run_id, ()):
            yield f"the dispatch of task {task_id} attempt {attempt} was acknowledged, and is gone"
    for run_id, task_id, attempt in journal.reports:
        if ("success", task_id, attempt) not in told.get(run_id, ()):
            yield f"the success of task {task_id} attempt {attempt} was acknowledged, and is gone"


def told_of(state: RunState) -> set[tuple[str, str | None, int | None]]:
    """The dispatches and reported statuses among a run's events, by task and attempt."""
    return {
        (str(event.payload.get("status", event.type)), event.task_id, event.attempt)
        for event in state.events
        if event.type in {DISPATCHED, REPORTED}
    }


def dispatched_twice(states: Mapping[str, RunState | None]) -> Iterator[str]:
    """What was dispatched more often than it should be."""
    yield from in_every(states, single_dispatches)
    yield from in_every(states, attempts_are_exclusive)
    yield from in_every(states, unexplained_attempts)


def unexplained_attempts(state: RunState) -> Iterator[str]:
    """Attempts beyond the first, where none before was lost with its runner: a repetition opened them."""
    lost = Counter(task_id for task_id, _ in lost_attempts(state))
    for task in state.tasks:
        if task.attempt > 1 + lost[task.id]:
            yield f"task {task.id} is at attempt {task.attempt}, and {lost[task.id]} were lost"


def lost_attempts(state: RunState) -> Iterator[tuple[str, int]]:
    """The attempts that ended for want of a word from their runner, by task and attempt."""
    for event in state.events:
        if event.payload.get("failure_category") == "runner-lost":
            yield str(event.task_id), event.attempt or 0


def in_every(
    states: Mapping[str, RunState | None], rule: Callable[[RunState], Iterator[str]]
) -> Iterator[str]:
    """What violates a rule in any of the runs."""
    for run_id, state in states.items():
        for violation in rule(state) if state is not None else ():
            yield f"run {run_id}: {violation}"
