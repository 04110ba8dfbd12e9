"""Fill the disk before and while a gate runs: no older PASS may be left, and one line must say what is wrong.

    python -m fakes.disks FOLDER [TRIALS]

Runs itself in a mount namespace of its own and mounts a small tmpfs at FOLDER there. Prints, as JSON, what was found.
"""

import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from fakes.projects import make_project, policy_with
from fakes.standing import complaint, start_gate, word_that_stands

from gatewright.execution.project import Project

__all__ = ["Found", "namespace", "try_full_disks"]

SIZE = "4m"
BLOCK = 4096
COMMANDS = {"failing": "junit(failed=1); sys.exit(1)", "passing": "junit(); write('big.txt', 'x' * 300000)"}


@dataclass
class Found:
    """What became of the gates: their exit codes, what stood afterwards, and what was wrong."""

    filled_before: int = 0
    filled_during: int = 0
    exit_codes: Counter[int] = field(default_factory=Counter)
    stood: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)


def namespace() -> list[str]:
    """What to put before a command that mounts a tmpfs for itself; empty where that can't be done."""
    ways = [["unshare", "--mount"], ["unshare", "--map-root-user", "--mount"]]
    if "CI" in os.environ:
        ways.append(["sudo", "--non-interactive", "--preserve-env", "unshare", "--mount"])
    with tempfile.TemporaryDirectory() as folder:
        for way in ways:
            command = [*way, "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]
            with contextlib.suppress(FileNotFoundError):
                if subprocess.run(command, capture_output=True, check=False).returncode == 0:
                    return way
    return []


def fill(disk: Path, left: int) -> None:
    """Fill a disk but for some bytes."""
    ballast = disk / "ballast"
    with contextlib.suppress(OSError), ballast.open("ab", buffering=0) as file:
        while shutil.disk_usage(disk).free > left:
            file.write(b"x" * BLOCK)


def try_full_disks(disk: Path, trials: int) -> Found:
    """Run gates on a small disk that is filled at random moments, where a PASS stood.

    Args:
        disk: an empty file system of its own.
        trials: how many gates; half of them begin with a full disk.
    """
    chance, found = random.Random(1), Found()
    project = make_project(disk / "project", policy_with("junit(passed=5)"))
    begin = time.monotonic()
    with start_gate(project) as first:
        assert first.wait() == 0, first.stdout and first.stdout.read()
    span = time.monotonic() - begin
    with tempfile.TemporaryDirectory(dir=disk.parent) as elsewhere:
        kept = shutil.copytree(project.root, Path(elsewhere, "kept"), symlinks=True)
        for number in range(trials):
            (disk / "ballast").unlink(missing_ok=True)
            shutil.rmtree(project.root)
            shutil.copytree(kept, project.root, symlinks=True)
            known = {folder.name for folder in project.runs.iterdir()}
            name = list(COMMANDS)[number // 2 % 2]
            make_project(project.root, policy_with(COMMANDS[name]))
            left = chance.choice([0, 0, BLOCK, 3 * BLOCK, 8 * BLOCK, 20 * BLOCK, 60 * BLOCK])
            if number % 2:
                found.filled_during += 1
                problem = filled_while_running(project, disk, left, chance.uniform(0, span), found)
            else:
                found.filled_before += 1
                fill(disk, left)
                problem = filled_while_running(project, disk, left, 0, found)
            problem = problem or complaint(project, known) or stale(project, known)
            if problem:
                found.complaints.append(f"trial {number}, {name}, {left} bytes left: {problem}")
            found.stood[word_that_stands(project)] += 1
    return found


def filled_while_running(project: Project, disk: Path, left: int, after_s: float, found: Found) -> str:
    """Run a gate and keep the disk full from some moment on; what is wrong with how it ended."""
    with start_gate(project) as process:
        deadline = time.monotonic() + after_s
        while process.poll() is None:
            if time.monotonic() >= deadline:
                fill(disk, left)
            time.sleep(0.01)
        said = process.stdout.read() if process.stdout else ""
    found.exit_codes[process.returncode] += 1
    if "Traceback" in said:
        return f"a traceback: {said.strip().splitlines()[-1]}"
    word = word_that_stands(project)
    return (
        f"exit code {process.returncode} beside {word}" if process.returncode == 0 and word != "PASS" else ""
    )


def stale(project: Project, known: set[str]) -> str:
    """A gate that has come to its end never leaves the verdict of a run before."""
    if word_that_stands(project) == "none":
        return ""
    run = str(json.loads(project.latest_json.read_bytes())["run_id"])
    return f"the verdict of {run} stands" if run in known else ""


def main() -> None:
    """Go into a namespace, mount, try and tell."""
    disk, trials = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "12"
    if sys.argv[3:] != ["mounted"]:
        way = namespace()
        if not way:
            sys.exit("no tmpfs can be mounted here: neither as root nor in a namespace of our own")
        command = [*way, sys.executable, "-m", "fakes.disks", str(disk), trials, "mounted"]
        sys.exit(subprocess.run(command, check=False).returncode)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(disk)], check=True)
    print(json.dumps(vars(try_full_disks(disk, int(trials))), indent=2))


if __name__ == "__main__":
    main()
