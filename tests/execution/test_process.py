"""No process outlives the one that asked for it."""

import errno
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from gatewright.execution.process import ChildProcess

DEADLINE_S = 10.0


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", textwrap.dedent(code)]


STUBBORN = """
    import os, signal, sys, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            print(os.getpid(), flush=True)
            os.close(writer)
            time.sleep(120)
        os._exit(0)
    os.close(writer)
    os.read(reader, 1)  # ends once the daemon has said its number
    {then}
"""


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def await_gone(pid: int) -> bool:
    """Poll until a process is gone, as an outsider that can't wait for it must."""
    deadline = time.monotonic() + DEADLINE_S
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not is_alive(pid)


def read_pid(process: ChildProcess) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


@pytest.mark.parametrize("code", [0, 1, 3, 5, 255])
def test_the_exit_code_is_the_one_that_the_system_reported(code: int) -> None:
    with ChildProcess(python(f"raise SystemExit({code})")) as process:
        assert process.wait(DEADLINE_S) == code
        assert process.returncode == code


def test_a_signal_is_reported_as_its_negative_number() -> None:
    with ChildProcess(python("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")) as process:
        assert process.wait(DEADLINE_S) == -signal.SIGSEGV


def test_a_command_that_does_not_exist_is_an_error_at_once() -> None:
    with pytest.raises(FileNotFoundError) as caught:
        ChildProcess(["/no/such/program"])
    assert caught.value.errno == errno.ENOENT


def test_a_folder_that_does_not_exist_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ChildProcess(python("pass"), cwd=tmp_path / "absent")


def test_no_descriptor_is_left_open() -> None:
    def count() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = count()
    with pytest.raises(OSError):
        ChildProcess(["/no/such/program"])
    with ChildProcess(python("pass"), stdout=subprocess.PIPE) as process:
        process.wait(DEADLINE_S)
    assert count() == before


def test_the_command_sees_its_environment_folder_and_number(tmp_path: Path) -> None:
    code = "import os; print(os.environ['COLOUR'], os.getcwd(), os.getpid(), os.getsid(0) == os.getpid())"
    with ChildProcess(python(code), env={"COLOUR": "blue"}, cwd=tmp_path, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.read().decode().strip()
    assert line == f"blue {tmp_path} {process.pid} True"


def test_the_command_gets_default_signal_handling_and_no_descriptor_of_ours() -> None:
    """A command that inherits an ignored SIGTERM or the lifeline could not be ended, or would hold itself alive."""
    code = """
        import os, signal
        ignored = [n for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) == signal.SIG_IGN]
        print(ignored, [fd for fd in map(int, os.listdir("/proc/self/fd")) if fd > 2 and os.path.exists(f"/proc/self/fd/{fd}")])
    """
    with ChildProcess(python(code), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read() == b"[] []\n"


def test_what_a_command_leaves_in_the_background_is_killed_when_it_ends() -> None:
    """A daemon that fled into another session and holds the pipe open does not outlive its command."""
    with ChildProcess(python(STUBBORN.format(then="sys.exit(3)")), stdout=subprocess.PIPE) as process:
        daemon = read_pid(process)
        assert process.wait(DEADLINE_S) == 3
        assert not is_alive(daemon)


def test_stop_lets_a_command_end_by_itself() -> None:
    code = """
        import signal, sys, time
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
        print("ready", flush=True)
        time.sleep(120)
    """
    with ChildProcess(python(code), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stop(grace_s=DEADLINE_S)
        assert process.returncode == 7


def test_stop_kills_a_command_that_ignores_the_request() -> None:
    with ChildProcess(python(STUBBORN.format(then="time.sleep(120)")), stdout=subprocess.PIPE) as process:
        daemon = read_pid(process)
        process.stop(grace_s=0.05)
        assert process.returncode == -signal.SIGKILL
        assert not is_alive(daemon)


def test_wait_gives_up_when_the_time_is_over() -> None:
    with ChildProcess(python("import time; time.sleep(120)")) as process:
        assert process.wait(0.01) is None
        assert process.poll() is None
    assert process.returncode == -signal.SIGTERM


def test_a_killed_parent_leaves_nothing() -> None:
    """SIGKILL gives the parent no chance to clean up; the pipe does it."""
    code = f"""
        import subprocess, sys, textwrap
        sys.path.insert(0, {str(Path(__file__).parents[2] / "src")!r})
        from gatewright.execution.process import ChildProcess
        stubborn = textwrap.dedent({STUBBORN.format(then="time.sleep(120)")!r})
        child = ChildProcess([sys.executable, "-c", stubborn])
        print(child.pid, child._supervisor.pid, flush=True)
        child.wait()
    """
    with subprocess.Popen(python(code), stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        numbers = [int(word) for word in (parent.stdout.readline() + parent.stdout.readline()).split()]
        assert len(numbers) == 3
        parent.kill()
        assert all(await_gone(number) for number in numbers)


def test_a_killed_supervisor_takes_the_command_along() -> None:
    with ChildProcess(python("import time; time.sleep(120)")) as process:
        os.kill(process._supervisor.pid, signal.SIGKILL)
        assert process.wait(DEADLINE_S) == -signal.SIGKILL
        assert await_gone(process.pid)


def test_nested_children_die_with_the_outermost_lifeline() -> None:
    """A supervised process that supervises others is the shape of the gate itself."""
    source = str(Path(__file__).parents[2] / "src")
    inner = f"""
        import sys
        sys.path.insert(0, {source!r})
        from gatewright.execution.process import ChildProcess
        child = ChildProcess([sys.executable, "-c", "import time; time.sleep(120)"])
        print(child.pid, flush=True)
        child.wait()
    """
    with ChildProcess(python(inner), stdout=subprocess.PIPE) as process:
        innermost = read_pid(process)
        process.stop(grace_s=0)
        assert not is_alive(innermost)
