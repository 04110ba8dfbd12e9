"""The history of verdicts: one line for each run, chained by digests, so that no line is taken out unseen.

The chain shows lines that were altered, moved or taken out of the middle. Its end is kept in the head beside
it, which may be signed, and in the folder of each run, which names the line that the run continued.
"""

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from gatewright.core.model import Model
from gatewright.core.verdict import State, Verdict
from gatewright.evidence.digest import Sha256, hash_bytes
from gatewright.evidence.dsse import (
    MAXIMUM_ENVELOPE_BYTES,
    SealError,
    Signer,
    Trusted,
    check_signatures,
    read_envelope,
    seal,
)
from gatewright.evidence.lines import (
    MAXIMUM_LINE_BYTES,
    lines_at_the_end,
    read_lines,
    size_of,
    unfinished_line,
    without_unfinished_line,
)
from gatewright.evidence.manifest import CheckId, RunId
from gatewright.evidence.record import timestamp, write_atomic
from gatewright.evidence.report import Counts
from gatewright.evidence.strict import EvidenceError, parse_model, read_bytes, read_model

__all__ = [
    "BEGINNING",
    "HISTORY",
    "LedgerBreak",
    "LedgerCheck",
    "LedgerEntry",
    "LedgerHead",
    "append_entry",
    "find_breaks",
    "head_now",
    "mend_torn_line",
    "read_ledger",
    "read_recent",
    "read_set_aside",
    "read_signed_head",
    "set_aside",
]

HISTORY = "history.jsonl"
BEGINNING = "0" * 64
"""What the first line names as the one before it."""

HEAD_TYPE = "application/vnd.gatewright.history-head+json"
"""The payload type of a signed head."""

OTHER_KEY = "is it the right key? without one the chain alone is checked"

PREVIOUS = re.compile(rb',"previous":"([0-9a-f]{64})"\}')
"""How a line ends: the chain is followed without parsing what it holds."""


class LedgerCheck(Model):
    """How one check ended in one run; metrics are left out of a line that no reader would take with them."""

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


class LedgerHead(Model):
    """The end of a ledger: how many lines it had, how long it was in bytes, the digest of the last line."""

    schema_version: Literal["gatewright.history-head/1"] = "gatewright.history-head/1"
    count: Annotated[int, Field(ge=0)]
    bytes: Annotated[int, Field(ge=0)]
    sha256: Sha256 = BEGINNING


@dataclass(frozen=True)
class LedgerBreak:
    """Something that is wrong with a ledger.

    Attributes:
        message: what it is.
        line: where, counted from 1; None where it is about no line.
        remedy: what to do about it.
    """

    message: str
    line: int | None = None
    remedy: str = "begin a new one, and keep this: gatewright history --set-aside"

    def __str__(self) -> str:
        return f"line {self.line} {self.message}" if self.line else f"it {self.message}"


def head_path(path: Path) -> Path:
    """Where the head of a ledger lies."""
    return path.with_name("history.head.json")


def signed_head_path(path: Path) -> Path:
    """Where the signed head of a ledger lies; runs that nobody signs leave an older one as it is."""
    return path.with_name("history.head.dsse.json")


def read_ledger(path: Path) -> tuple[LedgerEntry, ...]:
    """The runs, oldest first; none where there is no ledger yet. An unfinished last line is left out.

    Raises:
        EvidenceError: a line that can't be read, or that does not follow from the one before.
    """
    return parse_chain(enumerate(read_lines(path), start=1), BEGINNING, path.name)


def read_recent(path: Path, count: int) -> tuple[LedgerEntry, ...]:
    """The newest runs, oldest first, and no more than `count`; reads no more of the ledger than that.

    Raises:
        EvidenceError: as `read_ledger`, within these lines.
    """
    lines = lines_at_the_end(path, count)
    return parse_chain(((number - len(lines), line) for number, line in enumerate(lines)), None, path.name)


