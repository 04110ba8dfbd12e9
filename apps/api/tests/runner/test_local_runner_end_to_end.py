"""A real API and a real runner: commands are executed, run out of time, and survive the death of their runner."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from multyagents_api.scenarios.topology import Plan, Topology

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(sys.platform != "linux", reason="the runner confines commands by /proc"),
]

PATIENCE_S = 60.0
LEASE = "2"
SECRET = "the token of the runner"


@pytest.fixture(scope="module")
def topology() -> Iterator[Topology]:
    plan = Plan(
        runner=True,
        settings={"MULTYAGENTS_LEASE": LEASE},
        runner_options=("--grace", "1"),
        runner_settings={"MULTYAGENTS_TOKEN": SECRET.replace(" ", "-")},
    )
    with Topology(plan) as running:
        yield running


@pytest.fixture
def client(topology: Topology):
    with_client = topology.client()
    yield with_client
    with_client.close()


def start(client, topology: Topology, *steps: dict[str, Any], name: str, **role: Any) -> dict[str, Any]:
    """A run of steps that work in a project of their own."""
    root = topology.projects / name
    root.mkdir()
    project = client.post("/projects", {"name": name, "root_path": str(root)})
    role = client.post("/roles", {"name": name, **role})
    whole = [{"title": name, "role_id": role["id"], **step} for step in steps]
    body = {"name": name, "project_id": project["id"], "steps": whole}
    template = client.post("/workflow-templates", body)
    return client.post("/workflow-runs", {"workflow_template_id": template["id"]})


def dispatch(client, run: dict[str, Any]) -> dict[str, Any]:
    return client.post(f"/workflow-runs/{run['id']}/dispatch-ready")


def until(condition: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while not (met := condition()):
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
    return met


def task_is(client, task_id: str, status: str) -> dict[str, Any]:
    def look():
        task = client.get(f"/tasks/{task_id}")
        return task if task["status"] == status else None

    return until(look, f"task {task_id} never was {status}: {client.get(f'/tasks/{task_id}')}")


def test_a_run_of_two_steps_is_executed(client, topology):
    """Each in its project, with the prompt as its input; what they print is kept, without the token."""
    shared = {"execution_mode": "shared-workspace", "lock_paths": ["."]}
    run = start(
        client,
        topology,
        {"step_id": "build", "prompt": "the plan", "command": ["sh", "-c", "cat > made; env"], **shared},
        {"step_id": "ship", "depends_on": ["build"], "command": ["cat", "made"], **shared},
        name="two",
    )
    build, ship = run["task_ids"]
    for task_id in (build, ship):
        assert dispatch(client, run)["dispatched"]
        task_is(client, task_id, "success")
    assert client.get(f"/workflow-runs/{run['id']}")["status"] == "success"
    [env], [made] = (client.get(f"/artifacts?task_id={task_id}")["items"] for task_id in (build, ship))
    assert client.get(f"/artifacts/{made['id']}")["content"] == "the plan"
    told = client.get(f"/artifacts/{env['id']}")["content"].splitlines()
    assert f"MULTYAGENTS_TASK_ID={build}" in told
    assert not any("MULTYAGENTS_TOKEN" in line or "token-of" in line for line in told)
    types = [event["type"] for event in client.get(f"/events?run_id={run['id']}")["items"]]
    assert types.count("task.locks_released") == 2


def test_a_command_out_of_time_fails_and_is_tried_again(client, topology):
    """Its category decides; the second attempt goes well."""
    command = ["sh", "-c", "test $MULTYAGENTS_ATTEMPT = 2 || sleep 600"]
    policy = {"max_retries": 1, "retry_on": ["timeout"]}
    step = {"step_id": "slow", "command": command, "timeout_s": 1}
    run = start(client, topology, step, name="slow", retry_policy=policy)
    [task_id] = run["task_ids"]
    dispatch(client, run)
    task_is(client, task_id, "created")
    assert dispatch(client, run)["attempt"] == 2
    task_is(client, task_id, "success")
    [first, second] = client.get(f"/tasks/{task_id}/audit")["items"]
    assert (first["ended"], first["message"]) == ("failed", "the command was stopped after 1 s")
    assert second["ended"] == "success"


def test_what_a_killed_runner_held_is_done_again(client, topology):
    """Its command dies with it; after the lease the task returns, and a new runner finishes it."""
    command = ["sh", "-c", "test $MULTYAGENTS_ATTEMPT = 2 || { echo $$ > pid; sleep 600; }"]
    run = start(client, topology, {"step_id": "build", "command": command}, name="killed")
    [task_id] = run["task_ids"]
    pid_file = topology.projects / "killed" / "pid"
    dispatch(client, run)
    pid = int(until(lambda: pid_file.exists() and pid_file.read_text(), "the command never began"))
    topology.runner.kill()
    until(lambda: not Path(f"/proc/{pid}").exists(), "the command outlived its runner")
    lost = task_is(client, task_id, "created")
    assert (lost["reason"], lost["attempt"]) == ("runner lost", 1)
    late = client.request("POST", f"/runner/tasks/{task_id}/status", {"attempt": 1, "status": "success"})
    assert (late.status, late.json["code"]) == (409, "stale_attempt")
    topology.runner.restart()
    assert dispatch(client, run)["attempt"] == 2
    task_is(client, task_id, "success")


def test_a_runner_that_stops_ends_in_order(client, topology):
    """What runs is told as failed for that reason, and the exit code is 0."""
    step = {"step_id": "long", "command": ["sleep", "600"]}
    run = start(client, topology, step, name="stopped")
    [task_id] = run["task_ids"]
    dispatch(client, run)
    task_is(client, task_id, "running")
    os.kill(topology.runner.pid, 15)
    task = task_is(client, task_id, "failed")
    assert task["reason"] == "the runner was stopped"
    assert until(lambda: topology.runner.poll() is not None, "the runner went on") is True
    assert topology.runner.poll() == 0
    topology.runner.restart()
