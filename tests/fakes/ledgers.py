"""Histories that no gate has run for."""

from datetime import UTC, datetime, timedelta

from gatewright.core.verdict import State, Verdict
from gatewright.evidence.ledger import LedgerCheck, LedgerEntry
from gatewright.evidence.report import Counts

__all__ = ["BEGIN", "entry", "ledger_check"]

BEGIN = datetime(2026, 11, 21, 12, tzinfo=UTC)


def ledger_check(
    state: State = State.PASS, *, duration_s: float = 1.0, flaky: int = 0, **metrics: float
) -> LedgerCheck:
    """How a check ended."""
    counts = Counts(collected=3, passed=3, flaky=flaky)
    return LedgerCheck(state=state, required=True, duration_s=duration_s, counts=counts, metrics=metrics)


def entry(
    number: int, tree: str = "sha256:tree", profile: str = "quick", **checks: LedgerCheck
) -> LedgerEntry:
    """The run of this number, an hour after the one before."""
    checks = checks or {"unit": ledger_check()}
    verdict = Verdict.PASS if all(check.state.settles for check in checks.values()) else Verdict.FAIL
    return LedgerEntry(
        run_id=f"run-{number}",
        verdict=verdict,
        exit_code=verdict.exit_code,
        finished_at=BEGIN + timedelta(hours=number),
        profile=profile,
        commit="c" * 40,
        tree=tree,
        policy="0" * 64,
        verdict_sha256=f"{number:064x}",
        checks=checks,
    )
