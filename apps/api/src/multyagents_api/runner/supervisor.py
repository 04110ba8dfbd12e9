"""Run one command so that nothing of it outlives the runner that asked for it. Stdlib only.

Started by `multyagents_api.runner.execution` as `python -I -S supervisor.py LIFELINE REPORT DIRECTORY
COMMAND...`: two descriptors of pipes, and one of the directory to work in. The end of LIFELINE (the runner
died, or let go) kills everything; a byte in it asks the command to end. REPORT gets one line: `failed ERRNO`
where the command could not be started, or `ended WAIT_STATUS`; the command never holds either of them.

On Linux the supervisor is the subreaper of all descendants, so whoever loses its parent becomes a direct
child here. Only direct children are signalled: a child that is not yet waited for keeps its number, so no
stranger is ever hit. Elsewhere the command's process group is killed, and who fled into another session gets
away. Whoever kills the supervisor itself takes the command with it, but not the command's descendants.
"""

import os
import resource
import select
import signal
import sys
import time

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
UMASK = 0o077
KILL_DEADLINE_S = 10.0
KILL_ROUND_S = 0.005
IGNORED_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
RESTORED_SIGNALS = (*IGNORED_SIGNALS, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ)
COMMAND_NOT_STARTED = 127


def main(arguments: list[str]) -> None:
    """Supervise one command until it and all that it started are gone."""
    lifeline, report, directory = map(int, arguments[:3])
    for descriptor in (lifeline, report, directory):
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - the argument is positional only
    for number in IGNORED_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    wakeup = watch_children()
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    pid, error = start(arguments[3:], directory)
    let_go_of_streams()
    if error:
        os.waitpid(pid, 0)
        tell(report, f"failed {error}")
        return
    while not has_ended(pid) and keeps_running(pid, lifeline, wakeup):
        pass
    tell(report, f"ended {kill_all(pid)}")


def watch_children() -> int:
    """Turn the end of any child into a readable byte: select, unlike a signal handler, can't miss it."""
    reader, writer = os.pipe()
    for descriptor in (reader, writer):
        os.set_blocking(descriptor, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    return reader


def prctl(option: int, value: int) -> None:
    """Ask the Linux kernel for an option of this process; elsewhere nothing happens."""
    if sys.platform != "linux":
        return
    try:
        import ctypes  # noqa: PLC0415 - a Python built without it still kills the process group
    except ImportError:
        return
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def start(command: list[str], directory: int) -> tuple[int, int]:
    """Start the command in a session of its own; its number, and the errno when it can't be started."""
    reader, writer = os.pipe()
    supervisor = os.getpid()
    pid = os.fork()
    if pid == 0:
        become(command, directory, writer, supervisor)
    os.close(writer)
    with os.fdopen(reader, "rb") as failure:
        return pid, int(failure.read() or 0)


def become(command: list[str], directory: int, failure: int, supervisor: int) -> None:
    """Turn the forked child into the command; `failure` closes when that has worked."""
    try:
        signal.set_wakeup_fd(-1)
        os.setsid()
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.fchdir(directory)
        os.umask(UMASK)
        for number in RESTORED_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        if os.getppid() == supervisor:
            os.execvp(command[0], command)  # noqa: S606 - an argv list, no shell
    except OSError as error:
        os.write(failure, str(error.errno).encode())
    finally:
        os._exit(COMMAND_NOT_STARTED)


def let_go_of_streams() -> None:
    """Hold no end of the command's streams: the output ends when nobody else can write to it."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    os.close(nothing)


def keeps_running(pid: int, lifeline: int, wakeup: int) -> bool:
    """Sleep until something happens; False when the lifeline has ended."""
    ready, _, _ = select.select([lifeline, wakeup], [], [])
    if wakeup in ready:
        os.read(wakeup, 4096)
    if lifeline in ready:
        if not os.read(lifeline, 1):
            return False
        signal_group(pid, signal.SIGTERM)
        signal_group(pid, signal.SIGCONT)
    return True


def has_ended(pid: int) -> bool:
    """Whether the command has ended; it stays a zombie, to keep its group taken, while orphans are reaped."""
    while child := peek():
        if child == pid:
            return True
        os.waitpid(child, 0)
    return False


def peek() -> int:
    """The number of a child that has ended and is not yet waited for, 0 when there is none."""
    child = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    return child.si_pid if child else 0


def kill_all(pid: int) -> int:
    """Kill the group and every descendant, wait for all of them, and return the command's wait status."""
    status = 0
    signal_group(pid, signal.SIGKILL)
    deadline = time.monotonic() + KILL_DEADLINE_S
    while time.monotonic() < deadline:
        for child in children():
            os.kill(child, signal.SIGKILL)
        try:
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == pid:
                    status = ended[1]
        except ChildProcessError:
            return status
        time.sleep(KILL_ROUND_S)
    return status


def signal_group(pid: int, number: int) -> None:
    """Signal the command's process group, as far as it still exists."""
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        # Some systems refuse when only zombies are left in the group.
        return


def children() -> list[int]:
    """The direct children of this process, zombies too; empty where there is no /proc."""
    own = os.getpid()
    try:
        numbers = [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - pathlib costs 10 ms
    except OSError:
        return []
    return [number for number in numbers if parent_of(number) == own]


def parent_of(pid: int) -> int:
    """The parent of a process, 0 when it is gone; the name in `stat` may hold spaces and brackets."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - pathlib costs 10 ms
            return int(file.read().rpartition(b")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return 0


def tell(report: int, line: str) -> None:
    """Report one event; whoever asked may be dead, which is no reason to fail."""
    try:
        os.write(report, f"{line}\n".encode())
    except BrokenPipeError:
        return


if __name__ == "__main__":
    main(sys.argv[1:])
