"""A scenario's figures become typed evidence, reasons that point into it, and Markdown."""

import io
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gatewright.core.errors import ConfigurationError
from gatewright.core.verdict import Verdict
from gatewright.slo import DriftLimit, LatencyObjective, SuccessObjective, ThroughputObjective
from gatewright.suites.slo.assembly import Heading, assemble, unfinished
from gatewright.suites.slo.markdown import render
from gatewright.suites.slo.progress import Progress
from gatewright.suites.slo.report import SloReport
from gatewright.suites.slo.suite import Plan, conclude

BEGUN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HEADING = Heading(
    suite="slo",
    profile="quick",
    target="",
    server_started=True,
    alpha=0.05,
    started_at=BEGUN,
    command="again",
)
OBJECTIVES = (
    LatencyObjective(0.95, 0.3),
    LatencyObjective(0.99, 0.5),
    SuccessObjective(0.99),
    ThroughputObjective(20),
)


@pytest.fixture
def reported(watch, follow):
    """Measures in virtual time and assembles the report."""

    def run(drift_limits=(), **behaviour):
        seen, _ = watch(stops_early=not drift_limits, drift_limits=drift_limits)
        recording, _ = follow(seen, **behaviour)
        plan = Plan("load", OBJECTIVES, rate=40, budget_s=30, drift_limits=drift_limits)
        scenario = conclude(plan, seen, seen.finish(recording), cpu_s=0.1)
        return assemble(HEADING, [scenario], BEGUN + timedelta(seconds=20))

    return run


def test_a_pass_says_what_it_excludes(reported):
    """Half a minute of clean runs excludes short stalls, and by what chance longer ones were missed is told."""
    scenario = reported().scenarios[0]
    excluded = [each.excluded_ms for each in scenario.objectives]
    assert excluded[3] is None
    assert all(0 < each < 200 for each in excluded[:3])
    assert min(excluded[:3]) == excluded[1]
    excludes, doubt = scenario.remarks
    assert f"PASS excludes stalls that break latency_p99_ms for up to {excluded[1]:.0f} ms each" in excludes
    assert "would have shown none in 13 s with a chance of 53%" in doubt


def test_every_latency_has_the_margin_of_an_embedded_a_a(reported):
    """Nothing differs between halves of a service that is always as quick; the others have no percentile."""
    objectives = reported().scenarios[0].objectives
    assert [each.aa_margin for each in objectives] == [0.0, 0.0, None, None]


def test_noise_is_the_reason_when_it_is(watch, follow):
    """A demoted objective has its own rule, and its words tell what to do."""
    seen, _ = watch()
    recording, _ = follow(seen)
    plan = Plan("load", OBJECTIVES, rate=40, budget_s=30)
    window = seen.finish(recording)
    first = replace(
        seen.decisions[0], verdict=Verdict.INCONCLUSIVE, missing="noisy", demoted_from=Verdict.PASS
    )
    seen.decisions = (first, *seen.decisions[1:])
    report = assemble(HEADING, [conclude(plan, seen, window, cpu_s=0.1)], BEGUN)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert [reason.rule for reason in report.reasons] == ["noise-margin"]
    assert report.scenarios[0].objectives[0].demoted_from is Verdict.PASS


def test_a_report_survives_its_file(reported):
    """What is written is what is read, and the envelope's figures are the scenario's."""
    report = reported()
    assert SloReport.model_validate_json(report.model_dump_json()) == report
    assert report.verdict is Verdict.PASS
    assert report.counts.samples == report.scenarios[0].runs
    assert report.metrics["load.latency_p95_ms"] == pytest.approx(10, rel=0.01)
    assert report.metrics["load.success_ratio"] == 1


def test_reasons_of_a_failure_point_to_what_failed(reported):
    """Doubts about other objectives are no reasons for FAIL; the pointer leads to the objective."""
    report = reported(latency=lambda due: 0.4)
    assert report.verdict is Verdict.FAIL
    (reason,) = report.reasons
    assert reason.rule == "latency_p95_ms"
    assert reason.pointer == "/scenarios/0/objectives/0"
    assert reason.expected == "<= 300"
    assert "is broken" in reason.message


