"""A runner for drills: takes every attempt, executes none, and remembers each delivery."""

import json
import threading
import time
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from types import TracebackType
from typing import Self, TypeAlias

__all__ = ["Attempt", "WithholdingRunner"]

Attempt: TypeAlias = tuple[str, int]
"""Task and attempt."""


class QuietServer(ThreadingHTTPServer):
    """A server for whom connections that are cut are nothing to talk about."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing."""


class WithholdingRunner:
    """An HTTP server on a free port of loopback that speaks what `HttpRunner` speaks; entering starts it.

    Attributes:
        deliveries: when each attempt was handed over, in seconds that only grow.
    """

    def __init__(self) -> None:
        self.deliveries: dict[Attempt, list[float]] = {}
        self._withheld: Attempt | None = None
        self._withholds = False
        runner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                """Take what comes."""
                demand = json.loads(self.rfile.read(int(self.headers["content-length"])))
                if self.path.endswith("/tasks/submit"):
                    attempt = demand["task_id"], demand["attempt"]
                    runner.deliveries.setdefault(attempt, []).append(time.monotonic())
                self.send_response(HTTPStatus.ACCEPTED)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = QuietServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._server.server_address[1]

    @property
    def withheld(self) -> Attempt | None:
        """The attempt that it has and never speaks about."""
        return self._withheld

    def withhold(self) -> None:
        """From now on say nothing about the next attempt that somebody asks about."""
        self._withheld, self._withholds = None, True

    def has_done(self, task_id: str, attempt: int) -> bool:
        """Whether an attempt was handed over, and is not withheld."""
        asked = task_id, attempt
        if asked not in self.deliveries:
            return False
        if self._withholds:
            self._withheld, self._withholds = asked, False
        return asked != self._withheld

    def handed_over_twice(self, within_s: float) -> Iterator[str]:
        """The attempts of which two deliveries came within so many seconds."""
        for (task_id, attempt), times in list(self.deliveries.items()):
            if any(later - earlier < within_s for earlier, later in pairwise(sorted(times))):
                yield f"task {task_id} attempt {attempt} was handed to the runner twice within {within_s:g} s"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
