"""CPU time of a process tree counts ended threads, live children and ended children, each once."""

import os
import subprocess
import sys

import pytest

from gatewright.load import tree_cpu_seconds

BURN = """
import subprocess, sys, threading, time

def burn(clock, seconds):
    end = clock() + seconds
    while clock() < end:
        pass

def thread():
    other = threading.Thread(target=burn, args=(time.thread_time, 0.1))
    other.start()
    other.join()

def child(wait):
    code = "import time\\nwhile time.process_time() < 0.2: pass\\nprint(flush=True)\\nimport sys; sys.stdin.read()"
    process = subprocess.Popen([sys.executable, "-S", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()
    if wait:
        process.communicate()

print(flush=True)
for line in sys.stdin:
    eval(line)
    print(time.process_time(), flush=True)
"""


@pytest.fixture
def burner():
    """Does what it is told and answers with its own CPU time, children left out."""
    process = subprocess.Popen(
        [sys.executable, "-c", BURN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    process.stdout.readline()

    def tell(line):
        process.stdin.write(line + "\n")
        process.stdin.flush()
        return float(process.stdout.readline())

    with process:
        process.tell = tell
        yield process
        process.kill()


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has this accounting")


def test_threads_that_have_ended_count(burner):
    """They are gone from /proc, and their time is not."""
    own = burner.tell("thread()")
    assert own > 0.1
    assert tree_cpu_seconds(burner.pid) == pytest.approx(own, abs=0.01)


@pytest.mark.parametrize("wait", [True, False])
def test_children_count_alive_and_ended(burner, wait):
    """A child's time moves to its parent when it is waited for, and is counted in both places."""
    before = tree_cpu_seconds(burner.pid) - burner.tell("None")
    own = burner.tell(f"child({wait})")
    of_child = tree_cpu_seconds(burner.pid) - own - before
    assert 0.17 <= of_child < 0.6


def test_what_runs_meanwhile_is_not_counted_before(burner):
    """A second reading holds the first one and what was used in between."""
    first = tree_cpu_seconds(burner.pid)
    burner.tell("thread()")
    assert tree_cpu_seconds(burner.pid) - first >= 0.1


def test_a_process_that_is_gone_has_no_time(burner):
    """None, not zero: nothing can be said about it."""
    burner.kill()
    burner.wait()
    assert tree_cpu_seconds(burner.pid) is None


def test_own_process_agrees_with_its_own_clock():
    """The two clocks are one."""
    before = os.times()
    assert tree_cpu_seconds(os.getpid()) >= before.user + before.system - 0.02
