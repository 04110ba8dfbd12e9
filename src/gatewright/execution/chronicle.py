"""What a run does with the history: looks whether it is whole, names the line it continues, adds its own.

A broken history blocks no release and is never mended in silence: the verdict says so, until a person has
set it aside.
"""

import contextlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gatewright.core.errors import GatewrightError
from gatewright.core.escape import printable
from gatewright.core.verdict import State
from gatewright.evidence.dsse import Signer
from gatewright.evidence.ledger import (
    LedgerEntry,
    append_entry,
    find_breaks,
    head_now,
    mend_torn_line,
    read_recent,
)
from gatewright.evidence.record import write_atomic
from gatewright.evidence.report import Reason
from gatewright.evidence.strict import EvidenceError
from gatewright.gate.decision import note

__all__ = ["CONTINUES", "Chronicle"]

CONTINUES = "continues.json"
"""In the folder of a run: the head of the history that the run continued."""

SHOWN_RUNS = 100
"""How many earlier runs the forms of a verdict may draw from."""


@dataclass(frozen=True)
class Chronicle:
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
