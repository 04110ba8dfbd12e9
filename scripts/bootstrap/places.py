"""Where things live: the checkout, and a state folder outside of what is under version control."""

import hashlib
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROOT", "STATE_VARIABLE", "Places", "SetupError", "python_in", "state_folder", "writable"]

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""

STATE_VARIABLE = "MULTYAGENTS_STATE"
"""Names the state folder outright; whoever sets it answers for it."""

_BIN = "Scripts" if os.name == "nt" else "bin"


class SetupError(Exception):
    """What keeps us from setting up, in one line; `exit_code` is 2 for settings, 3 for circumstances."""

    def __init__(self, message: str, *, exit_code: int = 3) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@dataclass(frozen=True)
class Places:
    """The folders of one checkout and one interpreter."""

    root: Path
    state: Path

    @property
    def requirements(self) -> Path:
        """The hashed locks."""
        return self.root / "requirements"

    @property
    def tools(self) -> Path:
        """The environment that holds Nox, Invoke and uv."""
        return self.state / f"tools-{self._key(self.requirements / 'bootstrap.txt')}"

    @property
    def sessions(self) -> Path:
        """Nox's folder of environments; each of them keeps the digest of its lock itself."""
        return self.state / f"sessions-{self._key()}"

    @property
    def evidence(self) -> Path:
        """Where runs leave their evidence."""
        return self.root / "docs" / "evidence"

    def _key(self, *files: Path) -> str:
        """An environment is bound to its interpreter and to its path, so a moved checkout makes new ones."""
        parts = [sys.version, os.path.realpath(sys.executable), str(self.state)]
        digest = hashlib.sha256(os.fsencode("\0".join(parts)))
        for file in files:
            digest.update(file.read_bytes())
        return digest.hexdigest()[:12]


def python_in(environment: Path) -> Path:
    """The interpreter of a virtual environment."""
    return environment / _BIN / ("python.exe" if os.name == "nt" else "python")


def writable(folder: Path) -> bool:
    """Whether a file can be made in a folder; tried, because `os.access` tells root what is not so."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def state_folder(root: Path = ROOT) -> Path:
    """The named folder, else the first writable one of `.gate`, the user's cache, a private temporary folder.

    Raises:
        SetupError: none of them can be written.
    """
    if named := os.environ.get(STATE_VARIABLE):
        folder = Path(named).absolute()
        if not writable(folder):
            raise SetupError(f"{STATE_VARIABLE}={named} can't be written", exit_code=2)
        return folder
    tag = hashlib.sha256(os.fsencode(root)).hexdigest()[:12]
    for folder in (root / ".gate", _cache() / "multyagents" / tag):
        if writable(folder):
            return folder
    folder = Path(tempfile.gettempdir()) / f"multyagents-{_user()}-{tag}"
    if writable(folder) and _private(folder):
        return folder
    raise SetupError(f"no folder can be written to set up in; name one by {STATE_VARIABLE}")


def _cache() -> Path:
    named = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return Path(named) if named else Path("~").expanduser() / ".cache"


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")


def _private(folder: Path) -> bool:
    """Whether a folder in a place that all users share is ours alone; anyone could have made it first."""
    if not hasattr(os, "getuid"):
        return True
    found = folder.lstat()
    if folder.is_symlink() or found.st_uid != os.getuid():
        return False
    folder.chmod(0o700)
    return True
