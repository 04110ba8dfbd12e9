"""How test runs of any format are counted and judged: by their tests, never by their summaries."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from gatewright.core.verdict import State
from gatewright.evidence.adapters.adapter import Complaint, Result, conclude, name_some
from gatewright.evidence.report import Counts

__all__ = ["Tally", "TestResults", "judge_tests"]

MAXIMUM_NAMES = 20


@dataclass(frozen=True)
class TestResults:
    """What the tests of a report add up to, and the names of the first that failed.

    `place` is a JSON Pointer to the first that failed, or else to the first of unknown outcome; `unknown` and
    `xpassed` (passed, and expected to fail) count what `Counts` has no word for. `stand_ins` are entries that
    stand where there was no test.
    """

    __test__ = False  # pytest takes every class of this name for a test

    counts: Counts
    failed: tuple[str, ...]
    unknown: int = 0
    xpassed: int = 0
    stand_ins: int = 0
    place: str = ""
    started_at: datetime | None = None


@dataclass
class Tally:
    """Counts tests one by one. Outcomes: passed, failed, skipped, xfailed, xpassed, unknown."""

    outcomes: Counter[str] = field(default_factory=Counter)
    flaky: int = 0
    failed: list[str] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)

    def add(self, outcome: str, name: str, *, flaky: bool = False, pointer: str = "") -> None:
        """Count one test."""
        self.outcomes[outcome] += 1
        self.flaky += flaky
        self.places.setdefault(outcome, pointer)
        if outcome == "failed" and len(self.failed) < MAXIMUM_NAMES:
            self.failed.append(name)

    @property
    def counts(self) -> Counts:
        """What was counted; a test that passed although it should fail did pass."""
        found = self.outcomes
        return Counts(
            collected=found.total(),
            passed=found["passed"] + found["xpassed"],
            failed=found["failed"],
            skipped=found["skipped"],
            xfailed=found["xfailed"],
            flaky=self.flaky,
        )

    def results(self, started_at: datetime | None = None) -> TestResults:
        """The sum of all."""
        return TestResults(
            counts=self.counts,
            failed=tuple(self.failed),
            unknown=self.outcomes["unknown"],
            xpassed=self.outcomes["xpassed"],
            place=self.places.get("failed") or self.places.get("unknown") or "",
            started_at=started_at,
        )


def judge_tests(path: str, tests: TestResults) -> Result:
    """Judge a test run: any failed fails, none at all is empty, all skipped is skipped."""
    return conclude(
        path,
        find_complaints(tests),
        counts=tests.counts,
        started_at=tests.started_at,
        unproven=bool(tests.stand_ins and not tests.counts.collected),
    )


def find_complaints(tests: TestResults) -> Iterator[Complaint]:
    """What keeps a test run from passing."""
    counts = tests.counts
    observed = f"{counts.collected} collected, {counts.passed} passed, {counts.failed} failed"
    expected = "tests that all pass"
    unknown = f"{tests.unknown} of {counts.collected} tests ended in a way that is not known"
    if counts.failed:
        message = f"{counts.failed} of {counts.collected} tests failed: {name_some(tests.failed)}"
        state, pointer = State.FAIL, tests.place
    elif tests.unknown:
        message, state, pointer = unknown, State.INCONCLUSIVE, tests.place
    elif not counts.collected:
        message, state, pointer = "no test was collected", State.EMPTY, ""
    elif not counts.passed:
        message = f"none of {counts.collected} tests ran to a pass"
        state, pointer = State.SKIPPED, ""
    elif tests.xpassed:
        message = f"{tests.xpassed} tests passed that are marked as failing; take the mark away"
        state, pointer = State.WARN, ""
    else:
        return
    yield Complaint(state, "tests-pass", message, expected, observed, pointer)
    if counts.failed and tests.unknown:  # who answers for the failures knows nothing of these
        yield Complaint(State.INCONCLUSIVE, "tests-pass", unknown, expected, observed, tests.place)
