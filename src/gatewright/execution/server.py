"""A server under test: started, waited for by polling, ended with all that it started."""

import http.client
import os
import signal
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from gatewright.core.errors import GatewrightError
from gatewright.execution.process import ChildProcess

__all__ = ["ServerProcess", "ServerStartError"]

POLL_INTERVAL_S = 0.02
ANSWER_TIMEOUT_S = 2.0
LOG_LINES_SHOWN = 3
LOG_TAIL_BYTES = 8192
HTTP_OK = 200


class ServerStartError(GatewrightError):
    """The server under test ended, or never became ready; the message carries its last words."""


class ServerProcess:
    """A server in a process group of its own; entering waits until it is ready, leaving ends it.

    The server binds a port of its choice and writes the number to `port_file` once it listens. It is ready
    when `ready_path` answers 200.

    Args:
        argv: the server's command, told of the port file by the caller.
        port_file: where the server writes its port; a stale one is removed before the start.
        env: the whole environment of the server; ours when None.
        cwd: its working folder; ours when None.
        host: the loopback address that it binds.
        ready_path: the path that answers 200 as soon as requests are served.
        timeout_s: the longest time from start to ready, in seconds.
        log: where standard output and error go; a private temporary file when None.
    """

    def __init__(
        self,
        argv: Sequence[str | Path],
        *,
        port_file: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        host: str = "127.0.0.1",
        ready_path: str = "/readyz",
        timeout_s: float = 20.0,
        log: Path | None = None,
    ) -> None:
        self.argv = tuple(str(argument) for argument in argv)
        self.host = host
        self._port_file = port_file
        self._env = env
        self._cwd = cwd
        self._ready_path = ready_path
        self._timeout_s = timeout_s
        self._given_log = log
        self._log = log
        self._port = 0
        self._last_answer = "no port was bound"
        self._process: ChildProcess | None = None
        self._resources = ExitStack()

    @property
    def port(self) -> int:
        """The port that the server bound; 0 until it is ready."""
        return self._port

    @property
    def base_url(self) -> str:
        """`http://host:port`, without a slash at the end."""
        return f"http://{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        """The process id of the server itself."""
        return self._running().pid

    @property
    def tree_pid(self) -> int:
        """The process from which the server and all that it started descend: its supervisor."""
        return self._running().supervisor_pid

    def poll(self) -> int | None:
        """The exit code of a server that has ended, else None."""
        return self._running().poll()

    def log_tail(self, lines: int = LOG_LINES_SHOWN) -> list[str]:
        """The last non-empty lines of the server's output."""
        if self._log is None or not self._log.is_file():
            return []
        with self._log.open("rb") as file:
            file.seek(max(0, self._log.stat().st_size - LOG_TAIL_BYTES))
            text = file.read().decode(errors="replace")
        return [line.strip() for line in text.splitlines() if line.strip()][-lines:]

    def stop(self, grace_s: float = 5.0) -> None:
        """End the server and all that it started; a second call does nothing."""
        if self._process is not None:
            self._process.stop(grace_s)

    def kill(self) -> None:
        """Kill the server outright, as a crash would, without waiting for its end."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def restart(self) -> None:
        """Start it again on what it left, on another port, and wait until it is ready."""
        self._resources.close()
        self.__enter__()

    def __enter__(self) -> Self:
        self._port = 0
        with ExitStack() as stack:
            self._start(stack)
            self._await_ready()
            self._resources = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.close()

    def _start(self, stack: ExitStack) -> None:
        log = self._given_log
        if log is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="gatewright-server-"))
            log = Path(folder) / "server.log"
        self._log = log
        self._port_file.unlink(missing_ok=True)
        output = stack.enter_context(log.open("wb"))
        try:
            process = ChildProcess(self.argv, env=self._env, cwd=self._cwd, stdout=output, stderr=output)
        except OSError as error:
            raise ServerStartError(
                f"the server can't be started: {error.strerror}: {self.argv[0]}"
            ) from error
        self._process = stack.enter_context(process)

    def _await_ready(self) -> None:
        deadline = time.monotonic() + self._timeout_s
        while not self._is_ready():
            if (code := self._running().poll()) is not None:
                raise ServerStartError(
                    f"the server ended with exit code {code} before it was ready{self._last_words()}"
                )
            if time.monotonic() > deadline:
                waited = f"{self._timeout_s:g} s ({self._last_answer})"
                raise ServerStartError(f"the server was not ready after {waited}{self._last_words()}")
            time.sleep(POLL_INTERVAL_S)

    def _is_ready(self) -> bool:
        self._port = self._port or self._read_port()
        if not self._port:
            return False
        connection = http.client.HTTPConnection(self.host, self._port, timeout=ANSWER_TIMEOUT_S)
        try:
            connection.request("GET", self._ready_path)
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            self._last_answer = f"{self._ready_path}: {type(error).__name__}"
            return False
        finally:
            connection.close()
        self._last_answer = f"{self._ready_path} answered {status}"
        return status == HTTP_OK

    def _read_port(self) -> int:
        try:
            text = self._port_file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            return 0
        return int(text) if text.isdecimal() and len(text) <= len("65535") else 0

    def _last_words(self) -> str:
        lines = self.log_tail()
        return f"; it said: {' | '.join(lines)}" if lines else "; it said nothing"

    def _running(self) -> ChildProcess:
        if self._process is None:
            raise ServerStartError("the server has not been started")
        return self._process