def parse_chain(
    lines: Iterator[tuple[int, bytes]], previous: str | None, name: str
) -> tuple[LedgerEntry, ...]:
    """Entries that follow from one another; None for `previous` where the line before is not known."""
    entries: list[LedgerEntry] = []
    for number, line in lines:
        place = f"line {number} of {name}" if number > 0 else f"line {-number} from the end of {name}"
        entry = parse_model(line, LedgerEntry, name=place)
        if previous is not None and entry.previous != previous:
            raise EvidenceError(
                f"{place} does not follow from the line before", state=State.TAMPERED, pointer="/previous"
            )
        entries.append(entry)
        previous = hash_bytes(line)
    return tuple(entries)


def append_entry(path: Path, entry: LedgerEntry, signer: Signer | None = None) -> None:
    """Add a run, and move the head on; the gate's lock is held by whoever calls.

    `previous` is filled in. A head that does not fit the ledger is left as it is, so that the break stays to
    be seen until somebody sets the ledger aside.

    Raises:
        EvidenceError: the ledger is no plain file.
        GatewrightError: the head can't be signed; the run is in the ledger then.
        OSError: it can't be written.
    """
    head = head_now(path)
    lines = lines_at_the_end(path, 1)
    previous = hash_bytes(lines[-1]) if lines else BEGINNING
    line = to_line(entry.model_copy(update={"previous": previous}))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    with os.fdopen(descriptor, "ab") as file:
        file.write(line + b"\n")
        file.flush()
        os.fsync(file.fileno())
    if head is None:
        return
    moved = LedgerHead(count=head.count + 1, bytes=size_of(path), sha256=hash_bytes(line))
    text = moved.model_dump_json(indent=2) + "\n"
    write_atomic(head_path(path), text)
    if signer and not signed_head_path(path).is_dir():  # which whoever reads the signed end is told
        write_atomic(signed_head_path(path), seal(text.encode(), HEAD_TYPE, signer).to_json())


def to_line(entry: LedgerEntry) -> bytes:
    """An entry as it is written: never longer than readers take, for then they would read none any more."""
    line = entry.model_dump_json().encode()
    if len(line) < MAXIMUM_LINE_BYTES:
        return line
    checks = {name: check.model_copy(update={"metrics": {}}) for name, check in entry.checks.items()}
    return entry.model_copy(update={"checks": checks}).model_dump_json().encode()


def head_now(path: Path) -> LedgerHead | None:
    """The head that fits the ledger as it is; None where the written one does not.

    A run that died between its line and the head leaves one line more than the head counts.
    """
    size = size_of(path)
    try:
        head = read_model(head_path(path), LedgerHead)
    except EvidenceError as error:
        if error.state is not State.MISSING:
            return None
        head = LedgerHead(count=0, bytes=0)
    if head.bytes > size or (head.count > 0) != (head.bytes > 0):
        return None
    before = lines_at_the_end(path, 1, end=head.bytes)
    after = lines_at_the_end(path, 2, end=size, start=head.bytes)
    if (hash_bytes(before[0]) if before else BEGINNING) != head.sha256 or len(after) > 1:
        return None
    if not after:
        return head
    return LedgerHead(count=head.count + 1, bytes=size, sha256=hash_bytes(after[0]))


def mend_torn_line(path: Path, now: datetime) -> Path | None:
    """Set the unfinished last line that a crash left aside; the gate's lock is held by whoever calls.

    Returns:
        Where it is kept; None where every line is whole.

    Raises:
        EvidenceError: the ledger is no plain file.
        OSError: it can't be written.
    """
    torn = unfinished_line(path)
    if not torn:
        return None
    aside = path.with_name(f"history.torn-{timestamp(now)}")
    write_atomic(aside, torn)
    without_unfinished_line(path)
    return aside


def set_aside(path: Path, now: datetime) -> list[Path]:
    """Begin a new ledger: the old one and its heads are renamed, and nothing is lost.

    Returns:
        Where they are kept.
    """
    there = [old for old in (path, head_path(path), signed_head_path(path)) if os.path.lexists(old)]
    return [old.rename(old.with_name(f"{old.name}.aside-{timestamp(now)}")) for old in there]


