"""Tells what this machine has for a run, and what to do about what it lacks."""

import os
import platform
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bootstrap.interpreters import INTERPRETER_VARIABLE, ready_interpreter
from bootstrap.outcome import INCONCLUSIVE, USAGE
from bootstrap.places import ROOT, Places, SetupError, state_folder, writable
from bootstrap.progress import say
from bootstrap.sessions import installed_python
from bootstrap.settings import base_python, cleaned, pip_settings, redacted, uv_settings
from bootstrap.tools import has_bundled_pip, is_set_up, require_pip

__all__ = ["examine"]

SHOWN_SETTINGS = ("index-url", "extra-index-url", "find-links", "no-index", "cert", "proxy", "trusted-host")
LITTLE_MEMORY_GB = 1.0
FREE_DISK_GB = 1.0
GIGABYTE = 1e9


@dataclass(frozen=True)
class Finding:
    """One line of the doctor.

    Args:
        subject: what was looked at.
        found: what was seen there.
        remedy: what to do about it; empty where all is well.
    """

    subject: str
    found: str
    remedy: str = ""


def examine(arguments: list[str]) -> int:
    """Print every finding; 0 when all is well, 3 when something is in the way."""
    if arguments:
        say("doctor takes no arguments")
        return USAGE
    findings = list(_findings())
    for finding in findings:
        print(f"{'!!' if finding.remedy else 'ok'}  {finding.subject:<13} {finding.found}")
        if finding.remedy:
            print(f"    {'':<13} -> {finding.remedy}")
    troubled = [finding.subject for finding in findings if finding.remedy]
    print(f"\nIn the way: {', '.join(troubled)}." if troubled else "\nNothing is in the way of a run.")
    return INCONCLUSIVE if troubled else 0


def _findings() -> Iterator[Finding]:
    version = platform.python_version()
    yield Finding("Python", f"{version} at {sys.executable}")
    yield _attempt("pip", _pip)
    yield from _index_settings()
    yield _attempt(INTERPRETER_VARIABLE, _interpreter)
    try:
        places = Places(ROOT, state_folder())
    except SetupError as error:
        yield Finding("state folder", "none", str(error))
    else:
        yield Finding("state folder", str(places.state))
        yield from _environments(places)
        yield _disk(places.state)
    yield _evidence(ROOT / "docs" / "evidence")
    yield _cores()
    yield _memory()


def _attempt(subject: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, look())
    except SetupError as error:
        return Finding(subject, "can't be used", str(error))


def _pip() -> str:
    try:
        return f"{require_pip()} of {base_python()}"
    except SetupError:
        if not has_bundled_pip():
            raise
        return f"none that will do; the one bundled with {base_python()} is used"


def _index_settings() -> Iterator[Finding]:
    environ = cleaned(os.environ)
    settings = pip_settings(base_python(), environ)
    shown = [f"{name}={redacted(settings[name])}" for name in SHOWN_SETTINGS if name in settings]
    yield Finding("pip settings", "; ".join(shown) or "none; the public index is used")
    translated = {**environ, **uv_settings(settings, environ)}
    said = [
        f"{name}={redacted(value)}" for name, value in sorted(translated.items()) if name.startswith("UV_")
    ]
    yield Finding("uv settings", "; ".join(said))


def _interpreter() -> str:
    python = ready_interpreter("tests", ROOT)
    return (
        f"{python} runs the checks directly, not isolated"
        if python
        else "not set; isolated environments are used"
    )


def _environments(places: Places) -> Iterator[Finding]:
    tools = str(places.tools) if is_set_up(places) else "not set up yet; the first command does it"
    yield Finding("tools", tools)
    locks = sorted(places.requirements.glob("*.txt"))
    sessions = [lock.stem.replace("-", "_") for lock in locks]
    ready = [name for name in sessions if installed_python(places, name)]
    yield Finding("environments", f"up to date: {', '.join(ready) or 'none yet'}")


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free / GIGABYTE
    remedy = "" if free >= FREE_DISK_GB else f"free at least {FREE_DISK_GB:.0f} GB there"
    return Finding("free disk", f"{free:.1f} GB at {folder}", remedy)


def _evidence(folder: Path) -> Finding:
    if writable(folder):
        return Finding("evidence", str(folder))
    return Finding(
        "evidence", f"{folder} can't be written", "make it writable; without evidence there is no verdict"
    )


def _cores() -> Finding:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Finding("cores", f"{usable}")


def _memory() -> Finding:
    """Memory that can be had without swapping, where the system tells."""
    try:
        match = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(encoding="ascii"))
    except OSError:
        match = None
    if match is None:
        return Finding("memory", "unknown on this system")
    available = int(match[1]) * 1024 / GIGABYTE
    remedy = "" if available >= LITTLE_MEMORY_GB else "end other programs; the suites want about 1 GB"
    return Finding("memory", f"{available:.1f} GB available", remedy)
