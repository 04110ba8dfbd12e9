"""Read the report of one of our own suites, or of any tool that writes the same envelope."""

from pydantic import AwareDatetime, ConfigDict

from gatewright.core.verdict import State, Verdict
from gatewright.evidence.adapters.adapter import Adapter, Format, Result
from gatewright.evidence.report import Reason, SuiteReport
from gatewright.evidence.strict import EvidenceError, parse_model

__all__ = ["SUITE", "SuiteEnvelope"]

SUPPORTED_MAJOR = "1"


class SuiteEnvelope(SuiteReport):
    """As much of a suite's report as the judge reads; the details of the suite are left aside."""

    model_config = ConfigDict(extra="ignore")

    started_at: AwareDatetime
    finished_at: AwareDatetime


def read_suite(path: str, data: bytes) -> Result:
    """Judge a suite's report: its own verdict, unless it contradicts itself or measured nothing."""
    report = parse_model(data, SuiteEnvelope, name=path)
    name, _, major = report.schema_version.rpartition("/")
    if not name or major != SUPPORTED_MAJOR:
        raise EvidenceError(
            f"{path}: schema version {report.schema_version[:60]!r} is not understood",
            pointer="/schema_version",
        )
    if report.finished_at < report.started_at:
        raise EvidenceError(f"{path} says that it ended before it began", pointer="/finished_at")
    refuse_empty_pass(path, report)
    reasons = tuple(point_into(path, index, reason) for index, reason in enumerate(report.reasons))
    state = State[report.verdict.name]
    return Result(path, state, report.counts, dict(report.metrics), reasons, report.started_at)


def refuse_empty_pass(path: str, report: SuiteEnvelope) -> None:
    """A PASS beside failures contradicts itself, a PASS over nothing says nothing."""
    counts = report.counts
    if report.verdict is not Verdict.PASS:
        return
    if counts.failed:
        raise EvidenceError(f"{path} says PASS and counts {counts.failed} failed", pointer="/counts/failed")
    if not (counts.collected or counts.schedules or counts.samples):
        raise EvidenceError(f"{path} says PASS and measured nothing", state=State.EMPTY, pointer="/counts")
    if counts.collected and counts.skipped >= counts.collected and not (counts.schedules or counts.samples):
        raise EvidenceError(
            f"{path} says PASS and skipped all", state=State.SKIPPED, pointer="/counts/skipped"
        )


def point_into(path: str, index: int, reason: Reason) -> Reason:
    """A reason that names no artifact is found in the report itself."""
    if reason.artifact:
        return reason
    return reason.model_copy(update={"artifact": path, "pointer": reason.pointer or f"/reasons/{index}"})


SUITE = Adapter(
    Format.SUITE,
    is_xml=False,
    signature=frozenset({"schema_version", "suite", "verdict"}),
    read=read_suite,
)
