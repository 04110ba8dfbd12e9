"""The history held against the run folders that are still there."""

from collections.abc import Iterator

from gatewright.evidence.digest import hash_bytes
from gatewright.evidence.ledger import BEGINNING, LedgerBreak, LedgerEntry, LedgerHead, read_ledger
from gatewright.evidence.strict import EvidenceError, read_bytes, read_model
from gatewright.execution.chronicle import CONTINUES
from gatewright.execution.project import Project
from gatewright.gate.decision import VerdictDocument
from gatewright.gate.verify import VERDICT

__all__ = ["find_unlike_runs"]


def find_unlike_runs(project: Project) -> Iterator[LedgerBreak]:
    """Runs whose folder tells of another history, or whose verdict is not the one that the history recorded.

    Raises:
        EvidenceError: the history can't be read; ask `find_breaks` first.
    """
    entries = read_ledger(project.history)
    places = {entry.run_id: number for number, entry in enumerate(entries, start=1)}
    for folder in sorted(project.runs.glob("*")):
        if not (folder / VERDICT).is_file():
            continue
        number = places.get(folder.name)
        try:
            if number is None:
                if is_recorded(read_model(folder / VERDICT, VerdictDocument)):
                    yield LedgerBreak(f"does not know run {folder.name}")
                continue
            if hash_bytes(read_bytes(folder / VERDICT)) != entries[number - 1].verdict_sha256:
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
