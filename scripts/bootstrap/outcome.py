"""What a run came to, read from its own record: Nox folds every exit code to 1."""

import json
import secrets
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["INCONCLUSIVE", "USAGE", "exit_code_of_run", "new_run_id"]

FAIL = 1
USAGE = 2
INCONCLUSIVE = 3
INTEGRITY = 4
CODES = {"PASS": 0, "FAIL": FAIL, "INCONCLUSIVE": INCONCLUSIVE}
BROKEN = {"TAMPERED", "MISMATCH"}


def new_run_id() -> str:
    """An id that sorts by time and is nobody else's."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


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
