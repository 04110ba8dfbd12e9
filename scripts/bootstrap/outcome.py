"""What a run came to, read from its own record: Nox folds every exit code to 1."""

import json
import secrets
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["INCONCLUSIVE", "NO_VERDICT", "USAGE", "exit_code_of_run", "new_run_id"]

USAGE = 2
INCONCLUSIVE = 3
NO_VERDICT = None
_CODES = {0, 1, 2, 3, 4}


def new_run_id() -> str:
    """An id that sorts by time and is nobody else's."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


def exit_code_of_run(evidence: Path, run_id: str) -> int | None:
    """The exit code that the verdict of this very run asks for; None where there is no such verdict."""
    try:
        verdict = json.loads((evidence / "runs" / run_id / "verdict.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return NO_VERDICT
    if not isinstance(verdict, dict) or verdict.get("run_id") != run_id:
        return NO_VERDICT
    code = verdict.get("exit_code")
    return code if type(code) is int and code in _CODES else NO_VERDICT
