"""Executing one command: with a time, an end that takes everything with it, and its output."""

import asyncio
import contextlib
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from io import FileIO
from pathlib import Path

from multyagents_api.runner.output import Output

__all__ = ["Command", "Ending", "How", "execute"]

SUPERVISOR = Path(__file__).with_name("supervisor.py")
READ_BYTES = 64 * 1024
LAST_WORDS_S = 15.0
"""Longer than a supervisor takes to kill everything: who still holds the output then has fled."""


class How(StrEnum):
    """How a command ended."""

    EXITED = "exited"
    TIMED_OUT = "timed out"
    STOPPED = "stopped"
    NOT_STARTED = "not started"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Command:
    """What to execute.

    Args:
        words: a program, looked for in the `PATH` of its own environment, and its arguments.
        directory: the descriptor of the directory to work in; stays open.
        environment: all of it.
        prompt: what the command reads.
        timeout_s: for how long it may execute.
        grace_s: for how long it may go on after it was asked to end.
    """

    words: Sequence[str]
    directory: int
    environment: Mapping[str, str]
    prompt: str
    timeout_s: float
    grace_s: float


@dataclass(frozen=True, slots=True)
class Ending:
    """How a command ended; `exit_code` is negative for a signal, `problem` says why it was not started."""

    how: How
    output: Output
    exit_code: int | None = None
    problem: str | None = None


async def execute(command: Command, stop: asyncio.Event) -> Ending:
    """Execute a command to its end: its own, that of its time, or the one that `stop` asks for.

    Afterwards nothing that it started is alive. Should this process be killed, that happens as well.
    """
    output = Output()
    with contextlib.ExitStack() as stack:
        lifeline_end, lifeline = _pipe(stack)
        report, report_end = _pipe(stack)
        given = stack.enter_context(tempfile.TemporaryFile())
        given.write(command.prompt.encode(errors="replace"))
        given.seek(0)
        passed = (lifeline_end.fileno(), report_end.fileno(), command.directory)
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(SUPERVISOR), *map(str, passed), *command.words),
                stdin=given,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=dict(command.environment),
                cwd="/",
                pass_fds=passed,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            return Ending(How.NOT_STARTED, output, problem=_why(error))
        for end in (lifeline_end, report_end):
            end.close()
        assert process.stdout is not None
        reading = asyncio.create_task(_read(process.stdout, output))
        try:
            how = await _attend(process, lifeline, command, stop)
            await asyncio.wait({reading}, timeout=LAST_WORDS_S)
        finally:
            reading.cancel()
        return _ending(how, report.read(READ_BYTES) or b"", output)


def _pipe(stack: contextlib.ExitStack) -> tuple[FileIO, FileIO]:
    """Where to read and where to write, both closed with the stack at the latest."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    return stack.enter_context(FileIO(reader, "r")), stack.enter_context(FileIO(writer, "w"))


async def _attend(
    process: asyncio.subprocess.Process, lifeline: FileIO, command: Command, stop: asyncio.Event
) -> How:
    """Wait for the end of a command; ask for it, then force it, where it is wanted before."""
    ended, stopping = asyncio.create_task(process.wait()), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({ended, stopping}, timeout=command.timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            return How.EXITED
        how = How.STOPPED if stop.is_set() else How.TIMED_OUT
        with contextlib.suppress(BrokenPipeError):  # it has ended by now
            lifeline.write(b"!")
        await asyncio.wait({ended}, timeout=command.grace_s)
        lifeline.close()
        await asyncio.wait({ended}, timeout=LAST_WORDS_S)
        return how
    finally:
        stopping.cancel()
        if not ended.done():
            ended.cancel()
            lifeline.close()
            process.kill()


async def _read(stream: asyncio.StreamReader, output: Output) -> None:
    while part := await stream.read(READ_BYTES):
        output.add(part)


def _ending(how: How, report: bytes, output: Output) -> Ending:
    """What the supervisor reported, put together with why the command ended."""
    word, _, number = report.decode().strip().partition(" ")
    if word == "failed":
        return Ending(How.NOT_STARTED, output, problem=os.strerror(int(number)))
    if word != "ended":
        return Ending(How.UNKNOWN, output, problem="its supervisor was killed")
    return Ending(how, output, exit_code=os.waitstatus_to_exitcode(int(number)))


def _why(error: OSError | ValueError) -> str:
    return str(error.strerror or error) if isinstance(error, OSError) else str(error)
