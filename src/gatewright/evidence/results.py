"""One result file of a check, whatever its format, as the judge sees it."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath

from pydantic import AwareDatetime, ConfigDict

from gatewright.core.verdict import State, Verdict
from gatewright.evidence.junit import TestResults, parse_junit
from gatewright.evidence.report import Counts, Reason, SuiteReport
from gatewright.evidence.strict import EvidenceError, parse_model, read_bytes

__all__ = ["Result", "SuiteEnvelope", "read_result"]

SUPPORTED_MAJOR = "1"
SHOWN_NAMES = 5


class SuiteEnvelope(SuiteReport):
    """As much of a suite's report as the judge reads; the details of the suite are left aside."""

    model_config = ConfigDict(extra="ignore")

    started_at: AwareDatetime
    finished_at: AwareDatetime


@dataclass(frozen=True)
class Result:
    """What one result file says: a state, how much was measured, figures, and the reasons.

    `started_at` is the moment at which measuring began, where the format tells it in universal time.
    """

    artifact: str
    state: State
    counts: Counts = field(default_factory=Counts)
    metrics: dict[str, float] = field(default_factory=dict)
    reasons: tuple[Reason, ...] = ()
    started_at: datetime | None = None


def read_result(folder: Path, path: str) -> Result:
    """Read a result by the ending of its name; a file that can't be used becomes a state with its reason."""
    try:
        data = read_bytes(folder / path)
        if PurePosixPath(path).suffix == ".xml":
            return from_junit(path, parse_junit(data, name=path))
        return from_report(path, parse_model(data, SuiteEnvelope, name=path))
    except EvidenceError as error:
        reason = Reason(
            rule="result-readable",
            message=error.message,
            artifact=path,
            pointer=error.pointer,
            expected="a result file that can be believed",
            observed=error.state.value,
        )
        return Result(path, error.state, reasons=(reason,))


def from_junit(path: str, results: TestResults) -> Result:
    """Judge a test report by its cases: any failed fails, none at all is empty, all skipped is skipped."""
    counts = results.counts
    if counts.failed:
        names = ", ".join(results.failed[:SHOWN_NAMES])
        message, state = f"{counts.failed} of {counts.collected} tests failed: {names}", State.FAIL
    elif not counts.collected:
        message, state = "no test was collected", State.EMPTY
    elif not counts.passed:
        message, state = f"none of {counts.collected} tests ran to a pass", State.SKIPPED
    else:
        return Result(path, State.PASS, counts)
    observed = f"{counts.collected} collected, {counts.passed} passed, {counts.failed} failed"
    reason = Reason(
        rule="tests-pass", message=message, artifact=path, expected="tests that all pass", observed=observed
    )
    return Result(path, state, counts, reasons=(reason,))


def from_report(path: str, report: SuiteEnvelope) -> Result:
    """Judge a suite's report: its own verdict, unless it contradicts itself or measured nothing."""
    name, _, major = report.schema_version.rpartition("/")
    if not name or major != SUPPORTED_MAJOR:
        raise EvidenceError(
            f"{path}: schema version {report.schema_version[:60]!r} is not understood",
            pointer="/schema_version",
        )
    if report.finished_at < report.started_at:
        raise EvidenceError(f"{path} says that it ended before it began", pointer="/finished_at")
    counts = report.counts
    if report.verdict is Verdict.PASS:
        if counts.failed:
            raise EvidenceError(
                f"{path} says PASS and counts {counts.failed} failed", pointer="/counts/failed"
            )
        if not (counts.collected or counts.schedules or counts.samples):
            raise EvidenceError(
                f"{path} says PASS and measured nothing", state=State.EMPTY, pointer="/counts"
            )
    reasons = tuple(point_into(path, index, reason) for index, reason in enumerate(report.reasons))
    return Result(path, State[report.verdict.name], counts, dict(report.metrics), reasons, report.started_at)


def point_into(path: str, index: int, reason: Reason) -> Reason:
    """A reason that names no artifact is found in the report itself."""
    if reason.artifact:
        return reason
    return reason.model_copy(update={"artifact": path, "pointer": reason.pointer or f"/reasons/{index}"})
