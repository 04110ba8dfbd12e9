"""A runner that says too much: it takes attempts, or refuses them in words that it should keep to itself."""

import json
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

__all__ = ["TalkativeRunner"]

PASSWORD = "hunter2-Kf81bQzt"  # noqa: S105 - planted, and looked for afterwards
USER = "attacker"


class TalkativeRunner:
    """Listens on a free port of loopback, under a URL that holds a password; entering starts it.

    Attributes:
        refusal: what attempts are refused with; they are taken while it is empty.
        password: what stands in its URL.
    """

    def __init__(self) -> None:
        self.refusal = ""
        self.password = PASSWORD
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Where it listens, with its user and password."""
        return f"http://{USER}:{self.password}@127.0.0.1:{self._server.server_address[1]}"

    @property
    def settings(self) -> dict[str, str]:
        """What tells the service about it; no attempt is lost by being silent."""
        return {
            "MULTYAGENTS_RUNNER": "http",
            "MULTYAGENTS_RUNNER_URL": self.url,
            "MULTYAGENTS_LEASE": "0",
        }

    def answer(self) -> tuple[HTTPStatus, bytes]:
        """Yes, or no and why."""
        if not self.refusal:
            return HTTPStatus.ACCEPTED, b"{}"
        return HTTPStatus.UNPROCESSABLE_ENTITY, json.dumps({"detail": self.refusal}).encode()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(runner: TalkativeRunner) -> type[BaseHTTPRequestHandler]:
    """What answers requests on a runner's behalf."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        timeout = 30

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", "0")))
            status, body = runner.answer()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: Any) -> None:
            pass

    return Handler
