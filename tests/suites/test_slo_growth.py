"""Growth is judged within a measurement: a load does not pass before it is known not to grow."""

import pytest

from gatewright.core.errors import ConfigurationError
from gatewright.core.verdict import Verdict
from gatewright.load import ResourceSeries
from gatewright.slo import DriftLimit
from gatewright.suites.slo.growth import GrowthLooks, blocks_of, ensure_known, unit_of

SLOWER = DriftLimit("latency_p95", 100.0)
LARGER = DriftLimit("rss", 16_384.0)


class Growing:
    """A gauge that grows by so many bytes at each reading, ten times a second; unknown at every so manieth."""

    def __init__(self, step, unknown_every=0):
        self.readings = 0
        self.step = step
        self.unknown_every = unknown_every

    def __call__(self):
        self.readings += 1
        if self.unknown_every and not self.readings % self.unknown_every:
            return None
        return 50e6 + self.step * self.readings


def slower(per_run_s):
    """Latency in seconds of the run that is due at a moment, 40 runs a second."""
    return lambda due: 0.01 + per_run_s * due * 40


@pytest.fixture
def measured(watch, follow):
    """Measures in virtual time under limits of growth; returns the watch and the moment of its end."""

    def measure(*limits, rss=0, unknown_every=0, seconds=30, stops_early=True, **behaviour):
        gauges = {"rss": Growing(rss, unknown_every)}
        seen, _ = watch(stops_early=stops_early, drift_limits=limits, gauges=gauges)
        recording, now = follow(seen, seconds=seconds, **behaviour)
        seen.finish(recording)
        return seen, now

    return measure


def verdicts(seen):
    return {drift.limit.name: drift.verdict for drift in seen.drifts}


def test_a_healthy_service_passes_as_early_as_without_limits(measured):
    """The runs that prove its objectives are enough to prove that it does not grow."""
    seen, now = measured(SLOWER, LARGER)
    assert verdicts(seen) == {"latency_p95": Verdict.PASS, "rss": Verdict.PASS}
    assert seen.verdict is Verdict.PASS
    assert now <= 17


def test_a_slow_down_that_grows_fails_before_any_objective_does(measured):
    """200 us more at each run: after 600 runs still far below the p95's threshold, but growing."""
    seen, now = measured(SLOWER, LARGER, latency=slower(0.0002))
    assert {each.verdict for each in seen.decisions} == {Verdict.PASS}
    assert verdicts(seen) == {"latency_p95": Verdict.FAIL, "rss": Verdict.PASS}
    assert seen.verdict is Verdict.FAIL
    assert now <= 20


def test_a_leak_fails_though_all_answers_are_quick(measured):
    """256 kB a run, four runs between two readings."""
    seen, now = measured(SLOWER, LARGER, rss=4 * 262_144)
    assert verdicts(seen) == {"latency_p95": Verdict.PASS, "rss": Verdict.FAIL}
    (_, leak) = seen.drifts
    assert leak.slope == pytest.approx(262_144, rel=0.01)
    assert now <= 20


def test_it_goes_on_until_growth_is_decided(measured):
    """Growth near the limit does not pass with the objectives: all of the budget is used."""
    seen, now = measured(SLOWER, latency=slower(0.0001))
    assert now == 30
    assert seen.verdict is Verdict.INCONCLUSIVE
    assert verdicts(seen) == {"latency_p95": Verdict.INCONCLUSIVE}


def test_growth_that_is_not_known_does_not_pass(measured):
    """Every fourth reading failed: what is left proves nothing."""
    seen, now = measured(LARGER, unknown_every=4)
    assert now == 30
    assert seen.verdict is Verdict.INCONCLUSIVE
    assert seen.drifts[0].missing == "it could not be read"


def test_a_few_missing_readings_do_no_harm(measured):
    """One in twenty."""
    assert measured(LARGER, unknown_every=20)[0].verdict is Verdict.PASS


def test_a_failed_measurement_tells_its_growth_as_well(measured):
    """Evidence is complete, whatever ended it."""
    seen, _ = measured(SLOWER, LARGER, latency=lambda due: 0.4)
    assert seen.verdict is Verdict.FAIL
    assert len(seen.drifts) == 2


def test_growth_of_the_generators_lag_is_not_the_services(measured):
    """Requests are sent ever later: from their sending on, nothing grows, so the FAIL does not stand."""
    limit = DriftLimit("latency_p95", 30.0)
    seen, _ = measured(limit, seconds=20, latency=lambda due: 0.02, lag=lambda due: 0.00006 * due * 40)
    ((_, proof),) = seen.discarded
    assert proof.late
    assert proof.problems == ()
    assert seen.verdict is Verdict.INCONCLUSIVE


def test_a_leak_fails_also_under_a_late_generator(measured):
    """Memory does not grow because requests are sent late."""
    seen, now = measured(LARGER, rss=4 * 262_144, lag=lambda due: 0.02)
    assert seen.verdict is Verdict.FAIL
    assert seen.discarded == []
    assert now <= 20


def test_a_soak_looks_once(measured):
    """At its end, with all of the error to spend."""
    seen, now = measured(SLOWER, LARGER, stops_early=False)
    assert now == 30
    assert seen.verdict is Verdict.PASS


class Runs:
    """What was measured, as far as looks at growth care."""

    start = 0
    recording = None

    def __init__(self, stop):
        self.stop = stop
        self.resources = ResourceSeries()
        for run in range(0, stop, 10):
            self.resources.add(run, {"rss": 50e6})


def test_looks_come_after_a_quarter_more_runs_each():
    """So there are few of them; a window begun anew may be looked at at once, and the last look always."""
    looks = GrowthLooks([LARGER], alpha=0.05)
    seen = [looks.look(Runs(stop), 40) is not None for stop in (400, 420, 499, 500, 620, 626)]
    assert seen == [True, False, False, True, False, True]
    assert looks.look(Runs(630), 40, last=True)
    looks.begin_anew()
    assert looks.look(Runs(400), 40)


def test_looks_share_one_error():
    """The first may spend half of alpha, the next half of what is left; the last all of it."""
    looks = GrowthLooks([LARGER], alpha=0.08)
    spent = []
    for stop in (400, 500, 1000):
        looks.look(Runs(stop), 40)
        spent.append(looks._left)
    looks.look(Runs(1001), 40, last=True)
    spent.append(looks._left)
    assert spent == [0.04, 0.02, 0.01, 0.01]
    assert sum(spent) <= 0.08


def test_every_percentile_has_its_series():
    """Microseconds for latencies, bytes for memory, nothing for counts; one never read has no points."""
    assert [unit_of(name) for name in ("latency_p50", "rss", "database", "threads")] == ["us", "B", "B", ""]
    assert len(blocks_of(DriftLimit("threads", 1), Runs(40)).values) == 0


def test_a_limit_of_what_nobody_tells_is_refused():
    """A misspelled series, or the memory of a server that is not ours, never counts as within its limit."""
    ensure_known([LARGER, SLOWER, DriftLimit("tasks", 1)], own_process=True, gauges=["tasks"])
    with pytest.raises(ConfigurationError, match="growth of rss can't be measured here"):
        ensure_known([LARGER], own_process=False, gauges=[])
    with pytest.raises(ConfigurationError, match="latency_95"):
        ensure_known([DriftLimit("latency_95", 1)], own_process=True, gauges=[])
