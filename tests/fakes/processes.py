"""Processes of others, watched from outside."""

import time
from collections.abc import Callable
from pathlib import Path

__all__ = ["await_true", "is_alive"]

DEADLINE_S = 60.0


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def await_true(condition: Callable[[], object], what: str) -> None:
    """Wait until something holds; `what` is said when it never does."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
