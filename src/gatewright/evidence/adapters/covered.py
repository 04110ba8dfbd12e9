"""What coverage reports say, whatever their format; limits of the policy judge the figures."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from gatewright.core.verdict import State
from gatewright.evidence.adapters.adapter import Complaint, Result, conclude
from gatewright.evidence.strict import EvidenceError

__all__ = ["Coverage", "hold_against", "judge_coverage"]


@dataclass(frozen=True)
class Coverage:
    """Lines and branches, counted from the entries; `files` are those that have lines."""

    files: int = 0
    lines_valid: int = 0
    lines_covered: int = 0
    branches_valid: int = 0
    branches_covered: int = 0

    @property
    def metrics(self) -> dict[str, float]:
        """Figures by name; rates are between 0 and 1, and only given where they are of something."""
        figures: dict[str, float] = {
            "coverage.files": self.files,
            "coverage.lines_valid": self.lines_valid,
            "coverage.lines_covered": self.lines_covered,
            "coverage.branches_valid": self.branches_valid,
            "coverage.branches_covered": self.branches_covered,
        }
        if self.lines_valid:
            figures["coverage.line_rate"] = self.lines_covered / self.lines_valid
        if self.branches_valid:
            figures["coverage.branch_rate"] = self.branches_covered / self.branches_valid
        return figures


def hold_against(path: str, claimed: dict[str, int], coverage: Coverage, pointer: str = "") -> None:
    """Refuse a report whose sums are not those of its entries.

    Args:
        path: the report.
        claimed: sums by the names of `Coverage`.
        coverage: what the entries add up to.
        pointer: the place of the sums, where there is one.

    Raises:
        EvidenceError: INVALID, naming the first sum that differs.
    """
    for name, number in claimed.items():
        if number != getattr(coverage, name):
            words, found = name.replace("_", " "), getattr(coverage, name)
            raise EvidenceError(f"{path} says {number} {words} and holds {found}", pointer=pointer)


def judge_coverage(
    path: str, coverage: Coverage, *, started_at: datetime | None = None, pointer: str = ""
) -> Result:
    """Coverage of nothing, or by nothing, is empty; everything else passes, for limits to judge."""
    return conclude(path, find_nothing(coverage, pointer), metrics=coverage.metrics, started_at=started_at)


def find_nothing(coverage: Coverage, pointer: str) -> Iterator[Complaint]:
    """Why a report shows nothing."""
    observed = f"{coverage.lines_covered} of {coverage.lines_valid} lines in {coverage.files} files"
    if not coverage.lines_covered:
        message = "no line was run" if coverage.lines_valid else "no line could have been run"
        yield Complaint(State.EMPTY, "coverage-of-something", message, "lines that ran", observed, pointer)
