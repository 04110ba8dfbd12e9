"""All that a verdict holds against a run, worst first, with its place in the code where there is one."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from gatewright.core.redaction import Redactor
from gatewright.core.verdict import State
from gatewright.evidence.failures import CodePlace, FailedTest, failed_tests
from gatewright.evidence.report import Reason
from gatewright.evidence.strict import EvidenceError, read_bytes
from gatewright.gate.decision import VerdictDocument
from gatewright.gate.states import rank
from gatewright.report.outcomes import Case, Outcome, cases

__all__ = ["LocatedFinding", "located_findings"]

TESTS_FAILED = "tests-pass"
"""The rule whose reasons stand for many failed tests."""


@dataclass(frozen=True)
class LocatedFinding:
    """One finding.

    Attributes:
        case: the check, or the run, that it is about.
        reason: what the verdict says of it.
        message: the finding in one line; that of the reason, or of the failed test.
        subject: what it is about in names that stay the same from run to run: a test, or a place in a result.
        place: where in the code, if the evidence tells.
    """

    case: Case
    reason: Reason
    message: str
    subject: str
    place: CodePlace | None = None


def located_findings(
    document: VerdictDocument, folder: Path, redactor: Redactor
) -> tuple[LocatedFinding, ...]:
    """The findings of a verdict.

    Args:
        document: the verdict.
        folder: its run folder, whose JUnit reports name the failed tests; what can't be read tells nothing.
        redactor: cuts secrets out of what is taken from there.
    """
    order = list(Outcome)
    worst_first = sorted(cases(document), key=lambda case: (order.index(case.outcome), rank(case.state)))
    return tuple(
        finding
        for case in worst_first
        if case.state is not State.PASS
        for reason in case.reasons or (unexplained(case),)
        for finding in findings_of(case, reason, folder, redactor)
    )


def unexplained(case: Case) -> Reason:
    """A case that did not pass and does not say why."""
    artifact = case.check.manifest if case.check else ""
    return Reason(rule="state", message=f"{case.name} is {case.state.value}", artifact=artifact)


def findings_of(case: Case, reason: Reason, folder: Path, redactor: Redactor) -> Iterator[LocatedFinding]:
    """A reason as it is, or each failed test that it stands for."""
    inner = inner_path(reason.artifact)
    tests = read_failed(folder, inner) if reason.rule == TESTS_FAILED else ()
    for test in tests:
        said = f"{test.name}: {test.message}" if test.message else test.name
        message = redactor.text(f"{case.name}: {said}")
        yield LocatedFinding(case, reason, message, redactor.text(test.name), test.place)
    if not tests:
        yield LocatedFinding(case, reason, reason.message, f"{inner}#{reason.pointer}")


def read_failed(folder: Path, inner: str) -> tuple[FailedTest, ...]:
    """The failed tests of a result in a run folder; none where it is no JUnit report that can be read."""
    path = PurePosixPath(inner)
    if path.suffix != ".xml" or path.is_absolute() or ".." in path.parts:
        return ()
    try:
        return failed_tests(read_bytes(folder / path), name=path.name)
    except EvidenceError:
        return ()


def inner_path(artifact: str) -> str:
    """A path in the evidence folder, `runs/ID/CHECK/FILE`, as one in the run folder: `CHECK/FILE`."""
    parts = PurePosixPath(artifact).parts
    return "/".join(parts[2:]) if parts[:1] == ("runs",) else artifact
