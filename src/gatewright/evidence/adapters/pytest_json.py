"""Read the JSON of pytest-json-report (https://pypi.org/project/pytest-json-report/)."""

from collections import Counter
from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from gatewright.core.model import Foreign
from gatewright.core.verdict import State
from gatewright.evidence.adapters.adapter import (
    Adapter,
    Complaint,
    Format,
    Result,
    conclude,
    from_epoch,
)
from gatewright.evidence.adapters.outcomes import Tally, judge_tests
from gatewright.evidence.report import Count
from gatewright.evidence.strict import EvidenceError, parse_model

__all__ = ["PYTEST_JSON"]

OUTCOMES = {
    "passed": "passed",
    "failed": "failed",
    "error": "failed",
    "skipped": "skipped",
    "xfailed": "xfailed",
    "xpassed": "xpassed",  # a strict one is reported as failed
    "rerun": "passed",  # by pytest-rerunfailures: failed first; its stages are those of the last try
    "subtests passed": "passed",
    "subtests failed": "failed",
}
RAN = {"passed", "xpassed"}
EXITS = {
    1: "tests failed",
    2: "the run was interrupted",
    3: "an internal error",
    4: "a wrong command line",
    5: "no test collected",
}
"""What pytest's exit codes mean (`pytest.ExitCode`)."""


class Stage(Foreign):
    """Set-up, call or tear-down of a test."""

    outcome: str


class Test(Foreign):
    """One test; one whose set-up did not pass has no call."""

    __test__ = False  # pytest takes every class of this name for a test

    nodeid: str
    outcome: str
    setup: Stage | None = None
    call: Stage | None = None
    teardown: Stage | None = None

    @property
    def verdict(self) -> str:
        """Its outcome, unless one of its stages knows worse."""
        stages = [stage.outcome for stage in (self.setup, self.call, self.teardown) if stage]
        return "failed" if "failed" in stages else OUTCOMES.get(self.outcome, "unknown")


class Collector(Foreign):
    """A module, class or folder that pytest looked for tests in."""

    nodeid: str
    outcome: str


class Document(Foreign):
    """A report; `created` is the moment at which it was written, since 1970, `duration` what the run took."""

    created: Annotated[float, Field(ge=0)]
    duration: Annotated[float, Field(ge=0)]
    exit_code: Annotated[int, Field(alias="exitcode")]
    summary: dict[str, Count]
    collectors: tuple[Collector, ...] = ()
    tests: tuple[Test, ...]


def read_pytest_json(path: str, data: bytes) -> Result:
    """Judge a run by its tests, then by pytest's exit code; a module that can't be collected has failed."""
    report = parse_model(data, Document, name=path)
    tally = Tally()
    for index, collector in enumerate(report.collectors):
        if collector.outcome != "passed":
            # Of a module that skips itself nobody knows how many tests it has; JUnit counts it as one.
            outcome = OUTCOMES.get(collector.outcome, "unknown")
            tally.add(outcome, f"{collector.nodeid} (not collected)", pointer=f"/collectors/{index}")
    for index, test in enumerate(report.tests):
        tally.add(test.verdict, test.nodeid, flaky=test.outcome == "rerun", pointer=f"/tests/{index}")
    results = tally.results(from_epoch(report.created - report.duration, path, "/created"))
    judged = judge_tests(path, results)
    if judged.state is State.FAIL:
        return judged
    hold_against_tests(path, report)
    complaints = list(find_bad_exit(report))
    if not complaints:
        return judged
    return conclude(path, complaints, counts=results.counts, started_at=results.started_at)


def hold_against_tests(path: str, report: Document) -> None:
    """Refuse a report whose tests are not those that its summary counts, or passed without having run."""
    seen: set[str] = set()
    for index, test in enumerate(report.tests):
        if test.nodeid in seen:
            raise EvidenceError(f"{path} holds {test.nodeid[:80]!r} twice", pointer=f"/tests/{index}")
        if test.verdict in RAN and not test.call:
            message = f"{path} says that {test.nodeid[:80]!r} passed, and it was never called"
            raise EvidenceError(message, pointer=f"/tests/{index}")
        seen.add(test.nodeid)
    found = Counter(test.outcome for test in report.tests)
    claims = dict(report.summary)
    collected, deselected = claims.pop("collected", 0), claims.pop("deselected", 0)
    found["total"] = len(report.tests)
    for name in sorted(found.keys() | claims.keys()):
        if found[name] != claims.get(name, 0):
            message = f"{path} says {claims.get(name, 0)} {name} and holds {found[name]}"
            raise EvidenceError(message, pointer="/summary")
    if collected - deselected > len(report.tests) and not report.exit_code:
        message = f"{path} says {collected - deselected} tests to run and holds {len(report.tests)}"
        raise EvidenceError(message, pointer="/summary/collected")


def find_bad_exit(report: Document) -> Iterator[Complaint]:
    """What pytest's exit code says that no test does."""
    code = report.exit_code
    if code:
        meaning = EXITS.get(code, "a code that pytest does not define")
        yield Complaint(
            State.EMPTY if code == 5 else State.ERROR,  # noqa: PLR2004 - pytest.ExitCode.NO_TESTS_COLLECTED
            "pytest-exit-code",
            f"pytest ended with {code} ({meaning}), and no test is shown to have failed",
            expected="exit code 0",
            observed=f"exit code {code}",
            pointer="/exitcode",
        )


PYTEST_JSON = Adapter(
    Format.PYTEST_JSON,
    is_xml=False,
    signature=frozenset({"created", "exitcode", "summary"}),
    read=read_pytest_json,
)
