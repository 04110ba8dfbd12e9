"""Read the JSON report of coverage.py (formats 2 and 3, https://coverage.readthedocs.io)."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from gatewright.core.model import Foreign
from gatewright.evidence.adapters.adapter import Adapter, Format, Result
from gatewright.evidence.adapters.covered import Coverage, hold_against, judge_coverage
from gatewright.evidence.report import Count
from gatewright.evidence.strict import EvidenceError, json_pointer, parse_model

__all__ = ["COVERAGE_JSON"]

Branch = tuple[int, int]
"""From a line to a line; below zero for the way out."""


class Meta(Foreign):
    """The version of the format."""

    format: Annotated[int, Field(ge=2, le=3)]


class Summary(Foreign):
    """Sums of a file, or of all."""

    lines_covered: Annotated[Count, Field(alias="covered_lines")]
    lines_valid: Annotated[Count, Field(alias="num_statements")]
    branches_valid: Annotated[Count, Field(alias="num_branches")] = 0
    branches_covered: Annotated[Count, Field(alias="covered_branches")] = 0


class File(Foreign):
    """Which lines and branches of a file ran, and which did not."""

    executed_lines: tuple[Count, ...]
    missing_lines: tuple[Count, ...]
    executed_branches: tuple[Branch, ...] = ()
    missing_branches: tuple[Branch, ...] = ()
    summary: Summary

    @property
    def coverage(self) -> Coverage:
        """What its entries add up to, each taken once."""
        lines = set(self.executed_lines) | set(self.missing_lines)
        return Coverage(
            files=1 if lines else 0,
            lines_valid=len(lines),
            lines_covered=len(set(self.executed_lines)),
            branches_valid=len(set(self.executed_branches) | set(self.missing_branches)),
            branches_covered=len(set(self.executed_branches)),
        )

    @property
    def contradicts_itself(self) -> bool:
        """Whether a line or a branch ran and is missing as well."""
        lines = set(self.executed_lines) & set(self.missing_lines)
        return bool(lines or set(self.executed_branches) & set(self.missing_branches))


class Document(Foreign):
    """A report. Its time stamp has no zone, so nothing is made of it."""

    meta: Meta
    files: dict[str, File]
    totals: Summary


def read_coverage_json(path: str, data: bytes) -> Result:
    """Judge a report by its files; their sums, and the sum of all, must agree with their lines."""
    report = parse_model(data, Document, name=path)
    found = {name: file.coverage for name, file in report.files.items()}
    for name, file in report.files.items():
        if file.contradicts_itself:
            pointer = json_pointer(("files", name))
            raise EvidenceError(f"{path} calls a line or branch both executed and missing", pointer=pointer)
        claimed = file.summary.model_dump()
        hold_against(path, claimed, found[name], json_pointer(("files", name, "summary")))
    coverage = add_up(found)
    hold_against(path, report.totals.model_dump(), coverage, "/totals")
    return judge_coverage(path, coverage, pointer="/totals")


def add_up(found: Mapping[str, Coverage]) -> Coverage:
    """The coverage of all files."""
    parts = list(found.values())
    return Coverage(
        files=sum(part.files for part in parts),
        lines_valid=sum(part.lines_valid for part in parts),
        lines_covered=sum(part.lines_covered for part in parts),
        branches_valid=sum(part.branches_valid for part in parts),
        branches_covered=sum(part.branches_covered for part in parts),
    )


COVERAGE_JSON = Adapter(
    Format.COVERAGE_JSON,
    is_xml=False,
    signature=frozenset({"files", "meta", "totals"}),
    read=read_coverage_json,
)
