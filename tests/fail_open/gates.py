"""A gate under test: the commands that it offers, and where it keeps what.

Needs the standard library alone.
"""

import os
import shlex
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fail_open.corpus import FOLDER, Case
from fail_open.situation import COMMANDS, DESCRIPTION, RESULTS

__all__ = ["NO_ANSWER", "Gate", "read_gate"]

NO_ANSWER = None
"""Instead of an exit code: the gate was still running when its time was over."""

OWN_VARIABLES = ("GATEWRIGHT_", "MULTYAGENTS_", "NOX_", "INVOKE_")
"""What a gate around the scorer has set is kept from the gates that it scores."""


@dataclass(frozen=True)
class Gate:
    """The commands of a gate. Exit code 0 means PASS, any other that it does not pass.

    Every command runs in the project's folder, in a shell, with `{project}`, `{checks}` (the description of the
    checks, JSON), `{commands}` (their commands, a line each), `{python}`, `{run}` (a name for this run), `{here}` (the
    folder of the adapter) and `{corpus}` filled in.

    Attributes:
        name: what it is called in tables.
        gate: runs the checks and gives the verdict.
        judge: gives it again over what lies there and runs nothing; `{folder}` names a run or is empty.
        verify: says whether the verdict that stands is still what was written.
        prepare: writes what the gate needs, whenever the project has changed.
        version: prints which version this is.
        results: the folder below the project in which each check has a folder with its results.
        verdicts: the folder in which the latest verdict stands.
        keeps: what it keeps of a run in gatewright's form: `manifest`, `logs`, `verdict`; `waivers` if it has them.
        environment: variables for every command.
        about: what it is, in a sentence.
    """

    name: str
    gate: str
    judge: str = ""
    verify: str = ""
    prepare: str = ""
    version: str = ""
    results: str = RESULTS
    verdicts: str = "."
    keeps: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    about: str = ""
    here: Path = FOLDER

    def offers(self, case: Case) -> bool:
        """Whether a case can be put to it: it has the command, and keeps what is to be spoiled."""
        command = {"judge": self.judge, "kill": self.judge, "verify": self.verify}.get(case.kind, self.gate)
        return bool(command) and set(case.keeps) <= set(self.keeps)

    def places(self, run: str) -> dict[str, str]:
        """Where things lie below the project, for the changes of a case."""
        return {
            "results": self.results.format(run=run),
            "earlier": self.results.format(run="earlier"),
            "verdicts": self.verdicts,
        }

    def answer(
        self, command: str, project: Path, run: str, *, limit_s: float, folder: str = ""
    ) -> int | None:
        """The exit code of one of its commands, or `NO_ANSWER`."""
        with self.start(command, project, run, folder=folder) as process:
            try:
                return process.wait(limit_s)
            except subprocess.TimeoutExpired:
                end(process)
                return NO_ANSWER

    def kill_when(self, ready: Callable[[], bool], project: Path, run: str, *, limit_s: float) -> None:
        """Start the gate, and kill it with all of its process group once something is so, or its time is over."""
        deadline = time.monotonic() + limit_s
        with self.start(self.gate, project, run) as process:
            while not ready() and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)
            end(process)

    def start(self, command: str, project: Path, run: str, folder: str = "") -> "subprocess.Popen[bytes]":
        """Start one of its commands in a session of its own, with its output thrown away."""
        values = self.values(project, run) | {"folder": folder}
        return subprocess.Popen(
            command.format_map({name: shlex.quote(value) if value else "" for name, value in values.items()}),
            shell=True,
            cwd=project,
            env=self.variables(values),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def describe(self) -> str:
        """Which version it is, as it says itself; empty when it says nothing."""
        if not self.version:
            return ""
        values = self.values(Path(), "version")
        said = subprocess.run(
            self.version.format_map({name: shlex.quote(value) for name, value in values.items()}),
            shell=True,
            env=self.variables(values),
            capture_output=True,
            text=True,
            check=False,
        )
        return " ".join(said.stdout.split()) if said.returncode == 0 else ""

    def values(self, project: Path, run: str) -> dict[str, str]:
        """What is filled into its commands."""
        return {
            "project": str(project),
            "checks": str(project / DESCRIPTION),
            "commands": str(project / COMMANDS),
            "python": sys.executable,
            "run": run,
            "here": str(self.here),
            "corpus": str(FOLDER),
        }

    def variables(self, values: Mapping[str, str]) -> dict[str, str]:
        """The environment of its commands."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OWN_VARIABLES)}
        return kept | {name: value.format_map(values) for name, value in self.environment.items()}


def end(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process and what it has started in its group."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()


def read_gate(path: Path) -> Gate:
    """Read an adapter.

    Raises:
        ValueError: it can't be used, in one line.
    """
    try:
        document: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        keeps = tuple(document.pop("keeps", ()))
        return Gate(**document, keeps=keeps, here=path.resolve().parent)
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(f"{path}: {error}") from None
