"""Read CTRF, the Common Test Report Format (https://ctrf.io, specification 1.x; 0.x reports when named)."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from gatewright.core.model import Foreign
from gatewright.evidence.adapters.adapter import Adapter, Format, Result, from_epoch, in_seconds
from gatewright.evidence.adapters.outcomes import Tally, judge_tests
from gatewright.evidence.report import Count
from gatewright.evidence.strict import EvidenceError, parse_model

__all__ = ["CTRF"]

Milliseconds = Annotated[float, Field(ge=0)]
Status = Literal["passed", "failed", "skipped", "pending", "other"]

OUTCOMES: dict[Status, str] = {
    "passed": "passed",
    "failed": "failed",
    "skipped": "skipped",
    "pending": "skipped",  # has not run, whatever it waits for
    "other": "unknown",
}


class Attempt(Foreign):
    """One earlier try of a test."""

    status: Status


class Test(Foreign):
    """One test. `retries` says how often it was tried again, `flaky` that its tries disagreed."""

    __test__ = False  # pytest takes every class of this name for a test

    name: str
    status: Status
    retries: Annotated[float, Field(ge=0)] | None = None
    attempts: Annotated[tuple[Attempt, ...], Field(alias="retryAttempts")] = ()
    flaky: bool | None = None

    @property
    def was_retried(self) -> bool:
        """Whether it did not end well at once, by any of the three ways to say so."""
        return bool(self.flaky or self.retries or any(each.status != "passed" for each in self.attempts))


class Summary(Foreign):
    """What the report claims of its tests; times since 1970."""

    tests: Count
    passed: Count
    failed: Count
    skipped: Count
    pending: Count
    other: Count
    flaky: Count | None = None
    start: Milliseconds
    stop: Milliseconds


class Results(Foreign):
    """The run: its summary, and the tests themselves."""

    summary: Summary
    tests: tuple[Test, ...]


class Document(Foreign):
    """A report."""

    report_format: Annotated[Literal["CTRF"], Field(alias="reportFormat")] = "CTRF"
    version: Annotated[str, Field(alias="specVersion", pattern=r"^[01]\.\d{1,9}\.\d{1,9}$")] = "0.0.0"
    results: Results


def read_ctrf(path: str, data: bytes) -> Result:
    """Judge a report by its tests."""
    report = parse_model(data, Document, name=path).results
    tally = Tally()
    for index, test in enumerate(report.tests):
        outcome = OUTCOMES[test.status]
        tally.add(outcome, test.name, flaky=test.was_retried, pointer=f"/results/tests/{index}")
    if not tally.counts.failed:
        hold_against_tests(path, report)
    return judge_tests(path, tally.results(started_at(path, report.summary)))


def hold_against_tests(path: str, report: Results) -> None:
    """Refuse a summary that counts otherwise than its tests; a failed test needs no such proof."""
    found = [test.status for test in report.tests]
    counts = {"tests": len(found), "flaky": sum(test.was_retried for test in report.tests)}
    counts |= {status: found.count(status) for status in OUTCOMES}
    for name, number in counts.items():
        claimed = getattr(report.summary, name)
        # Tests that were tried again are flaky here and need not be there.
        if claimed is not None and (claimed > number if name == "flaky" else claimed != number):
            pointer = f"/results/summary/{name}"
            raise EvidenceError(f"{path} says {claimed} {name} and holds {number}", pointer=pointer)


def started_at(path: str, summary: Summary) -> datetime | None:
    """When the run began."""
    if summary.stop < summary.start:
        raise EvidenceError(f"{path} says that it ended before it began", pointer="/results/summary/stop")
    return from_epoch(in_seconds(summary.start), path, "/results/summary/start")


CTRF = Adapter(Format.CTRF, is_xml=False, signature=frozenset({"reportFormat", "results"}), read=read_ctrf)
