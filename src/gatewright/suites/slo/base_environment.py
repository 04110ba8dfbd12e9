"""The environment of a base: the candidate's where both want the same packages, else one of its own."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gatewright.core.errors import ConfigurationError, GatewrightError
from gatewright.execution.process import ChildProcess

__all__ = ["BaseEnvironment", "BaseEnvironmentError", "find_environment"]

INSTALL_TIMEOUT_S = 600.0
ANSWER_TIMEOUT_S = 20.0
CHARACTERS_SHOWN = 400


class BaseEnvironmentError(GatewrightError):
    """The base has no environment to run in."""


@dataclass(frozen=True)
class BaseEnvironment:
    """An interpreter for the base, and how it came about, in words."""

    python: Path
    origin: str


def find_environment(
    *, candidate: Path, base: Path, locks: Sequence[str], given: str | None, folder: Path
) -> BaseEnvironment:
    """The environment in which the base runs.

    Args:
        candidate: the work tree.
        base: the tree of the base.
        locks: files in both that say what an environment holds.
        given: a command that starts the base's interpreter, or a path of it; None to find one.
        folder: where an environment of the base's own is made.

    Raises:
        ConfigurationError: the given interpreter can't be used.
        BaseEnvironmentError: the base has no lock file, or its packages can't be installed.
    """
    if given is not None:
        return BaseEnvironment(interpreter_of(given), f"given: {given}")
    if missing := [name for name in locks if not (base / name).is_file()]:
        raise BaseEnvironmentError(
            f"the base has no {missing[0]}, so what it needs is not known",
            remedy="name an interpreter that has it: --base-python",
        )
    if all(same_file(base / name, candidate / name) for name in locks):
        return BaseEnvironment(Path(sys.executable), "the candidate's, since the lock files are the same")
    python = install(base / locks[0], folder)
    return BaseEnvironment(python, f"made from the base's {locks[0]}")


def interpreter_of(command: str) -> Path:
    """The interpreter that a command starts, by its own account."""
    try:
        question = [*shlex.split(command), "-c", "import sys; print(sys.executable)"]
        said = subprocess.check_output(question, text=True, timeout=ANSWER_TIMEOUT_S).strip()
    except (OSError, ValueError, subprocess.SubprocessError):
        said = ""
    if not said or not Path(said).is_file():
        raise ConfigurationError(f"--base-python {command!r} starts no Python")
    return Path(said)


def same_file(one: Path, other: Path) -> bool:
    """Whether both are there with the same content."""
    return other.is_file() and one.read_bytes() == other.read_bytes()


def install(lock: Path, folder: Path) -> Path:
    """Make an environment and install a lock file into it, with uv where it is there; its interpreter."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    requirements = (
        ["--require-hashes", "-r", str(lock)] if "--hash=" in lock.read_text("utf-8") else ["-r", str(lock)]
    )
    uv = shutil.which("uv")
    if uv is None:
        run([sys.executable, "-m", "venv", str(folder)], folder.parent)
        run([str(python), "-m", "pip", "install", "--quiet", *requirements], folder.parent)
    else:
        run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], folder.parent)
        run([uv, "pip", "install", "--quiet", "--python", str(python), *requirements], folder.parent)
    return python


def run(argv: Sequence[str], folder: Path) -> None:
    """Run one step of the installation; nothing of it outlives us."""
    log = folder / "install.log"
    with log.open("wb") as output, ChildProcess(argv, stdout=output, stderr=output) as process:
        code = process.wait(INSTALL_TIMEOUT_S)
    if code != 0:
        said = log.read_text(encoding="utf-8", errors="replace").splitlines()
        words = " | ".join(line.strip() for line in said if line.strip()[:1])[-CHARACTERS_SHOWN:]
        why = f"after {INSTALL_TIMEOUT_S:g} s" if code is None else f"with exit code {code}"
        raise BaseEnvironmentError(
            f"the base's environment can't be made: {Path(argv[0]).name} ended {why}: {words or 'no word'}",
            remedy="name an interpreter that has it: --base-python",
        )
