"""Figures of the gate: overhead, kills, full disks, gates at once, false alarms, the way from a clone.

    PYTHONPATH=src:tests python benchmarks/gate_robustness.py [--only PART ...]

Works in a temporary folder. Full disks need root, or a user namespace in which a tmpfs can be mounted. The
clones need git and a committed checkout, and use the wheel cache of this machine, which a first clone warms.
Nox is compared with where it is installed. Prints the rows of the table in docs/benchmarks.md.
"""

import argparse
import json
import os
import resource
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fakes.deaths import kill_at_random
from fakes.projects import make_project, policy_with
from fakes.standing import start_gate, word_that_stands
from figures import Circumstances, table

import gatewright
from gatewright.core.clock import SystemClock
from gatewright.execution.gate import add_check
from gatewright.execution.judge import verify_run
from gatewright.execution.project import Settings
from gatewright.execution.run import open_run
from gatewright.gate.policy import load_policy

ROOT = Path(__file__).resolve().parents[1]
PATHS = os.pathsep.join([str(Path(gatewright.__file__).parents[1]), str(ROOT / "tests")])
CHECKS = 10
GATES_IN_ALL = 60
BIG = "junit(); write('big.txt', 'x' * 1000000)"
CHECK = (
    '[checks.{name}]\nsteps = [["{{python}}", "-I", "-S", "measure.py", "{code}"]]\nresults = ["junit.xml"]\n'
)
NOXFILE = """
import nox

@nox.session(venv_backend="none")
def checks(session):
    for line in open("commands.txt"):
        session.run("sh", "-c", line, external=True)
"""
CASE = '<testsuites><testsuite tests="1"><testcase name="nothing"/></testsuite></testsuites>'
SESSIONS = ("tests", "race_stress", "slo_smoke")


def run(command, **settings):
    """Run a command; how long it takes, the processor time of all its processes, and its exit code."""
    before, begin = processor_s(), time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=False, **settings)
    return time.perf_counter() - begin, processor_s() - before, done.returncode


def processor_s():
    """The processor time of all children that have ended, in seconds."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def overhead(folder, _options):
    """The gate's own share over ten checks with 1 MB of evidence each; then the whole command."""
    checks = [CHECK.format(name=f"check-{number}", code=BIG) for number in range(CHECKS)]
    project = make_project(folder / "overhead", "schema_version = 1\n" + "".join(checks))
    clock, policy = SystemClock(), load_policy(project.policy)
    begin = time.perf_counter()
    opened = open_run(project, policy, clock, run_id="overhead")
    opened.announce()
    own = time.perf_counter() - begin
    for name in policy.policy.checks:
        add_check(project, Settings(), opened.folder, name, clock=clock, echo=lambda _: None)
    begin = time.perf_counter()
    verdict = opened.close(clock).verdict
    own += time.perf_counter() - begin
    begin = time.perf_counter()
    intact = verify_run(project, None).is_intact
    verify = time.perf_counter() - begin
    yield [
        "overhead, 10 checks and 10 MB: open, judge, write",
        "<= 0.5 s",
        "",
        f"{own:.2f} s; `verify` {verify:.2f} s ({verdict}, {'intact' if intact else 'not intact'})",
    ]
    yield whole_commands(project)


def whole_commands(project):
    """The same ten checks by the command line, beside their commands alone and in one Nox session."""
    command = [sys.executable, "-I", "-S", "measure.py", BIG]
    alone = {**os.environ, "GATEWRIGHT_EVIDENCE": str(project.root / "docs")}
    lines = f"{shlex.join(command)}\n" * CHECKS
    (project.root / "commands.txt").write_text(lines, encoding="utf-8")
    (project.root / "noxfile.py").write_text(NOXFILE, encoding="utf-8")

    def median(argv, environment):
        times = [run(argv, cwd=project.root, env=environment)[:2] for _ in range(3)]
        return [statistics.median(each) for each in zip(*times, strict=True)]

    bare = median(["sh", "commands.txt"], alone)
    nox = median([sys.executable, "-m", "nox", "-s", "checks"], alone)
    ours = median([sys.executable, "-m", "gatewright", "gate"], {**os.environ, "PYTHONPATH": PATHS})

    def beyond(each):
        return f"+{each[0] - bare[0]:.1f} s, +{each[1] - bare[1]:.1f} s of processor time"

    return [
        f"the same, whole commands; the ten commands alone take {bare[0]:.1f} s",
        "",
        f"one Nox session that reads no result: {beyond(nox)}",
        beyond(ours),
    ]


def kills(folder, options):
    """SIGKILL at random moments, and before each operation on files."""
    stood, wrong = kill_at_random(folder / "kills", options.kills)
    shown = ", ".join(f"{number} {word}" for word, number in stood.most_common())
    yield [
        f"SIGKILL at {options.kills} random moments from start to end: stale, torn or disagreeing verdicts",
        "0",
        "`nox` and `invoke`: the older PASS stands ([corpus](fail-open.md))",
        f"{len(wrong)} (what stood: {shown})",
    ]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    found = helper("fakes.deaths", str(folder / "deaths"))
    operations = sum(each["operations"] for each in found.values())
    wrong = [said for each in found.values() for said in each["complaints"]]
    yield [
        (
            f"SIGKILL before each of the {operations} operations on files of a failing and a passing gate"
            " that write all seven forms"
        ),
        "0",
        "",
        str(len(wrong)),
    ]


