"""One gate at a time in one project, and a second one is told who holds it."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from gatewright.core.clock import Clock
from gatewright.core.errors import GatewrightError
from gatewright.core.escape import printable

__all__ = ["GateBusyError", "hold_gate"]


class GateBusyError(GatewrightError):
    """Another gate is running in this project; nothing was judged."""


@contextmanager
def hold_gate(evidence: Path, run_id: str, clock: Clock) -> Iterator[None]:
    """Hold the gate of a project; the system lets go of it however we end.

    Raises:
        GateBusyError: another process holds it.
        OSError: the lock can't be written.
    """
    evidence.mkdir(parents=True, exist_ok=True)
    # The lock's own file is emptied by everybody who tries, so the holder writes beside it.
    holder = evidence / ".gate-holder"
    lock = FileLock(evidence / ".gate-lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise GateBusyError(
            f"another gate is running ({describe(holder)})", remedy="wait for it, or end it"
        ) from None
    try:
        facts = {"run": run_id, "process": os.getpid(), "since": clock.now().isoformat(timespec="seconds")}
        holder.write_text(json.dumps(facts), encoding="utf-8")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def describe(holder: Path) -> str:
    """Who holds the gate, as far as it has said so."""
    try:
        facts = json.loads(holder.read_text(encoding="utf-8"))
        line = f"run {facts['run']}, process {facts['process']}, since {facts['since']}"
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return "it has not yet said which"
    return printable(line)
