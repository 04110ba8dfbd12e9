"""`python -m multyagents_api runner`: executes what the API dispatches, on this machine."""

import argparse
import os
import shlex
import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn
from urllib.parse import urlsplit

from multyagents_api.observing.logs import configure, format_from
from multyagents_api.runner.local_settings import LocalSettings
from multyagents_api.serving import check_writable, is_loopback, listen, port

__all__ = ["NAME", "InvalidRunner", "add_to", "run"]

NAME = "runner"
TOKEN = "MULTYAGENTS_TOKEN"  # noqa: S105 - the name of a variable
SECRET = "MULTYAGENTS_RUNNER_SECRET"  # noqa: S105 - likewise

EPILOG = f"""\
settings by environment:
  {TOKEN}          who the runner is to the API, as a bearer token; may be empty
  {SECRET}  user:password that the API must present (they stand in its MULTYAGENTS_RUNNER_URL);
                             needed where others than this machine can reach the address
  MULTYAGENTS_LOG_FORMAT     json or text (default: text on a terminal, json elsewhere)

commands are no prisoners: they may do what the user of the runner may do. example:
  python -m multyagents_api runner --api http://127.0.0.1:8000 --root /srv/projects --port 8090
"""


class InvalidRunner(Exception):  # noqa: N818 - one line for the operator
    """A setting of the runner that can't be used; the message names it and what it may be."""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the sub-command to a command line."""
    parser = commands.add_parser(
        NAME,
        help="execute what the API dispatches, on this machine",
        description="Execute what the API dispatches, on this machine, until SIGTERM or SIGINT.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    add = parser.add_argument
    add("--api", required=True, metavar="URL", help="where the API is: callbacks go there")
    add("--root", required=True, action="append", type=Path, metavar="DIR", dest="roots",
        help="a directory that commands may work in; may be given several times")  # fmt: skip
    add("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    add("--port", type=port, default=8090, help="port; 0 takes a free one (default 8090)")
    add("--port-file", type=Path, metavar="FILE", help="write the port here once it listens")
    add("--slots", type=number(1, 1_000), default=2, metavar="N", help="commands at once (default 2)")
    add("--queue", type=number(1, 100_000), default=100, metavar="N",
        help="attempts that may wait; more are told to come again (default 100)")  # fmt: skip
    add("--env", action="append", default=[], metavar="NAME", dest="environment",
        help="a variable that commands get besides PATH, LANG, LC_* and TZ; several times")  # fmt: skip
    add("--agent-command", default="", metavar="LINE",
        help="what is executed for steps without a command, split as a shell would, but by none")  # fmt: skip
    add("--timeout", type=number(1, 86_400), default=3_600, metavar="S",
        help="seconds for a command whose step says nothing (default 3600)")  # fmt: skip
    add("--grace", type=number(0, 3_600), default=10, metavar="S",
        help="seconds from asking a command to end to killing it (default 10)")  # fmt: skip
    add("--state", type=Path, metavar="DIR",
        help="a directory of its own for private files of attempts (default: a temporary one)")  # fmt: skip
    add("--die-with-parent", action="store_true", help="end when the parent process ends (Linux)")
    add("--log-level", choices=["critical", "error", "warning", "info", "debug"], default="warning")


def number(least: int, most: int) -> "type[int]":
    """What reads a whole number within bounds from a command line."""

    def read(text: str) -> int:
        value = int(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{value} is not from {least} to {most}")
        return value

    read.__name__ = "number"
    return read  # type: ignore[return-value]


def run(options: argparse.Namespace) -> None:
    """Execute until told to stop.

    Raises:
        InvalidRunner: an option or a variable can't be used.
        OSError: nobody can listen there, or write there.
    """
    with ExitStack() as stack:
        if options.port_file is not None:
            check_writable(options.port_file)
        state = stack.enter_context(state_folder(options.state))
        settings = read_settings(options, os.environ, state)
        listening = stack.enter_context(listen(options.host, options.port))
        check_guarded(settings, listening.getsockname()[0])
        _configure_logs(options.log_level)
        for signalled in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signalled, leave)
        # The server and its client cost half a second that a wrong option should not.
        from multyagents_api.runner.local_server import serve  # noqa: PLC0415

        serve(settings, listening, port_file=options.port_file, log_level=options.log_level)


def _configure_logs(level: str) -> None:
    try:
        configure(level, format_from(os.environ))
    except ValueError as error:
        raise InvalidRunner(str(error)) from None


def read_settings(options: argparse.Namespace, environment: Mapping[str, str], state: Path) -> LocalSettings:
    """The settings of a runner from its command line and its environment.

    Raises:
        InvalidRunner: one of them can't be used.
    """
    secret = environment.get(SECRET, "")
    if secret and not all(secret.partition(":")):
        raise InvalidRunner(f"{SECRET} must have the form user:password")
    token = environment.get(TOKEN, "")
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise InvalidRunner(f"{TOKEN} must be one word of printable ASCII characters")
    for name in options.environment:
        if name in {TOKEN, SECRET} or not name or "=" in name:
            raise InvalidRunner(f"--env {name!r} is no variable that commands may have")
    return LocalSettings(
        api_url=_url(options.api),
        roots=tuple(_root(root) for root in options.roots),
        state=state,
        slots=options.slots,
        queue=options.queue,
        environment=tuple(options.environment),
        agent_command=_words(options.agent_command),
        timeout_s=options.timeout,
        grace_s=options.grace,
        token=token,
        secret=secret,
    )


def check_guarded(settings: LocalSettings, address: str) -> None:
    """Take nothing from strangers.

    Raises:
        InvalidRunner: there is no secret, and others than this machine can reach the address.
    """
    if not settings.secret and not is_loopback(address):
        raise InvalidRunner(f"{SECRET} is needed: {address} is no loopback address")


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        fits = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        fits = False
    if not fits or parts.query or parts.fragment or parts.username or len(text.split()) != 1:
        raise InvalidRunner("--api must be a URL of the form http://HOST:PORT or https://HOST:PORT")
    return text


def _root(root: Path) -> Path:
    try:
        resolved = root.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise InvalidRunner(f"--root {root} can't be used: {error}") from None
    if not resolved.is_dir():
        raise InvalidRunner(f"--root {root} is no directory")
    return resolved


def _words(line: str) -> tuple[str, ...]:
    try:
        words = tuple(shlex.split(line))
    except ValueError as error:
        raise InvalidRunner(f"--agent-command can't be split into words: {error}") from None
    if line and (not words or not words[0].strip()):
        raise InvalidRunner("--agent-command must begin with a program")
    return words


@contextmanager
def state_folder(wanted: Path | None) -> Iterator[Path]:
    """A directory that no other runner uses, cleared of what a killed one left behind.

    Raises:
        InvalidRunner: another runner uses it.
    """
    if wanted is None:
        with tempfile.TemporaryDirectory(prefix="multyagents-runner-") as folder:
            yield Path(folder)
        return
    import fcntl  # noqa: PLC0415 - no system but a runner's needs to have it

    wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (wanted / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InvalidRunner(f"--state {wanted} is another runner's") from None
        attempts = wanted / "attempts"
        shutil.rmtree(attempts, ignore_errors=True)
        attempts.mkdir(mode=0o700, exist_ok=True)
        yield attempts


def leave(_signal: int, _frame: FrameType | None) -> NoReturn:
    """Asked to stop: the server has closed everything by then, or was not started yet."""
    raise SystemExit(0)
