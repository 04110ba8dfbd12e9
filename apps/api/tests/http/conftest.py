"""Servers in processes of their own, for tests of what only those show."""

import http.client
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "multyagents_api", "serve"]
START_S = 60.0


class Server:
    """A served database, and the few calls that these tests make."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port
        self._http = self.connect()

    def connect(self) -> http.client.HTTPConnection:
        """Another connection to the server."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_S)

    def close(self) -> None:
        self._http.close()

    def call(self, method: str, path: str, body: object = None) -> dict:
        headers = {"content-type": "application/json"}
        self._http.request(method, path, None if body is None else json.dumps(body), headers)
        response = self._http.getresponse()
        answer = json.loads(response.read())
        assert response.status < 300, answer
        return answer

    def start_run(self, *steps: dict[str, object]) -> dict:
        """A run of a new template; a step needs only its `step_id`."""
        role = self.call("POST", "/roles", {"name": "dev"})
        whole = [{"role_id": role["id"], "title": "Do it", **step} for step in steps]
        template = self.call("POST", "/workflow-templates", {"name": "template", "steps": whole})
        return self.call("POST", "/workflow-runs", {"workflow_template_id": template["id"]})


@pytest.fixture
def served(tmp_path: Path, environment: dict[str, str]):
    """Serves a database in a process of its own; whatever happens, the process is gone afterwards."""
    numbers = itertools.count()

    @contextmanager
    def serve(
        database: Path | str, *options: str, log: Path | None = None, **settings: str
    ) -> Iterator[Server]:
        port_file = tmp_path / f"port {next(numbers)}"
        command = [*COMMAND, "--port", "0", "--port-file", str(port_file), *options]
        place = "MULTYAGENTS_DATABASE" if isinstance(database, Path) else "MULTYAGENTS_DATABASE_URL"
        defaults = {place: str(database), "MULTYAGENTS_AUTH": "off"}
        with nullcontext() if log is None else log.open("wb") as errors:
            process = subprocess.Popen(command, env={**environment, **defaults, **settings}, stderr=errors)
        try:
            deadline = time.monotonic() + START_S
            while not port_file.exists():
                assert process.poll() is None, "the server ended instead of serving"
                assert time.monotonic() < deadline, "the server did not start in time"
                time.sleep(0.02)
            with closing(Server(process, int(port_file.read_text()))) as server:
                yield server
        finally:
            process.kill()
            process.wait()

    return serve
