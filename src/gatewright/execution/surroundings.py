"""What a policy refers to in its project: sessions and packages, looked up and never imported."""

import importlib.util
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from gatewright.gate.lint_rules import Surroundings
from gatewright.gate.sessions import read_sessions

__all__ = ["look_around"]


def look_around(root: Path, now: datetime) -> Surroundings:
    """The surroundings of a policy.

    Args:
        root: the folder of the policy.
        now: the moment at which waivers are judged, aware.
    """
    return Surroundings(now, read_sessions(root / "noxfile.py"), lambda name: has_package(root, name))


def has_package(root: Path, name: str) -> bool:
    """Whether a package or module lies in the project or is installed beside this toolkit."""
    parts = name.split(".")
    if not all(part.isidentifier() for part in parts):
        return False
    folders = [root, root / "src", *root.glob("*/src"), *root.glob("*/*/src")]
    return holds(folders, parts) or holds(installed(parts[0]), parts[1:])


def holds(folders: Iterable[Path], parts: list[str]) -> bool:
    """Whether one of some folders holds a module."""
    places = [folder.joinpath(*parts) for folder in folders]
    return any(place.is_dir() or place.with_suffix(".py").is_file() for place in places)


def installed(name: str) -> Iterator[Path]:
    """The folders of an installed package, or its file."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return
    if spec is not None:
        yield from map(Path, spec.submodule_search_locations or ())
        if spec.origin:
            yield Path(spec.origin)
