"""`python -m multyagents_api`: the service over HTTP, tokens for it, and what executes its tasks."""

import argparse
import asyncio
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import NoReturn

import uvicorn
from fastapi import FastAPI

from multyagents_api.bootstrap import (
    AuthKind,
    InvalidSettings,
    Settings,
    StorageUnavailable,
    create_app,
    parse_database,
)
from multyagents_api.domain.errors import StoreBusy
from multyagents_api.http.app import Services
from multyagents_api.observing import logs
from multyagents_api.runner import command as runner_command
from multyagents_api.service.leases import sweep_leases
from multyagents_api.service.outbox import sweep
from multyagents_api.serving import check_writable, die_with_parent, is_loopback, listen, port, write_port
from multyagents_api.token_command import Door, add_token_command, let_somebody_in

__all__ = ["main"]

USAGE_ERROR = 2
CANNOT_START = 1
GRACE_S = 5
SWEEP_EVERY_S = 1.0
MAINTAIN_EVERY_S = 10.0

EPILOG = """\
settings by environment:
  MULTYAGENTS_DATABASE    the SQLite file (default multyagents.db); --database outranks it
  MULTYAGENTS_DATABASE_URL
                          postgresql://user:password@host:port/name, or sqlite:///file; outranks the above
  MULTYAGENTS_RUNNER      who executes tasks: accept (default), a built-in runner that accepts every
                          submission and leaves the callbacks to you, or http, the one at
  MULTYAGENTS_RUNNER_URL  http(s)://user:password@host:port/path, which is posted tasks/submit and
                          tasks/ID/cancel, and calls back
  MULTYAGENTS_LEASE       after how many silent seconds such a runner has lost a task, which then is
                          done again (default 30; 0: never)
  MULTYAGENTS_DURABILITY  what an acknowledged write survives: process (default) the death of the process,
                          power also a loss of power
  MULTYAGENTS_STORE_TIMEOUT
                          how many seconds a request waits for the store before it is refused (default 5);
                          a PostgreSQL statement without an answer in twice that time is given up
  MULTYAGENTS_RUNNER_BUDGET
                          how many seconds a request waits for the runner before it answers that the dispatch
                          is pending (default 2); what is pending for five times as long is submitted again
  MULTYAGENTS_LOG_FORMAT  json or text (default: text on a terminal, json elsewhere)
  MULTYAGENTS_AUTH        who may ask: tokens (default), bearers of tokens (token --help tells how to make
                          them), or off, everybody, which only a loopback address is served with
  MULTYAGENTS_RATE_LIMIT  requests per second of each token's subject (default 1000, 0 for any number)
  MULTYAGENTS_STREAMS     how many event streams a process serves at once (default 100)

several processes may serve one database file. example:
  python -m multyagents_api serve --port 8080 --database /var/lib/multyagents/runs.db
"""


class Server(uvicorn.Server):
    """A server that writes down its port once it listens, and tidies up behind requests while it serves."""

    def __init__(
        self, app: FastAPI, config: uvicorn.Config, port_file: Path | None, settings: Settings
    ) -> None:
        super().__init__(config)
        self._settings = settings
        self._services: Services = app.state.services
        self._tidying: list[asyncio.Task[NoReturn]] = []
        self._port_file = port_file

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, where somebody can get in, then tell the port."""
        if self._settings.auth is AuthKind.TOKENS and sockets:
            host, number = sockets[0].getsockname()[:2]
            door = Door(host, number, self._settings.database, only_this_machine=is_loopback(host))
            await let_somebody_in(self._services.tokens, door)
        await super().startup(sockets)
        if not self.started:
            return
        tidying = (
            sweep(self._services.outbox, lambda: asyncio.sleep(SWEEP_EVERY_S)),
            sweep_leases(self._services.leases, lambda: asyncio.sleep(SWEEP_EVERY_S)),
            self._services.storage.maintain(lambda: asyncio.sleep(MAINTAIN_EVERY_S)),
            self._services.streams.announce(),
        )
        self._tidying = [asyncio.create_task(work) for work in tidying]
        if self._port_file is not None and sockets:
            write_port(self._port_file, sockets[0].getsockname()[1])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End streams, which would end by themselves only much later, and stop tidying before the store."""
        self._services.streams.close()
        for task in self._tidying:
            task.cancel()
        await asyncio.gather(*self._tidying, return_exceptions=True)
        await super().shutdown(sockets)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m multyagents_api", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    serve = commands.add_parser(
        "serve",
        help="serve the API over HTTP",
        description="Serve the API over HTTP until SIGTERM or SIGINT.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    serve.add_argument("--port", type=port, default=8000, help="port; 0 takes a free one (default 8000)")
    serve.add_argument("--port-file", type=Path, metavar="FILE", help="write the port here once it listens")
    serve.add_argument("--database", metavar="FILE", help="the SQLite file, or a postgresql:// URL")
    serve.add_argument(
        "--die-with-parent", action="store_true", help="end when the parent process ends (Linux)"
    )
    serve.add_argument(
        "--log-level",
        choices=["critical", "error", "warning", "info", "debug"],
        default="warning",
        help="the least level that is logged (default %(default)s)",
    )
    serve.add_argument("--access-log", action="store_true", help="log every request, whatever the level")
    serve.set_defaults(run=serve_until_told)
    runner_command.add_to(commands)
    add_token_command(commands)
    return parser.parse_args(arguments)


def serve_until_told(options: argparse.Namespace) -> None:
    """Serve until told to stop."""
    settings = Settings.from_environment()
    if options.database is not None:
        settings = replace(settings, database=parse_database(options.database))
    if options.port_file is not None:
        check_writable(options.port_file)
    logs.configure(options.log_level, settings.log_format, access=options.access_log)
    with listen(options.host, options.port) as listening:
        check_guarded(settings, listening)
        app = create_app(settings)
        config = uvicorn.Config(
            app,
            log_config=None,  # its loggers log as all others do
            access_log=False,  # ours knows the request's name and route
            server_header=False,
            timeout_graceful_shutdown=GRACE_S,
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, leave)
        Server(app, config, options.port_file, settings).run(sockets=[listening])


def check_guarded(settings: Settings, listening: socket.socket) -> None:
    """Serve nobody but this machine without asking who it is.

    Raises:
        InvalidSettings: authentication is off, and others can reach the address.
    """
    address = listening.getsockname()[0]
    if settings.auth is AuthKind.OFF and not is_loopback(address):
        raise InvalidSettings(f"MULTYAGENTS_AUTH=off is for loopback addresses, and {address} is none")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; exit code 2: settings that can't be used, 1: a store or an address that can't."""
    options = parse(arguments)
    if getattr(options, "die_with_parent", False):
        die_with_parent()
    try:
        options.run(options)
    except (InvalidSettings, runner_command.InvalidRunner) as error:
        return refuse(str(error), USAGE_ERROR)
    except (StorageUnavailable, StoreBusy) as error:
        return refuse(str(error), CANNOT_START)
    except OSError as error:
        what = f"can't serve on {options.host}:{options.port}: " if "host" in options else ""
        return refuse(f"{what}{error}", CANNOT_START)
    return 0


def refuse(line: str, exit_code: int) -> int:
    """Say in one line why nothing is done."""
    print(f"multyagents: {line}", file=sys.stderr)  # noqa: T201 - the one line
    return exit_code


def leave(_signal: int, _frame: FrameType | None) -> NoReturn:
    """Asked to stop: uvicorn has closed everything by then, or was not started yet."""
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
