"""A small checkout of this project, its launcher, and a way to see which processes it has left."""

import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from bootstrap.settings import base_python, cleaned

ROOT = Path(__file__).resolve().parents[2]
COPIED = (
    "scripts",
    "src",
    "requirements",
    "changelog.d",
    "noxfile.py",
    "tasks.py",
    "pyproject.toml",
    ".gitignore",
)
OURS = ("GATEWRIGHT_", "MULTYAGENTS_", "NOX_", "API_PYTHON_BIN", "TASK_0", "CHECK_", "PYTEST_")
MARK = "CHECK_MARK"
DEADLINE_S = 10.0

POLICY = """
schema_version = 1

[checks.race-stress]
session = "race_stress"
steps = [["{python}", "check.py", "{evidence}/junit.xml"]]
results = ["junit.xml"]
min_collected = 1
timeout_s = 120
"""

# Does what CHECK_BEHAVIOUR says; a hanging one tells by a file that it is under way.
CHECK = """
import os, pathlib, sys, time
behaviour = os.environ.get("CHECK_BEHAVIOUR", "pass")
if behaviour == "hang":
    pathlib.Path(os.environ["CHECK_STARTED"]).touch()
    time.sleep(100)
tests = 0 if behaviour == "empty" else 1
case = '<testcase classname="c" name="n" time="0">' + "<failure/>" * (behaviour == "fail") + "</testcase>"
suite = f'<testsuite name="s" tests="{tests}" failures="{int(behaviour == "fail")}" errors="0" skipped="0" time="0">'
pathlib.Path(sys.argv[1]).write_text(f"<testsuites>{suite}{case * tests}</testsuite></testsuites>")
sys.exit({"pass": 0, "fail": 1, "empty": 5}[behaviour])
"""


def started(stat: Path) -> int:
    """When a process began, in clock ticks since the machine did: numbers of processes come round."""
    return int(stat.read_text().rpartition(")")[2].split()[19])


@dataclass
class Checkout:
    """A checkout and all processes that were started in it, recognised by a mark in their environment."""

    root: Path
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    def environment(self, **variables: str) -> dict[str, str]:
        """The user's environment, without anything of a run around this test."""
        own = {name: value for name, value in cleaned(os.environ).items() if not name.startswith(OURS)}
        return own | {MARK: self.mark} | variables

    def command(self, *arguments: str) -> list[str]:
        """The launcher's command line."""
        return [base_python(), str(self.root / "scripts" / "launcher.py"), *arguments]

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the launcher to its end."""
        environ = self.environment(**variables)
        return subprocess.run(
            self.command(*arguments), env=environ, text=True, capture_output=True, check=False
        )

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[bytes]:
        """Start the launcher, without its output."""
        return subprocess.Popen(
            self.command(*arguments),
            env=self.environment(**variables),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def processes(self) -> Mapping[int, str]:
        """The command lines of all living processes that carry the mark, in the order of their start."""
        return {pid: command for _, pid, command in sorted(self._marked())}

    def _marked(self):
        mark = f"{MARK}={self.mark}".encode()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (folder / "environ").read_bytes().split(b"\0"):
                    command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    yield started(folder / "stat"), int(folder.name), command
            except OSError:
                continue


def wait_until(holds: Callable[[], bool]) -> bool:
    """Whether something comes true before the deadline."""
    deadline = time.monotonic() + DEADLINE_S
    while not (true := holds()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return true


@pytest.fixture(name="wait_until")
def wait_until_fixture() -> Callable[[Callable[[], bool]], bool]:
    """Polls, and gives up after a while."""
    return wait_until


def make_checkout(folder: Path) -> Checkout:
    """Copy what the launcher needs, with a policy of one small check."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / name)
    (folder / "gate.toml").write_text(POLICY)
    (folder / "check.py").write_text(CHECK)
    return Checkout(folder)


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Without `.git`, under a path with a space and a letter that is not ASCII."""
    if sys.platform != "linux":
        pytest.skip("processes are looked up in /proc")
    folder = tmp_path_factory.mktemp("a space and ä") / "checkout"
    folder.mkdir()
    return make_checkout(folder)


@pytest.fixture
def another_checkout(tmp_path: Path) -> Checkout:
    """One that nothing has been set up in."""
    folder = tmp_path / "another"
    folder.mkdir()
    return make_checkout(folder)
