"""What stands where people look for the verdict, whatever became of the gate that should have written it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import gatewright
from gatewright.core.verdict import Verdict
from gatewright.execution.judge import verify_run
from gatewright.execution.project import Project
from gatewright.gate.verify import POLICY_COPY

__all__ = ["complaint", "start_gate", "word_that_stands"]

WORDS = "|".join(Verdict)
SAID = {".md": re.compile(rf"\A# ({WORDS})\b"), ".html": re.compile(rf"<title>[^<]*\b({WORDS})\b")}
"""Where the forms for people say the verdict."""


def start_gate(project: Project) -> subprocess.Popen[str]:
    """Start a gate by its command line; what it says goes to `stdout`."""
    return subprocess.Popen(
        [sys.executable, "-m", "gatewright", "--root", str(project.root), "gate"],
        env={**os.environ, "PYTHONPATH": str(Path(gatewright.__file__).parents[1])},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def word_that_stands(project: Project) -> str:
    """The latest verdict, or `none`."""
    try:
        return str(json.loads(project.latest_json.read_bytes())["verdict"])
    except FileNotFoundError:
        return "none"


def complaint(project: Project, known: set[str]) -> str:
    """What is wrong with the latest verdict; empty when nothing is.

    All forms that are there must speak of one run with one word. A word other than INCONCLUSIVE must be that of a
    run whose evidence verifies to it. A run that was `known` before the gate began may only stand as long as the
    gate has measured nothing.

    Args:
        project: which.
        known: the runs that there were before.
    """
    try:
        latest = json.loads(project.latest_json.read_bytes())
        run, word = str(latest["run_id"]), str(latest["verdict"])
    except FileNotFoundError:
        left = [path.name for path in project.latest_files() if said_in(path) != Verdict.INCONCLUSIVE]
        return f"without latest.json there is {', '.join(left)}" if left else ""
    except (ValueError, LookupError) as error:
        return f"latest.json is torn: {error!r}"
    return disagreement(project, run, word) or untruth(project, run, word, known)


def disagreement(project: Project, run: str, word: str) -> str:
    """Which form speaks of another run, or says another word."""
    for path in project.latest_files():
        if ending(path) in SAID and said_in(path) != word:
            return f"latest.json says {word}, {path.name} {said_in(path)}"
        if ending(path) in SAID and run not in path.read_text(encoding="utf-8"):
            return f"{path.name} is about another run than latest.json"
        if path != project.latest_json and origin(project, path) not in {"", run}:
            return f"{path.name} is a copy out of {origin(project, path)}, latest.json is about {run}"
    return ""


def ending(path: Path) -> str:
    """All that follows `latest` in the name of a form."""
    return path.name.removeprefix("latest")


def origin(project: Project, copy: Path) -> str:
    """The run that a form was copied out of; empty when none has it, as when it says that a run goes on."""
    data = copy.read_bytes()
    originals = project.runs.glob(f"*/verdict{ending(copy)}")
    return next((path.parent.name for path in originals if path.read_bytes() == data), "")


def untruth(project: Project, run: str, word: str, known: set[str]) -> str:
    """Why the verdict of a run may not stand."""
    if run in known and (measured := measured_since(project, known)):
        return f"the verdict of {run} stands ({word}) while a newer run has {measured}"
    if word != Verdict.INCONCLUSIVE:
        found = verify_run(None, project.runs / run)
        if not found.is_intact or found.exit_code != Verdict(word).exit_code:
            return f"{word} does not follow from the evidence of {run}: {found.problems}"
    return ""


def said_in(path: Path) -> str:
    """The word that a form for people says."""
    found = SAID[ending(path)].search(path.read_text(encoding="utf-8")) if ending(path) in SAID else None
    return found[1] if found else "nothing"


def measured_since(project: Project, known: set[str]) -> list[str]:
    """What runs hold that were not known, beyond the copy of their policy."""
    folders = project.runs.iterdir() if project.runs.exists() else ()
    new = [folder for folder in folders if folder.name not in known]
    return [
        path.name
        for folder in new
        for path in folder.iterdir()
        if path.name != POLICY_COPY and not path.name.startswith(".")
    ]
