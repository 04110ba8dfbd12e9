"""Clients of a service under chaos: each repeats what was not carried out, and forgets nothing."""

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from gatewright.core.errors import GatewrightError
from gatewright.race import Response
from multyagents_api.scenarios.api_client import ApiClient, Unanswered

__all__ = [
    "COME_AGAIN",
    "NO_PROBLEM",
    "PAUSE_S",
    "Answer",
    "Crowd",
    "GaveUp",
    "Journal",
    "Repeating",
    "always",
    "await_condition",
    "prepare_template",
]

PAUSE_S = 0.02
"""Between a request that was not carried out and its repetition, and between two looks at a condition."""

THINK_S = 0.01
"""Between a request and the next one: a crowd is there to be hurt, not to load the machine."""

NO_ANSWER = 0
NO_PROBLEM = "without a problem document"
COME_AGAIN = frozenset({NO_ANSWER, 503, 507})
"""What a client repeats: no answer, no service, no room."""

ACTIVE = frozenset({"dispatched", "queued", "running", "cancel-requested"})


class GaveUp(GatewrightError):  # noqa: N818 - what happened
    """Something did not come true in time; the message says what was seen last."""


def await_condition(what: str, condition: Callable[[], object], patience_s: float) -> None:
    """Look again and again until a condition holds.

    Raises:
        GaveUp: it did not, for so many seconds.
    """
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            raise GaveUp(f"{what}: not within {patience_s:g} s")
        time.sleep(PAUSE_S)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request led to; status 0 where there was no answer at all."""

    method: str
    path: str
    status: int
    code: str
    took_s: float

    @property
    def ok(self) -> bool:
        """Whether it was carried out, as far as the client knows."""
        return 200 <= self.status < 300  # noqa: PLR2004 - what the RFC calls successful

    def __str__(self) -> str:
        said = f"{self.status} {self.code}".strip() if self.status else "nothing"
        return f"{self.method} {self.path} was answered {said} after {self.took_s:.1f} s"


@dataclass
class Journal:
    """What a crowd asked, and what it was told has been carried out; written by many threads.

    Attributes:
        answers: all of them, in the order in which they came.
        runs: ids of runs whose creation was acknowledged.
        dispatches: acknowledged dispatches, as run, task and attempt.
        pending: those among them that the runner had not taken when they were acknowledged.
        reports: acknowledged ends of attempts, likewise.
        finished: ids of runs that a client saw succeed.
    """

    answers: list[Answer] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    dispatches: list[tuple[str, str, int]] = field(default_factory=list)
    pending: list[tuple[str, str, int]] = field(default_factory=list)
    reports: list[tuple[str, str, int]] = field(default_factory=list)
    finished: list[str] = field(default_factory=list)

    def refused(self, since: int = 0) -> list[Answer]:
        """The requests from a place on that were not carried out."""
        return [answer for answer in self.answers[since:] if not answer.ok]


class Repeating:
    """A client that writes down each answer, and repeats what was not carried out.

    Args:
        client: asks; belongs to one thread.
        journal: what is written down.
        patience_s: for how long a request is repeated.
    """

    def __init__(self, client: ApiClient, journal: Journal, patience_s: float) -> None:
        self._client = client
        self._journal = journal
        self._patience_s = patience_s

    def ask(self, method: str, path: str, body: object = None) -> tuple[Answer, Any]:
        """One request, once: what came of it, and the body of the answer."""
        began = time.monotonic()
        try:
            response = self._client.request(method, path, body)
        except Unanswered:
            response = Response(NO_ANSWER)
        answer = Answer(method, path, response.status, code_of(response), time.monotonic() - began)
        self._journal.answers.append(answer)
        return answer, response.json

    def insist(self, method: str, path: str, body: object = None) -> Any:
        """Ask until it is carried out; the body of the answer.

        Raises:
            GaveUp: it never was, or was refused for good.
        """
        deadline = time.monotonic() + self._patience_s
        while True:
            answer, said = self.ask(method, path, body)
            if answer.ok:
                time.sleep(THINK_S)
                return said
            if answer.status not in COME_AGAIN:
                raise GaveUp(f"a request that is right was refused: {answer}")
            if time.monotonic() > deadline:
                raise GaveUp(f"a request was repeated for {self._patience_s:g} s in vain: {answer}")
            time.sleep(PAUSE_S)


def code_of(response: Response) -> str:
    """The code of a refusal; empty where there is none to be expected."""
    if response.ok or response.status == NO_ANSWER:
        return ""
    said = response.json if isinstance(response.json, dict) else {}
    return str(said.get("code", NO_PROBLEM))


def always(_task_id: str, _attempt: int) -> bool:
    """Every attempt may be reported."""
    return True


class Crowd:
    """Clients in threads of their own, each of which takes one run after the other to its success.

    Entering starts them, leaving lets them end the run that they have begun, and waits.

    Args:
        clients: one for each thread.
        template_id: of the runs.
        patience_s: for how long a request is repeated, and a client waited for.
        may_report: whether an attempt's success may be reported already, by task and attempt.
    """

    def __init__(
        self,
        clients: Iterable[ApiClient],
        template_id: str,
        *,
        patience_s: float,
        may_report: Callable[[str, int], bool] = always,
    ) -> None:
        self.journal = Journal()
        self.complaints: list[str] = []
        self._patience_s = patience_s
        self._template_id = template_id
        self._may_report = may_report
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._walk, args=(Repeating(client, self.journal, patience_s),))
            for client in clients
        ]

    def await_answers(self, more: int) -> int:
        """Wait for so many more answers; how many there are then.

        Raises:
            GaveUp: they did not come.
        """
        answers = self.journal.answers
        until = len(answers) + more
        await_condition(f"{more} more answers", lambda: len(answers) >= until, self._patience_s)
        return len(answers)

    def await_pending(self, more: int) -> None:
        """Wait until so many more dispatches were acknowledged that the runner had not taken.

        Raises:
            GaveUp: they were not.
        """
        until = len(self.journal.pending) + more
        await_condition(
            f"{more} more dispatches are pending",
            lambda: len(self.journal.pending) >= until,
            self._patience_s,
        )

    def await_refusals(self, more: int, *, since: int) -> None:
        """Wait until, from that answer on, so many requests were not carried out.

        Raises:
            GaveUp: they were.
        """
        await_condition(
            f"{more} requests that are not carried out",
            lambda: len(self.journal.refused(since)) >= more,
            self._patience_s,
        )

    def await_runs(self, more: int) -> None:
        """Wait until so many more runs have succeeded.

        Raises:
            GaveUp: they did not.
        """
        until = len(self.journal.finished) + more
        await_condition(
            f"{more} more runs succeed", lambda: len(self.journal.finished) >= until, self._patience_s
        )

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _walk(self, client: Repeating) -> None:
        try:
            for number in itertools.count():
                if self._over.is_set():
                    return
                self._take_through(client, f"{threading.get_ident()}-{number}")
        except GaveUp as why:
            self.complaints.append(str(why))

    def _take_through(self, client: Repeating, name: str) -> None:
        """One run from its creation to its success."""
        demand = {"workflow_template_id": self._template_id, "initiated_by": name}
        run_id = client.insist("POST", "/workflow-runs", demand)["id"]
        self.journal.runs.append(run_id)
        deadline = time.monotonic() + self._patience_s
        while True:
            told = client.insist("POST", f"/workflow-runs/{run_id}/dispatch-ready")
            if told["dispatched"]:
                dispatch = run_id, told["task_id"], told["attempt"]
                self.journal.dispatches.append(dispatch)
                if told["dispatch"]["outcome"] == "pending":
                    self.journal.pending.append(dispatch)
            run = client.insist("GET", f"/workflow-runs/{run_id}")
            if run["status"] == "success":
                self.journal.finished.append(run_id)
                return
            reported = [self._report(client, run_id, task) for task in run["tasks"]]
            if not any(reported):
                if time.monotonic() > deadline:
                    raise GaveUp(f"run {run_id} is {run['status']}, and did not go on")
                time.sleep(PAUSE_S)

    def _report(self, client: Repeating, run_id: str, task: dict[str, Any]) -> bool:
        """Report the success of an attempt that is under way; whether there was something to report."""
        task_id, attempt = task["id"], task["attempt"]
        if task["status"] not in ACTIVE or not self._may_report(task_id, attempt):
            return False
        key = f"{task_id}-{attempt}"
        report = {"attempt": attempt, "status": "success", "idempotency_key": key}
        client.insist("POST", f"/runner/tasks/{task_id}/status", report)
        self.journal.reports.append((run_id, task_id, attempt))
        return True


def prepare_template(client: ApiClient, name: str, steps: int, command: Sequence[str] = ()) -> str:
    """A workflow template of so many steps, one after the other, each with that command or none; its id.

    Raises:
        Refused, Unanswered: the service did not take it.
    """
    role_id = client.post("/roles", {"name": f"Role of {name}"})["id"]
    names = [f"step-{number}" for number in range(steps)]
    demand = [
        {
            "step_id": step,
            "role_id": role_id,
            "title": f"Work on {step}",
            "depends_on": names[max(0, number - 1) : number],
            **({"command": list(command)} if command else {}),
        }
        for number, step in enumerate(names)
    ]
    return str(client.post("/workflow-templates", {"name": f"Runs of {name}", "steps": demand})["id"])
