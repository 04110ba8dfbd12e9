"""Ready interpreters that have what a check needs: one that `API_PYTHON_BIN` names, or a local `.venv`."""

import importlib.metadata
import json
import os
import re
import subprocess
import tomllib
from collections.abc import Iterable
from pathlib import Path

from bootstrap.places import SetupError, python_in
from bootstrap.progress import say
from bootstrap.settings import cleaned

__all__ = ["INTERPRETER_VARIABLE", "missing_here", "ready_interpreter", "requirements_of"]

INTERPRETER_VARIABLE = "API_PYTHON_BIN"
_PROBE_TIMEOUT_S = 30.0
_PROBE = """
import importlib.metadata, json, sys
def missing(name):
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return True
print(json.dumps([list(sys.version_info[:2]), [name for name in sys.argv[1:] if missing(name)]]))
"""


def requirements_of(group: str, root: Path) -> list[str]:
    """The names of the packages that a dependency group of pyproject.toml asks for on this system."""
    groups = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    return sorted(set(_names(group, groups)))


def _names(group: str, groups: dict[str, list[str | dict[str, str]]]) -> Iterable[str]:
    for entry in groups[group]:
        if isinstance(entry, dict):
            yield from _names(entry["include-group"], groups)
        elif "sys_platform != 'win32'" not in entry or os.name != "nt":
            yield re.split(r"[\s\[<>=!~;]", entry, maxsplit=1)[0]


def ready_interpreter(group: str, root: Path) -> Path | None:
    """The interpreter to run a check in directly, or None where its own environment is to be set up.

    Raises:
        SetupError: `API_PYTHON_BIN` names one that can't do it.
    """
    names = [name for name in requirements_of(group, root) if name not in requirements_of("bootstrap", root)]
    if named := os.environ.get(INTERPRETER_VARIABLE):
        if complaint := _complaint(named, names):
            raise SetupError(f"{INTERPRETER_VARIABLE}={named} {complaint}", exit_code=2)
        return Path(named)
    local = python_in(root / ".venv")
    if not local.exists():
        return None
    if complaint := _complaint(str(local), names):
        say(f".venv {complaint}; using environments of our own")
        return None
    return local


def _complaint(python: str, names: list[str]) -> str:
    """Why an interpreter will not do; empty where it will."""
    command = [python, "-c", _PROBE, *names]
    try:
        answer = subprocess.run(
            command,
            env=cleaned(os.environ),
            text=True,
            capture_output=True,
            check=False,
            timeout=_PROBE_TIMEOUT_S,
        )
        version, missing = json.loads(answer.stdout)
    except OSError as error:
        return f"can't be started ({error.strerror})"
    except subprocess.TimeoutExpired:
        return "did not answer in time"
    except ValueError:
        return "is no working Python"
    if version < [3, 11]:
        return "is Python {}.{}; 3.11 or newer is needed".format(*version)
    return f"lacks {', '.join(missing)}" if missing else ""


def missing_here(group: str, root: Path) -> list[str]:
    """The packages of a dependency group that this interpreter lacks."""
    return [name for name in requirements_of(group, root) if not _is_here(name)]


def _is_here(name: str) -> bool:
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
