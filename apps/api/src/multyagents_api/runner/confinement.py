"""Where a command works, and what it is told of its surroundings.

This is no sandbox: a command may do what the user of the runner may do. What is kept from it by default are
the runner's secrets, other environment, other working directories, and a life after its attempt.
"""

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

__all__ = ["OutsideRoots", "base_environment", "hide_from_others", "is_inside", "open_directory"]

INHERITED = ("PATH", "LANG", "TZ")
DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"
_PR_SET_DUMPABLE = 4


class OutsideRoots(Exception):  # noqa: N818 - a refusal
    """A directory lies outside of every root that the runner may work in."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} lies outside of the roots of this runner")


def is_inside(path: str, roots: Iterable[Path]) -> bool:
    """Whether an absolute path without symlinks lies in one of the roots, or is one."""
    return any(Path(path).is_relative_to(root) for root in roots)


def open_directory(path: str, roots: Iterable[Path]) -> int:
    """A descriptor of a directory that really lies in one of the roots; the caller closes it.

    What is looked at is what was opened, so that nobody can exchange a directory for a symlink in between.

    Raises:
        OutsideRoots: it leads elsewhere.
        OSError: there is no such directory, it must not be opened, or this system has no /proc.
    """
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _check_inside(_place_of(directory), path, roots)
    except BaseException:
        os.close(directory)
        raise
    return directory


def _check_inside(place: str, path: str, roots: Iterable[Path]) -> None:
    if not is_inside(place, roots):
        raise OutsideRoots(path)


def _place_of(directory: int) -> str:
    """Where an open directory lies.

    Raises:
        OSError: this system can't tell.
    """
    return str(Path(f"/proc/self/fd/{directory}").readlink())


def base_environment(own: Mapping[str, str], named: Iterable[str], private: Path) -> dict[str, str]:
    """What a command's environment begins with: a little of the runner's own, and what its operator named.

    Args:
        own: the environment of the runner.
        named: variables that commands may have besides; those that are not set are left out.
        private: a directory that is this attempt's alone.
    """
    given = {name: own[name] for name in (*INHERITED, *named) if name in own}
    locale = {name: value for name, value in own.items() if name.startswith("LC_")}
    places = {"HOME": str(private / "home"), "TMPDIR": str(private / "tmp")}
    return {"PATH": DEFAULT_PATH, **locale, **places, **given}


def hide_from_others() -> None:
    """Keep other processes of this user from reading this one's environment and memory (Linux; root may).

    See prctl(2), PR_SET_DUMPABLE, and proc(5), /proc/pid/environ.
    """
    if sys.platform != "linux":
        return
    import ctypes  # noqa: PLC0415 - a runner needs it, its settings do not

    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
