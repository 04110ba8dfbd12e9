"""A process that asks for it dies with its parent, also when the parent is killed outright. Stdlib only."""

import os
import signal
import sys
import threading
import time

__all__ = ["die_with_parent"]

PR_SET_PDEATHSIG = 1
POLL_INTERVAL_S = 0.5


def die_with_parent() -> None:
    """End this process, by SIGKILL, as soon as its present parent has ended.

    On Linux the kernel does it (`prctl(2)`, PR_SET_PDEATHSIG), elsewhere a daemon thread looks for a new
    parent. Call it first thing in `main`: a parent that had died before the call goes unnoticed.
    """
    if os.name != "posix":
        return
    parent = os.getppid()
    if not ask_kernel():
        threading.Thread(target=poll_parent, args=(parent,), name="lifeline", daemon=True).start()
    elif os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def ask_kernel() -> bool:
    """Ask for the parent death signal; False where this system has none."""
    if sys.platform != "linux":
        return False
    try:
        import ctypes  # noqa: PLC0415 - a Python built without it falls back to polling
    except ImportError:
        return False
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    return bool(prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) == 0)


def poll_parent(parent: int) -> None:
    """Kill this process when its parent is no longer `parent`."""
    while os.getppid() == parent:
        time.sleep(POLL_INTERVAL_S)
    os.kill(os.getpid(), signal.SIGKILL)
