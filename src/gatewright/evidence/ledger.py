"""The history of verdicts: one line for each run, chained by digests, so that no line is taken out unseen."""

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from gatewright.core.model import Model
from gatewright.core.verdict import State, Verdict
from gatewright.evidence.digest import Sha256, hash_bytes
from gatewright.evidence.manifest import CheckId, RunId
from gatewright.evidence.report import Counts
from gatewright.evidence.strict import EvidenceError, parse_model, read_bytes

__all__ = ["BEGINNING", "HISTORY", "LedgerCheck", "LedgerEntry", "append_entry", "read_ledger"]

HISTORY = "history.jsonl"
BEGINNING = "0" * 64
"""What the first line names as the one before it."""


class LedgerCheck(Model):
    """How one check ended in one run."""

    state: State
    waived: str = ""
    required: bool
    duration_s: Annotated[float, Field(ge=0)]
    counts: Counts
    metrics: dict[str, float]


class LedgerEntry(Model):
    """One run. `previous` is the SHA-256 of the line before, without its line end."""

    schema_version: Literal["gatewright.history/1"] = "gatewright.history/1"
    run_id: RunId
    verdict: Verdict
    exit_code: int
    finished_at: AwareDatetime
    profile: str
    commit: str
    tree: str
    policy: Sha256
    verdict_sha256: Sha256
    checks: dict[CheckId, LedgerCheck]
    previous: Sha256 = BEGINNING


def read_ledger(path: Path) -> tuple[LedgerEntry, ...]:
    """The runs, oldest first; none where there is no ledger yet.

    Raises:
        EvidenceError: a line that can't be read, or that does not follow from the one before.
    """
    entries: list[LedgerEntry] = []
    previous = BEGINNING
    for number, line in enumerate(read_lines(path), start=1):
        entry = parse_model(line, LedgerEntry, name=f"line {number} of {path.name}")
        if entry.previous != previous:
            raise EvidenceError(
                f"line {number} of {path.name} does not follow from the line before",
                state=State.TAMPERED,
                pointer="/previous",
            )
        entries.append(entry)
        previous = hash_bytes(line)
    return tuple(entries)


def read_lines(path: Path) -> list[bytes]:
    """The lines of a ledger."""
    try:
        return read_bytes(path).splitlines()
    except EvidenceError as error:
        if error.state is State.MISSING:
            return []
        raise


def append_entry(path: Path, entry: LedgerEntry) -> None:
    """Add a run; its `previous` is filled in.

    Raises:
        EvidenceError: the ledger can't be read.
        OSError: it can't be written.
    """
    lines = read_lines(path)
    previous = hash_bytes(lines[-1]) if lines else BEGINNING
    line = entry.model_copy(update={"previous": previous}).model_dump_json() + "\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, line.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
