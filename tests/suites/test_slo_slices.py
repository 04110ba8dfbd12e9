"""Promises about slices of time are judged over the whole measured window, and take part in the verdict."""

from datetime import UTC, datetime

import pytest

from gatewright.core.verdict import Verdict
from gatewright.load import Hold, Recording
from gatewright.slo import (
    Judge,
    LatencyObjective,
    RatioTimeslicesObjective,
    Requirements,
    SlicePromise,
    SuccessObjective,
    ThroughputObjective,
    TimeslicesObjective,
)
from gatewright.suites.slo import Plan
from gatewright.suites.slo.assembly import Heading, assemble
from gatewright.suites.slo.findings import conclude
from gatewright.suites.slo.markdown import render
from gatewright.suites.slo.page import render_page
from gatewright.suites.slo.report import SloReport
from gatewright.suites.slo.slices import decide, with_slices
from gatewright.suites.slo.watch import Window

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
OBJECTIVES = (SuccessObjective(0.1), ThroughputObjective(5))
QUICK = SlicePromise(TimeslicesObjective(0.6, 0.95, 1.0), threshold_s=0.3)
SUCCESS = SlicePromise(RatioTimeslicesObjective(0.6, 0.5))
PASS, FAIL, INCONCLUSIVE = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE


@pytest.fixture
def measured(watch, follow):
    """Measures promises about slices in virtual time: 40 runs a second, of which two seconds warm up."""

    def run(*promises, seconds=60, **behaviour):
        seen, _ = watch(stops_early=False, objectives=OBJECTIVES)
        recording, _ = follow(seen, seconds=seconds, **behaviour)
        plan = Plan("load", OBJECTIVES, rate=40, budget_s=seconds, slices=promises)
        window = seen.finish(recording)
        result = conclude(plan, seen, window, cpu_s=0.1)
        return with_slices(result, plan.slices, window, plan.requirements.alpha)

    return run


def test_clean_slices_pass(measured):
    """58 seconds are measured; the last slice is not complete."""
    result = measured(QUICK, SUCCESS)
    assert [each.verdict for each in result.slices] == [PASS, PASS]
    assert [each.slices for each in result.slices] == [57, 115]
    assert [each.observed for each in result.slices] == [1, 1]
    assert result.verdict is PASS
    assert all(each.bounds.lower > 0.6 and not each.missing for each in result.slices)


def test_a_slice_is_good_when_enough_of_its_runs_are(measured):
    """Two slow runs of 40 leave a slice good, three make it bad: every other second has three."""

    def latency(due):
        within = round(due % 2 * 40)
        return 0.31 if within < 2 or 40 <= within < 43 else 0.29

    (slices,) = measured(QUICK, latency=latency).slices
    assert slices.observed == pytest.approx(0.5, abs=0.01)


def test_slices_of_a_journey_hold_its_own_runs():
    """Buyers come in every fourth second only, and fail in every other one of those."""
    recording = Recording(("buy/pay", "look/list"), ("buy", "look"))
    for run in range(160 * 4):
        due = run / 4
        buys = due % 4 < 1
        recording.begin(due, due, journey=0 if buys else 1)
        recording.answer(run, 0 if buys else 1, 0.01)
        if buys and due % 8 < 1:
            recording.fail(run, due + 0.01, step=0, reason="answered 500")
        else:
            recording.succeed(run, due + 0.01)
    window = Window(recording, Judge(OBJECTIVES, Requirements()), 0, None)
    window.advance()
    buyers = SlicePromise(TimeslicesObjective(0.9, 0.95, 1.0), journey="buy")
    step = SlicePromise(TimeslicesObjective(0.9, 0.95, 1.0), journey="buy", step="pay")
    for promise in (buyers, step):
        decision = decide(promise, window, alpha=0.05)
        assert (decision.slices, decision.empty, decision.observed) == (40, 119, 0.5)


def test_bad_slices_fail_the_scenario(measured):
    """Two seconds of three are slow, and no objective about runs minds."""
    result = measured(QUICK, latency=lambda due: 0.301 if due % 3 < 2 else 0.01)
    assert (result.slices[0].verdict, result.verdict) == (FAIL, FAIL)
    assert result.slices[0].bounds.upper < 0.6


def test_a_bad_average_fails_the_scenario(measured):
    """Two of five runs succeed, where 60% are promised on average; one of ten must."""
    result = measured(SUCCESS, fails=lambda due: round(due * 40) % 2 == 0 or round(due * 40) % 5 == 0)
    (slices,) = result.slices
    assert (slices.verdict, result.verdict) == (FAIL, FAIL)
    assert slices.observed == pytest.approx(0.4, abs=0.01)


