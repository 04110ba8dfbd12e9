"""Kill a gate before each of its operations on files, one after the other.

    python -m fakes.deaths FOLDER

Prints, as JSON, how many operations there were and what was wrong after which of the deaths. A process of its own,
because it forks for each death.
"""

import json
import os
import random
import shutil
import signal
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from fakes.projects import make_project, policy_with
from fakes.standing import complaint, start_gate, word_that_stands

from gatewright.core.clock import SystemClock
from gatewright.execution.gate import add_check
from gatewright.execution.lock import hold_gate
from gatewright.execution.project import Project, Settings
from gatewright.execution.run import open_run
from gatewright.gate.policy import load_policy

__all__ = ["kill_at_random", "kill_everywhere"]

OUTPUTS = '[outputs]\nformats = ["junit", "ctrf", "sarif", "github"]'
CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def run_here(project: Project, run_id: str) -> None:
    """A whole gate with its check in this process, so that each operation on files is one of ours."""
    clock = SystemClock()
    with hold_gate(project.evidence, run_id, clock):
        run = open_run(project, load_policy(project.policy), clock, run_id=run_id)
        run.announce()
        add_check(project, Settings(), run.folder, "unit", clock=clock, echo=lambda _: None)
        run.close(clock)


def die_before(number: int, root: Path) -> None:
    """Kill this process before the operation of that number which changes something below a folder."""
    seen = 0

    def count(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        changes = event in CHANGES or (event == "open" and int(arguments[2]) & WRITING)
        if changes and str(arguments[0]).startswith(str(root)):
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)
            seen += 1

    sys.addaudithook(count)


def dies(action: Callable[[], None]) -> bool:
    """Run something in a child; whether that was killed."""
    child = os.fork()
    if not child:
        try:
            action()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def kill_everywhere(folder: Path, code: str, stride: int = 1) -> tuple[int, list[str]]:
    """Kill a gate before each of its operations, or before some of them, where a PASS stood.

    Args:
        folder: an empty folder.
        code: the commands of its check.
        stride: 1 for every operation, 3 for every third one.

    Returns:
        How many operations there were, up to a stride more, and what was wrong, by the number of the operation.
    """
    before = make_project(folder / "before", policy_with("junit(passed=5)", more=OUTPUTS))
    run_here(before, "old")
    complaints: list[str] = []
    number, died = 0, True
    while died:
        root = folder / "project"
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(before.root, root, symlinks=True)
        project = make_project(root, policy_with(code, more=OUTPUTS))

        def gate(project: Project = project, number: int = number) -> None:
            die_before(number, project.evidence)
            run_here(project, "new")

        died = dies(gate)
        if said := complaint(project, {"old"}):
            complaints.append(f"before operation {number}: {said}")
        number += stride if died else 0
    return number, complaints


def kill_at_random(folder: Path, kills: int) -> tuple[Counter[str], list[str]]:
    """Kill failing gates where a PASS stood, at moments spread evenly from before their beginning to after their end.

    Args:
        folder: an empty folder.
        kills: how many gates.

    Returns:
        What stood afterwards, and what was wrong: a PASS counts as legitimate as long as the new run has measured
        nothing, which is what a kill before the first word leaves.
    """
    chance, stood, complaints = random.Random(1), Counter[str](), list[str]()
    before = make_project(folder / "before", policy_with("junit(passed=5)"))
    seconds = statistics.median(time_gate(before) for _ in range(3))
    known = {run.name for run in before.runs.iterdir()}
    for number in range(kills):
        root = folder / f"project-{number}"
        shutil.copytree(before.root, root, symlinks=True)
        project = make_project(root, policy_with("junit(failed=1); sys.exit(1)"))
        with start_gate(project) as process:
            time.sleep(chance.uniform(0, 1.1 * seconds))
            process.kill()
        stood[word_that_stands(project)] += 1
        if said := complaint(project, known):
            complaints.append(f"kill {number}: {said}")
    return stood, complaints


def time_gate(project: Project) -> float:
    """How long a gate takes, in seconds."""
    begin = time.monotonic()
    with start_gate(project) as process:
        process.communicate()
    return time.monotonic() - begin


if __name__ == "__main__":
    found, step = {}, int(sys.argv[2]) if len(sys.argv) > 2 else 1
    for name, code in (("failing", "junit(failed=1); sys.exit(1)"), ("passing", "junit()")):
        place = Path(sys.argv[1], name)
        place.mkdir(parents=True)
        operations, wrong = kill_everywhere(place, code, step)
        found[name] = {"operations": operations, "complaints": wrong}
    print(json.dumps(found, indent=2))
