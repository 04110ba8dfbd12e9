"""Race finders side by side on one small app: ours, frontrun, and a barrier with threads.

Usage: uv venv .peers && uv pip install --python .peers/bin/python -r benchmarks/requirements-peers.txt
       .peers/bin/python benchmarks/race_peers.py [ROUNDS]      (3 rounds, 3 to 6 minutes)

Every measurement is a process of its own, and tools take turns within a round. A search ends at the first
harm, or after 6 s; schedules per second are those of a run that does not stop there.
"""

import datetime as dt
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tabulate import tabulate

HERE = Path(__file__).resolve().parent
BIN = Path(sys.executable).parent
RACES = {
    "easy": "a seat is looked at, then sold",
    "deep": "a window of one statement against a rival of fourteen",
    "lock": "look and act in memory, the lock between threads is missing",
}
WHY_TWICE = (
    "frontrun is measured twice: through ASGI the statements of `def` endpoints run in AnyIO's worker "
    "threads, which are none of those that it controls, and it sees no race (with `async def` endpoints it "
    "does); so it is given the functions behind the endpoints as well."
)
LONGEST_S = 120


@dataclass(frozen=True)
class Tool:
    """A tool: the command that measures it, and the races that it is given."""

    name: str
    command: tuple[str, ...]
    races: tuple[str, ...] = tuple(RACES)
    options: tuple[str, ...] = ()


FRONTRUN = (str(BIN / "frontrun"), "python", "with_frontrun.py")
TOOLS = (
    Tool("gatewright, through ASGI; the till in threads", (sys.executable, "ours.py")),
    Tool("frontrun (DPOR), through ASGI", FRONTRUN, ("easy", "deep"), ("asgi",)),
    Tool("frontrun (DPOR), the functions alone", FRONTRUN),
    Tool("barrier, httpx and threads", (sys.executable, "with_barrier.py")),
)


def measured(tool, race, what):
    """One measurement; what went wrong stands in its remark."""
    path = os.pathsep.join(map(str, (HERE.parent / "src", HERE / "peers")))
    environment = {**os.environ, "PYTHONPATH": path, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    failed = {"found": False, "schedules": 0, "seconds": 0.0}
    try:
        done = subprocess.run(
            [*tool.command, race, what, *tool.options],
            cwd=HERE / "peers",
            env=environment,
            capture_output=True,
            text=True,
            timeout=LONGEST_S,
            check=False,
        )
        return json.loads(done.stdout.splitlines()[-1])
    except OSError as error:
        return failed | {"remark": f"can't be started: {error.strerror}"}
    except subprocess.TimeoutExpired:
        return failed | {"remark": f"did not end within {LONGEST_S} s"}
    except (ValueError, IndexError):
        return failed | {"remark": (done.stderr.strip().splitlines() or ["said nothing"])[-1]}


def row(tool, race, searches, rates):
    """A line of the table, of medians."""
    hits = [each for each in searches if each["found"]]
    tried = statistics.median(each["schedules"] for each in searches)
    seconds = statistics.median(each["seconds"] for each in searches)
    speeds = [each["schedules"] / each["seconds"] for each in rates if each["seconds"]]
    return (
        race,
        tool.name,
        f"{len(hits)} of {len(searches)}",
        f"{statistics.median(each['schedules'] for each in hits):.0f}" if hits else f"none in {tried:.0f}",
        f"{statistics.median(each['seconds'] for each in hits):.2f} s"
        if hits
        else f"gave up after {seconds:.1f} s",
        f"{statistics.median(speeds):.0f} ({statistics.median(each['schedules'] for each in rates):.0f} run)"
        if speeds
        else "",
        "; ".join(sorted({each["remark"] for each in searches if each["remark"]})),
    )


def version_of(package):
    """A package's version, or that it is not there."""
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        return f"{package} not installed"


def main(rounds):
    """Measure all of them, taking turns; print a table."""
    pairs = [(race, tool) for race in RACES for tool in TOOLS if race in tool.races]
    results = {pair: {"search": [], "rate": []} for pair in pairs}
    for number in range(1, rounds + 1):
        for race, tool in pairs:
            print(f"round {number} of {rounds}: {race}, {tool.name}", file=sys.stderr)
            for what, found in results[race, tool].items():
                found.append(measured(tool, race, what))
    rows = [row(tool, race, found["search"], found["rate"]) for (race, tool), found in results.items()]
    headers = ("race", "tool", "found", "schedules to find", "time to find", "schedules/s", "remark")
    print(tabulate(rows, headers=headers, tablefmt="pipe", disable_numparse=True))
    print()
    for race, sentence in RACES.items():
        print(f"- {race}: {sentence}")
    print(f"\n{WHY_TWICE}")
    versions = ", ".join(map(version_of, ("frontrun", "fastapi", "httpx", "greenlet")))
    machine = f"{os.cpu_count()} shared cores, {platform.platform()}, Python {platform.python_version()}"
    print(f"\n{dt.datetime.now(dt.UTC).date()}, {machine}, {versions}.")
    print(f"Medians of {rounds} rounds; tools took turns. Imports don't count, everything else does.")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 3)
