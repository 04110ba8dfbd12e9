"""The tools' own environment: pip brings uv, uv brings Nox and Invoke, all of them by hashed locks."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bootstrap.child import run_quietly
from bootstrap.exclusive import Exclusive
from bootstrap.places import STATE_VARIABLE, Places, SetupError, python_in, writable
from bootstrap.progress import say, step
from bootstrap.sessions import SESSIONS_VARIABLE, installed_python, remove_unfinished
from bootstrap.settings import base_python, cleaned, pip_settings, uv_settings

__all__ = [
    "Tools",
    "has_bundled_pip",
    "install_environment",
    "install_sessions",
    "is_set_up",
    "require_pip",
    "set_up_tools",
]

PIP_MINIMUM = (22, 3)
"""The first pip that installs into another interpreter's environment (`--python`)."""

_COMPLETE = "complete"
"""A file, written last, that names Nox's backend: `uv` or, where uv could not install, `virtualenv`."""


@dataclass(frozen=True)
class Tools:
    """A finished environment with Nox, Invoke and uv."""

    folder: Path
    backend: str

    @property
    def python(self) -> Path:
        """The interpreter that has Nox."""
        return python_in(self.folder)

    @property
    def uv(self) -> Path:
        """uv, which is missing where `backend` is `virtualenv`."""
        return self.python.with_name("uv.exe" if os.name == "nt" else "uv")

    def nox(self, places: Places) -> list[str]:
        """The beginning of every command line of Nox."""
        return [str(self.python), "-m", "nox", "-f", str(places.root / "noxfile.py")]

    def environment(self, places: Places, environ: Mapping[str, str]) -> dict[str, str]:
        """An environment that also tells the noxfile, and any Nox below it, where we set up."""
        path = os.pathsep.join([str(self.python.parent), environ.get("PATH", os.defpath)])
        return {
            **environ,
            SESSIONS_VARIABLE: str(places.sessions),
            STATE_VARIABLE: str(places.state),
            "NOX_DEFAULT_VENV_BACKEND": self.backend,
            "PATH": path,
        }


def is_set_up(places: Places) -> bool:
    """Whether the environment of the tools is finished."""
    return (places.tools / _COMPLETE).exists()


def set_up_tools(places: Places) -> Tools:
    """The environment of the tools, made when there is none; others who want it too wait for the first.

    Raises:
        SetupError: pip is missing or too old, or nothing can be installed; the message says what to do.
    """
    if not is_set_up(places):
        with Exclusive(places.state / "lock"):
            if not is_set_up(places):
                _build(places)
    return Tools(places.tools, (places.tools / _COMPLETE).read_text(encoding="utf-8"))


def install_sessions(places: Places, tools: Tools, sessions: Sequence[str]) -> None:
    """Install the environments of Nox sessions as far as they are not up to date; one process at a time.

    Raises:
        SetupError: one of them can't be installed.
    """
    if all(installed_python(places, session) for session in sessions):
        return
    with Exclusive(places.state / "lock"):
        wanted = [session for session in sessions if installed_python(places, session) is None]
        if not wanted:
            return
        remove_unfinished(places.sessions)
        environ = tools.environment(places, install_environment(places))
        with step(f"setting up the environments of {', '.join(wanted)}"):
            run_quietly([*tools.nox(places), "--install-only", "-s", *wanted], environ)


def install_environment(places: Places) -> dict[str, str]:
    """The variables under which pip and uv install: none that mislead, and pip's settings in uv's words."""
    environ = cleaned(os.environ)
    environ["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    environ.update(uv_settings(pip_settings(base_python(), environ), environ))
    cache = Path(environ.get("XDG_CACHE_HOME") or Path("~").expanduser() / ".cache") / "uv"
    if "UV_CACHE_DIR" not in environ and not writable(cache):
        environ["UV_CACHE_DIR"] = str(places.state / "uv-cache")
    return environ


def _build(places: Places) -> None:
    environ = install_environment(places)
    shutil.rmtree(places.tools, ignore_errors=True)
    with step("setting up the tools (uv, Nox, Invoke)"):
        backend = _install(places, _make_environment(Tools(places.tools, "uv"), environ), environ)
    (places.tools / _COMPLETE).write_text(backend, encoding="utf-8")


def _make_environment(tools: Tools, environ: dict[str, str]) -> list[str]:
    """Make an environment, and find the pip that installs into it: this Python's, else the bundled one."""
    venv = [sys.executable, "-m", "venv", str(tools.folder)]
    try:
        require_pip()
    except SetupError:
        if not has_bundled_pip():
            raise
        run_quietly(venv, environ)
        return [str(tools.python), "-m", "pip"]
    run_quietly([*venv, "--without-pip"], environ)
    return [base_python(), "-m", "pip", "--python", str(tools.python)]


def _install(places: Places, pip: list[str], environ: dict[str, str]) -> str:
    tools, bootstrap = Tools(places.tools, "uv"), str(places.requirements / "bootstrap.txt")
    locked = ["install", "--quiet", "--no-deps", "--require-hashes"]
    by_pip = [*pip, *locked, "--no-compile", "--only-binary", ":all:", "--no-warn-script-location", "-r"]
    by_uv = [str(tools.uv), "pip", *locked, "--python", str(tools.python), "-r"]
    try:
        run_quietly([*by_pip, str(places.requirements / "uv.txt")], environ)
        run_quietly([*by_uv, bootstrap], environ)
    except SetupError as error:
        say(f"uv can't install here ({error}); falling back to pip and virtualenv, which take longer")
        run_quietly([*by_pip, bootstrap], environ)
        return "virtualenv"
    return "uv"


def has_bundled_pip() -> bool:
    """Whether this Python can put a pip of its own into new environments; Debian's can't."""
    return importlib.util.find_spec("ensurepip") is not None


def require_pip() -> str:
    """The version of this Python's pip.

    Raises:
        SetupError: there is none, or it is older than 22.3; says how to get one.
    """
    command = [base_python(), "-m", "pip", "--version"]
    answer = subprocess.run(command, env=cleaned(os.environ), text=True, capture_output=True, check=False)
    match = re.match(r"pip ((\d+)\.(\d+)\S*)", answer.stdout)
    if match is None:
        raise SetupError(
            f"{base_python()} has no pip; install it (Debian: apt-get install python3-pip) and run this again"
        )
    if (int(match[2]), int(match[3])) < PIP_MINIMUM:
        raise SetupError(
            f"pip {match[1]} of {base_python()} is older than 22.3: run `pip install --upgrade pip`"
        )
    return match[1]
