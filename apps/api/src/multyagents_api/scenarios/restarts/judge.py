"""What is looked at after every restart, and at the end of every run."""

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from gatewright.suites.drill import Expectation, Logbook
from multyagents_api.scenarios.api_client import ApiClient, Refused, Unanswered
from multyagents_api.scenarios.database_checks import what_is_broken
from multyagents_api.scenarios.oracles.run_state import Event, RunState, event_from_answer
from multyagents_api.scenarios.recording_runner import RecordingRunner
from multyagents_api.scenarios.restarts.crew import Books, Hand, Unexpected
from multyagents_api.scenarios.restarts.ledger import Record, Results
from multyagents_api.scenarios.restarts.oracles import ORACLES, each_reaches_the_runner, violations
from multyagents_api.scenarios.restarts.replays import KEY, STALE, replays, send

__all__ = ["EXPECTATIONS", "Judge"]

EXPECTATIONS = (
    Expectation("acknowledged-writes", "whatever a client was acknowledged is there"),
    Expectation("lawful-statuses", "attempts go forward, one at a time; tasks are what their events tell"),
    Expectation("runs-follow-tasks", "the status of a run is the one that its tasks give"),
    Expectation("single-dispatches", "each attempt is dispatched once, and by the rules"),
    Expectation("single-deliveries", "each attempt reaches the runner, and not again once that is recorded"),
    Expectation("whole-events", "events are numbered without a gap, and stay what they were"),
    Expectation("repeated-callbacks", "a callback that comes again is accepted"),
    Expectation("late-callbacks", "a callback of an attempt that is over, or that goes back, is refused"),
    Expectation("replays-change-nothing", "neither of them changes anything"),
    Expectation("recoverable", "every run can be brought to its end"),
    Expectation("intact-database", "the database is whole, and has the tables of this version"),
    Expectation("lawful-answers", "no request is answered by a defect, nor a lawful one by a refusal"),
)

PAUSE_S = 0.02
OK = 200


