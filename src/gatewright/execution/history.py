"""What a run does with the history: looks whether it is whole, names the line it continues, adds its own.

Also the history held against the run folders that are still there.

A broken history blocks no release and is never mended in silence: the verdict says so, until a person has
set it aside.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gatewright.core.errors import GatewrightError
from gatewright.core.escape import printable
from gatewright.core.verdict import State
from gatewright.evidence.digest import hash_bytes
from gatewright.evidence.dsse import Signer
from gatewright.evidence.ledger import (
    BEGINNING,
    LedgerBreak,
    LedgerEntry,
    LedgerHead,
    append_entry,
    find_breaks,
    head_now,
    mend_torn_line,
    read_ledger,
    read_recent,
    read_set_aside,
)
from gatewright.evidence.record import write_atomic
from gatewright.evidence.report import Reason
from gatewright.evidence.strict import EvidenceError, read_bytes, read_model
from gatewright.execution.project import Project
from gatewright.gate.decision import VerdictDocument, note
from gatewright.gate.verify import VERDICT

__all__ = ["CONTINUES", "History", "find_unlike_runs"]

CONTINUES = "continues.json"
"""In the folder of a run: the head of the history that the run continued."""

UNKNOWN_RUN = "if you know why its line is lost, remove its folder"

SHOWN_RUNS = 100
"""How many earlier runs the forms of a verdict may draw from."""


@dataclass(frozen=True)
class History:
    """The history of a project; whoever looks or records holds the gate's lock."""

    path: Path

    def recent(self) -> tuple[LedgerEntry, ...]:
        """The newest runs, oldest first; none where they can't be read."""
        try:
            return read_recent(self.path, SHOWN_RUNS)
        except EvidenceError:
            return ()

    def sound(self, count: int) -> tuple[LedgerEntry, ...]:
        """The newest runs of a history that is whole, oldest first: what a limit may be derived from.

        Raises:
            EvidenceError: it is not whole.
        """
        if breaks := find_breaks(self.path):
            raise EvidenceError(f"the history is not whole: {breaks[0]}", state=State.TAMPERED)
        return read_recent(self.path, count)

    def look(self, folder: Path, now: datetime) -> tuple[Reason, ...]:
        """What is to be told about the history; names its end in the run folder.

        Raises:
            OSError: it can't be written.
        """
        notes = []
        with contextlib.suppress(EvidenceError):  # told below, as one of the breaks
            if aside := mend_torn_line(self.path, now):
                notes.append(tell(f"its last line was torn by a crash, and is kept in {aside.name}"))
            if head := head_now(self.path):
                write_atomic(folder / CONTINUES, head.model_dump_json(indent=2) + "\n")
        if breaks := find_breaks(self.path):
            more = f", and {len(breaks) - 1} more" if len(breaks) > 1 else ""
            notes.append(tell(f"{breaks[0]}{more}"))
        return tuple(notes)

    def record(self, entry: LedgerEntry, signer: Signer | None) -> None:
        """Add a run, if the history can be added to at all; it was told when it can't.

        Raises:
            OSError: it can't be written.
        """
        # A head that can't be signed now stays signed as far as it was, which `history --verify` tells.
        with contextlib.suppress(EvidenceError, GatewrightError):
            append_entry(self.path, entry, signer)


def tell(what: str) -> Reason:
    """A note about the history."""
    return note(
        "history",
        f"the history of earlier runs is not whole: {printable(what)}",
        expected="a chain without a break",
        observed="a break",
        command="gatewright history --verify",
    )


def find_unlike_runs(project: Project) -> Iterator[LedgerBreak]:
    """Runs whose folder tells of another history, or whose verdict is not the one that the history recorded.

    Runs of a history that was set aside are held against that one.

    Raises:
        EvidenceError: the history can't be read; ask `find_breaks` first.
    """
    entries = read_ledger(project.history)
    places = {entry.run_id: number for number, entry in enumerate(entries, start=1)}
    earlier = {entry.run_id: entry.verdict_sha256 for entry in read_set_aside(project.history)}
    for folder in sorted(project.runs.glob("*")):
        if not (folder / VERDICT).is_file():
            continue
        number = places.get(folder.name)
        try:
            digest = hash_bytes(read_bytes(folder / VERDICT))
            if number is None:
                is_known = earlier.get(folder.name) == digest
                if not is_known and is_recorded(read_model(folder / VERDICT, VerdictDocument)):
                    yield LedgerBreak(f"does not know run {folder.name}", remedy=UNKNOWN_RUN)
                continue
            if digest != entries[number - 1].verdict_sha256:
                yield LedgerBreak(f"records another verdict of run {folder.name}", number)
            yield from find_other_past(read_model(folder / CONTINUES, LedgerHead), entries, number)
        except EvidenceError as error:
            yield LedgerBreak(f"can't be held against run {folder.name}: {error.message}", number)


def is_recorded(document: VerdictDocument) -> bool:
    """Whether a run is one that the history records: one over all checks that came to its end."""
    return document.policy.only is None and document.finished_at is not None


def find_other_past(head: LedgerHead, entries: tuple[LedgerEntry, ...], number: int) -> Iterator[LedgerBreak]:
    """Where a run names another line than the one before it as the one that it continued."""
    previous = entries[number - 1].previous if number > 1 else BEGINNING
    if (head.count, head.sha256) != (number - 1, previous):
        yield LedgerBreak(f"is not what run {entries[number - 1].run_id} continued", number)
