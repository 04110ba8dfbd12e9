"""The quick profile, as a gate runs it, sees faults that leave all of its first answers quick and right."""

import sys
from pathlib import Path

import pytest

from gatewright.core.verdict import Verdict
from multyagents_api.slo_performance import SloPerformanceConfig, SloThresholds, run_slo_performance_suite

pytestmark = [pytest.mark.alone, pytest.mark.end_to_end]

HAMPERED_SERVER = Path(__file__).with_name("hampered_server.py")


def measured(fault: str, size: float):
    """The report about an API with a planted fault, everything else as it is by default."""
    command = (sys.executable, str(HAMPERED_SERVER), "{port_file}", fault, str(size))
    return run_slo_performance_suite(SloPerformanceConfig(server_command=command), SloThresholds())


@pytest.mark.parametrize(
    ("fault", "size", "rule"),
    [
        ("leak", 262_144, "drift-rss"),
        ("growing", 0.0002, "drift-latency_p95"),
        ("rare", 0.2, "latency_p95_ms"),
    ],
)
def test_a_planted_fault_fails_within_the_smoke(fault, size, rule):
    """256 kB kept a run, 0.2 ms more at each dispatch, 200 ms in 3% of requests."""
    report = measured(fault, size)
    assert report.verdict is Verdict.FAIL
    assert rule in [reason.rule for reason in report.reasons]
    assert report.scenarios[0].timeline.measured_to_s <= SloPerformanceConfig().duration_s


def test_the_same_server_without_a_fault_passes():
    """What fails the others is the fault, not its planting."""
    report = measured("sleep", 0)
    assert report.reasons == ()
    assert report.verdict is Verdict.PASS
    assert {drift.series for drift in report.scenarios[0].drifts} == {"latency_p95", "rss"}
