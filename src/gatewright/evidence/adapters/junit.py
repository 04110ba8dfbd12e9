"""Read JUnit XML for what its test cases say; what its attributes claim is only held against it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
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
    "rerunError": "flaky",
    "rerun": "flaky",
}
STATUSES = {
    "abort": "failed",
    "aborted": "failed",
    "broken": "failed",
    "crashed": "failed",
    "disabled": "skipped",
    "error": "failed",
    "errored": "failed",
    "fail": "failed",
    "failed": "failed",
    "failure": "failed",
    "ignored": "skipped",
    "incomplete": "failed",
    "interrupted": "failed",
    "not run": "skipped",
    "not_run": "skipped",
    "notrun": "skipped",
    "pending": "skipped",
    "skipped": "skipped",
    "suppressed": "skipped",
    "timed_out": "failed",
    "timedout": "failed",
    "timeout": "failed",
    "undefined": "skipped",
    "untested": "skipped",
}
"""What GoogleTest (`notrun`), CTest (`fail`), behave (`untested`) and others say in an attribute."""

TELLING = ("status", "result")
SUITES = ("testsuites", "testsuite")
CLAIMS = ("tests", "failures", "errors", "skipped")
SUBTESTS = "; where these are subtests that passed, gate the report of pytest-json-report instead"
"""pytest counts them in `tests` and writes no case for them, which looks like cases that were lost."""

STAND_INS = {("ruff", "No errors found")}
"""Test cases that stand where there was none: no proof that a single file was looked at."""


@dataclass(frozen=True)
class Suite:
    """A suite that is being read: what it claims, and what had been counted before it."""

    name: str
    claims: dict[str, int]
    before: Counts


class Reader(XmlReader):
    """Counts test cases as they end and keeps no tree in memory."""

    roots: ClassVar[tuple[str, ...]] = SUITES

    def __init__(self) -> None:
        super().__init__()
        self.tally = Tally()
        self.suites: list[Suite] = []
        self.claimed_tests = 0
        self.contradiction = ""
        self.cases: Counter[tuple[str, str]] = Counter()
        self.passes: Counter[tuple[str, str]] = Counter()
        self.started_at: datetime | None = None
        self.stand_ins = 0
        self.case = ("", "")
        self.outcomes: set[str] = set()

    def opened(self, tag: str, attributes: Mapping[str, str]) -> None:
        """A suite claims, a test case begins, an outcome is told."""
        parent = self.stack[-1] if self.stack else ""
        if "timestamp" in attributes and (tag in SUITES or tag == "testcase"):
            self.read_start(attributes["timestamp"])
        if tag in SUITES:
            self.open_suite(tag, attributes)
        elif tag == "testcase":
            if parent != "testsuite":
                raise EvidenceError("holds a test case outside of a test suite")
            self.case = (attributes.get("classname", ""), attributes.get("name", ""))
            told = [attributes[name].lower() for name in TELLING if name in attributes]
            self.outcomes = {STATUSES[word] for word in told if word in STATUSES}
        elif parent == "testcase" and tag in OUTCOMES:
            expected = tag == "skipped" and attributes.get("type") == "pytest.xfail"
            self.outcomes.add("xfailed" if expected else OUTCOMES[tag])
        elif parent in SUITES and OUTCOMES.get(tag) == "failed":
            self.tally.add("failed", self.suites[-1].name or "a test suite")

    def open_suite(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Remember what a suite claims until it has been read."""
        claims = {name: read_count(attributes, name, "0") for name in CLAIMS}
        if tag == "testsuite" and "testsuite" not in self.stack:
            self.claimed_tests += claims["tests"]
        self.suites.append(Suite(attributes.get("name", ""), claims, self.counts))

    def closed(self, tag: str) -> None:
        """Hold a suite's claims against it; count a test case by its worst outcome, flaky if tried again."""
        if tag in SUITES:
            contradiction = contradiction_in(self.suites.pop(), self.counts)
            self.contradiction = self.contradiction or contradiction
        if tag != "testcase":
            return
        if self.case in STAND_INS and not self.outcomes:
            self.stand_ins += 1
            return
        outcome = next((name for name in ("failed", "skipped", "xfailed") if name in self.outcomes), "passed")
        self.tally.add(outcome, "::".join(self.case), flaky="flaky" in self.outcomes)
        self.cases[self.case] += 1
        self.passes[self.case] += outcome == "passed"

    @property
    def counts(self) -> Counts:
        """What was counted so far, with the cases that stand for none."""
        return self.tally.counts + Counts(collected=self.stand_ins)

    def read_start(self, text: str) -> None:
        """Remember when the first began, where it is said with its zone; most tools leave the zone out."""
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return
        if moment.tzinfo:
            self.started_at = min(moment, self.started_at or moment)

    def results(self) -> TestResults:
        """What was read, unless a suite contradicts itself; a failure stands whatever is claimed."""
        counts = self.tally.counts
        if self.contradiction and not counts.failed:
            raise EvidenceError(self.contradiction)
        self.take_out_retries(counts)
        return replace(self.tally.results(self.started_at), stand_ins=self.stand_ins)

    def take_out_retries(self, counts: Counts) -> None:
        """Count a test once that pytest-rerunfailures repeated.

        It writes every try as a test case of its own, a failed first try as one that passed; only `tests`
        gives it away, which counts the test once.
        """
        if not self.claimed_tests:
            return
        repeats = sum(min(self.passes[case], number - 1) for case, number in self.cases.items())
        retries = min(repeats, max(0, counts.collected - self.claimed_tests))
        self.tally.outcomes["passed"] -= retries
        self.tally.flaky += retries


def contradiction_in(suite: Suite, counts: Counts) -> str:
    """What a suite claims beyond the cases in it, given the counts at its end; else nothing."""
    claims, before = suite.claims, suite.before
    held = counts.collected - before.collected
    left_out = counts.skipped + counts.xfailed - before.skipped - before.xfailed
    if claims["tests"] > held:
        return f"says {claims['tests']} tests and holds {held}" + (SUBTESTS if suite.name == "pytest" else "")
    if failures := max(claims["failures"], claims["errors"]):
        return f"says {failures} failures and holds {counts.failed - before.failed}"
    if claims["skipped"] > left_out:
        return f"says {claims['skipped']} skipped and holds {left_out}"
    return ""


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
