"""Locust's master and workers measure a real server, say what went wrong, and leave no process behind."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from array import array
from pathlib import Path

import pytest

from gatewright.core.verdict import ExitCode
from gatewright.execution.server import ServerProcess
from gatewright.load import LogHistogram
from gatewright.plugins.locust import JourneyEntry, LocustError, Pace, Places, Workload, run_locust
from gatewright.plugins.locust.launch import child_environment
from gatewright.slo import LatencyObjective, SuccessObjective, ThroughputObjective

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.locust,
    pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc"),
]

SERVER = Path(__file__).parents[1] / "fakes" / "picky_server.py"
MARK = "GATEWRIGHT_TEST_LEFT_BEHIND"
PATIENCE_S = 60.0
RATE, SECONDS = 60, 5

POLICY = """\
schema_version = 1

[checks.shop]
session = "shop"
steps = [["true"]]
results = ["report.json"]

[slo.shop]
{service}
rate = 60
seconds = {seconds}
journeys.ask = {{ factory = "fakes.journeys:Ask", weight = 3 }}
journeys.put = {{ factory = "fakes.journeys:Put" }}
objectives = [
  {{ metric = "latency", percentile = 75, at_most_ms = 1000 }},
  {{ metric = "success_ratio", at_least = 0.9 }},
  {{ metric = "throughput", at_least = 30 }},
]
"""


@pytest.fixture(autouse=True)
def _installed(locust):
    """All of this needs Locust."""


@pytest.fixture
def mark(monkeypatch, tmp_path):
    """What every process that a test starts has in its environment, also those below it."""
    monkeypatch.setenv(MARK, str(tmp_path))
    return f"{MARK}={tmp_path}\0".encode()


@pytest.fixture
def server(tmp_path):
    port_file = tmp_path / "port"
    with ServerProcess([sys.executable, SERVER, port_file], port_file=port_file) as server:
        yield server


@pytest.fixture
def workload(server):
    return Workload(
        target=server.base_url,
        journeys=(
            JourneyEntry(name="ask", factory="fakes.journeys:Ask", weight=3),
            JourneyEntry(name="put", factory="fakes.journeys:Put"),
        ),
        objectives=(
            LatencyObjective(0.95, 0.5),
            LatencyObjective(0.95, 0.5, journey="put", step="moved"),
            SuccessObjective(0.99),
            ThroughputObjective(30),
        ),
        deadline_s=5,
    )


def processes(mark, word=""):
    """Numbers of the running processes with this mark, and this word in their command."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            marked = mark in (folder / "environ").read_bytes() + b"\0"
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if marked and word.encode() in command:
            found.append(int(folder.name))
    return found


def commands(mark):
    """Numbers of the workers themselves, without the supervisors in front of them."""
    return [pid for pid in processes(mark, "locust.worker'") if pid not in processes(mark, "supervisor.py")]


def asked(server):
    """How many things the server was asked for."""
    with urllib.request.urlopen(f"{server.base_url}/asked") as answer:
        return int(answer.read())


