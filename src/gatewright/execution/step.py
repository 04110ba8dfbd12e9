"""Run one command to its end and record how it ended, with its output in a log that holds no secrets."""

import codecs
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from gatewright.core.clock import Clock
from gatewright.core.redacted_output import RedactedOutput
from gatewright.core.redaction import Redactor
from gatewright.evidence.manifest import Step
from gatewright.execution.process import ChildProcess

__all__ = ["Echo", "run_step", "silence"]

Echo = Callable[[str], None]
"""Is given every line of output as it comes."""

POLL_INTERVAL_S = 0.2
DRAIN_DEADLINE_S = 10.0
MAXIMUM_LOG_BYTES = 64 * 1024 * 1024
MAXIMUM_LINE_BYTES = 64 * 1024


def silence(_: str) -> None:
    """The echo that nobody hears."""


class LogWriter(threading.Thread):
    """Copies output to a log, line by line, without secrets; keeps reading when the log can't grow."""

    def __init__(self, output: IO[bytes], log: IO[bytes], redactor: Redactor, echo: Echo) -> None:
        super().__init__(name=f"log {log.name}", daemon=True)
        self._output = output
        self._log = log
        self._redacted = RedactedOutput(redactor)
        self._echo = echo
        self._space = MAXIMUM_LOG_BYTES
        self.error: OSError | None = None

    def run(self) -> None:
        """Read to the end, whatever happens: a command whose output nobody reads would hang."""
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        while line := self._output.readline(MAXIMUM_LINE_BYTES):
            self._pass_on(self._redacted.feed(decoder.decode(line)))
        self._pass_on(self._redacted.feed(decoder.decode(b"", final=True)) + self._redacted.end())

    def _pass_on(self, text: str) -> None:
        if text:
            self._write(text.encode())
            self._tell(text)

    def _tell(self, text: str) -> None:
        try:
            self._echo(text)
        except OSError:  # nobody listens any more, and the log goes on
            self._echo = silence

    def _write(self, data: bytes) -> None:
        if self._space <= 0 or self.error:
            return
        self._space -= len(data)
        try:
            self._log.write(data if self._space > 0 else b"\n[the log was cut here]\n")
            self._log.flush()
        except OSError as error:
            self.error = error


def run_step(
    argv: Sequence[str],
    *,
    log: Path,
    environment: Mapping[str, str],
    folder: Path,
    timeout_s: float,
    redactor: Redactor,
    clock: Clock,
    echo: Echo = silence,
    tick: Callable[[], None] = lambda: None,
) -> Step:
    """Run a command and wait for the end of it and of all that it started.

    Args:
        argv: the command.
        log: the file that gets its output.
        environment: its variables.
        folder: its working folder.
        timeout_s: after this time everything is killed, in seconds.
        redactor: cuts secrets out of the log and the arguments.
        clock: times it.
        echo: is given its output line by line.
        tick: is called before it starts and several times a second while it runs.

    Raises:
        OSError: the log can't be written.
    """
    tick()  # whoever wants an end gets it also between two commands that are quick
    started_at, start = clock.now(), clock.monotonic()
    code, error, timed_out = None, "", False
    with log.open("wb") as file:
        try:
            process = ChildProcess(
                argv, env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )
        except OSError as failure:
            error = redactor.text(f"{failure.strerror}: {failure.filename}")
            file.write(f"{error}\n".encode())
        else:
            with process:
                code, timed_out = follow(
                    process, LogWriter(output_of(process), file, redactor, echo), timeout_s, clock, tick
                )
    return Step(
        argv=redactor.argv(argv),
        exit_code=code if code is not None and code >= 0 else None,
        signal=signal_name(code) if code is not None and code < 0 else "",
        error=error,
        timed_out=timed_out,
        started_at=started_at,
        finished_at=clock.now(),
        duration_s=round(clock.monotonic() - start, 6),
        log=log.name,
    )


def output_of(process: ChildProcess) -> IO[bytes]:
    """The pipe that was asked for."""
    if process.stdout is None:
        raise ValueError("the process was started without a pipe")
    return process.stdout


def follow(
    process: ChildProcess, writer: LogWriter, timeout_s: float, clock: Clock, tick: Callable[[], None]
) -> tuple[int | None, bool]:
    """Wait for the end; the exit code, and whether it came because the time was over."""
    writer.start()
    deadline = clock.monotonic() + timeout_s
    timed_out = False
    try:
        while process.wait(POLL_INTERVAL_S) is None:
            tick()
            if clock.monotonic() >= deadline:
                timed_out = True
                process.stop()
    finally:
        process.stop()
        writer.join(DRAIN_DEADLINE_S)
    if writer.error:
        raise writer.error
    return process.returncode, timed_out


def signal_name(code: int) -> str:
    """The name of the signal behind a negative return code."""
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
