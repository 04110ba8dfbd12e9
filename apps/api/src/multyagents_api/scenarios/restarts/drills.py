"""Drills that kill the service, or its database, in the midst of its work, and look at what comes back."""

import statistics
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random

from gatewright.core.errors import GatewrightError
from gatewright.suites.drill import Drill, Logbook
from multyagents_api.scenarios.api_client import ApiClient
from multyagents_api.scenarios.recording_runner import RecordingRunner
from multyagents_api.scenarios.restarts.crew import Books, Crew, Fuse, Hand
from multyagents_api.scenarios.restarts.judge import EXPECTATIONS, Judge
from multyagents_api.scenarios.restarts.moves import DRILLED, ROLE, steps
from multyagents_api.scenarios.topology import Place, Plan, Topology

__all__ = ["Kills", "restart_drills"]

CLIENTS = 4
MOST_REQUESTS = 90
"""A kill comes at one of the first so many requests since the service was there."""
LONGEST_DELAYS_S = (0.004, 0.15)
"""How much later at most, in turns: while that request is answered, or those after it."""
MORE_KILLS = 5
"""Where none of the kills has met a request, which then proved nothing."""
LONGEST_S = 30.0
READY_S = 30.0
FINISHED = 0.5
"""The share of runs that are brought to their end after a restart; clients go on with the others."""


@dataclass(frozen=True, kw_only=True)
class Kills:
    """How often is killed, and what.

    Attributes:
        number: kills, over all drills.
        seed: of what is drawn by chance.
        command: what starts the service, but for its sub-command.
        durable: whether PostgreSQL is configured to survive its own crash.
        patience_s: how long a run may take to its end: a sweep of the outbox, on a busy machine.
    """

    number: int
    seed: int
    command: Sequence[str]
    durable: bool = True
    patience_s: float = 40.0

    def share(self, percent: int) -> int:
        """How many of the kills a drill carries out, one at least."""
        return max(1, round(self.number * percent / 100))


def restart_drills(kills: Kills) -> list[Drill]:
    """The drills: the service on each kind of database, and a database server by itself."""
    api = "kills the service while clients work, starts it again, and sends callbacks again"
    server = "kills the database server under the service, which stays"

    def drill(name: str, sentence: str, place: Place, percent: int, victim: type["Victim"]) -> Drill:
        number = kills.share(percent)

        def run(log: Logbook) -> None:
            with RecordingRunner() as runner:
                settings = runner.environment
                plan = Plan(place=place, settings=settings, durable=kills.durable, command=kills.command)
                with Topology(plan) as topology:
                    chance = Random(f"{kills.seed}/{name}/{place}")  # noqa: S311 - chance, not secrets
                    course = _Course(log, topology, runner, victim(topology), chance, kills.patience_s)
                    course.run(number)

        return Drill(name, sentence, EXPECTATIONS, run, place)

    return [
        drill("kill-service", api, "sqlite", 40, Service),
        drill("kill-service", api, "postgresql", 40, Service),
        drill("kill-database", server, "postgresql", 20, Database),
    ]


@dataclass(frozen=True)
class Victim:
    """Who is killed, and how it comes back."""

    topology: Topology

    def kill(self) -> None:
        """Kill it outright."""
        raise NotImplementedError

    def bring_back(self) -> None:
        """Wait until requests are answered again."""
        raise NotImplementedError


class Service(Victim):
    """The process of the API: whoever watches over it starts it again."""

    def kill(self) -> None:
        """Kill the process."""
        self.topology.apis[0].kill()

    def bring_back(self) -> None:
        """Start it on what it left."""
        self.topology.apis[0].restart()


class Database(Victim):
    """The database server, which is started again at once; the service must find it by itself."""

    def kill(self) -> None:
        """Kill all its processes, and start it on what it left."""
        assert self.topology.postgres is not None
        self.topology.postgres.restart()

    def bring_back(self) -> None:
        """Wait for the service.

        Raises:
            GatewrightError: it does not find its database again.
        """
        client = self.topology.client()
        deadline, pause = time.monotonic() + READY_S, threading.Event()
        while not client.request("GET", "/readyz").ok:
            if time.monotonic() > deadline:
                raise GatewrightError(f"the service was not ready {READY_S:g} s after its database was")
            pause.wait(0.02)


