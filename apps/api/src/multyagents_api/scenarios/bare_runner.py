"""A local runner that nobody supervises, for drills that kill it: what it leaves behind is its own doing."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["BareRunner"]


class BareRunner:
    """A process of `python -m multyagents_api runner`; entering starts it, leaving kills it and what it left.

    Everywhere else a supervisor of ours ends whatever a process started, which would hide that it does not do
    so itself. It dies with this process all the same.

    Args:
        command: what starts the service, but for its sub-command.
        folder: where its commands may work, and where it keeps their files; nobody else works in there.
        port: where it listens.
        api_url: where its callbacks go.
        environment: its environment.
    """

    def __init__(
        self, command: Sequence[str], *, folder: Path, port: int, api_url: str, environment: dict[str, str]
    ) -> None:
        self._folder = folder
        self._port = port
        self._numbers = count(1)
        self._command = (
            *(*command, "runner", "--die-with-parent", "--grace", "1"),
            *("--api", api_url, "--host", "127.0.0.1", "--port", str(port), "--root", str(folder)),
        )
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start another one; it takes attempts when it listens, and not before."""
        state = self._folder / f"state-{next(self._numbers)}"
        state.mkdir()
        with (self._folder / "runner.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._command, "--state", str(state)],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def listens(self) -> bool:
        """Whether it takes connections already."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self._port)):
            return True
        return False

    def kill(self) -> None:
        """Kill the process itself outright, and nothing that it started."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def commands(self) -> list[int]:
        """Ids of the processes that work in the folder: what it executes, or has left behind."""
        own = None if self._process is None else self._process.pid
        return [pid for pid in processes_within(self._folder) if pid != own]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        for pid in self.commands():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def processes_within(folder: Path) -> Iterator[int]:
    """Ids of the processes whose working folder lies in another one."""
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdecimal() and (entry / "cwd").readlink().is_relative_to(folder):
                yield int(entry.name)
