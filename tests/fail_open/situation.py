"""Write the project of a case in terms that belong to no tool: checks are commands that leave results.

    checks.json    every check: its commands, the results that it must leave, what is demanded of it; waivers
    commands.txt   the same commands for a shell, a line each
    measure.py     what they run

Needs the standard library alone.
"""

import json
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fail_open.corpus import FOLDER, Case

__all__ = ["COMMANDS", "DESCRIPTION", "write_project"]

DESCRIPTION = "checks.json"
COMMANDS = "commands.txt"
RESULTS = "results"

Check = dict[str, Any]

STRESS = {"min_schedules": 100, "min_samples": 1000, "limits": {"latency_p95_ms": {"max": 100.0}}}
HOUR = {"max_age_s": 3600}


def write_project(root: Path, case: Case, *, first: bool = False) -> None:
    """Write the project, or what has changed in it.

    Args:
        root: its folder.
        case: the case; one without steps is about the clean project.
        first: whether the commands are those of the run before.
    """
    root.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(FOLDER / "measure.py", root / "measure.py")
    (root / ".gitignore").write_text(f"/docs/evidence/\n/{RESULTS}/\n__pycache__/\n", encoding="utf-8")
    checks = clean_checks() if case.steps is None else checks_of(case, case.first if first else case.steps)
    description = {"checks": checks, "project": case.project, "waivers": case.waivers}
    (root / DESCRIPTION).write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
    lines = [shlex.join(command) + "\n" for check in checks for command in check["commands"]]
    (root / COMMANDS).write_text("".join(lines), encoding="utf-8")


def clean_checks() -> list[Check]:
    """Two checks with which nothing is wrong."""
    return [
        check("unit", ["junit()"], ["junit.xml"], {"min_collected": 3} | HOUR),
        check("stress", ["report()"], ["report.json"], STRESS | HOUR),
    ]


def checks_of(case: Case, steps: Sequence[str]) -> list[Check]:
    """The check that a case is about, and the one beside it."""
    checks = [check("unit", steps, case.results, case.demands)]
    return checks + ([check("stress", case.beside, ["report.json"], {})] if case.beside else [])


def check(name: str, steps: Sequence[str], results: Sequence[str], demands: dict[str, Any]) -> Check:
    """A check that leaves its results in a folder of its own."""
    folder = f"{RESULTS}/{name}"
    return {
        "name": name,
        "commands": [[sys.executable, "-I", "-S", "measure.py", folder, code] for code in steps],
        "folder": folder,
        "results": [f"{folder}/{result}" for result in results],
        "demands": demands,
    }
