"""Commands as children that die with us, also when we are killed outright."""

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from bootstrap.places import SetupError

__all__ = ["INTERRUPTED", "run_child", "run_quietly"]

INTERRUPTED = 130
STOP_GRACE_S = 3.0
WAIT_S = 3600.0


def run_child(
    command: Sequence[str], environ: Mapping[str, str], folder: Path, output: IO[bytes] | None = None
) -> int:
    """Run a command to its end; its exit code as a shell would say it (128 + the number of a signal).

    Raises:
        KeyboardInterrupt: the user interrupted it; nothing of it is left.
    """
    errors = None if output is None else subprocess.STDOUT
    if os.name != "posix":
        result = subprocess.run(command, env=environ, cwd=folder, stdout=output, stderr=errors, check=False)
        return result.returncode
    from gatewright.execution.process import ChildProcess  # noqa: PLC0415 - for POSIX systems only

    with ChildProcess(command, env=environ, cwd=folder, stdout=output, stderr=errors) as child:
        try:
            while (code := child.wait(WAIT_S)) is None:
                pass
        except KeyboardInterrupt:
            child.stop(STOP_GRACE_S)
            raise
    return code if code >= 0 else 128 - code


def run_quietly(command: Sequence[str], environ: Mapping[str, str]) -> None:
    """Run a command whose output matters only when it fails.

    Raises:
        SetupError: it failed; the last line that it printed, if possible other than Nox's own, says why.
    """
    with tempfile.TemporaryFile() as output:
        try:
            code = run_child(command, environ, Path.cwd(), output)
        except OSError as error:
            raise SetupError(f"{command[0]}: {error.strerror}") from error
        if code:
            output.seek(0)
            lines = [line.strip() for line in output.read().decode(errors="replace").splitlines()]
            raise SetupError(telling_line(lines) or f"{Path(command[0]).name} ended with {code}")


def telling_line(lines: Sequence[str]) -> str:
    """The last line that somebody other than Nox said, else the last of Nox itself; empty where all are."""
    said = [line for line in lines if line]
    return next((line for line in reversed(said) if not line.startswith("nox >")), said[-1] if said else "")
