"""Clients that carry runs on until somebody kills what answers them."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from gatewright.core.errors import GatewrightError
from gatewright.race import Response
from multyagents_api.scenarios.api_client import ApiClient, Unanswered
from multyagents_api.scenarios.oracles.run_state import event_from_answer
from multyagents_api.scenarios.recording_runner import RecordingRunner
from multyagents_api.scenarios.restarts.ledger import Record
from multyagents_api.scenarios.restarts.moves import Kind, Move, Seen, creation, next_move

__all__ = ["Books", "Crew", "Fuse", "Hand"]

SERVER_ERROR = 500
"""From here on whether a request was carried out can't be known."""
UNAVAILABLE = 503
READS_EVENTS = 0.1
"""The share of steps after which a client reads what is new of its run."""
PUTS_DOWN = 0.02
"""The share of steps after which a client leaves its run to another one."""


class Fuse:
    """It burns down when so many requests were sent, or after so many seconds if they never are.

    Attributes:
        over_at: when the kill was done, in seconds of the monotonic clock; infinite before.
    """

    def __init__(self, requests: int, seconds: float) -> None:
        self._left = requests
        self._seconds = seconds
        self._lock = threading.Lock()
        self._spent = threading.Event()
        self._over = threading.Event()
        self.over_at = float("inf")

    def count(self) -> None:
        """Note that a request is about to be sent."""
        with self._lock:
            self._left -= 1
            if self._left <= 0:
                self._spent.set()

    def burn(self, delay_s: float) -> None:
        """Wait until it has burned down, and so many seconds longer."""
        self._spent.wait(self._seconds)
        self._over.wait(delay_s)

    def end(self) -> None:
        """The kill is done: let nobody begin anything more."""
        self.over_at = time.monotonic()
        self._over.set()

    @property
    def is_over(self) -> bool:
        """Whether clients are to stop."""
        return self._over.is_set()


@dataclass(eq=False)
class Books:
    """What all clients know together.

    Attributes:
        records: every run by its id.
        offences: answers that no client should get.
        unanswered: requests that were under way when the service was killed.
        interrupted_writes: those of them that change something.
        answered: writes that were acknowledged.
    """

    records: dict[str, Record] = field(default_factory=dict)
    offences: list[str] = field(default_factory=list)
    unanswered: int = 0
    interrupted_writes: int = 0
    answered: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass
class Hand:
    """One client, which takes runs on step by step.

    Args:
        client: its own.
        runner: who is handed the attempts on which the client reports.
        books: where it writes down what it was told.
        chance: what it draws from.
        hardship: how much goes wrong: from 0, where everything succeeds, to 1.
        fuse: counts its requests, where somebody wants to know.
    """

    client: ApiClient
    runner: RecordingRunner
    books: Books
    chance: Random
    hardship: float = 1.0
    fuse: Fuse | None = None

    def create(self, template_id: str) -> Record:
        """Start a run.

        Raises:
            Unanswered: whether there is one can't be known.
        """
        answer = self._sent(creation(template_id), None)
        record = Record(answer["id"])
        self.acknowledge(creation(template_id), record, answer)
        with self.books.lock:
            self.books.records[record.run_id] = record
        return record

    def step(self, record: Record) -> bool:
        """Do what is next for a run, if anything is; whether anything was, or the run has ended.

        Raises:
            Unanswered: whether it was done can't be known.
        """
        seen = self.look(record)
        if seen.status == "success":
            record.ended = seen
            return True
        move = next_move(
            seen,
            arrived=self.runner.has,
            approved=record.approved,
            artifact=record.artifact,
            chance=self.chance,
            hardship=self.hardship,
        )
        if move is None:
            return False
        answer = self._sent(move, record)
        if answer is not None:
            self.acknowledge(move, record, answer)
        if self.chance.random() < READS_EVENTS * self.hardship:
            self.read_events(record)
        return True

    def look(self, record: Record) -> Seen:
        """A run as it is now.

        Raises:
            Unanswered: nobody tells.
        """
        return Seen.of(self.read(f"/workflow-runs/{record.run_id}"))

    def acknowledge(self, move: Move, record: Record, answer: Any) -> None:
        """Note what was done."""
        record.acknowledge(move, answer, time.monotonic())
        with self.books.lock:
            self.books.answered += 1

    def read_events(self, record: Record) -> None:
        """Read what is new of a run."""
        after = record.events[-1].id if record.events else "0"
        page = self.read(f"/events?run_id={record.run_id}&after={after}&limit=500")
        record.events += tuple(map(event_from_answer, page["items"]))

    def read(self, path: str) -> Any:
        """What a read answers.

        Raises:
            Unanswered: nothing.
        """
        response = self._request("GET", path, None)
        if not response.ok:
            raise Unexpected(f"GET {path} answered {response.status}: {response.json}")
        return response.json

    def _sent(self, move: Move, record: Record | None) -> Any:
        """What a move was answered; None where it was refused, which is an offence."""
        try:
            response = self._request("POST", move.path, move.body)
        except Unanswered:
            if record is not None and move.kind is Kind.REPORT:
                record.unanswered.append(move)
            raise
        if response.ok:
            return response.json
        with self.books.lock:
            self.books.offences.append(f"POST {move.path} {dict(move.body)} was answered {_words(response)}")
        if record is None:
            raise Unexpected(f"POST {move.path} was answered {_words(response)}")
        return None

    def _request(self, method: str, path: str, body: Any) -> Response:
        if self.fuse is not None:
            self.fuse.count()
        began = time.monotonic()
        try:
            response = self.client.request(method, path, body)
        except Unanswered:
            self._interrupted(method, began)
            raise
        if response.status < SERVER_ERROR:
            return response
        self._interrupted(method, began)
        told = f"{method} {path} was answered {_words(response)}"
        if response.status != UNAVAILABLE:
            with self.books.lock:
                self.books.offences.append(told)
        raise Unanswered(told)

    def _interrupted(self, method: str, began: float) -> None:
        """Count a request that was under way at the kill; who came later met nobody."""
        if self.fuse is not None and began < self.fuse.over_at:
            with self.books.lock:
                self.books.unanswered += 1
                self.books.interrupted_writes += method != "GET"


class Unexpected(GatewrightError):  # noqa: N818 - what happened
    """A client was answered something with which it can't go on."""


@dataclass
class Crew:
    """Several hands on a pool of runs; each run is in one hand at a time."""

    template_id: str
    waiting: list[Record] = field(default_factory=list)
    touched: list[Record] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def work(self, hand: Hand, is_over: Callable[[], bool]) -> None:
        """Carry runs on until it is over, or nobody answers any more."""
        record: Record | None = None
        try:
            while not is_over():
                record = record or self._take(hand)
                hand.step(record)
                if record.ended is not None or hand.chance.random() < PUTS_DOWN:
                    self._give_back(record)
                    record = None
        except Unanswered:
            pass
        finally:
            if record is not None:
                self._give_back(record)

    def _take(self, hand: Hand) -> Record:
        """A run that nobody else works on; a new one where there is none."""
        with self.lock:
            record = self.waiting.pop(0) if self.waiting else None
        record = record or hand.create(self.template_id)
        with self.lock:
            if record not in self.touched:
                self.touched.append(record)
        return record

    def _give_back(self, record: Record) -> None:
        if record.ended is None:
            with self.lock:
                self.waiting.append(record)


def _words(response: Response) -> str:
    """An answer that is no success, in a few words."""
    body = response.json
    code = body.get("code") if isinstance(body, dict) else None
    return f"{response.status} {code or ''}".strip()