def wait_until(happens):
    """Look until something happened; the patience is for slow machines."""
    deadline = time.monotonic() + PATIENCE_S
    while not (seen := happens()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return seen


def test_two_workers_measure_what_all_their_runs_took(workload, mark, tmp_path):
    """Merged percentiles are those of every single latency; requests are those of our own client."""
    measurement = run_locust(workload, Pace.spread(RATE, SECONDS, 2), places=Places(raw=tmp_path))
    assert measurement.problems == ()
    assert measurement.lineup.steps == ("ask/ask", "ask/again", "put/put", "put/moved", "put/nothing")
    assert [window.failures for window in measurement.counts.windows] == [()] * SECONDS
    due = sum(worker.arrived for worker in measurement.workers)
    assert due == pytest.approx(RATE * SECONDS, abs=RATE / 10)
    assert {worker.index for worker in measurement.workers if worker.runs} == {1, 2}

    raw = array("d")
    for file in tmp_path.glob("worker-*.raw"):
        raw.frombytes(file.read_bytes())
    assert len(raw) == sum(worker.runs for worker in measurement.workers)
    histogram = LogHistogram()
    for window in measurement.counts.windows:
        histogram.update(window.parts[0].histogram())
    assert histogram.count == len(raw)
    ordered = sorted(raw)
    for share in (0.5, 0.95, 0.99):
        truth = ordered[max(0, -int(-share * len(ordered) // 1) - 1)]
        assert histogram.percentile(share) == pytest.approx(truth, rel=0.002)
    assert measurement.locust.requests == sum(worker.requests for worker in measurement.workers)
    assert processes(mark, "locust") == []


def test_a_worker_that_dies_makes_the_run_unfit(workload, server, mark):
    """The reason names it, and nothing is left behind."""
    found = []
    pace = Pace.spread(RATE, 120, 2)
    thread = threading.Thread(target=lambda: found.append(run_locust(workload, pace)))
    thread.start()
    wait_until(lambda: asked(server) > RATE)
    os.kill(commands(mark)[-1], signal.SIGKILL)
    thread.join(PATIENCE_S)
    (measurement,) = found
    assert any("went before its last report" in problem for problem in measurement.problems)
    assert any("a worker ended with exit code -9" in problem for problem in measurement.problems)
    assert processes(mark, "locust") == []


def test_a_worker_that_never_comes_is_not_waited_for_in_vain(workload, mark):
    """One that dies before it has said hello: its master would wait for it for long."""
    found = []
    thread = threading.Thread(target=lambda: found.append(outcome(workload)))
    thread.start()
    os.kill(wait_until(lambda: commands(mark))[-1], signal.SIGKILL)
    thread.join(PATIENCE_S)
    assert "a worker ended with exit code -9" in found[0]
    assert processes(mark, "locust") == []


def outcome(workload):
    """Why a run could not be made."""
    with pytest.raises(LocustError) as caught:
        run_locust(workload, Pace.spread(RATE, 120, 1), places=Places(patience_s=PATIENCE_S))
    return str(caught.value)


def test_a_journey_that_can_not_be_made_ends_the_run_with_its_reason(workload):
    """The worker tells the master, and the master us."""
    entries = (JourneyEntry(name="shut", factory="fakes.journeys:Refused"),)
    objectives = (SuccessObjective(0.99),)
    shut = workload.model_copy(update={"journeys": entries, "objectives": objectives})
    measurement = run_locust(shut, Pace.spread(RATE, SECONDS, 1))
    assert measurement.problems[0].startswith("a worker refused: journey shut")
    assert "nobody lets us in" in measurement.problems[0]


@pytest.fixture
def project(tmp_path):
    """Writes a project whose load is the same in every place; starts commands of gatewright in it."""
    folder = tmp_path / "project"
    folder.mkdir()

    def start(*arguments, service, seconds=16):
        (folder / "gate.toml").write_text(POLICY.format(service=service, seconds=seconds), encoding="utf-8")
        command = [sys.executable, "-m", "gatewright", "--root", str(folder), "slo", *arguments]
        return subprocess.Popen(
            command, env=child_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    start.folder = folder
    return start


def test_ctrl_c_leaves_no_process(project, mark):
    """Neither master, workers nor the server that was started for them."""
    service = f'server = ["{{python}}", "{SERVER}", "{{port_file}}"]'
    running = project("run", "shop", "--engine", "locust", service=service, seconds=120)
    with running:
        wait_until(lambda: len(processes(mark, "locust.worker'")) >= 2)
        running.send_signal(signal.SIGINT)
        assert running.wait(PATIENCE_S) == ExitCode.INCONCLUSIVE, running.stdout.read()
    # What was being started as the signal came is ended by its supervisor, which learns of our end by a pipe.
    wait_until(lambda: not processes(mark, "locust") + processes(mark, SERVER.name))


def test_workers_of_other_machines_meet_at_the_master(project, server, mark):
    """Here on loopback; the same load is declared on both sides, and the report is the usual one."""
    service = f'target = "{server.base_url}"'
    arguments = (
        "--engine",
        "locust",
        "--workers",
        "2",
        "--master-bind",
        "127.0.0.1:0",
        "--accept-closed-loop",
    )
    with project("run", "shop", *arguments, service=service) as running:
        line = running.stdout.readline()
        while "meet at" not in line:
            assert line, "it ended before it waited"
            line = running.stdout.readline()
        address = line.partition("meet at ")[2].partition(",")[0]
        workers = [project("locust-worker", "shop", "--master", address, service=service) for _ in range(2)]
        output = running.communicate(timeout=PATIENCE_S)[0]
        assert running.returncode == ExitCode.PASS, output
        for worker in workers:
            assert worker.wait(PATIENCE_S) == ExitCode.PASS
            worker.stdout.close()
    report = json.loads((project.folder / "docs/evidence/slo-shop/latest.json").read_text(encoding="utf-8"))
    (scenario,) = report["scenarios"]
    assert (scenario["offer"]["loop"], scenario["offer"]["workers"]) == ("closed", 2)
    assert [each["name"] for each in scenario["objectives"]] == [
        "service_time_p75_ms",
        "success_ratio",
        "throughput_runs_per_s",
    ]
    assert processes(mark, "locust") == []
