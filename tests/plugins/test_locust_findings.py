"""A closed loop's report claims no open latency; success and throughput are judged as in an open one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gatewright.core.errors import ConfigurationError
from gatewright.core.verdict import Verdict
from gatewright.load import Hold, Mix, NoiseMeter, Origin, Ramp, Weighted
from gatewright.plugins.locust.engine import LocustEngine, of_workers, workload_of
from gatewright.plugins.locust.findings import scenario_of
from gatewright.plugins.locust.measurement import OwnFigures, conclude
from gatewright.plugins.locust.reports import Merger
from gatewright.plugins.locust.workload import JourneyEntry, Pace
from gatewright.slo import DriftLimit, ErrorBudget, RatioTimeslicesObjective, SlicePromise
from gatewright.suites.slo.assembly import Heading, assemble
from gatewright.suites.slo.markdown import render
from gatewright.suites.slo.page import render_page
from gatewright.suites.slo.plan import Plan, Service
from gatewright.suites.slo.report import SloReport

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
OWN = OwnFigures(version="2", requests=900, failures=0, p95_ms=10, p99_ms=12)
RATE, SECONDS = 30, 40


@pytest.fixture
def plan(workload):
    return Plan("shop", workload.objectives, rate=RATE, budget_s=SECONDS)


@pytest.fixture
def measured(workload, merged, pace):
    """A run of three workers that make a run each tenth of a second; tells what each took and answered."""

    def make(took=lambda start: 0.01, status=lambda start: 200, lag=0.0, problems=()):
        the_pace = pace(3, rate=RATE, seconds=SECONDS)
        own = [(number / 10 + lag, took(number / 10), status(number / 10)) for number in range(SECONDS * 10)]
        merger = merged(the_pace, [own] * 3, lag=lag)
        merger.problems.extend(problems)
        return conclude(merger, workload.digest, the_pace, OWN, begun=NOW, ended=NOW)

    return make


@pytest.fixture
def judged(workload, plan, measured):
    def judge(*, accepts=False, **behaviour):
        reading = NoiseMeter().read()
        measurement = measured(**behaviour)
        return scenario_of(plan, workload, measurement, reading, accepts_closed_loop=accepts)

    return judge


def verdicts(scenario):
    return {each.name: each.verdict.value for each in scenario.objectives}


def test_a_closed_loop_makes_no_claim_about_open_latency(judged):
    """However fast the service was: the report says why, and what to do."""
    scenario = judged()
    assert scenario.verdict is Verdict.INCONCLUSIVE
    assert verdicts(scenario) == {
        "service_time_p95_ms": "INCONCLUSIVE",
        "ask:service_time_p90_ms": "INCONCLUSIVE",
        "success_ratio": "PASS",
        "throughput_runs_per_s": "PASS",
    }
    assert "--accept-closed-loop" in scenario.objectives[0].missing
    assert scenario.objectives[0].observed == pytest.approx(10, rel=0.01)
    assert scenario.objectives[0].p_pass == 1


def test_nor_does_a_slow_one_fail_by_it(judged):
    """Slowness in a closed loop says nothing exact about the open one either."""
    scenario = judged(took=lambda start: 0.2)
    assert "FAIL" not in verdicts(scenario).values()


def test_service_times_are_judged_when_they_are_accepted(judged):
    """Under their own name, by the same rules."""
    scenario = judged(accepts=True)
    assert scenario.verdict is Verdict.PASS
    assert verdicts(scenario)["service_time_p95_ms"] == "PASS"
    assert judged(accepts=True, took=lambda start: 0.2).verdict is Verdict.FAIL


def test_failed_runs_fail_the_success_ratio(judged):
    """Whatever becomes of latency."""
    scenario = judged(status=lambda start: 500 if start % 1 < 0.2 else 200)
    assert scenario.verdict is Verdict.FAIL
    assert verdicts(scenario)["success_ratio"] == "FAIL"
    assert [(each.step, each.reason) for each in scenario.failures] == [("ask", "answered 500")]


def test_a_service_that_does_not_keep_up_fails_the_throughput(judged):
    """Runs that were due and did not succeed count against it, though a closed loop offers no more."""
    scenario = judged(status=lambda start: 500 if start % 1 < 0.5 else 200)
    assert verdicts(scenario)["throughput_runs_per_s"] == "FAIL"


def test_a_problem_makes_the_measurement_unfit(judged):
    """It is INCONCLUSIVE, whatever the figures say, and the report says why."""
    scenario = judged(accepts=True, problems=["worker 2 went before its last report"])
    assert scenario.verdict is Verdict.INCONCLUSIVE
    assert scenario.schedule.problems == ("worker 2 went before its last report",)


def test_a_generator_that_is_far_too_late_makes_it_unfit_too(judged):
    """The load was not the one that was planned."""
    scenario = judged(accepts=True, lag=0.05)
    assert scenario.verdict is Verdict.INCONCLUSIVE
    assert "the workers began runs late: p99 50" in scenario.schedule.problems[0]


def test_no_latency_fails_by_a_generator_that_was_late(judged):
    """It may have read the answers late as well; what it passes, and what else fails, stands."""
    late = {"accepts": True, "lag": 0.006}
    assert judged(**late).verdict is Verdict.PASS
    assert judged(**late, took=lambda start: 0.2).verdict is Verdict.INCONCLUSIVE
    assert judged(**late, status=lambda start: 500).verdict is Verdict.FAIL


def test_a_run_that_never_began_is_reported_all_the_same(workload, plan, pace):
    """With the reason, and no figures."""
    merger = Merger(workload, pace(2), lambda: 0.0)
    merger.problems.append("only 0 of 2 workers came in 30 s")
    measurement = conclude(merger, workload.digest, pace(2), OWN, begun=NOW, ended=NOW)
    scenario = scenario_of(plan, workload, measurement, NoiseMeter().read(), accepts_closed_loop=True)
    assert (scenario.verdict, scenario.runs) == (Verdict.INCONCLUSIVE, 0)
    assert scenario.schedule.problems == ("only 0 of 2 workers came in 30 s",)


def test_the_report_says_that_the_loop_was_closed(judged):
    """In Markdown, on the page, and in the file, which reads back as it was written."""
    heading = Heading(
        suite="slo",
        profile="quick",
        target="",
        server_started=True,
        alpha=0.05,
        started_at=NOW,
        command="again",
    )
    report = assemble(heading, [judged()], NOW + timedelta(seconds=50))
    assert SloReport.model_validate_json(report.model_dump_json()) == report
    for text in (render(report), render_page(report)):
        assert "closed loop of 30 users in 3 workers (no claim about open latency)" in text
        assert "run, service time" in text
        assert "Locust 2 itself counts 900 requests" in text
        assert "from its schedule" not in text
    assert "shop.service_time_p95_ms" in report.metrics


def test_the_noise_of_a_report_is_that_of_the_workers(measured):
    """Not of the process that waited for them."""
    reading = of_workers(NoiseMeter().read(), measured())
    assert reading.own_run_delay == 0
    assert reading.own_cpu == pytest.approx(3 * 0.001 * SECONDS * 10 / SECONDS)


@pytest.mark.parametrize(
    ("changes", "service_changes", "words"),
    [
        ({"drift_limits": (DriftLimit("rss", 1),)}, {}, "look for drift"),
        ({"stages": (Hold(30, 5), Hold(60, 5))}, {}, "change its rate"),
        ({"stages": (Ramp(30, 60, 5),)}, {}, "change its rate"),
        ({"budget": ErrorBudget(0.99)}, {}, "judge an error budget"),
        ({"slices": (SlicePromise(RatioTimeslicesObjective(0.9, 5.0)),)}, {}, "judge slices of time"),
        ({}, {"application": object()}, "call an application in this process"),
    ],
)
def test_what_only_the_open_loop_can_do_is_refused(plan, changes, service_changes, words):
    """In one line, before anything is started."""
    engine = LocustEngine((JourneyEntry(name="ask", factory="fakes.journeys:Ask"),))
    service = Service(
        Origin.parse("http://127.0.0.1:9"), Mix({"ask": Weighted(OneStep())}), **service_changes
    )
    with pytest.raises(ConfigurationError, match=f"can't {words}; leave --engine out"):
        engine(replace(plan, **changes), service, None)


class OneStep:
    steps = ("ask",)

    def run(self):
        yield


def test_machines_that_declare_the_same_load_have_the_same_workload(plan):
    """However fast and how long they make it: that the master tells."""
    entries = (JourneyEntry(name="ask", factory="fakes.journeys:Ask"),)
    digests = {
        workload_of(each, entries, target).digest
        for each in (plan, replace(plan, rate=99.0, budget_s=9.0, seed=7))
        for target in ("http://127.0.0.1:9",)
    }
    assert len(digests) == 1
    assert workload_of(plan, entries, "http://127.0.0.1:8").digest not in digests
    assert workload_of(replace(plan, deadline_s=1.0), entries, "http://127.0.0.1:9").digest not in digests


def test_more_runs_than_a_measurement_can_hold_are_refused():
    """Instead of a document that nobody can read."""
    with pytest.raises(ConfigurationError, match="measure for a shorter time"):
        Pace.spread(1000, 3600 * 24, 4)