@dataclass
class Judge:
    """Looks at runs through one client, and writes into the logbook.

    Attributes:
        replayed: how many callbacks were sent again.
        patience_s: how long a run may take to its end.
        most_replays: callbacks of a run that are sent again at a time.
    """

    log: Logbook
    client: ApiClient
    runner: RecordingRunner
    books: Books
    chance: Random
    database: str
    patience_s: float
    most_replays: int = 4
    replayed: int = 0
    _hand: Hand = field(init=False)

    def __post_init__(self) -> None:
        self._hand = Hand(self.client, self.runner, self.books, self.chance, hardship=0.0)

    def look(self, record: Record) -> RunState | None:
        """Look at a run; None where it is gone."""
        try:
            state = self.client.observe(record.run_id)
            results = self._results(record)
        except (AssertionError, Refused) as error:
            self.log.expect("acknowledged-writes", [f"run {record.run_id} can't be read: {error}"])
            self.books.records.pop(record.run_id, None)
            return None
        for name in ORACLES:
            self.log.expect(name, violations(name, record.run_id, state))
        self.log.expect("whole-events", record.rewritten(state.events))
        self.log.expect("acknowledged-writes", record.missing(state, results))
        record.events = state.events
        return state

    def look_at_database(self) -> None:
        """Look at it behind the service's back."""
        self.log.expect("intact-database", what_is_broken(self.database))

    def look_at_answers(self) -> None:
        """Write down what clients should not have been answered since the last look."""
        with self.books.lock:
            offences, self.books.offences = self.books.offences, []
        self.log.expect("lawful-answers", offences)

    def find_unknown_runs(self) -> list[Record]:
        """Runs whose creation nobody was told of; they are in the books from now on."""
        listed = [item["id"] for item in self.client.pages("/workflow-runs")]
        unknown = [Record(run_id) for run_id in listed if run_id not in self.books.records]
        self.books.records |= {record.run_id: record for record in unknown}
        return unknown

    def send_unanswered(self, record: Record) -> None:
        """Send again, as every runner would, the callbacks that got no answer."""
        for report in record.unanswered:
            answer = self.client.request("POST", report.path, report.body)
            code = answer.json.get("code") if isinstance(answer.json, dict) else None
            # Without a key a failure that was retried is known by its attempt only, which then is over.
            is_known = KEY not in report.body and code == STALE
            told = f"task {report.task_id}: {report.status} again was answered {answer.status} {code or ''}"
            self.log.expect("repeated-callbacks", [] if answer.ok or is_known else [told])
            self.replayed += 1
            if answer.ok:
                self._hand.acknowledge(report, record, answer.json)
        record.unanswered.clear()

    def replay(self, record: Record, state: RunState) -> None:
        """Send callbacks of a run again; nothing may come of it.

        A run whose attempt is still to be noted as queued would change by itself, and is left out.
        """
        if any(task.status == "dispatched" for task in state.tasks):
            return
        drawn = replays(record, state, self.chance, self.most_replays)
        for replay, wrong in send(self.client, drawn):
            self.log.expect("repeated-callbacks" if replay.is_repetition else "late-callbacks", wrong)
        self.replayed += len(drawn)
        if drawn:
            sent = ", ".join(f"{each.report.status} {each.why}" for each in drawn)
            self.log.expect("replays-change-nothing", changes(record, state, self._state(record), sent))

    def finish(self, record: Record) -> None:
        """Bring a run to its end, look at it once more, and send its callbacks again."""
        stuck = self._carry_to_the_end(record)
        self.log.expect("recoverable", stuck)
        state = self.look(record)
        if state is None or stuck:
            return
        deliveries = self.runner.deliveries(record.run_id)
        told = each_reaches_the_runner(state, deliveries, record.recorded_at)
        self.log.expect("single-deliveries", (f"run {record.run_id}: {what}" for what in told))
        self.replay(record, state)

    def look_back(self, records: Iterable[Record]) -> None:
        """See that runs which had ended are as they were, whatever was killed since."""
        statuses = {item["id"]: item["status"] for item in self.client.pages("/workflow-runs")}
        events = self._all_events()
        for record in records:
            if record.ended is None:
                continue
            now = statuses.get(record.run_id, "gone")
            said = f"run {record.run_id} had ended in success, and is {now} since"
            self.log.expect("acknowledged-writes", [] if now == "success" else [said])
            self.log.expect("whole-events", record.rewritten(tuple(events.get(record.run_id, ()))))

    def _carry_to_the_end(self, record: Record) -> list[str]:
        """Take steps until the run has succeeded; why it can't."""
        deadline = time.monotonic() + self.patience_s
        pause = threading.Event()
        try:
            while record.ended is None:
                if time.monotonic() > deadline:
                    return [f"no end after {self.patience_s:g} s: {self._hand.look(record)}"]
                if not self._hand.step(record):
                    pause.wait(PAUSE_S)
        except (Unanswered, Unexpected) as error:
            return [f"run {record.run_id} can't be taken on: {error}"]
        return []

    def _state(self, record: Record) -> RunState | None:
        try:
            return self.client.observe(record.run_id)
        except AssertionError:
            return None

    def _results(self, record: Record) -> Results:
        artifacts = self.client.pages(f"/artifacts?run_id={record.run_id}")
        handoffs = self.client.pages(f"/handoffs?run_id={record.run_id}")
        return Results(
            artifacts={item["id"]: item["sha256"] for item in artifacts},
            handoffs=frozenset((item["task_id"], item["attempt"]) for item in handoffs),
        )

    def _all_events(self) -> dict[str, list[Event]]:
        """All events by run, in the order of the stream of all."""
        found: dict[str, list[Event]] = {}
        after, page = "0", None
        while page is None or page["items"]:
            page = self.client.get(f"/events?after={after}&limit=500")
            after = page["next_after"]
            for item in page["items"]:
                found.setdefault(item["run_id"], []).append(event_from_answer(item))
        return found


def changes(record: Record, before: RunState, after: RunState | None, sent: str) -> list[str]:
    """What came of replays from which nothing may come."""
    if after == before:
        return []
    if after is None:
        return [f"run {record.run_id} can't be read after {sent}"]
    more = ", ".join(f"{event.type} {event.payload}" for event in after.events[len(before.events) :])
    return [f"run {record.run_id} changed ({more or 'without an event'}) by one of: {sent}"]
