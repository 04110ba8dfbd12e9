"""Read JUnit XML for what its test cases say; what its attributes claim is only held against it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

from gatewright.evidence.report import Counts
from gatewright.evidence.strict import EvidenceError

__all__ = ["TestResults", "parse_junit"]

MAXIMUM_DEPTH = 40
MAXIMUM_NAMES = 20
CONTAINERS = {"testsuites", "testsuite"}
OUTCOMES = {
    "failure": "failed",
    "error": "failed",
    "skipped": "skipped",
    "flakyFailure": "flaky",
    "flakyError": "flaky",
    "rerunFailure": "flaky",
}
CLAIMS = {"tests": ("collected",), "failures": ("failed",), "errors": ("failed",)}


@dataclass(frozen=True)
class TestResults:
    """What the test cases add up to, and the names of the first that failed."""

    __test__ = False  # pytest takes every class of this name for a test

    counts: Counts
    failed: tuple[str, ...]


@dataclass
class Reader:
    """The target of the parser: counts test cases as they end and keeps no tree in memory."""

    counts: Counts = field(default_factory=Counts)
    failed: list[str] = field(default_factory=list)
    claims: dict[str, int] = field(default_factory=dict)
    stack: list[str] = field(default_factory=list)
    case: str = ""
    outcomes: set[str] = field(default_factory=set)

    def doctype(self, *_: object) -> None:
        """Entities live in document types, and bombs live in entities."""
        raise EvidenceError("holds a document type, which no test report needs")

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element opens."""
        parent = self.stack[-1] if self.stack else ""
        if len(self.stack) > MAXIMUM_DEPTH:
            raise EvidenceError("is nested too deeply")
        if not parent and tag not in CONTAINERS:
            raise EvidenceError(f"begins with <{tag[:40]}>, not with <testsuites>")
        if tag == "testsuite" and parent in {"", "testsuites"}:
            self.claim(attributes)
        if tag == "testcase":
            if parent != "testsuite":
                raise EvidenceError("holds a test case outside of a test suite")
            self.case = f"{attributes.get('classname', '')}::{attributes.get('name', '')}"
            self.outcomes = set()
        elif parent == "testcase" and tag in OUTCOMES:
            expected = tag == "skipped" and attributes.get("type") == "pytest.xfail"
            self.outcomes.add("xfailed" if expected else OUTCOMES[tag])
        self.stack.append(tag)

    def end(self, tag: str) -> None:
        """An element closes."""
        self.stack.pop()
        if tag == "testcase":
            self.count()

    def claim(self, attributes: Mapping[str, str]) -> None:
        """Remember what a suite says of itself."""
        for name in CLAIMS:
            text = attributes.get(name, "0")
            if not (text.isascii() and text.isdigit() and len(text) < 10):  # noqa: PLR2004 - a billion tests
                raise EvidenceError(f"says {name}={text[:20]!r}, which is not a count")
            self.claims[name] = self.claims.get(name, 0) + int(text)

    def count(self) -> None:
        """Count a test case by its worst outcome; one that failed first and then passed is flaky too."""
        outcome = next((name for name in ("failed", "skipped", "xfailed") if name in self.outcomes), "passed")
        self.counts += Counts(collected=1, flaky=int("flaky" in self.outcomes), **{outcome: 1})
        if outcome == "failed" and len(self.failed) < MAXIMUM_NAMES:
            self.failed.append(self.case)

    def results(self) -> TestResults:
        """What was read, after its claims have been compared with it."""
        claimed_failures = max(self.claims.get("failures", 0), self.claims.get("errors", 0))
        if self.claims.get("tests", 0) > self.counts.collected:
            raise EvidenceError(f"says {self.claims['tests']} tests and holds {self.counts.collected}")
        if claimed_failures > self.counts.failed:
            raise EvidenceError(f"says {claimed_failures} failures and holds {self.counts.failed}")
        return TestResults(self.counts, tuple(self.failed))


def parse_junit(data: bytes, *, name: str) -> TestResults:
    """Parse a JUnit report.

    Raises:
        EvidenceError: INVALID for what is not XML, not JUnit, holds a document type or contradicts itself.
    """
    reader = Reader()
    # The standard parser is safe here: a document type, the carrier of every entity, ends the reading.
    parser = ET.XMLParser(target=reader)  # noqa: S314
    try:
        parser.feed(data)
        parser.close()
        return reader.results()
    except ET.ParseError as error:
        raise EvidenceError(f"{name} is not XML: {error.msg}") from None
    except EvidenceError as error:
        raise EvidenceError(f"{name} {error.message}") from None
    except (ValueError, LookupError) as error:
        raise EvidenceError(f"{name} is not XML: {error}") from None
