"""The page of a comparison draws each measure by round, and says what was compared."""

from datetime import UTC, datetime

from gatewright.core.verdict import Verdict
from gatewright.evidence.report import Counts
from gatewright.slo import Measure, Side
from gatewright.suites.slo.compare_page import render_comparison_page
from gatewright.suites.slo.compare_report import (
    BaseResult,
    BlockResult,
    CompareReport,
    MeasureResult,
    PlanResult,
)

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ORDER = (Side.BASE, Side.CANDIDATE, Side.CANDIDATE, Side.BASE)


def block(side: Side, cpu_ms: float | None) -> BlockResult:
    return BlockResult(
        side=side,
        seed=1,
        runs=40,
        failed=0,
        cpu_ms_per_run=cpu_ms,
        p50_ms=3.0,
        p95_ms=6.0,
        lag_p99_ms=0.5,
        cpu_pressure=None,
    )


def report(blocks: tuple[BlockResult, ...], revision: str = "main") -> CompareReport:
    measures = tuple(
        MeasureResult(
            measure=each,
            base_ms=2.0,
            candidate_ms=2.2,
            ratio=1.1,
            lower=1.05,
            upper=1.15,
            fail_above=1.02,
            pass_below=1.08,
            verdict=Verdict.FAIL,
        )
        for each in Measure
    )
    return CompareReport(
        suite="slo-compare",
        verdict=Verdict.FAIL,
        reasons=(),
        counts=Counts(),
        started_at=NOW,
        finished_at=NOW,
        service="shop",
        base=BaseResult(revision=revision, commit="a" * 40, environment="its own", same_as_candidate=False),
        plan=PlanResult(rate=40, block_s=1, warm_up_s=0.5, deadline_s=5, seed=1, looks=(16, 32), alpha=0.05),
        measures=measures,
        blocks=blocks,
        noise=None,
    )


def test_each_measure_is_drawn_for_wide_and_for_narrow_screens() -> None:
    """CPU, p50 and p95; a point for each round of both sides."""
    html = render_comparison_page(report(tuple(block(side, 2.0) for side in ORDER * 4)))
    assert html.count('class="plot ratios"') == 6
    assert "1.050 to 1.150" in html
    assert "p95 of latency" in html


def test_what_could_not_be_measured_is_no_point() -> None:
    """No CPU figure, an odd block, no blocks at all: still a page."""
    for blocks in ((), (block(Side.BASE, None), block(Side.CANDIDATE, 2.0), block(Side.BASE, 2.0))):
        assert "FAIL" in render_comparison_page(report(blocks))


def test_hostile_names_stay_text() -> None:
    """A revision may be called anything."""
    html = render_comparison_page(report((), "<script>alert(1)</script>"))
    assert "<script>" not in html
