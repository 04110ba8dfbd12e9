"""`python -m multyagents_api serve` in processes of its own: starts, says where, survives, stops cleanly."""

import asyncio
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from multyagents_api.bootstrap import Settings, create_app

pytestmark = pytest.mark.end_to_end

COMMAND = [sys.executable, "-m", "multyagents_api", "serve"]
START_S = 30.0


class Server:
    """A served database, and the few calls that these tests make."""

    def __init__(self, process: subprocess.Popen[bytes], client: http.client.HTTPConnection) -> None:
        self.process = process
        self._http = client

    def call(self, method: str, path: str, body: object = None) -> dict:
        headers = {"content-type": "application/json"}
        self._http.request(method, path, None if body is None else json.dumps(body), headers)
        response = self._http.getresponse()
        answer = json.loads(response.read())
        assert response.status < 300, answer
        return answer


@pytest.fixture
def served(tmp_path: Path, environment: dict[str, str]):
    """Serves a database in a process of its own; whatever happens, the process is gone afterwards."""

    @contextmanager
    def serve(database: Path, *options: str) -> Iterator[Server]:
        port_file = tmp_path / f"port of {database.name}"
        port_file.unlink(missing_ok=True)
        command = [*COMMAND, "--port", "0", "--port-file", str(port_file), *options]
        process = subprocess.Popen(command, env={**environment, "MULTYAGENTS_DATABASE": str(database)})
        try:
            deadline = time.monotonic() + START_S
            while not port_file.exists():
                assert process.poll() is None, "the server ended instead of serving"
                assert time.monotonic() < deadline, "the server did not start in time"
                time.sleep(0.02)
            with closing(
                http.client.HTTPConnection("127.0.0.1", int(port_file.read_text()), timeout=START_S)
            ) as client:
                yield Server(process, client)
        finally:
            process.kill()
            process.wait()

    return serve


def test_sigterm_ends_a_server_cleanly(served, database):
    """It is ready once its port is written, and SIGTERM gives exit code 0."""
    with served(database) as server:
        assert server.call("GET", "/readyz") == {"status": "ok"}
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=START_S) == 0


def test_everything_acknowledged_is_there_after_kill_9(served, database):
    """SIGKILL in the midst of work: the next process has every acknowledged write, and goes on from there."""
    acknowledged: dict[str, str] = {}
    with served(database) as server:
        role = server.call("POST", "/roles", {"name": "dev"})
        steps = [{"step_id": "a", "role_id": role["id"], "title": "A"}]
        template = server.call("POST", "/workflow-templates", {"name": "t", "steps": steps})
        demand = {"workflow_template_id": template["id"]}
        for number in range(20):
            run = server.call("POST", "/workflow-runs", demand)
            acknowledged[run["id"]] = "created"
            dispatch = server.call("POST", f"/workflow-runs/{run['id']}/dispatch-ready")
            acknowledged[run["id"]] = "running"
            if number % 2:
                report = {"attempt": dispatch["attempt"], "status": "success"}
                server.call("POST", f"/runner/tasks/{dispatch['task_id']}/status", report)
                acknowledged[run["id"]] = "success"
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
    with served(database) as server:
        found = {run["id"]: run["status"] for run in server.call("GET", "/workflow-runs")["items"]}
        assert found == acknowledged
        assert server.call("POST", "/workflow-runs", demand)["id"] not in acknowledged


def test_what_stays_pending_is_delivered_while_serving(served, database):
    """A dispatch whose process died is delivered by another one that goes on serving."""

    class DyingRunner:
        async def submit(self, submission):
            raise KeyboardInterrupt

    class LongAgo:
        def now(self):
            return datetime(2026, 1, 1, tzinfo=UTC)

    with served(database) as server:
        role = server.call("POST", "/roles", {"name": "dev"})
        steps = [{"step_id": "a", "role_id": role["id"], "title": "A"}]
        template = server.call("POST", "/workflow-templates", {"name": "t", "steps": steps})
        run = server.call("POST", "/workflow-runs", {"workflow_template_id": template["id"]})
        dying = create_app(Settings(database), clock=LongAgo(), runner=DyingRunner())
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(dying.state.services.dispatching.dispatch_ready(int(run["id"])))
        asyncio.run(dying.state.services.storage.aclose())
        deadline = time.monotonic() + START_S
        while server.call("GET", f"/tasks/{run['task_ids'][0]}")["status"] != "queued":
            assert time.monotonic() < deadline, "the dispatch stayed pending"
            time.sleep(0.05)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=START_S) == 0


def test_two_processes_serve_one_file(served, database, tmp_path):
    """What one of them acknowledged, the other answers."""
    other = tmp_path / "another name.db"
    other.symlink_to(database)
    with served(database) as first, served(other) as second:
        role = first.call("POST", "/roles", {"name": "dev"})
        assert second.call("GET", f"/roles/{role['id']}") == role


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel ends orphans on Linux only")
def test_a_server_may_die_with_its_parent(tmp_path, environment, database):
    """The parent is killed, and the server is gone with it."""
    port_file = tmp_path / "port"
    options = ["--port", "0", "--port-file", str(port_file), "--database", str(database), "--die-with-parent"]
    parent = f"import subprocess, sys; p = subprocess.Popen({[*COMMAND, *options]!r}); print(p.pid, flush=True); p.wait()"
    with subprocess.Popen([sys.executable, "-c", parent], env=environment, stdout=subprocess.PIPE) as started:
        child = int(started.stdout.readline())
        deadline = time.monotonic() + START_S
        while not port_file.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        started.kill()
    while Path(f"/proc/{child}").exists() and time.monotonic() < deadline:
        if Path(f"/proc/{child}/stat").read_text().split()[2] == "Z":
            break
        time.sleep(0.02)
    else:
        assert not Path(f"/proc/{child}").exists()