def test_reasons_of_doubt_say_what_is_missing(reported):
    """Each undecided objective has its words."""
    report = reported(seconds=6)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert {reason.rule for reason in report.reasons} >= {"latency_p99_ms", "success_ratio"}
    assert all("needs about" in reason.message for reason in report.reasons)


def test_an_unfit_measurement_says_so_first(reported):
    """Whoever reads the reasons learns first that the figures mean nothing."""
    report = reported(seconds=20, latency=lambda due: 0.02, lag=lambda due: 0.29)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.reasons[0].rule == "schedule-kept"
    assert "the generator sent late" in report.reasons[0].message
    assert len(report.scenarios[0].discarded) == 1


@pytest.mark.parametrize(
    ("seconds", "growth_s", "verdict"),
    [(30, 0.001, Verdict.FAIL), (30, 0.0, Verdict.PASS), (5, 0.001, Verdict.INCONCLUSIVE)],
)
def test_a_soak_judges_the_growth_of_latency(reported, seconds, growth_s, verdict):
    """25 us a run over a limit of 20 fail, no growth passes, and five seconds are too short for either."""
    limit = DriftLimit("latency_p95", 20.0)
    report = reported(drift_limits=(limit,), seconds=seconds, latency=lambda due: 0.01 + growth_s * due)
    (drift,) = report.scenarios[0].drifts
    assert drift.verdict is verdict
    assert report.verdict is verdict


def test_nothing_measured_is_inconclusive():
    """A report without scenarios never passes."""
    assert assemble(HEADING, [], BEGUN).verdict is Verdict.INCONCLUSIVE
    report = unfinished(HEADING, "no server", "measurable", BEGUN)
    assert (report.verdict, report.reasons[0].message) == (Verdict.INCONCLUSIVE, "no server")


def test_what_failed_stays_failed_when_the_rest_cannot_be_measured(reported):
    """A service that dies after a failed load does not turn FAIL into doubt; a PASS before it proves nothing."""
    broken = reported(fails=lambda due: True).scenarios
    report = unfinished(HEADING, "no connection", "measurable", BEGUN, broken)
    assert report.verdict is Verdict.FAIL
    assert report.reasons[-1].message == "no connection"
    assert {reason.rule for reason in report.reasons} >= {"success_ratio", "measurable"}
    green = unfinished(HEADING, "no connection", "measurable", BEGUN, reported().scenarios)
    assert (green.verdict, len(green.reasons)) == (Verdict.INCONCLUSIVE, 1)


def test_markdown_shows_verdict_limits_and_fitness(reported):
    """A person finds the decision, the figures behind it and the proof of the schedule."""
    text = render(reported(fails=lambda due: int(due * 40) % 5 == 0))
    assert text.startswith("# slo: FAIL\n")
    assert re.search(r"\| success_ratio +\| 0\.[78]\d* +\| 0\.99", text)
    assert re.search(r"\| step +\| answered 500 +\| \d+", text)
    assert "Schedule: " in text
    assert "Warm-up: 2.0 s, 80 runs discarded, settled." in text


def test_markdown_without_scenarios_has_no_tables():
    """A run that could not measure is told in two lines."""
    text = render(unfinished(HEADING, "no server", "measurable", BEGUN))
    assert "**measurable**: no server" in text
    assert "|" not in text


def test_progress_is_plain_without_a_terminal(watch, follow):
    """A log gets a line every five seconds, without control characters."""
    seen, glances = watch()
    follow(seen)
    stream = io.StringIO()
    progress = Progress("load", 30, stream)
    for glance in glances:
        progress(glance)
    progress.close()
    lines = stream.getvalue().splitlines()
    assert 3 <= len(lines) <= 4
    assert "warming up" in lines[0]
    assert "p95 0/" in lines[-1]
    assert "\x1b" not in stream.getvalue()


def test_offering_less_than_is_promised_is_an_error_of_usage():
    """20 runs/s can't come out of 10."""
    with pytest.raises(ConfigurationError, match="20 runs/s can't come out of 10 offered"):
        Plan("load", OBJECTIVES, rate=10, budget_s=30)


def test_more_connections_than_there_can_be_are_refused_beforehand():
    """A rate whose hanging runs would exhaust this machine is no plan."""
    with pytest.raises(ConfigurationError, match="connections"):
        Plan("load", OBJECTIVES, rate=5000, budget_s=30)
