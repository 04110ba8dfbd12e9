"""Drills that run many workflows at once, through real processes and a runner that executes commands."""

import statistics
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from gatewright.suites.drill import Drill, Expectation, Logbook
from multyagents_api.scenarios.api_client import ApiClient
from multyagents_api.scenarios.oracles.order import statuses_go_forward
from multyagents_api.scenarios.oracles.run_state import RunState
from multyagents_api.scenarios.oracles.runs import (
    DISPATCHED,
    attempts_are_exclusive,
    dispatched_by_the_rules,
    ended_once,
    run_follows_from_tasks,
    sequences_are_gapless,
    single_dispatches,
)
from multyagents_api.scenarios.stress.clients import EXECUTED, Journey, carry_runs, prepare
from multyagents_api.scenarios.topology import PLACES, Place, Plan, Topology

__all__ = ["Load", "stress_drills"]

EXPECTATIONS = (
    Expectation("runs-succeed", "every run ends in success"),
    Expectation("lawful-answers", "every request is answered, and none as by a defect"),
    Expectation("single-dispatches", "each attempt is dispatched once, acknowledged once, and by the rules"),
    Expectation("lawful-statuses", "attempts go forward and end once; runs follow from their tasks"),
    Expectation("executed-once", "each dispatched attempt is executed, and executed once"),
    Expectation("outputs-kept", "what each attempt printed is there, and is its own"),
    Expectation("whole-events", "events are numbered without a gap"),
)

ORACLES = {
    "single-dispatches": (single_dispatches, attempts_are_exclusive, dispatched_by_the_rules),
    "lawful-statuses": (statuses_go_forward, ended_once, run_follows_from_tasks),
    "whole-events": (sequences_are_gapless,),
}
PERCENT = 100
APIS = 2
SLOTS = 4
QUEUE = 1_000


@dataclass(frozen=True, kw_only=True)
class Load:
    """How much is done at once.

    Attributes:
        runs: of each drill.
        parallelism: runs at once.
        patience_s: for all of it.
        command: what starts API and runner, but for their sub-commands.
    """

    runs: int
    parallelism: int
    patience_s: float
    command: Sequence[str]


def stress_drills(load: Load) -> list[Drill]:
    """The drills: the same on each kind of database."""

    def drill(place: Place) -> Drill:
        def run(log: Logbook) -> None:
            options = ("--slots", str(SLOTS), "--queue", str(QUEUE))
            plan = Plan(place=place, apis=APIS, runner=True, runner_options=options, command=load.command)
            with Topology(plan) as topology:
                stress(log, topology, load)

        sentence = "runs workflows at once: two processes of the API, which both dispatch, and a runner"
        return Drill("parallel-runs", sentence, EXPECTATIONS, run, place)

    return [drill(place) for place in PLACES]


def stress(log: Logbook, topology: Topology, load: Load) -> None:
    """Carry all runs to their end, then look at each."""
    client = topology.client()
    templates = prepare(client, topology.projects)
    journeys = [Journey(templates[number % len(templates)]) for number in range(load.runs)]
    began = time.monotonic()
    with ThreadPoolExecutor(load.parallelism) as pool:
        urls = deque(api.base_url for api in topology.apis)
        working = []
        for first in range(load.parallelism):
            share = journeys[first :: load.parallelism]
            working.append(pool.submit(carry_runs, share, tuple(urls), began + load.patience_s))
            urls.rotate()
        for future in working:
            future.result()
    took_s = time.monotonic() - began
    log.note(f"{load.runs} runs, {load.parallelism} at once, took {took_s:.1f} s")
    client.close()
    judge = _Judge(log, client, executed_lines(topology))
    for journey in journeys:
        judge.look(journey)
    judge.look_at_strays()
    measure(log, journeys, took_s, len(judge.executed))


@dataclass
class _Judge:
    """Looks at runs after the last has ended; `executed` has the lines that commands wrote."""

    log: Logbook
    client: ApiClient
    executed: Sequence[str]
    _known: set[str] = field(default_factory=set)

    def look(self, journey: Journey) -> None:
        """Look at one run."""
        self.log.expect("lawful-answers", journey.offences)
        self.log.expect("runs-succeed", stuck(journey))
        if not journey.run_id:
            return
        state = self.client.observe(journey.run_id)
        for name, oracles in ORACLES.items():
            told = [f"run {journey.run_id}: {what}" for oracle in oracles for what in oracle(state)]
            self.log.expect(name, told)
        self.log.expect("single-dispatches", acknowledged_once(journey, state))
        self.log.expect("executed-once", self._executed(state))
        self.log.expect("outputs-kept", self._outputs(journey.run_id, state))
        self.log.repeated()

    def look_at_strays(self) -> None:
        """Nothing was executed that nobody dispatched."""
        strays = sorted(set(self.executed) - self._known)
        self.log.expect("executed-once", (f"{line} was executed, and never dispatched" for line in strays))

    def _executed(self, state: RunState) -> Iterator[str]:
        times = Counter(self.executed)
        for line in dispatched(state):
            self._known.add(line)
            if times[line] != 1:
                yield f"{line} was dispatched, and executed {times[line]} times"

    def _outputs(self, run_id: str, state: RunState) -> Iterator[str]:
        """What lacks, or is somebody else's, of the outputs of attempts that ended."""
        kept: dict[str, list[str]] = {}
        for item in self.client.pages(f"/artifacts?run_id={run_id}&type=text"):
            content = self.client.get(f"/artifacts/{item['id']}")["content"]
            kept.setdefault(line_of(item["task_id"], item["attempt"]), []).append(content.strip())
        for line in dispatched(state):
            # An artifact whose answer got lost is kept twice, and is the same then.
            if set(kept.get(line, ())) != {line}:
                yield f"run {run_id}: {line} printed its name, and kept is {kept.get(line, 'nothing')}"


def stuck(journey: Journey) -> list[str]:
    """How a run stands that did not succeed."""
    if journey.status == "success":
        return []
    return [f"run {journey.run_id or '(not created)'} did not succeed: {journey.standing or 'nobody saw it'}"]


def acknowledged_once(journey: Journey, state: RunState) -> Iterator[str]:
    """Of all that asked for dispatches each attempt was acknowledged to one."""
    told = Counter(line_of(task_id, attempt) for task_id, attempt in journey.dispatches)
    for line in dispatched(state):
        if told[line] != 1:
            yield f"run {journey.run_id}: the dispatch of {line} was acknowledged {told[line]} times"


def dispatched(state: RunState) -> list[str]:
    """The attempts that were dispatched, each once, as commands name themselves."""
    lines = [line_of(event.task_id, event.attempt) for event in state.events if event.type == DISPATCHED]
    return list(dict.fromkeys(lines))


def line_of(task_id: str | None, attempt: int | None) -> str:
    """What a command writes."""
    return f"task {task_id} attempt {attempt}"


def executed_lines(topology: Topology) -> list[str]:
    """All lines that commands wrote, in order."""
    file = topology.projects / EXECUTED
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def measure(log: Logbook, journeys: Iterable[Journey], took_s: float, commands: int) -> None:
    """Tell how fast it was; nobody is judged by it."""
    times = sorted(journey.took_s * 1000 for journey in journeys if journey.status == "success")
    log.measure("commands", commands)
    if len(times) < 2:  # noqa: PLR2004 - quantiles need as many
        return
    quantiles = statistics.quantiles(times, n=PERCENT, method="inclusive")
    log.measure("runs_per_s", round(len(times) / took_s, 2))
    log.measure("run_ms_p50", round(quantiles[49], 1))
    log.measure("run_ms_p95", round(quantiles[94], 1))
