"""The gate over real Nox sessions, also when they are killed."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.processes import await_true, is_alive
from fakes.projects import make_project, policy_with

from gatewright.execution.project import Project

pytestmark = pytest.mark.end_to_end

DEADLINE_S = 60.0
NOXFILE = """\
import sys
import nox

@nox.session(venv_backend="none")
def unit_tests(session):
    session.run(sys.executable, "-m", "gatewright", "run", "unit", external=True)
"""
HANG = (
    "import time; junit(); write('pids.new', f'{os.getpid()} {os.getppid()}');"
    " os.rename(folder + '/pids.new', 'docs/evidence/pids'); time.sleep(120)"
)


def start(root: Path, code: str) -> subprocess.Popen[bytes]:
    make_project(root, policy_with(code, more='session = "unit_tests"'))
    (root / "noxfile.py").write_text(NOXFILE, encoding="utf-8")
    command = [sys.executable, "-m", "gatewright", "--root", str(root), "gate"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def descendants(pid: int) -> list[int]:
    """Every process below one, by the parents that the system names."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found = [pid]
    for parent in found:
        found += [child for child, its_parent in parents.items() if its_parent == parent]
    return found[1:]


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def latest(project: Project) -> dict[str, object]:
    return json.loads(project.latest_json.read_bytes())


def test_a_check_in_a_session_passes(tmp_path: Path) -> None:
    project = Project(tmp_path / "a project")
    with start(project.root, "junit()") as process:
        assert process.wait(DEADLINE_S) == 0
    assert latest(project)["verdict"] == "PASS"


@pytest.mark.parametrize("victim", ["gatewright gate", "nox", "gatewright run"])
def test_whoever_is_killed_nothing_runs_on_and_nothing_passes(tmp_path: Path, victim: str) -> None:
    """The gate survives the death of a session, and says what it knows; its own death leaves INCONCLUSIVE."""
    project = Project(tmp_path / "a project")
    process = start(project.root, HANG)
    with process:
        await_true((project.evidence / "pids").exists, "the check never began")
        below = descendants(process.pid)
        if victim == "gatewright gate":
            os.kill(process.pid, signal.SIGKILL)
        else:
            pattern = "-m nox" if victim == "nox" else "-m gatewright run"
            [pid] = [
                pid
                for pid in below
                if pattern in command_line(pid) and "supervisor.py" not in command_line(pid)
            ]
            os.kill(pid, signal.SIGKILL)
        code = process.wait(DEADLINE_S)
    await_true(lambda: not any(map(is_alive, below)), "a process was left behind")
    document = latest(project)
    assert document["verdict"] == "INCONCLUSIVE"
    if victim != "gatewright gate":
        assert code == 3
        [check] = document["checks"]
        assert check["state"] == "MISSING"
