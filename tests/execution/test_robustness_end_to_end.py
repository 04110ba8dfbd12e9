"""The gate under kills and on full disks: nobody is ever left with a PASS that is not true."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.deaths import kill_at_random
from fakes.disks import namespace

import gatewright

pytestmark = pytest.mark.end_to_end

TESTS = Path(__file__).resolve().parents[1]


def run_helper(module: str, *arguments: str) -> dict[str, object]:
    """What a helper that needs a process of its own found."""
    path = os.pathsep.join([str(Path(gatewright.__file__).parents[1]), str(TESTS)])
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
def test_a_gate_may_be_killed_before_any_of_its_operations_on_files(tmp_path: Path) -> None:
    """All forms of the latest verdict speak of one run at every moment, and none says an older PASS."""
    for found in run_helper("fakes.deaths", str(tmp_path)).values():
        assert found["operations"] > 30
        assert found["complaints"] == []


def test_a_gate_may_be_killed_at_any_moment(tmp_path: Path) -> None:
    """By its command line, with the processes that it starts."""
    stood, complaints = kill_at_random(tmp_path, 6)
    assert sum(stood.values()) == 6
    assert complaints == []


def test_a_full_disk_leaves_no_older_verdict(tmp_path: Path) -> None:
    """It was full before the gate began, or is full from some moment on; a PASS that stands is the new run's."""
    if not namespace():
        pytest.skip("no tmpfs can be mounted here: neither as root nor in a namespace of our own")
    found = run_helper("fakes.disks", str(tmp_path), "8")
    assert found["complaints"] == []
    assert found["filled_before"] == found["filled_during"] == 4
    assert sum(found["exit_codes"].values()) == 8
