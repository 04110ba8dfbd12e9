"""Race finders side by side on one small app: ours, frontrun, and a barrier with threads.

Usage: uv venv .peers && uv pip install --python .peers/bin/python -r benchmarks/requirements-peers.txt
       .peers/bin/python benchmarks/race_peers.py [ROUNDS]      (3 rounds, about 3 minutes)

Every measurement is a process of its own; tools take turns within a round. "to find" counts from the first
schedule; imports and making the app are left out for everyone.
"""

import asyncio
import datetime as dt
import importlib.metadata
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from tabulate import tabulate

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "src"), str(HERE)]

import race_peers_app as program

RACES = ("easy", "deep", "lock")
SECONDS = 8.0
SCHEDULES = 300


def folder():
    return Path(tempfile.mkdtemp(prefix="race-peers-"))


def outcome(found, schedules, seconds, why=""):
    return {"found": found, "schedules": schedules, "seconds": seconds, "why": why}


# Ours ----------------------------------------------------------------------------------------------------


def http_scenario(race):
    from gatewright.race import Scenario, invariant

    class Peers(Scenario):
        name = race

        def create_app(self, folder):
            self.path = folder / "app.db"
            program.reset(self.path)
            return program.create_app(self.path)

        def actors(self):
            paths = ("/book/alice", "/book/bob") if race == "easy" else ("/dispatch", "/reject")
            return {path.strip("/"): lambda client, path=path: client.post(path) for path in paths}

        async def observe(self, client):
            return is_broken(race, self.path)

        @invariant("safe", "the race does no harm")
        def safe(self, history, broken):
            if broken:
                yield "it did"

    return Peers()


def thread_scenario():
    from gatewright.race import ThreadScenario, invariant

    class Threads(ThreadScenario):
        name = "lock"

        def reset(self, folder):
            self.till = program.Till()

        def watched(self):
            return [program]

        def actors(self):
            return {name: lambda name=name: self.till.take(name) for name in ("alice", "bob")}

        def observe(self):
            return self.till.given

        @invariant("given-once", "the till gives one thing away")
        def given_once(self, history, given):
            if given != 1:
                yield f"gave {given}"

    return Threads()


def ours(race, *, stop):
    """Preemption bounding for the search, random schedules for the rate."""
    from gatewright.race import Budget, PreemptionBounding, RandomWalk, explore

    scenario = thread_scenario() if race == "lock" else http_scenario(race)
    strategy = PreemptionBounding(2) if stop else RandomWalk(1, SCHEDULES)
    began = []
    found = explore(
        scenario,
        strategies=[strategy],
        budget=Budget(failures=1 if stop else SCHEDULES, replays=0),
        keep=0,
        progress=lambda number: began.append(time.perf_counter()),
    )
    first = found.first_failure if stop else found.schedules
    per_schedule = (began[-1] - began[0]) / max(1, len(began) - 1)
    return outcome(found.failed > 0, first, per_schedule * first)


# frontrun ------------------------------------------------------------------------------------------------


def frontrun(race, *, stop):
    """Its default strategy, DPOR; on the functions behind the endpoints, for the reason in REASONS."""
    import frontrun as peer

    path = folder() / "app.db"

    def set_up():
        if race == "lock":
            return program.Till()
        program.reset(path)
        return path

    workers = {
        "easy": [lambda state: program.book(state, "alice"), lambda state: program.book(state, "bob")],
        "deep": [program.dispatch, program.reject],
        "lock": [lambda till: till.take("alice"), lambda till: till.take("bob")],
    }[race]
    began = time.perf_counter()
    result = peer.explore(
        setup=set_up,
        workers=workers,
        invariant=lambda state: state.given == 1 if race == "lock" else not is_broken(race, state),
        stop_on_first=stop,
        max_executions=SCHEDULES,
        total_timeout=SECONDS * 2,
        reproduce_on_failure=0,
    )
    seconds = time.perf_counter() - began
    why = getattr(result, "inconclusive_reason", None) or ""
    return outcome(result.property_holds is False, result.num_explored, seconds, why)


# A barrier -----------------------------------------------------------------------------------------------


