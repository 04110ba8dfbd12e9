"""Checks as the judge leaves them, without any evidence behind."""

from datetime import UTC, datetime

from gatewright.core.verdict import State
from gatewright.evidence.report import Counts, Reason
from gatewright.gate.aggregate import CheckVerdict, JudgedCheck
from gatewright.gate.finding import Finding
from gatewright.gate.states import worst

__all__ = ["MOMENT", "finding", "judged"]

MOMENT = datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC)
MEASURED = Counts(collected=4, passed=3, failed=1)


def finding(state: State, rule: str = "tests-pass", *, file: str = "junit.xml", pointer: str = "") -> Finding:
    reason = Reason(
        rule=rule, message=f"unit: {rule}", artifact=f"runs/one/unit/{file}", pointer=pointer, see="x"
    )
    return Finding(state, reason)


def judged(
    *findings: Finding, name: str = "unit", required: bool = True, counts: Counts = MEASURED
) -> JudgedCheck:
    verdict = CheckVerdict(
        check=name,
        state=worst(each.state for each in findings) if findings else State.PASS,
        required=required,
        isolated=True,
        counts=counts,
        metrics={},
        duration_s=1,
        started_at=MOMENT,
        finished_at=MOMENT,
        manifest=f"runs/one/{name}/manifest.json",
        manifest_sha256=None,
        reasons=tuple(each.reason for each in findings),
    )
    return JudgedCheck(verdict, findings)
