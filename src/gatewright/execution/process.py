"""A child process that never outlives us, with all that it started, however we end."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

__all__ = ["ChildProcess"]

SUPERVISOR = Path(__file__).with_name("supervisor.py")
TERMINATE = b"T"
KILL_DEADLINE_S = 30.0


class ChildProcess:
    """A command in a session of its own, supervised so that SIGKILL of us kills the whole tree below.

    A tiny supervisor stands between us and the command. It holds the reading end of a pipe whose writing end
    only we hold: the kernel closes it when we die, and the supervisor then kills the command and every
    descendant, also those that fled into other sessions. It does the same when the command ends, so nothing
    is left behind in the background.

    Args:
        argv: the program and its arguments; the program is looked up on PATH.
        env: the whole environment of the command; ours when None.
        cwd: its working folder; ours when None.
        stdout: a file, a descriptor, or `subprocess.PIPE`/`STDOUT`/`DEVNULL`; ours when None.
        stderr: likewise.

    Raises:
        OSError: the command can't be started (not found, not executable, no such folder).
    """

    def __init__(
        self,
        argv: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdout: int | IO[bytes] | None = None,
        stderr: int | IO[bytes] | None = None,
    ) -> None:
        self.argv = tuple(str(argument) for argument in argv)
        self._returncode: int | None = None
        lifeline_reader, lifeline_writer = os.pipe()
        report_reader, report_writer = os.pipe()
        self._lifeline = lifeline_writer
        self._report = os.fdopen(report_reader, encoding="ascii")
        descriptors = (lifeline_reader, report_writer)
        try:
            self._supervisor = subprocess.Popen(
                [sys.executable, "-I", "-S", str(SUPERVISOR), *map(str, descriptors), *self.argv],
                env=env,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                pass_fds=descriptors,
                start_new_session=True,
            )
        except BaseException:
            self._let_go()
            raise
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        self.pid = self._await_start()

    def _await_start(self) -> int:
        """Learn the command's number; a command that can't be started raises here, as `subprocess` does."""
        event, _, value = self._report.readline().strip().partition(" ")
        if event == "started":
            return int(value)
        self._supervisor.wait(KILL_DEADLINE_S)
        self._let_go()
        self._close_output()
        if event == "failed":
            raise OSError(int(value), os.strerror(int(value)), self.argv[0])
        raise ChildProcessError(f"the supervisor of {self.argv[0]} ended before it began")

    @property
    def supervisor_pid(self) -> int:
        """The process from which the command and all that it started descend, who lost their parent too."""
        return self._supervisor.pid

    @property
    def stdout(self) -> IO[bytes] | None:
        """The reading end of the command's output, when `subprocess.PIPE` was asked for."""
        return self._supervisor.stdout

    @property
    def stderr(self) -> IO[bytes] | None:
        """The reading end of the command's error output, when `subprocess.PIPE` was asked for."""
        return self._supervisor.stderr

    @property
    def returncode(self) -> int | None:
        """The exit code as the system reported it, negative for a signal; None until all is over."""
        return self._returncode

    def poll(self) -> int | None:
        """The exit code once the command and all that it started are gone, else None."""
        if self._returncode is None and self._supervisor.poll() is not None:
            self._returncode = self._read_end()
            self._let_go()
        return self._returncode

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Wait for the end of the command and of all that it started; None when the time is over first."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._supervisor.wait(timeout_s)
        return self.poll()

    def stop(self, grace_s: float = 5.0) -> None:
        """End the command: SIGTERM to its group, SIGKILL to all that is left after `grace_s` seconds."""
        if self.poll() is not None:
            return
        if grace_s > 0 and self._lifeline >= 0:
            with contextlib.suppress(BrokenPipeError):
                os.write(self._lifeline, TERMINATE)
            self.wait(grace_s)
        self._close_lifeline()
        self.wait(KILL_DEADLINE_S)

    def _read_end(self) -> int:
        """What the supervisor reported; one that was killed itself took the command along."""
        event, _, value = self._report.readline().strip().partition(" ")
        if event == "ended":
            return os.waitstatus_to_exitcode(int(value))
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        return self._supervisor.returncode

    def _close_lifeline(self) -> None:
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1

    def _let_go(self) -> None:
        self._close_lifeline()
        self._report.close()

    def _close_output(self) -> None:
        for stream in (self.stdout, self.stderr):
            if stream is not None:
                stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._close_output()