def test_too_few_slices_decide_nothing(measured):
    """Words say how many more are needed, or that there are none at all."""
    long = SlicePromise(TimeslicesObjective(0.9, 0.95, 10.0), threshold_s=0.3)
    result = measured(long, SlicePromise(RatioTimeslicesObjective(0.6, 70.0)))
    assert [each.verdict for each in result.slices] == [INCONCLUSIVE, INCONCLUSIVE]
    assert result.verdict is INCONCLUSIVE
    assert "more slices of 10 s" in result.slices[0].missing
    assert result.slices[1].observed is None
    assert result.slices[1].missing == "no run was due in any slice of 70 s"


def test_a_run_that_ended_within_its_warm_up_has_no_slices(measured):
    """No data is never good."""
    result = measured(QUICK, seconds=1)
    assert (result.slices[0].verdict, result.slices[0].slices) == (INCONCLUSIVE, 0)


def test_an_unfit_measurement_stays_inconclusive(measured):
    """Sent 0.29 s late, the runs are slow by the generator's fault."""
    result = measured(QUICK, latency=lambda due: 0.02, lag=lambda due: 0.29)
    assert result.schedule.problems
    assert result.verdict is INCONCLUSIVE


@pytest.mark.parametrize(("service_s", "verdict"), [(0.29, INCONCLUSIVE), (0.31, INCONCLUSIVE), (0.4, FAIL)])
def test_slices_that_are_bad_by_a_late_generator_do_not_fail(measured, service_s, verdict):
    """20 ms late: FAIL must hold from the sending, by more than the lag."""
    result = measured(QUICK, latency=lambda due: service_s, lag=lambda due: 0.02)
    assert result.schedule.late
    assert not result.schedule.problems
    assert (result.slices[0].verdict, result.verdict) == (verdict, verdict)
    assert ("generator was late" in result.slices[0].missing) == (verdict is INCONCLUSIVE)


def test_promises_share_the_error(measured):
    """The same slices pass alone; among twenty of a kind they need stronger evidence."""
    strict = SlicePromise(TimeslicesObjective(0.85, 0.95, 0.5), threshold_s=0.3)
    alone, among = measured(strict, seconds=52), measured(*[strict] * 20, seconds=52)
    assert alone.slices[0].verdict is PASS
    assert {each.verdict for each in among.slices} == {INCONCLUSIVE}


def test_the_report_tells_of_slices(measured):
    """Reasons that point into it, a metric by name, and a row of each table."""
    scenario = measured(QUICK, SUCCESS, latency=lambda due: 0.301 if due % 3 < 2 else 0.01)
    report = assemble(HEADING, [scenario], BEGUN)
    assert SloReport.model_validate_json(report.model_dump_json()) == report
    (reason,) = report.reasons
    assert reason.rule == "latency_300ms_95pct_slices_1s"
    assert reason.pointer == "/scenarios/0/slices/0"
    assert reason.expected == ">= 0.6"
    words = "slices of 1 s in which 0.95 of runs take at most 300 ms"
    assert f"{words}: a share of 0.3333 in 57 slices, 0.6 is promised" in reason.message
    assert report.metrics["load.latency_300ms_95pct_slices_1s"] == pytest.approx(1 / 3)
    assert report.metrics["load.success_slices_0.5s"] == 1
    average = "runs that succeed, averaged over slices of 0.5 s"
    for text in (render(report), render_page(report)):
        assert words in text
        assert average in text


def test_reasons_of_doubt_say_what_is_missing(measured):
    """How many slices there are, and how many more are needed."""
    *_, reason = assemble(HEADING, [measured(QUICK, seconds=12)], BEGUN).reasons
    assert "not decided by 9 slices: needs about" in reason.message


def test_a_load_with_slices_takes_all_of_its_time():
    """Slices are looked at in the end only; their limit is one that the generator must be quick for."""
    plan = Plan("load", OBJECTIVES, rate=40, budget_s=60)
    sliced = Plan("load", OBJECTIVES, rate=40, budget_s=60, slices=(QUICK,))
    assert plan.may_stop_early
    assert not sliced.may_stop_early
    assert not Plan("load", OBJECTIVES, 40, 60, stages=(Hold(40, 1), Hold(50, 1))).may_stop_early
    strict = Plan("load", (LatencyObjective(0.9, 0.3),), rate=40, budget_s=60)
    assert sliced.lag_limits == strict.lag_limits


def test_names_tell_promises_apart():
    """What is good, of which slices, of which runs."""
    names = [
        QUICK.name,
        SUCCESS.name,
        SlicePromise(TimeslicesObjective(0.9, 1, 5.0), journey="buy", step="pay").name,
        SlicePromise(RatioTimeslicesObjective(0.9, 60.0), threshold_s=0.0005, journey="buy").name,
    ]
    assert names == [
        "latency_300ms_95pct_slices_1s",
        "success_slices_0.5s",
        "buy/pay:success_100pct_slices_5s",
        "buy:latency_0.5ms_slices_60s",
    ]