def read_set_aside(path: Path) -> Iterator[LedgerEntry]:
    """The runs of all ledgers that were set aside; what can't be read, which may be why, is left out."""
    for aside in sorted(path.parent.glob(f"{path.name}.aside-*")):
        with contextlib.suppress(EvidenceError):
            for line in read_lines(aside):
                with contextlib.suppress(EvidenceError):
                    yield parse_model(line, LedgerEntry, name=aside.name)


def find_breaks(path: Path, trusted: Trusted | None = None, *, parse: bool = False) -> list[LedgerBreak]:
    """Everything that is wrong with a ledger.

    Args:
        path: the ledger.
        trusted: the keys that must have signed its head; None to leave signatures aside.
        parse: whether every entry is read too, beside the chain of digests.
    """
    try:
        digests, breaks = follow_chain(path, parse=parse)
        if unfinished_line(path):
            breaks.append(LedgerBreak("ends in the middle of a line, as after a crash"))
    except EvidenceError as error:
        return [LedgerBreak(f"can't be read: {error.message}")]
    breaks += find_other_end(path, digests)
    if trusted:
        breaks += find_other_signed_end(path, digests, trusted)
    return breaks


def follow_chain(path: Path, *, parse: bool) -> tuple[list[str], list[LedgerBreak]]:
    """The digest of each line, and the lines that can't be read or don't follow from the one before."""
    digests: list[str] = []
    breaks: list[LedgerBreak] = []
    for number, line in enumerate(read_lines(path), start=1):
        found = PREVIOUS.search(line, max(0, len(line) - 80))
        if found is None or found.end() != len(line):
            breaks.append(LedgerBreak("is no entry", number))
        elif found[1].decode() != (digests[-1] if digests else BEGINNING):
            breaks.append(LedgerBreak("does not follow from the line before", number))
        elif parse:
            try:
                parse_model(line, LedgerEntry, name="it")
            except EvidenceError as error:
                breaks.append(LedgerBreak(f"can't be read: {error.message}", number))
        digests.append(hash_bytes(line))
    return digests, breaks


def find_other_end(path: Path, digests: list[str]) -> Iterator[LedgerBreak]:
    """Where the head tells of another end than the ledger has."""
    name = head_path(path).name
    try:
        head = read_model(head_path(path), LedgerHead)
    except EvidenceError as error:
        if error.state is not State.MISSING:
            yield LedgerBreak(f"has a head that can't be read: {error.message}")
        elif len(digests) > 1:
            yield LedgerBreak(f"has no head any more: {name} is gone")
        return
    yield from compare_end(head, digests, name)
    if len(digests) > head.count + 1:
        yield LedgerBreak(f"has {len(digests)} lines, and {name} counts {head.count}: lines were added")


def find_other_signed_end(path: Path, digests: list[str], trusted: Trusted) -> Iterator[LedgerBreak]:
    """Where the signed head tells of lines that the ledger does not have; it says nothing of later ones."""
    try:
        head = read_signed_head(path, trusted)
    except EvidenceError as error:
        yield LedgerBreak(f"has no signed end that can be believed: {error.message}", remedy=OTHER_KEY)
    else:
        yield from compare_end(head, digests, signed_head_path(path).name)


def read_signed_head(path: Path, trusted: Trusted) -> LedgerHead:
    """The head of a ledger that a trusted key has signed; there may be later lines that nobody signed.

    Raises:
        EvidenceError: there is none that can be believed.
    """
    name = signed_head_path(path).name
    data = read_bytes(signed_head_path(path), limit=MAXIMUM_ENVELOPE_BYTES)
    try:
        envelope = read_envelope(data, HEAD_TYPE, name=name)
        check_signatures(envelope, trusted)
    except SealError as error:
        raise EvidenceError(f"{name} {error.message}", state=error.state) from None
    return parse_model(envelope.content, LedgerHead, name=name)


def compare_end(head: LedgerHead, digests: list[str], name: str) -> Iterator[LedgerBreak]:
    """Where lines that a head counts are not there, or not those that it counted."""
    if head.count > len(digests):
        yield LedgerBreak(f"ends after {len(digests)} lines, and {name} counts {head.count}: lines are gone")
    elif (digests[head.count - 1] if head.count else BEGINNING) != head.sha256:
        yield LedgerBreak(f"is not what {name} says", head.count)
