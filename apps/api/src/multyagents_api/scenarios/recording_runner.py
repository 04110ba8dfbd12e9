"""A runner that accepts every attempt and does nothing but keep what it was handed, and when."""

import json
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

__all__ = ["Delivery", "RecordingRunner"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """An attempt as it was handed over; `at` is in seconds of the monotonic clock."""

    run_id: str
    task_id: str
    attempt: int
    content: str
    key: str
    at: float


class RecordingRunner:
    """Listens on a free port of loopback; entering starts it, leaving ends it.

    Whoever drives the callbacks asks it which attempts have arrived: no real runner reports on others.
    """

    def __init__(self) -> None:
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._lock = threading.Lock()
        self._deliveries: dict[tuple[str, int], list[Delivery]] = {}

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._server.server_address[1]

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def environment(self) -> dict[str, str]:
        """What tells the service about it; no attempt is lost by being silent."""
        return {
            "MULTYAGENTS_RUNNER": "http",
            "MULTYAGENTS_RUNNER_URL": self.url,
            "MULTYAGENTS_LEASE": "0",
        }

    def has(self, task_id: str, attempt: int) -> bool:
        """Whether an attempt has arrived."""
        return (task_id, attempt) in self._deliveries

    def deliveries(self, run_id: str) -> list[Delivery]:
        """All that arrived of a run, in order."""
        with self._lock:
            listed: Iterable[list[Delivery]] = list(self._deliveries.values())
        return [delivery for each in listed for delivery in each if delivery.run_id == run_id]

    def keep(self, delivery: Delivery) -> None:
        """Note that an attempt has arrived."""
        with self._lock:
            self._deliveries.setdefault((delivery.task_id, delivery.attempt), []).append(delivery)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    """Whose clients may be killed at any time."""

    daemon_threads = True

    def handle_error(self, *_about: Any) -> None:
        pass


def _handler(runner: RecordingRunner) -> type[BaseHTTPRequestHandler]:
    """What answers requests on a runner's behalf."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        timeout = 30

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers.get("content-length", "0")))
            if self.path == "/tasks/submit":
                runner.keep(_delivery(content, self.headers.get("idempotency-key", "")))
            self.send_response(202)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_arguments: Any) -> None:
            pass

    return Handler


def _delivery(content: bytes, key: str) -> Delivery:
    sent = json.loads(content)
    return Delivery(
        run_id=sent["run_id"],
        task_id=sent["task_id"],
        attempt=sent["attempt"],
        content=content.decode(),
        key=key,
        at=time.monotonic(),
    )
