"""Clients that carry runs to their end by dispatching what is ready, from all API processes at once."""

import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gatewright.core.errors import GatewrightError
from multyagents_api.scenarios.api_client import ApiClient, Refused, Unanswered
from multyagents_api.scenarios.restarts.moves import Seen

__all__ = ["EXECUTED", "Journey", "carry_runs", "prepare"]

POLL_S = 0.05
RIVALS = 2
TIMEOUT_S = 60.0
ENDED = frozenset({"success", "failed", "aborted"})

EXECUTED = "executed.log"
"""A file in the project to which every command appends one line: its task and attempt."""
RECORD = f"""
line="task $MULTYAGENTS_TASK_ID attempt $MULTYAGENTS_ATTEMPT"
echo "$line" >> {EXECUTED}
echo "$line"
"""
FLAKY = f'{RECORD} test "$MULTYAGENTS_ATTEMPT" != 1'
"""Fails once: its role has such failures done again."""


@dataclass(eq=False)
class Journey:
    """One run on its way.

    Attributes:
        template_id: what it is made from.
        run_id: empty until it is created.
        status: as it was seen last.
        standing: where its tasks stood then.
        dispatches: every dispatch that was acknowledged: task and attempt.
        offences: answers that nobody should get.
        took_s: from its creation to its end.
    """

    template_id: str
    run_id: str = ""
    status: str = ""
    standing: str = ""
    dispatches: list[tuple[str, int]] = field(default_factory=list)
    offences: list[str] = field(default_factory=list)
    took_s: float = 0.0


def prepare(client: ApiClient, root: Path) -> list[str]:
    """The ids of the templates to make runs from, in turns; the last has a step that fails once.

    The command of each step appends its task and attempt to a file of the project, and prints them.
    """
    project = client.post("/projects", {"name": "stressed", "root_path": str(root)})
    retry = {"max_retries": 2, "retry_on": ["exit-code", "runner-lost"]}
    role = client.post("/roles", {"name": "stressed", "retry_policy": retry})

    def step(name: str, *after: str, command: str = RECORD) -> dict[str, Any]:
        return {
            "step_id": name,
            "role_id": role["id"],
            "title": name,
            "depends_on": list(after),
            "command": ["/bin/sh", "-c", command],
        }

    def template(name: str, test: str) -> str:
        steps = [step("build"), step("lint", "build"), step("test", "build", command=test)]
        body = {"name": name, "project_id": project["id"], "steps": steps}
        return str(client.post("/workflow-templates", body)["id"])

    steady, flaky = template("steady", RECORD), template("flaky", FLAKY)
    return [steady, steady, steady, flaky]


def carry_runs(journeys: Iterable[Journey], urls: Sequence[str], deadline: float) -> None:
    """Carry runs to their end, one after the other.

    Args:
        journeys: the runs.
        urls: the API processes; the first one creates and reads, all dispatch.
        deadline: when all must have ended, in seconds of the monotonic clock.
    """
    with ExitStack() as stack:
        clients = [ApiClient(urls[number % len(urls)], timeout_s=TIMEOUT_S) for number in range(RIVALS)]
        for client in clients:
            stack.callback(client.close)
        pool = stack.enter_context(ThreadPoolExecutor(RIVALS))
        for journey in journeys:
            try:
                _carry(journey, clients, pool, deadline)
            except (Unanswered, Refused) as error:
                journey.offences.append(f"run {journey.run_id or '(not created)'}: {error}")


def _carry(journey: Journey, clients: Sequence[ApiClient], pool: ThreadPoolExecutor, deadline: float) -> None:
    """Create a run, and dispatch whenever something is ready, until it has ended or it is too late."""
    first, pause = clients[0], threading.Event()
    began = time.monotonic()
    journey.run_id = first.post("/workflow-runs", {"workflow_template_id": journey.template_id})["id"]
    while time.monotonic() < deadline:
        seen = Seen.of(first.get(f"/workflow-runs/{journey.run_id}"))
        journey.status, journey.standing = seen.status, str(seen)
        journey.took_s = time.monotonic() - began
        if seen.status in ENDED:
            return
        if seen.waiting():
            _race(journey, clients, pool)
        else:
            pause.wait(POLL_S)


def _race(journey: Journey, clients: Sequence[ApiClient], pool: ThreadPoolExecutor) -> None:
    """Let all clients dispatch what is ready at the same moment."""
    path = f"/workflow-runs/{journey.run_id}/control-loop"
    together = threading.Barrier(len(clients))

    def turn(client: ApiClient) -> Any:
        together.wait(TIMEOUT_S)
        try:
            return client.post(path)
        finally:
            client.close()  # it may be idle for longer than a server keeps a connection

    problems: list[GatewrightError] = []
    for asked in [pool.submit(turn, client) for client in clients]:
        try:
            answer = asked.result()
        except (Unanswered, Refused) as error:
            problems.append(error)
        else:
            journey.dispatches += [(each["task_id"], each["attempt"]) for each in answer["spawn"]]
    if problems:
        raise problems[0]
