"""The environments of Nox's sessions: which lock each of them has installed, and whether it was finished."""

import hashlib
import os
import shutil
import tomllib
from pathlib import Path

from bootstrap.places import Places, python_in

__all__ = [
    "SESSIONS_VARIABLE",
    "installed_python",
    "is_installed",
    "lock_of",
    "mark_installed",
    "mark_unfinished",
    "project_path",
    "remove_unfinished",
    "sessions_of_policy",
]

SESSIONS_VARIABLE = "MULTYAGENTS_SESSIONS"
"""Names Nox's folder of environments, so that a Nox below another one uses the same."""

_MARKER = "installed-lock"
_SOURCES = (Path("src"), Path("apps", "api", "src"))


def project_path(root: Path) -> str:
    """The PYTHONPATH that stands for an installation of the project's own packages."""
    return os.pathsep.join(str(root / source) for source in _SOURCES)


def lock_of(session: str, requirements: Path) -> Path:
    """The hashed lock of a session."""
    return requirements / f"{session.replace('_', '-')}.txt"


def is_installed(environment: Path, session: str, lock: Path) -> bool:
    """Whether an environment holds exactly what the lock says, by what `mark_installed` left there."""
    try:
        return (environment / _MARKER).read_text(encoding="utf-8") == _mark(session, lock)
    except OSError:
        return False


def mark_installed(environment: Path, session: str, lock: Path) -> None:
    """Note, after everything else, that an environment is what its lock says."""
    (environment / _MARKER).write_text(_mark(session, lock), encoding="utf-8")


def mark_unfinished(environment: Path) -> None:
    """Note, before anything else, that an environment is being changed."""
    (environment / _MARKER).unlink(missing_ok=True)


def remove_unfinished(folder: Path) -> None:
    """Remove environments whose making was interrupted; only for the holder of the set-up lock."""
    for environment in folder.glob("[!.]*/"):
        if not (environment / _MARKER).exists():
            shutil.rmtree(environment, ignore_errors=True)


def installed_python(places: Places, session: str) -> Path | None:
    """The interpreter of a session's environment, or None unless it is finished and up to date.

    Nox shortens the names of environments under a long path, hence the search.
    """
    lock = lock_of(session, places.requirements)
    for environment in places.sessions.glob("*/"):
        if is_installed(environment, session, lock):
            return python_in(environment)
    return None


def sessions_of_policy(root: Path) -> list[str]:
    """The Nox sessions that the gate will start; none for a broken policy, of which the gate tells more."""
    try:
        checks = tomllib.loads((root / "gate.toml").read_text(encoding="utf-8"))["checks"].values()
        return sorted({str(check["session"]) for check in checks if "session" in check})
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return []


def _mark(session: str, lock: Path) -> str:
    return f"{session} {hashlib.sha256(lock.read_bytes()).hexdigest()}\n"