def disks(folder, options):
    """Full disks."""
    disk = folder / "disk"
    disk.mkdir()
    try:
        found = helper("fakes.disks", str(disk), str(options.disks))
    except RuntimeError as error:
        print(f"full disks are left out: {error}")
        return
    print(*found["complaints"], sep="\n", end="\n" if found["complaints"] else "")
    stood = ", ".join(f"{number} {word}" for word, number in found["stood"].items())
    yield [
        (
            f"disk full before the gate ({found['filled_before']}) or from a random moment on "
            f"({found['filled_during']}): older PASS, or PASS without its evidence"
        ),
        "0",
        "",
        f"{len(found['complaints'])} (what stood: {stood})",
    ]


def helper(module, *arguments):
    """What a helper that needs a process of its own found."""
    environment = {**os.environ, "PYTHONPATH": PATHS}
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return json.loads(done.stdout)


def at_once(folder, options):
    """Several gates at once in one project while the latest verdict is read over and over."""
    project = make_project(folder / "at once", policy_with("import time; junit(); time.sleep(0.2)"))
    running, started = [], 0
    torn = done = refused = finished = 0
    while done < options.reads or started < GATES_IN_ALL or running:
        for process in [process for process in running if process.poll() is not None]:
            running.remove(process)
            process.communicate()
            refused += process.returncode == 3
            finished += process.returncode == 0
        while started < GATES_IN_ALL and len(running) < options.gates:
            running.append(start_gate(project))
            started += 1
        try:
            word_that_stands(project)
        except ValueError:
            torn += 1
        done += 1
        time.sleep(0.001)
    yield [
        f"{options.gates} gates at once, {done:,} reads of `latest.json`: torn",
        "0",
        "unlocked",
        f"{torn} ({finished} gates passed, {refused} were told that another one runs)",
    ]


def clean(folder, options):
    """Runs in which nothing is wrong: every alarm is a false one."""
    project = make_project(folder / "clean", policy_with("junit()"))
    clock, policy = SystemClock(), load_policy(project.policy)
    alarms = 0
    for _ in range(options.clean):
        opened = open_run(project, policy, clock, run_id=None)
        opened.announce()
        add_check(project, Settings(), opened.folder, "unit", clock=clock, echo=lambda _: None)
        alarms += opened.close(clock).verdict != "PASS" or verify_run(project, None).exit_code != 0
    yield [f"false alarms in {options.clean} clean runs, each also verified", "0", "", str(alarms)]


def clones(folder, options):
    """From a fresh clone of this checkout to the verdict of checks that do nothing, and once more."""
    for sessions in (("race_stress",), SESSIONS):
        clone_once(folder / "warm", sessions)
        times = [clone_once(folder / f"clone-{number}", sessions) for number in range(options.clones)]
        fresh, busy, reused = (statistics.median(each) for each in zip(*times, strict=True))
        yield [
            (
                f"fresh clone, `git clone` included, to the verdict over one check that does nothing in "
                f"each of the Nox sessions {', '.join(sessions)}; warm wheels, median of {options.clones}"
            ),
            "<= 6 s; reused <= 3 s",
            "4.7 to 9 s",
            f"{fresh:.1f} s ({busy:.1f} s of processor time); reused {reused:.1f} s",
        ]


def clone_once(place, sessions):
    """Clone, gate, gate again; the seconds, those of processor time, and the seconds of the second gate."""
    begin = time.perf_counter()
    subprocess.run(
        ["git", "clone", "-q", "--no-local", "--depth=1", f"file://{ROOT}", str(place)], check=True
    )
    code = f"import sys; open(sys.argv[1], 'w').write({CASE!r})"
    policy = "schema_version = 1\n" + "".join(
        f"[checks.{name.replace('_', '-')}]\nsession = {json.dumps(name)}\n"
        f'steps = [["{{python}}", "-c", {json.dumps(code)}, "{{evidence}}/junit.xml"]]\n'
        'results = ["junit.xml"]\n'
        for name in sessions
    )
    (place / "gate.toml").write_text(policy, encoding="utf-8")
    own = ("GATEWRIGHT_", "MULTYAGENTS_", "NOX_", "PYTHONPATH")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    cloned = time.perf_counter() - begin
    fresh, busy, first = run(["./scripts/multyagents", "gate"], cwd=place, env=environment)
    reused, _, second = run(["./scripts/multyagents", "gate"], cwd=place, env=environment)
    if first or second:
        raise SystemExit(f"the gate of a clone ended with {first}, then {second}")
    shutil.rmtree(place)
    return cloned + fresh, busy, reused


PARTS = {
    "overhead": overhead,
    "kills": kills,
    "disks": disks,
    "at-once": at_once,
    "clean": clean,
    "clones": clones,
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="which parts")
    sizes = {"kills": 50, "disks": 50, "gates": 8, "reads": 1000, "clean": 200, "clones": 3}
    for name, default in sizes.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    circumstances, rows = Circumstances(), []
    with tempfile.TemporaryDirectory(prefix="gatewright-", ignore_cleanup_errors=True) as name:
        for part in options.only:
            for row in PARTS[part](Path(name), options):
                rows.append([*row, f"`gate_robustness.py --only {part}`"])
                print(" | ".join(rows[-1]), flush=True)
    print()
    print(table(["measure", "goal", "others", "ours", "command"], rows))
    print()
    print(circumstances.words(packages=["nox"]))


if __name__ == "__main__":
    main()
