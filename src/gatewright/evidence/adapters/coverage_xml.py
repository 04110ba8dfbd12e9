"""Read coverage as XML in Cobertura's style, as coverage.py writes it."""

import re
from collections.abc import Mapping
from typing import ClassVar

from gatewright.evidence.adapters.adapter import Adapter, Format, Result, from_epoch
from gatewright.evidence.adapters.covered import Coverage, hold_against, judge_coverage
from gatewright.evidence.adapters.xml_reader import XmlReader, feed_xml, read_count
from gatewright.evidence.strict import EvidenceError

__all__ = ["COVERAGE_XML"]

CONDITIONS = re.compile(r"^\d{1,3}(?:\.\d{1,9})?% \((\d{1,9})/(\d{1,9})\)$", re.ASCII)
CLAIMS = ("lines_valid", "lines_covered", "branches_valid", "branches_covered")
TIMESTAMP = re.compile(r"^\d{1,15}$", re.ASCII)
RATE = re.compile(r"^[01](?:\.\d{1,18})?$|^\d(?:\.\d{1,3})?e-\d\d$", re.ASCII)
RATE_TOLERANCE = 0.001
"""coverage.py rounds rates to four digits."""

MILLISECONDS_FROM = 10**11
"""Time stamps are in milliseconds, with some tools in seconds; as seconds this is the year 5138."""

Conditions = tuple[int, int]


class Reader(XmlReader):
    """Takes each line of a file once: covered if any entry says so, with the greatest count of branches."""

    roots: ClassVar[tuple[str, ...]] = ("coverage",)

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
        self.lines[place] = read_count(attributes, "hits") > 0 or self.lines.get(place, False)
        if attributes.get("branch") == "true":
            found = CONDITIONS.match(attributes.get("condition-coverage", ""))
            if not found or int(found[1]) > int(found[2]):
                raise EvidenceError(f"has a branch at line {place[1]} without a count of its conditions")
            covered, valid = self.branches.get(place, (0, 0))
            self.branches[place] = max(covered, int(found[1])), max(valid, int(found[2]))

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
        claimed = {name: read_count(attributes, name.replace("_", "-")) for name in CLAIMS}
        rate = read_rate(attributes)
    except EvidenceError as error:
        raise EvidenceError(f"{path} {error.message}") from None
    hold_against(path, claimed, coverage)
    if coverage.lines_valid and abs(rate - coverage.lines_covered / coverage.lines_valid) > RATE_TOLERANCE:
        raise EvidenceError(f"{path} says a line rate of {rate:g}, which its lines do not have")
    text = attributes.get("timestamp", "")
    stamp = int(text) if TIMESTAMP.match(text) else 0
    written = from_epoch(stamp / 1000 if stamp >= MILLISECONDS_FROM else stamp, path)
    return judge_coverage(path, coverage, started_at=written)


def read_rate(attributes: Mapping[str, str]) -> float:
    """The share of lines that the report claims to be covered."""
    text = attributes.get("line-rate", "")
    if not RATE.match(text) or float(text) > 1:
        raise EvidenceError(f"says line-rate={text[:20]!r}, which is not a rate")
    return float(text)


COVERAGE_XML = Adapter(
    Format.COVERAGE_XML, is_xml=True, signature=frozenset(Reader.roots), read=read_coverage_xml
)
