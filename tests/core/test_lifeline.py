"""A process that asked for it dies with its parent."""

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from gatewright.core import lifeline

SOURCE = Path(lifeline.__file__)

PARENT = textwrap.dedent(
    """
    import subprocess, sys
    child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=sys.stdout)
    child.wait()
    """
)

CHILD = textwrap.dedent(
    """
    import runpy, sys, time
    lifeline = runpy.run_path({source!r})
    if {polled}:
        lifeline["die_with_parent"].__globals__["ask_kernel"] = lambda: False
        lifeline["die_with_parent"].__globals__["POLL_INTERVAL_S"] = 0.01
    lifeline["die_with_parent"]()
    print("ready", flush=True)
    time.sleep(60)
    """
)


@pytest.mark.parametrize("polled", [False, True], ids=["kernel", "polling"])
def test_a_child_ends_when_its_parent_is_killed(*, polled: bool) -> None:
    """SIGKILL of the parent closes the pipe that only the child still holds."""
    code = CHILD.format(source=str(SOURCE), polled=polled)
    with subprocess.Popen([sys.executable, "-c", PARENT, code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        parent.send_signal(signal.SIGKILL)
        assert parent.stdout.read() == b""
