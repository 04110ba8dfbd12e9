"""Read JUnit XML for what its test cases say; what its attributes claim is only held against it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from gatewright.evidence.adapters.adapter import Adapter, Format, Result
from gatewright.evidence.adapters.outcomes import Tally, TestResults, judge_tests
from gatewright.evidence.adapters.xml_reader import XmlReader, feed_xml, read_count
from gatewright.evidence.report import Counts
from gatewright.evidence.strict import EvidenceError

__all__ = ["JUNIT", "TestResults", "parse_junit"]

OUTCOMES = {
    "failure": "failed",
    "error": "failed",
    "skipped": "skipped",
    "flakyFailure": "flaky",
    "flakyError": "flaky",
    "rerunFailure": "flaky",
}
STATUSES = {
    "disabled": "skipped",
    "failed": "failed",
    "failure": "failed",
    "error": "failed",
    "ignored": "skipped",
    "notrun": "skipped",
    "pending": "skipped",
    "skipped": "skipped",
    "undefined": "skipped",
    "untested": "skipped",
}
"""What GoogleTest (`notrun`), behave (`untested`) and others say in an attribute, some of them only there."""

CLAIMS = ("tests", "failures", "errors", "skipped")
STAND_INS = {("ruff", "No errors found")}
"""Test cases that stand where there was none: no proof that a single file was looked at."""


class Reader(XmlReader):
    """Counts test cases as they end and keeps no tree in memory."""

    roots: ClassVar[tuple[str, ...]] = ("testsuites", "testsuite")

    def __init__(self) -> None:
        super().__init__()
        self.tally = Tally()
        self.claims: Counter[str] = Counter()
        self.overall: dict[str, int] = {}
        self.cases: Counter[tuple[str, str]] = Counter()
        self.passes: Counter[tuple[str, str]] = Counter()
        self.started: list[datetime] = []
        self.stand_ins = 0
        self.case = ("", "")
        self.outcomes: set[str] = set()

    def opened(self, tag: str, attributes: Mapping[str, str]) -> None:
        """A suite claims, a test case begins, an outcome is told."""
        parent = self.stack[-1] if self.stack else ""
        if tag == "testsuites":
            self.overall = {name: read_count(attributes, name, "0") for name in CLAIMS}
        elif tag == "testsuite":
            self.read_start(attributes.get("timestamp", ""))
            if parent in {"", "testsuites"}:
                self.claims.update({name: read_count(attributes, name, "0") for name in CLAIMS})
        elif tag == "testcase":
            if parent != "testsuite":
                raise EvidenceError("holds a test case outside of a test suite")
            self.case = (attributes.get("classname", ""), attributes.get("name", ""))
            status = STATUSES.get(attributes.get("status", "").lower())
            self.outcomes = {status} if status else set()
        elif parent == "testcase" and tag in OUTCOMES:
            expected = tag == "skipped" and attributes.get("type") == "pytest.xfail"
            self.outcomes.add("xfailed" if expected else OUTCOMES[tag])

    def closed(self, tag: str) -> None:
        """Count a test case by its worst outcome; one that needed another try is flaky too."""
        if tag != "testcase":
            return
        if self.case in STAND_INS and not self.outcomes:
            self.stand_ins += 1
            return
        outcome = next((name for name in ("failed", "skipped", "xfailed") if name in self.outcomes), "passed")
        self.tally.add(outcome, "::".join(self.case), flaky="flaky" in self.outcomes)
        self.cases[self.case] += 1
        self.passes[self.case] += outcome == "passed"

    def read_start(self, text: str) -> None:
        """Remember when a suite began, where it says so with its zone; most tools leave the zone out."""
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return
        if moment.tzinfo:
            self.started.append(moment)

    def results(self) -> TestResults:
        """What was read, compared with what it claims; a failure stands whatever is claimed."""
        counts = self.tally.counts
        if not counts.failed:
            self.hold_claims_against(counts)
        self.take_out_retries(counts)
        results = self.tally.results(min(self.started, default=None))
        return replace(results, stand_ins=self.stand_ins)

    def hold_claims_against(self, counts: Counts) -> None:
        """Refuse a report that claims more than its cases show."""
        claimed = {name: max(self.claims[name], self.overall.get(name, 0)) for name in CLAIMS}
        failures = max(claimed["failures"], claimed["errors"])
        held, left_out = counts.collected + self.stand_ins, counts.skipped + counts.xfailed
        if claimed["tests"] > held:
            raise EvidenceError(f"says {claimed['tests']} tests and holds {held}")
        if failures:
            raise EvidenceError(f"says {failures} failures and holds 0")
        if claimed["skipped"] > left_out:
            raise EvidenceError(f"says {claimed['skipped']} skipped and holds {left_out}")

    def take_out_retries(self, counts: Counts) -> None:
        """Count a test once that pytest-rerunfailures repeated.

        It writes every try as a test case of its own, a failed first try as one that passed; only `tests`
        gives it away, which counts the test once.
        """
        if not self.claims["tests"]:
            return
        repeats = sum(min(self.passes[case], number - 1) for case, number in self.cases.items())
        retries = min(repeats, max(0, counts.collected - self.claims["tests"]))
        self.tally.outcomes["passed"] -= retries
        self.tally.flaky += retries


def parse_junit(data: bytes, *, name: str) -> TestResults:
    """Parse a JUnit report.

    Raises:
        EvidenceError: INVALID for what is not XML, not JUnit, holds a document type or contradicts itself.
    """
    reader = Reader()
    feed_xml(data, reader, name=name)
    try:
        return reader.results()
    except EvidenceError as error:
        raise EvidenceError(f"{name} {error.message}") from None


def read_junit(path: str, data: bytes) -> Result:
    """Judge a JUnit report by its test cases."""
    return judge_tests(path, parse_junit(data, name=path))


JUNIT = Adapter(Format.JUNIT, is_xml=True, signature=frozenset(Reader.roots), read=read_junit)
