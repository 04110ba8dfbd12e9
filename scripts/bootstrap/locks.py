"""Hashed locks made from the dependency groups, and a folder of wheels to install them from offline."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

from bootstrap.places import ROOT, Places, SetupError, state_folder
from bootstrap.progress import say, step
from bootstrap.settings import base_python, cleaned
from bootstrap.tools import install_environment, require_pip, set_up_tools

__all__ = ["download_wheels", "write_locks"]

PUBLIC_INDEX = "https://pypi.org/simple"
PARTS = {"toolkit", "service", "otel", "pytest"}
"""Groups that only others include; nothing installs them by themselves."""

_OWN_INDEXES = {
    "UV_INDEX",
    "UV_DEFAULT_INDEX",
    "UV_FIND_LINKS",
    "UV_EXTRA_INDEX_URL",
    "UV_INDEX_URL",
    "UV_OFFLINE",
}


def lock_names(root: Path = ROOT) -> list[str]:
    """The groups that have a lock of their own."""
    groups = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    return [name for name in groups if name not in PARTS]


def write_locks(arguments: list[str]) -> int:
    """Resolve each group for every platform and Python >= 3.11; `--upgrade` takes the newest of everything.

    Asks the public index alone, so that the locks are the same whoever makes them.
    """
    if set(arguments) - {"--upgrade"}:
        raise SetupError("usage: multyagents lock [--upgrade]", exit_code=2)
    places = Places(ROOT, state_folder())
    tools = set_up_tools(places)
    if not tools.uv.exists():
        raise SetupError("lock needs uv, which could not be installed here")
    environ = {name: value for name, value in install_environment(places).items() if name not in _OWN_INDEXES}
    for name in lock_names():
        output = places.requirements / f"{name}.txt"
        command = [str(tools.uv), "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
        command += ["--generate-hashes", "--no-annotate", "--default-index", PUBLIC_INDEX]
        command += ["--custom-compile-command", "scripts/multyagents lock"]
        command += ["--group", name, "--output-file", str(output.relative_to(ROOT)), *arguments]
        with step(f"locking {name}"):
            code = subprocess.run(
                command, env=environ, cwd=ROOT, check=False, stdout=subprocess.DEVNULL
            ).returncode
        if code:
            return code
    return 0


def download_wheels(arguments: list[str]) -> int:
    """Download the wheels of all locks for this system and Python into a folder, `wheelhouse` by default."""
    if len(arguments) > 1 or any(argument.startswith("-") for argument in arguments):
        raise SetupError("usage: multyagents wheelhouse [FOLDER]", exit_code=2)
    require_pip()
    folder = Path(arguments[0] if arguments else ROOT / "wheelhouse").absolute()
    environ = cleaned(os.environ)
    pip = [base_python(), "-m", "pip", "download", "-qq", "--require-hashes", "--only-binary", ":all:"]
    pip += ["--no-deps", "--disable-pip-version-check", "--dest", str(folder)]
    for name in lock_names():
        lock = ROOT / "requirements" / f"{name}.txt"
        with step(f"downloading the wheels of {name}"):
            code = subprocess.run([*pip, "-r", str(lock)], env=environ, cwd=ROOT, check=False).returncode
        if code:
            return code
    count = len(list(folder.glob("*.whl")))
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    say(f"{count} wheels for this system and Python {version} in {folder}; without an index, run:")
    print(f"PIP_NO_INDEX=1 PIP_FIND_LINKS='{folder}' ./scripts/multyagents gate")
    return 0
