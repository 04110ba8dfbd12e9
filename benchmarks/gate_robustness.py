"""Figures of the gate: overhead, kills at random moments, gates at once, false alarms.

    PYTHONPATH=src:tests python benchmarks/gate_robustness.py [--kills N] [--gates N] [--reads N] [--clean N]

Works in a temporary folder and needs nothing but the toolkit. Prints one line for each figure.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fakes.projects import make_project, policy_with

import gatewright
from gatewright.core.clock import SystemClock
from gatewright.execution.gate import add_check
from gatewright.execution.judge import verify_run
from gatewright.execution.project import Project, Settings
from gatewright.execution.run import open_run
from gatewright.gate.policy import load_policy

CHECK = (
    '[checks.{name}]\nsteps = [["{{python}}", "-I", "-S", "measure.py", "{code}"]]\nresults = ["junit.xml"]\n'
)

SOURCE = Path(gatewright.__file__).parents[1]


def command(project: Project) -> list[str]:
    return [sys.executable, "-m", "gatewright", "--root", str(project.root), "gate"]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(SOURCE)}


def read_verdict(project: Project) -> str:
    """The latest verdict; raises when it is torn."""
    try:
        return str(json.loads(project.latest_json.read_bytes())["verdict"])
    except FileNotFoundError:
        return "none"


def measure_overhead(folder: Path) -> None:
    """The gate's own share over 10 checks with 1 MB of evidence each: opening, judging, writing."""
    code = "junit(); write('big.txt', 'x' * 1000000)"
    checks = [CHECK.format(name=f"check-{number}", code=code) for number in range(10)]
    project = make_project(folder / "overhead", "schema_version = 1\n" + "".join(checks))
    clock, policy = SystemClock(), load_policy(project.policy)
    start = time.perf_counter()
    run = open_run(project, policy, clock, run_id="overhead")
    run.announce()
    opened_s = time.perf_counter() - start
    for name in policy.policy.checks:
        add_check(project, Settings(), run.folder, name, clock=clock, echo=lambda _: None)
    start = time.perf_counter()
    verdict = run.close(clock).verdict
    closed_s = time.perf_counter() - start
    start = time.perf_counter()
    intact = verify_run(project, None).is_intact
    verified_s = time.perf_counter() - start
    print(
        f"overhead, 10 checks, 10 MB: open {opened_s:.3f} s, judge and close {closed_s:.3f} s,"
        f" verify {verified_s:.3f} s ({verdict}, intact {intact})"
    )


def kill_at_random(folder: Path, kills: int) -> None:
    """SIGKILL at random moments of a gate that fails, where a PASS stood: no stale and no torn verdict."""
    project = make_project(folder / "kills", policy_with("junit()"))
    chance = random.Random(1)
    passed = subprocess.run(command(project), env=environment(), capture_output=True, check=False)
    old = project.latest_json.read_bytes()
    bad = 0
    for _ in range(kills):
        make_project(project.root, policy_with("junit(failed=1); sys.exit(1)"))
        project.latest_json.write_bytes(old)
        with subprocess.Popen(command(project), env=environment(), stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()  # the first check has begun, so the old verdict must be gone
            time.sleep(chance.uniform(0, 0.8))
            process.send_signal(signal.SIGKILL)
        try:
            bad += read_verdict(project) == "PASS"
        except ValueError:
            bad += 1
    print(f"SIGKILL at {kills} random moments: {bad} stale or torn (control run exited {passed.returncode})")


def run_at_once(folder: Path, gates: int, reads: int) -> None:
    """Several gates at once in one project while the latest verdict is read over and over."""
    project = make_project(folder / "at once", policy_with("import time; junit(); time.sleep(0.2)"))
    processes: list[subprocess.Popen[bytes]] = []
    torn = done = refused = 0
    while done < reads or processes:
        for process in [process for process in processes if process.poll() is not None]:
            processes.remove(process)
            refused += process.returncode == 3
        while done < reads and len(processes) < gates:
            processes.append(
                subprocess.Popen(
                    command(project), env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
            )
        try:
            read_verdict(project)
        except ValueError:
            torn += 1
        done += 1
        time.sleep(0.005)
    print(f"{gates} gates at once, {done} reads: {torn} torn, {refused} gates told that another one runs")


def run_clean(folder: Path, runs: int) -> None:
    """Runs in which nothing is wrong: every alarm is a false one."""
    project = make_project(folder / "clean", policy_with("junit()"))
    clock, policy = SystemClock(), load_policy(project.policy)
    alarms = 0
    for _ in range(runs):
        run = open_run(project, policy, clock, run_id=None)
        run.announce()
        add_check(project, Settings(), run.folder, "unit", clock=clock, echo=lambda _: None)
        alarms += run.close(clock).verdict != "PASS" or verify_run(project, None).exit_code != 0
    print(f"{runs} clean runs: {alarms} false alarms")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, default in (("kills", 50), ("gates", 8), ("reads", 1000), ("clean", 200)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gatewright-") as name:
        folder = Path(name)
        measure_overhead(folder)
        kill_at_random(folder, options.kills)
        run_at_once(folder, options.gates, options.reads)
        run_clean(folder, options.clean)


if __name__ == "__main__":
    main()
