"""What a run came to, read from its own record: Nox folds every exit code to 1."""

import contextlib
import json
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path

__all__ = [
    "INCONCLUSIVE",
    "NOTE_VARIABLE",
    "USAGE",
    "exit_code_of_run",
    "forget_latest",
    "new_run_id",
    "note_exit_code",
    "noted_exit_code",
]

NOTE_VARIABLE = "MULTYAGENTS_EXIT_CODE"
"""Names the file in which a task notes the exit code that Nox above it folds to 1."""

FAIL = 1
USAGE = 2
INCONCLUSIVE = 3
INTEGRITY = 4
CODES = {"PASS": 0, "FAIL": FAIL, "INCONCLUSIVE": INCONCLUSIVE}
BROKEN = {"TAMPERED", "MISMATCH"}


def new_run_id() -> str:
    """An id that sorts by time and is nobody else's."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


def forget_latest(evidence: Path) -> None:
    """Remove the latest verdict before a gate begins: should set-up fail, no older PASS is left standing.

    Raises:
        OSError: it is there and can't be removed.
    """
    for path in evidence.glob("latest.*"):
        path.unlink(missing_ok=True)


def exit_code_of_run(evidence: Path, run_id: str) -> int | None:
    """The exit code that the finished verdict of this very run asks for; None where there is no such verdict.

    As `gatewright.gate.decision.exit_code` says, which can't be imported here: integrity outranks all words.
    """
    try:
        verdict = json.loads((evidence / "runs" / run_id / "verdict.json").read_bytes())
        if verdict["run_id"] != run_id or not verdict["finished_at"]:
            return None
        if BROKEN & {check["state"] for check in verdict["checks"]}:
            return INTEGRITY
        return CODES[verdict["verdict"]]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None


def note_exit_code(code: int) -> None:
    """Note the exit code of a task, if somebody wants to know; the outermost task is the last to do so."""
    if note := os.environ.get(NOTE_VARIABLE):
        with contextlib.suppress(OSError):
            Path(note).write_text(str(code), encoding="ascii")


def noted_exit_code(note: Path, fallback: int) -> int:
    """The noted exit code; `fallback` where there is none."""
    try:
        return int(note.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return fallback
