"""Read coverage as XML in Cobertura's style, as coverage.py, gcovr, Istanbul, Coverlet and others do."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from gatewright.evidence.adapters.adapter import Adapter, Format, Result, from_epoch, in_seconds
from gatewright.evidence.adapters.covered import Coverage, hold_against, judge_coverage
from gatewright.evidence.adapters.xml_reader import XmlReader, feed_xml, read_count
from gatewright.evidence.strict import EvidenceError

__all__ = ["COVERAGE_XML"]

CONDITIONS = re.compile(r"^\d{1,3}(?:\.\d{1,18})?% \((\d{1,9})/(\d{1,9})\)$", re.ASCII)
LINES = ("lines_valid", "lines_covered")
BRANCHES = ("branches_valid", "branches_covered")
MAXIMUM_HITS_DIGITS = 20
"""Those of a 64-bit counter, which a hot loop may need."""

TIMESTAMP = re.compile(r"^\d{1,15}$", re.ASCII)
RATE = re.compile(r"^\d(?:\.\d{1,20})?(?:[eE]-\d{1,3})?$", re.ASCII)
RATE_TOLERANCE = 0.001
"""coverage.py rounds rates to four digits."""

Conditions = tuple[int, int]


class Reader(XmlReader):
    """Takes each line of a file once: covered if any entry says so, with the greatest count of branches."""

    roots: ClassVar[tuple[str, ...]] = ("coverage",)
    may_name_doctype = True  # most of these tools do

    def __init__(self) -> None:
        super().__init__()
        self.attributes: dict[str, str] = {}
        self.file = ""
        self.lines: dict[tuple[str, int], bool] = {}
        self.branches: dict[tuple[str, int], Conditions] = {}

    def opened(self, tag: str, attributes: Mapping[str, str]) -> None:
        """The report claims, a class names its file, a line tells."""
        if not self.stack:
            self.attributes = dict(attributes)
        elif tag == "class":
            self.file = attributes.get("filename", "")
        elif tag == "line" and self.stack[-2:] == ["class", "lines"]:
            self.read_line(attributes)

    def read_line(self, attributes: Mapping[str, str]) -> None:
        """Count a line; those within `methods` are the same again."""
        place = (self.file, read_count(attributes, "number"))
        self.lines[place] = self.ran(attributes) or self.lines.get(place, False)
        if attributes.get("branch", "").lower() == "true":
            found = CONDITIONS.match(attributes.get("condition-coverage", ""))
            if not found or int(found[1]) > int(found[2]):
                raise EvidenceError(f"has a branch at line {place[1]} without a count of its conditions")
            covered, valid = self.branches.get(place, (0, 0))
            self.branches[place] = max(covered, int(found[1])), max(valid, int(found[2]))

    @staticmethod
    def ran(attributes: Mapping[str, str]) -> bool:
        """Whether a line was run at least once."""
        return read_count(attributes, "hits", digits=MAXIMUM_HITS_DIGITS) > 0

    def coverage(self) -> Coverage:
        """What the lines add up to."""
        return Coverage(
            files=len({file for file, _ in self.lines}),
            lines_valid=len(self.lines),
            lines_covered=sum(self.lines.values()),
            branches_valid=sum(valid for _, valid in self.branches.values()),
            branches_covered=sum(covered for covered, _ in self.branches.values()),
        )


def read_coverage_xml(path: str, data: bytes) -> Result:
    """Judge a report by its lines; its sums and its rate must agree with them."""
    reader = Reader()
    feed_xml(data, reader, name=path)
    coverage, attributes = reader.coverage(), reader.attributes
    try:
        lines, branches = read_claims(attributes, LINES), read_claims(attributes, BRANCHES)
        rate = read_rate(attributes)
    except EvidenceError as error:
        raise EvidenceError(f"{path} {error.message}") from None
    hold_against(path, lines, coverage)
    if coverage.lines_valid and abs(rate - coverage.lines_covered / coverage.lines_valid) > RATE_TOLERANCE:
        raise EvidenceError(f"{path} says a line rate of {rate:g}, which its lines do not have")
    text = attributes.get("timestamp", "")
    stamp = int(text) if TIMESTAMP.match(text) else 0
    written = from_epoch(in_seconds(stamp), path)
    return judge_coverage(path, with_unlisted(path, coverage, branches), started_at=written)


def read_claims(attributes: Mapping[str, str], names: tuple[str, ...]) -> dict[str, int]:
    """The sums that a report claims; some tools leave out all of a kind, none leaves out one."""
    attribute_of = {name: name.replace("_", "-") for name in names}
    if attributes.keys().isdisjoint(attribute_of.values()):
        return {}
    return {name: read_count(attributes, attribute) for name, attribute in attribute_of.items()}


def with_unlisted(path: str, coverage: Coverage, claimed: dict[str, int]) -> Coverage:
    """Coverage with the branches that a report sums up and does not list, if that makes its rate lower.

    Istanbul lists lines with a statement, so branches on others, such as default arguments, are only in its
    sums. What remains must be a possible count of its own.
    """
    if not claimed:
        return coverage
    valid, covered = claimed["branches_valid"], claimed["branches_covered"]
    if not 0 <= covered - coverage.branches_covered <= valid - coverage.branches_valid:
        hold_against(path, claimed, coverage)
    if covered * coverage.branches_valid < coverage.branches_covered * valid:
        return replace(coverage, branches_valid=valid, branches_covered=covered)
    return coverage


def read_rate(attributes: Mapping[str, str]) -> float:
    """The share of lines that the report claims to be covered."""
    text = attributes.get("line-rate", "")
    if not RATE.match(text) or float(text) > 1:
        raise EvidenceError(f"says line-rate={text[:20]!r}, which is not a rate")
    return float(text)


COVERAGE_XML = Adapter(
    Format.COVERAGE_XML, is_xml=True, signature=frozenset(Reader.roots), read=read_coverage_xml
)