def barrier(race, *, stop):
    """Two threads, released at once, again and again: each with an event loop and a client of its own."""
    path = folder() / "app.db"
    program.reset(path)
    gate = threading.Barrier(2)
    state = {"till": program.Till(), "over": False}
    paths = ("/book/alice", "/book/bob") if race == "easy" else ("/dispatch", "/reject")

    def ask(post):
        gate.wait()
        while not state["over"]:
            post()
            gate.wait()  # both are done: the main thread looks
            gate.wait()

    def over_http(path_of_endpoint):
        import httpx

        with asyncio.Runner() as runner:
            client = httpx.AsyncClient(
                transport=httpx.ASGITransport(program.create_app(path)), base_url="http://peers"
            )
            ask(lambda: runner.run(client.post(path_of_endpoint)))

    gate = threading.Barrier(3)
    if race == "lock":
        threads = [
            threading.Thread(target=ask, args=(lambda name=name: state["till"].take(name),))
            for name in ("alice", "bob")
        ]
    else:
        threads = [threading.Thread(target=over_http, args=(endpoint,)) for endpoint in paths]
    for thread in threads:
        thread.start()
    gate.wait()
    began, rounds, found = time.perf_counter(), 0, False
    while not state["over"]:
        gate.wait()
        rounds += 1
        broken = state["till"].given != 1 if race == "lock" else is_broken(race, path)
        found |= bool(broken)
        state["till"] = program.Till()
        program.reset(path)
        state["over"] = (found and stop) or time.perf_counter() - began > SECONDS
        gate.wait()
    seconds = time.perf_counter() - began
    for thread in threads:
        thread.join()
    return outcome(found, rounds, seconds)


def is_broken(race, path):
    return program.sales(path) != 1 if race == "easy" else bool(program.dispatched_while_rejected(path))


# The comparison ------------------------------------------------------------------------------------------

TOOLS = {"gatewright": ours, "frontrun (DPOR)": frontrun, "barrier, threads": barrier}


def measured(tool, race, *, stop):
    """One measurement, in a process of its own; what went wrong is told instead."""
    command = [sys.executable, __file__, "--measure", tool, race, "stop" if stop else "all"]
    if tool.startswith("frontrun"):
        runner = shutil.which("frontrun", path=str(Path(sys.executable).parent))
        if runner is None:
            return outcome(False, 0, 0.0, "not installed")
        command = [runner, "python", *command[1:]]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=120, env=environment, check=False
        )
        return json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        return outcome(False, 0, 0.0, "did not end within 120 s")
    except (ValueError, IndexError):
        return outcome(False, 0, 0.0, (done.stderr.strip().splitlines() or ["said nothing"])[-1])


def median(values):
    return statistics.median(values) if values else 0.0


def row(tool, race, searches, rates):
    """A line of the table."""
    hits = [each for each in searches if each["found"]]
    tried = median([each["schedules"] for each in searches])
    per_second = median([each["schedules"] / each["seconds"] for each in rates if each["seconds"]])
    reasons = {each["why"] for each in (*searches, *rates) if each["why"]}
    return (
        race,
        tool,
        f"{len(hits)} of {len(searches)}",
        f"{median([each['schedules'] for each in hits]):.0f}" if hits else f"not in {tried:.0f}",
        f"{median([each['seconds'] for each in hits]) * 1e3:.0f} ms" if hits else "",
        f"{per_second:.0f}" if per_second else "",
        "; ".join(sorted(reasons)),
    )


def main(rounds):
    """Measure all, taking turns; print a table."""
    searches, rates = {}, {}
    for number in range(rounds):
        for race in RACES:
            for tool in TOOLS:
                print(f"round {number + 1} of {rounds}: {race}, {tool}", file=sys.stderr)
                searches.setdefault((race, tool), []).append(measured(tool, race, stop=True))
                rates.setdefault((race, tool), []).append(measured(tool, race, stop=False))
    rows = [row(tool, race, searches[race, tool], rates[race, tool]) for race in RACES for tool in TOOLS]
    headers = ("race", "tool", "found", "schedules to find", "time to find", "schedules/s", "remark")
    print(tabulate(rows, headers=headers, tablefmt="pipe", disable_numparse=True))
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("frontrun", "fastapi"))
    today = dt.datetime.now(dt.UTC).date()
    cores = os.cpu_count()
    print(f"\n{today}, {platform.platform()}, {cores} cores, Python {platform.python_version()}, {versions}.")
    print(f"Medians of {rounds} rounds; tools took turns. {REASONS}")


REASONS = (
    "gatewright and the barrier drive the app through ASGI, the till in threads. frontrun is given the functions "
    "behind the endpoints: its threads don't reach through AnyIO's worker threads."
)

if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        _, _, tool, race, what = sys.argv
        print(json.dumps(TOOLS[tool](race, stop=what == "stop")))
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else 3)
