"""A runner for drills: takes every attempt, executes none, and remembers each delivery."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

__all__ = ["RecordingRunner"]


class RecordingRunner:
    """An HTTP server on a free port of loopback that speaks what `HttpRunner` speaks; entering starts it.

    Attributes:
        deliveries: how often each attempt was handed over, by task and attempt.
    """

    def __init__(self) -> None:
        self.deliveries: Counter[tuple[str, int]] = Counter()
        runner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                """Take what comes."""
                demand = json.loads(self.rfile.read(int(self.headers["content-length"])))
                if self.path.endswith("/tasks/submit"):
                    runner.deliveries[demand["task_id"], demand["attempt"]] += 1
                self.send_response(HTTPStatus.ACCEPTED)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._server.server_address[1]

    def has(self, task_id: str, attempt: int) -> bool:
        """Whether an attempt was handed over."""
        return (task_id, attempt) in self.deliveries

    def repeated(self) -> Iterator[str]:
        """The attempts that were handed over more than once."""
        for (task_id, attempt), times in list(self.deliveries.items()):
            if times > 1:
                yield f"task {task_id} attempt {attempt} was handed to the runner {times} times"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
