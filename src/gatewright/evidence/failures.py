"""The failed tests of a JUnit report one by one, each with its place in the code where that is told."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import ClassVar

from gatewright.core.escape import clipped
from gatewright.evidence.adapters.xml_reader import XmlReader, feed_xml

__all__ = ["CodePlace", "FailedTest", "failed_tests"]

FAILURES = {"failure", "error"}
MAXIMUM_TESTS = 200
MAXIMUM_TEXT = 100_000
SHOWN_WIDTH = 300
# `tests/test_shop.py:42: AssertionError` of pytest, `shop_test.go:42: want 3` of Go; repetitions are bounded.
PLACE = re.compile(r"^[ \t]{0,16}([^\s:][^:\n]{0,200}\.\w{1,8}):(\d{1,7}):", re.MULTILINE)


@dataclass(frozen=True)
class CodePlace:
    """A file of the project, relative to its root, and a line of it from 1 where that is known."""

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True)
class FailedTest:
    """A test that failed: its name, the first line of why, and where."""

    name: str
    message: str
    place: CodePlace | None


class FailureReader(XmlReader):
    """Keeps the test cases that hold a failure or an error."""

    roots: ClassVar[tuple[str, ...]] = ("testsuites", "testsuite")

    def __init__(self) -> None:
        super().__init__()
        self.found: list[FailedTest] = []
        self.suite = ""
        self.case: Mapping[str, str] = {}
        self.message: str | None = None
        self.text: list[str] = []
        self.size = 0

    def opened(self, tag: str, attributes: Mapping[str, str]) -> None:
        """A suite, a case, or its first failure begins."""
        if tag == "testsuite":
            self.suite = attributes.get("name", "")
        elif tag == "testcase":
            self.case, self.message, self.text, self.size = attributes, None, [], 0
        elif tag in FAILURES and self.stack[-1:] == ["testcase"] and self.message is None:
            self.message = attributes.get("message", "")

    def data(self, text: str) -> None:
        """Some of the text of an element."""
        if self.stack[-1] in FAILURES and self.size < MAXIMUM_TEXT:
            self.text.append(text)
            self.size += len(text)

    def closed(self, tag: str) -> None:
        """A case that failed is over."""
        if tag == "testcase" and self.message is not None and len(self.found) < MAXIMUM_TESTS:
            text = "".join(self.text)
            name = "::".join(filter(None, (self.case.get("classname"), self.case.get("name"))))
            lines = [line.strip() for line in (self.message or text).splitlines() if line.strip()]
            self.found.append(
                FailedTest(
                    name=clipped(name, SHOWN_WIDTH),
                    message=clipped(lines[0] if lines else "", SHOWN_WIDTH),
                    place=place_in(text) or self.place_of_case(),
                )
            )

    def place_of_case(self) -> CodePlace | None:
        """Where the test itself begins; pytest counts the lines of this attribute from 0."""
        line = self.case.get("line", "")
        number = int(line) + (self.suite == "pytest") if re.fullmatch("[0-9]{1,7}", line) else 0
        return inner_place(self.case.get("file", ""), number)


def place_in(text: str) -> CodePlace | None:
    """The last place that a traceback names within the project: the innermost frame."""
    places = (inner_place(file, int(line)) for file, line in reversed(PLACE.findall(text)))
    return next((place for place in places if place), None)


def inner_place(file: str, line: int) -> CodePlace | None:
    """A place, if the path stays in the project and a person could read it."""
    path = PurePosixPath(file.replace("\\", "/"))
    is_inside = bool(path.parts) and not path.is_absolute() and ".." not in path.parts
    if not is_inside or ":" in file or clipped(file, SHOWN_WIDTH) != file:
        return None
    return CodePlace(str(path), line or None)


def failed_tests(data: bytes, *, name: str) -> tuple[FailedTest, ...]:
    """The first failed tests of a JUnit report, at most `MAXIMUM_TESTS`.

    Raises:
        EvidenceError: INVALID for what is no JUnit report.
    """
    reader = FailureReader()
    feed_xml(data, reader, name=name)
    return tuple(reader.found)
