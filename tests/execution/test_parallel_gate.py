"""A gate with several checks at once: they meet, exclusive ones don't, and none is left behind."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.processes import await_true, is_alive
from fakes.projects import make_project

from gatewright.core.clock import SystemClock
from gatewright.core.verdict import State
from gatewright.execution.gate import environment_of, run_gate
from gatewright.execution.project import Project, Settings
from gatewright.gate.decision import VerdictDocument
from gatewright.gate.policy import Check

DEADLINE_S = 60.0
GIVE = "open('docs/evidence/pipe', 'w').close(); junit()"
TAKE = "open('docs/evidence/pipe').close(); junit()"
HANG = (
    "import time; write('pids.new', f'{os.getpid()} {os.getppid()}');"
    " os.rename(folder + '/pids.new', 'docs/evidence/pids-' + os.path.basename(folder)); time.sleep(120)"
)


class Silence:
    """A progress that nobody follows."""

    def begin(self, check: str) -> None: ...

    def tick(self) -> None: ...

    def end(self, verdict: object) -> None: ...


def parallel_project(root: Path, jobs: int | str, more: str = "", **codes: str) -> Project:
    parts = [f"schema_version = 1\n[gate]\njobs = {jobs}\n"]
    for name, code in codes.items():
        step = f'["{{python}}", "-I", "-S", "measure.py", {json.dumps(code)}]'
        parts.append(f'[checks.{name}]\nsteps = [{step}]\nresults = ["junit.xml"]\ntimeout_s = 60\n{more}\n')
    project = make_project(root, "".join(parts))
    project.evidence.mkdir(parents=True, exist_ok=True)
    return project


def gate(project: Project, profile: str = "quick") -> VerdictDocument:
    return run_gate(project, Settings(profile=profile), SystemClock(), Silence())


def test_checks_run_at_once_and_stand_in_the_order_of_the_policy(tmp_path: Path) -> None:
    """Two ends of a pipe: neither check ends before the other has begun."""
    project = parallel_project(tmp_path, 2, last=TAKE, first=GIVE, third="junit()")
    os.mkfifo(project.evidence / "pipe")
    document = gate(project)
    assert [check.check for check in document.checks] == ["last", "first", "third"]
    assert [check.state for check in document.checks] == [State.PASS] * 3, document.reasons


@pytest.mark.parametrize(
    ("jobs", "more", "profile"),
    [("1", "", "quick"), ("2", "exclusive = true", "quick"), ("2\nfull_jobs = 1", "", "full")],
)
def test_one_job_and_exclusive_checks_never_run_at_once(
    tmp_path: Path, jobs: str, more: str, profile: str
) -> None:
    """Each looks for the mark that the other leaves while it runs."""
    code = (
        "import time; mark = 'docs/evidence/mark'; alone = not os.path.exists(mark); open(mark, 'w').close();"
        " time.sleep(0.2); os.remove(mark); junit() if alone else sys.exit(1)"
    )
    document = gate(parallel_project(tmp_path, jobs, more, one=code, two=code), profile)
    assert [check.state for check in document.checks] == [State.PASS] * 2, document.reasons


@pytest.mark.parametrize(
    ("one", "two", "shared"),
    [
        ("tests", "tests", True),
        ("a.b", "a-b", True),
        ("a--b", "a-b", True),
        ("a-", "a", True),
        ("a_b", "a-b", False),
        ("tests", "lint", False),
        ("...", "---", False),
    ],
)
def test_sessions_share_an_environment_where_nox_says_so(one: str, two: str, *, shared: bool) -> None:
    """Nox writes a folder's name without dots and with single dashes."""
    places = [
        environment_of(Check(steps=[["x"]], results=["a.xml"], session=session), Settings())
        for session in (one, two)
    ]
    assert all(places)
    assert (places[0] == places[1]) == shared


def test_a_ready_interpreter_and_a_check_without_session_need_no_place() -> None:
    check = Check(steps=[["x"]], results=["a.xml"], session="tests")
    assert environment_of(check, Settings(python=sys.executable)) == ""
    assert environment_of(check.model_copy(update={"session": None}), Settings()) == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_whoever_ends_the_gate_ends_every_check(tmp_path: Path, number: signal.Signals) -> None:
    project = parallel_project(tmp_path, 2, one=HANG, two=HANG, three="junit()")
    command = [sys.executable, "-m", "gatewright", "--root", str(tmp_path), "gate"]
    files = [project.evidence / f"pids-{name}" for name in ("one", "two")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        await_true(lambda: all(file.exists() for file in files), "the checks never began")
        pids = [int(pid) for file in files for pid in file.read_text().split()]
        assert len(set(pids)) == 4
        process.send_signal(number)
        code = process.wait(DEADLINE_S)
    await_true(lambda: not any(map(is_alive, pids)), "a process was left behind")
    latest = json.loads(project.latest_json.read_bytes())
    assert latest["verdict"] == "INCONCLUSIVE"
    if number != signal.SIGKILL:
        assert code == 3
        assert latest["reasons"][0]["rule"] == "run-interrupted"
        assert [check["state"] for check in latest["checks"]] == ["MISSING"] * 3


def test_a_check_whose_time_is_over_leaves_the_others_alone(tmp_path: Path) -> None:
    project = parallel_project(tmp_path, 2, slow="import time; time.sleep(120)", quick="junit()")
    text = project.policy.read_text(encoding="utf-8")
    project.policy.write_text(text.replace("timeout_s = 60", "timeout_s = 1", 1), encoding="utf-8")
    assert [check.state for check in gate(project).checks] == [State.TIMEOUT, State.PASS]
