"""How benchmarks show figures: a table in Markdown, and when, where and beside what they were measured."""

import datetime as dt
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

from gatewright.load import NoiseMeter

PROCESSOR = re.compile(r"^model name\s*: (.+)$", re.MULTILINE)
PROGRAM_VERSION = re.compile(r"\d+(?:\.\d+)+[\w.+-]*")


def table(headers, rows):
    """Rows of texts as a table in Markdown."""
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


class Circumstances:
    """Watches the machine from here on, so that figures can be read with what else went on."""

    def __init__(self):
        self.meter = NoiseMeter(None)

    def words(self, *, packages=(), programs=()):
        """The date, the machine, versions, and how busy the machine was, our own work included."""
        versions = [
            f"Python {platform.python_version()}",
            *map(version_of, packages),
            *map(program_version, programs),
        ]
        noise = self.meter.read()
        busy = [f"{noise.elapsed_s / 60:.1f} minutes", f"load average {os.getloadavg()[0]:.1f} at the end"]
        if noise.cpu_pressure is not None:
            busy.append(f"some task waited for a processor {noise.cpu_pressure:.0%} of the time")
        if noise.steal is not None:
            busy.append(f"steal {noise.steal:.1%}")
        return (
            f"{dt.datetime.now(dt.UTC).date()}, {os.cpu_count()} cores ({processor()}), {platform.system()} "
            f"{platform.release().partition('-')[0]}, {', '.join(versions)}; {', '.join(busy)}."
        )


def processor():
    """The processor's name, or that of its kind."""
    try:
        found = PROCESSOR.search(Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    except OSError:
        found = None
    return found[1] if found else platform.machine()


def version_of(package):
    """A package's version, or that it is not there."""
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        return f"{package} not installed"


def program_version(name):
    """What a program says that its version is, or that it is not there."""
    path = shutil.which(name)
    if path is None:
        return f"{name} not installed"
    said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False)
    found = PROGRAM_VERSION.search(said.stdout + said.stderr)
    return f"{name} {found[0] if found else '(unknown version)'}"
