"""Read Nox's `--report`, to hear of sessions that failed; it is never proof that anything was measured."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from gatewright.core.model import Foreign
from gatewright.core.verdict import State
from gatewright.evidence.adapters.adapter import (
    Adapter,
    Complaint,
    Format,
    Result,
    conclude,
    name_some,
)
from gatewright.evidence.strict import EvidenceError, parse_model

__all__ = ["NOX"]

Ending = Literal["aborted", "failed", "success", "skipped"]

CODES: dict[Ending, int] = {"aborted": -1, "failed": 0, "success": 1, "skipped": 2}
STATES: dict[Ending, State] = {"failed": State.FAIL, "aborted": State.ERROR, "skipped": State.SKIPPED}
"""From the worst; a session that was skipped, because an interpreter is missing, counts as well for Nox."""


class Session(Foreign):
    """One session and how it ended, by name and by number (`nox.sessions.Status`)."""

    name: str
    result: Ending
    result_code: int


class Document(Foreign):
    """A report; `result` is 1 where no session failed."""

    result: Annotated[int, Field(ge=0, le=1)]
    sessions: tuple[Session, ...]


def read_nox(path: str, data: bytes) -> Result:
    """Judge a report: it can make things worse, never well."""
    report = parse_model(data, Document, name=path)
    for index, session in enumerate(report.sessions):
        if CODES[session.result] != session.result_code:
            message = f"{path} says {session.result} and {session.result_code} of {session.name[:80]!r}"
            raise EvidenceError(message, pointer=f"/sessions/{index}/result_code")
    complaints = list(find_complaints(report))
    if complaints:
        return conclude(path, complaints)
    if not report.result:
        raise EvidenceError(f"{path} says that it failed and shows no session that did", pointer="/result")
    return conclude(path, [no_proof(report)], unproven=True)


def find_complaints(report: Document) -> Iterator[Complaint]:
    """The sessions that did not end well, the worst first."""
    for ending, state in STATES.items():
        found = [index for index, session in enumerate(report.sessions) if session.result == ending]
        if found:
            names = name_some(report.sessions[index].name for index in found)
            message = f"sessions that Nox calls {ending}: {names}"
            observed, pointer = (
                f"{len(found)} of {len(report.sessions)} sessions {ending}",
                f"/sessions/{found[0]}",
            )
            yield Complaint(state, "sessions-succeed", message, "sessions that succeed", observed, pointer)
    if not report.sessions:
        message, expected = "Nox ran no session", "sessions that succeed"
        yield Complaint(State.EMPTY, "sessions-succeed", message, expected, "no session", "/sessions")


def no_proof(report: Document) -> Complaint:
    """Why sessions that succeeded are not enough."""
    return Complaint(
        State.INCONCLUSIVE,
        "nox-proves-nothing",
        "Nox's word for a session is no measurement; name a result that the session's own tool wrote",
        expected="a result beside Nox's report",
        observed=f"{len(report.sessions)} sessions that Nox calls a success",
        pointer="/sessions",
    )


NOX = Adapter(Format.NOX, is_xml=False, signature=frozenset({"result", "sessions"}), read=read_nox)
