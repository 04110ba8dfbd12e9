"""`python -m multyagents_api serve` in processes of its own: starts, says where, survives, stops cleanly."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from multyagents_api.bootstrap import AuthKind, Settings, create_app

pytestmark = pytest.mark.end_to_end

COMMAND = [sys.executable, "-m", "multyagents_api", "serve"]
START_S = 60.0


def test_sigterm_ends_a_server_cleanly(served, database):
    """It is ready once its port is written, and SIGTERM gives exit code 0."""
    with served(database) as server:
        assert server.call("GET", "/readyz")["status"] == "ok"
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=START_S) == 0


def test_a_server_logs_one_json_object_a_line(served, sqlite_file, tmp_path):
    """Its own lines, those of requests, and those of the server below it."""
    log = tmp_path / "log"
    with served(sqlite_file, "--access-log", "--log-level", "info", log=log) as server:
        server.call("GET", "/healthz")
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=START_S) == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert {line["logger"] for line in lines} == {"uvicorn.error", "multyagents_api.access"}
    [request] = [line for line in lines if line["logger"] == "multyagents_api.access"]
    assert (request["message"], request["status"]) == ("GET /healthz 200", 200)


@pytest.mark.parametrize("durability", ["process", "power"])
def test_everything_acknowledged_is_there_after_kill_9(served, database, durability):
    """SIGKILL in the midst of work: the next process has every acknowledged write, and goes on from there."""
    acknowledged: dict[str, str] = {}
    with served(database, MULTYAGENTS_DURABILITY=durability) as server:
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
    with served(database, MULTYAGENTS_DURABILITY=durability) as server:
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

    async def dispatch_and_die(run_id):
        services = create_app(
            Settings(database, auth=AuthKind.OFF), clock=LongAgo(), runner=DyingRunner()
        ).state.services
        with pytest.raises(KeyboardInterrupt):
            await services.dispatching.dispatch_ready(run_id)
        await services.storage.aclose()

    with served(database) as server:
        run = server.start_run({"step_id": "a"})
        asyncio.run(dispatch_and_die(int(run["id"])))
        deadline = time.monotonic() + START_S
        while server.call("GET", f"/tasks/{run['task_ids'][0]}")["status"] != "queued":
            assert time.monotonic() < deadline, "the dispatch stayed pending"
            time.sleep(0.05)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=START_S) == 0


def test_two_processes_serve_one_database(served, database, tmp_path):
    """What one of them acknowledged, the other answers; a file may go by several names."""
    other = database
    if isinstance(database, Path):
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