@dataclass
class _Course:
    """One drill from its first run to its last look."""

    log: Logbook
    topology: Topology
    runner: RecordingRunner
    victim: Victim
    chance: Random
    patience_s: float
    books: Books = field(default_factory=Books)
    recovered_ms: list[float] = field(default_factory=list)

    def run(self, kills: int) -> None:
        """Kill so often, or until a kill has met a request; then bring all runs to their end."""
        client = self.topology.client(timeout_s=LONGEST_S)
        crew = Crew(prepare(client))
        judge = Judge(
            self.log,
            client,
            self.runner,
            self.books,
            self.chance,
            self.topology.database,
            patience_s=self.patience_s,
        )
        for number in range(kills + MORE_KILLS):
            if number >= kills and self.books.unanswered:
                break
            self._kill(crew, number)
            client.close()  # its connection led to what was killed, or was idle for too long
            self._look(crew, judge)
            self.log.repeated()
        for record in list(crew.waiting):
            judge.finish(record)
        judge.look_at_answers()
        judge.look_back(list(self.books.records.values()))
        self._measure(judge)

    def _kill(self, crew: Crew, number: int) -> None:
        """Let clients work until the kill, at a request or a time of chance, and bring the victim back."""
        requests = self.chance.randint(1, MOST_REQUESTS)
        delay_s = self.chance.uniform(0, LONGEST_DELAYS_S[number % len(LONGEST_DELAYS_S)])
        fuse = Fuse(requests, LONGEST_S)
        unanswered = self.books.unanswered
        with ThreadPoolExecutor(CLIENTS) as pool:
            seeds = [self.chance.random() for _ in range(CLIENTS)]
            working = [pool.submit(self._work, crew, fuse, Random(seed)) for seed in seeds]  # noqa: S311
            fuse.burn(delay_s)
            killed_at = time.monotonic()
            try:
                self.victim.kill()
            finally:
                fuse.end()
        for future in working:
            future.result()
        self.victim.bring_back()
        self.recovered_ms.append((time.monotonic() - killed_at) * 1000)
        when = f"killed {delay_s * 1000:.1f} ms after request {requests}"
        met = self.books.unanswered - unanswered
        self.log.note(f"{when}: {met} unanswered, back after {self.recovered_ms[-1]:.0f} ms")

    def _work(self, crew: Crew, fuse: Fuse, chance: Random) -> None:
        client = ApiClient(self.topology.apis[0].base_url, timeout_s=LONGEST_S)
        try:
            crew.work(Hand(client, self.runner, self.books, chance, fuse=fuse), lambda: fuse.is_over)
        finally:
            client.close()

    def _look(self, crew: Crew, judge: Judge) -> None:
        """Look at every run that somebody worked on, and bring some of them to their end."""
        judge.look_at_database()
        judge.look_at_answers()
        unknown = judge.find_unknown_runs()
        touched, crew.touched = [*crew.touched, *unknown], []
        crew.waiting += unknown
        for record in touched:
            judge.send_unanswered(record)
            state = judge.look(record)
            if state is None or self.chance.random() < FINISHED:
                crew.waiting = [each for each in crew.waiting if each is not record]
            if state is not None:
                judge.replay(record, state)
                if all(each is not record for each in crew.waiting):
                    judge.finish(record)

    def _measure(self, judge: Judge) -> None:
        """Tell how much was looked at; a drill whose kills met nobody proves nothing."""
        if not self.books.unanswered:
            self.log.doubt("no request was under way at any kill")
        figures = {
            "runs": len(self.books.records),
            "unanswered_requests": self.books.unanswered,
            "unanswered_writes": self.books.interrupted_writes,
            "acknowledged_writes": self.books.answered,
            "replayed_callbacks": judge.replayed,
            "recovery_ms_median": round(statistics.median(self.recovered_ms), 1),
            "recovery_ms_max": round(max(self.recovered_ms), 1),
        }
        for name, value in figures.items():
            self.log.measure(name, value)


def prepare(client: ApiClient) -> str:
    """The id of the template that all runs are made from."""
    role = client.post("/roles", ROLE)
    template = client.post("/workflow-templates", {"name": DRILLED, "steps": steps(role["id"])})
    return str(template["id"])
